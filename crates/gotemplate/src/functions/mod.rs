//! The functions that Helm 4 gives to templates: sprig's and its own, with Go's results, also for odd input.
//!
//! Each file holds the functions of one family as a table, beside what they are made of. What they need from outside
//! (the clock, randomness, live objects) is in the [`Host`] that a run carries.

mod arguments;
mod base;
mod certificates;
mod chance;
mod convert;
mod crypto;
mod dates;
mod decimal;
mod dicts;
mod encoding;
mod engine;
mod equal;
mod host;
mod json;
mod lists;
mod merge;
mod numbers;
pub mod paths;
mod print;
mod random;
mod reflect;
mod regexes;
mod runes;
pub mod semver;
mod semvers;
mod strconv;
mod strings;
mod tomls;
mod urls;
mod words;
mod wrap;
mod yamls;

pub use self::convert::{Numbers, from_document, to_document};
pub use self::dates::Time;
pub use self::host::{Chance, GeneratedText, Host, Live, LookupRequest};
use super::{Function, Functions};

/// The families.
static TABLES: &[&[Function]] = &[
    certificates::FUNCTIONS,
    crypto::FUNCTIONS,
    dates::FUNCTIONS,
    dicts::FUNCTIONS,
    encoding::FUNCTIONS,
    engine::FUNCTIONS,
    json::FUNCTIONS,
    lists::FUNCTIONS,
    numbers::FUNCTIONS,
    paths::FUNCTIONS,
    random::FUNCTIONS,
    reflect::FUNCTIONS,
    regexes::FUNCTIONS,
    semvers::FUNCTIONS,
    strings::FUNCTIONS,
    tomls::FUNCTIONS,
    urls::FUNCTIONS,
    yamls::FUNCTIONS,
];

/// All functions of Helm 4 and of Go. Their runs need a [`Host`].
pub fn all() -> Functions {
    Functions::new(TABLES.iter().copied().flatten())
}
