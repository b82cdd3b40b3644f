//! One verb, one file: its arguments and one function.
