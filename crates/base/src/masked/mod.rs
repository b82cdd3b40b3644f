//! Secrets as a type: what is in a [`Masked`] prints as a mask, and is wiped when it is dropped.
//!
//! Outputs tell secrets apart by [`Fingerprint`]s, which are HMACs: without the key a short secret cannot be guessed
//! from its fingerprint. A [`Sketch`] adds how long a secret is and what it looks like. Texts that come from elsewhere (a server's message may echo a value) go through a
//! [`Redactor`].

mod fingerprint;
mod needles;
mod redactor;
mod sketch;

use std::cmp::Ordering;
use std::fmt;

use zeroize::Zeroize;

pub use self::fingerprint::{Fingerprint, FingerprintKey};
pub use self::redactor::{Redactor, SecretFinder};
pub use self::sketch::Sketch;

/// What stands in every output instead of a secret.
pub const MASK: &str = "(masked)";

/// A secret. It has no way to be printed; [`Masked::expose`] is for the few modules that a test lists.
#[derive(Clone, Default)]
pub struct Masked<T: Zeroize>(Box<T>);

impl<T: Zeroize> Masked<T> {
    /// Takes a secret behind the mask.
    pub fn new(secret: T) -> Self {
        Self(Box::new(secret))
    }

    /// The secret itself. Each module that calls this is listed, with its reason, in the test of exposures.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + PartialEq> Masked<T> {
    /// Whether the secret equals a value that is not masked.
    pub fn is(&self, other: &T) -> bool {
        *self.0 == *other
    }
}

impl<T: Zeroize + Ord> Masked<T> {
    /// Where the secret stands beside a value that is not masked.
    pub fn order(&self, other: &T) -> Ordering {
        (*self.0).cmp(other)
    }
}

impl<T: Zeroize> Drop for Masked<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize + PartialEq> PartialEq for Masked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Zeroize + Eq> Eq for Masked<T> {}

impl<T: Zeroize + Ord> PartialOrd for Masked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Zeroize + Ord> Ord for Masked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<T: Zeroize> fmt::Display for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T: Zeroize> fmt::Debug for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}
