//! Runs a plan: applies, waits, prunes, and tells what happened.
