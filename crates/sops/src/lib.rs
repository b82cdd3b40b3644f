#![doc = include_str!("../README.md")]
//!
//! Documents in the SOPS layout: decrypted and encrypted with keys that are handed in.
//!
//! The layout is the one of the Go program `sops` with age recipients: keys stay readable, leaves are encrypted one by
//! one with a data key (`cipher`) and bound to the keys on the way to them, and a code over all values (`mac`)
//! proves that none was added or taken away. Files that either program writes, the other one reads.
//!
//! [`decrypt`] and [`decrypt_file`] give values whose secrets are masked, [`plain`] the whole text. A [`File`] is opened for
//! a change and written; [`encrypt`] and [`edit`] do so in one step. [`keygen`] makes a key, [`rules`](fn@rules) reads
//! `.sops.yaml`, and [`amend`](fn@amend) changes it. [`seal`](fn@seal) and [`open_sealed`] are for values that are kept
//! elsewhere. [`check`](fn@check), [`difference`](fn@difference) and
//! [`merge`](fn@merge) hold contents against rules and against each other.
#![deny(missing_docs)]

mod access;
mod amend;
mod check;
mod cipher;
mod decide;
mod decrypt;
mod difference;
mod encrypt;
mod error;
mod file;
mod format;
mod hint;
mod identity;
mod leaf;
mod mac;
mod masks;
mod merge;
mod merge_files;
mod metadata;
mod outline;
mod place;
mod readers;
mod rules;
mod seal;
mod selector;
mod shamir;
mod store;
mod whole;
mod wrap;

pub use self::access::{Foreign, Group, Readers};
pub use self::amend::{Amendment, amend};
pub use self::check::{Checked, Fault, Problem, check, check_rules, is_covered, lacks_key, named};
pub use self::decrypt::{decrypt, decrypt_file, plain, plain_bytes};
pub use self::difference::{Change, ChangeKind, difference};
pub use self::encrypt::{Random, edit, encrypt};
pub use self::error::SecretsError;
pub use self::file::File;
pub use self::format::Format;
pub use self::identity::{
    AgeError, Asks, Identities, NoKey, Nobody, Recipient, THROWAWAY, is_throwaway, keygen, locked,
};
pub use self::masks::masks;
pub use self::merge::{Clash, Conflict, Merged, merge, merge_sets};
pub use self::merge_files::{MergedFile, merge_files};
pub use self::outline::{Outline, closed, closed_bytes, is_whole};
pub use self::readers::{has_section, is_encrypted, pgp_messages, readers_of};
pub use self::rules::{RULES, Rule, Rules, rules};
pub use self::seal::{open_pairs, open_sealed, seal};
pub use self::selector::Selector;
pub use self::store::Layout;
