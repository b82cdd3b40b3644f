//! Documents in the SOPS layout: decrypted and encrypted with keys that are handed in.
