//! Finds age identities: files, the environment of the process, the user's own.
