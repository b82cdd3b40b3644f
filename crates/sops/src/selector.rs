//! Which leaves of a file are encrypted.

use regex::Regex;

use super::SecretsError;
use weft_base::value::{Map, Origin, Path, Step};

/// The fields of a `sops` section or a rule that choose leaves; at most one may be given.
pub(super) const FIELDS: [&str; 6] = [
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];

/// Chooses leaves by the keys on the way to them: one key that fits decides for all below it.
#[derive(Clone, Debug)]
pub enum Selector {
    /// All but those below a key with this ending; `_unencrypted` where nothing else is said.
    UnencryptedSuffix(String),
    /// Those below a key with this ending.
    EncryptedSuffix(String),
    /// All but those below a key that fits.
    UnencryptedRegex(Regex),
    /// Those below a key that fits.
    EncryptedRegex(Regex),
    /// All but those after a comment that fits.
    UnencryptedComment(Regex),
    /// Those after a comment that fits.
    EncryptedComment(Regex),
}

impl Default for Selector {
    fn default() -> Self {
        Self::UnencryptedSuffix("_unencrypted".to_owned())
    }
}

impl Selector {
    /// The selector with one of the names of [`FIELDS`].
    pub(super) fn new(field: &str, text: &str, origin: &Origin) -> Result<Self, SecretsError> {
        let regex = || {
            Regex::new(text).map_err(|source| SecretsError::Regex {
                field: field.to_owned(),
                origin: origin.clone(),
                source,
            })
        };
        Ok(match field {
            "encrypted_suffix" => Self::EncryptedSuffix(text.to_owned()),
            "unencrypted_regex" => Self::UnencryptedRegex(regex()?),
            "encrypted_regex" => Self::EncryptedRegex(regex()?),
            "unencrypted_comment_regex" => Self::UnencryptedComment(regex()?),
            "encrypted_comment_regex" => Self::EncryptedComment(regex()?),
            _ => Self::UnencryptedSuffix(text.to_owned()),
        })
    }

    /// The selector of the given fields, of which at most one is not empty.
    pub(super) fn of(fields: &[(&'static str, &str, Origin)], default: &Origin) -> Result<Self, SecretsError> {
        match fields {
            [] => Ok(Self::default()),
            [(field, text, origin)] => Self::new(field, text, origin),
            [.., (_, _, origin)] => Err(SecretsError::Selectors {
                fields: fields.iter().map(|(field, ..)| *field).collect(),
                origin: if origin.mark.line == 0 { default.clone() } else { origin.clone() },
            }),
        }
    }

    /// Whether the leaf at a path is encrypted. Where comments decide, this is the answer without any comment.
    pub(super) fn encrypts(&self, path: &Path) -> bool {
        let any = |fits: &dyn Fn(&str) -> bool| keys(path).any(fits);
        match self {
            Self::UnencryptedSuffix(suffix) => !any(&|key| key.ends_with(suffix)),
            Self::EncryptedSuffix(suffix) => any(&|key| key.ends_with(suffix)),
            Self::UnencryptedRegex(regex) => !any(&|key| regex.is_match(key)),
            Self::EncryptedRegex(regex) => any(&|key| regex.is_match(key)),
            Self::UnencryptedComment(_) => true,
            Self::EncryptedComment(_) => false,
        }
    }

    /// The field to write, with its text.
    pub(super) fn field(&self) -> (&'static str, &str) {
        match self {
            Self::UnencryptedSuffix(it) => (FIELDS[0], it),
            Self::EncryptedSuffix(it) => (FIELDS[1], it),
            Self::UnencryptedRegex(it) => (FIELDS[2], it.as_str()),
            Self::EncryptedRegex(it) => (FIELDS[3], it.as_str()),
            Self::UnencryptedComment(it) => (FIELDS[4], it.as_str()),
            Self::EncryptedComment(it) => (FIELDS[5], it.as_str()),
        }
    }

    /// The expression that comments are held against, where comments decide.
    pub(super) fn comments(&self) -> Option<&Regex> {
        match self {
            Self::UnencryptedComment(regex) | Self::EncryptedComment(regex) => Some(regex),
            _ => None,
        }
    }
}

/// The selector fields of a map that are set.
pub(super) fn set(map: &Map) -> Vec<(&'static str, &str, Origin)> {
    let given = |field| map.get(field).and_then(|v| Some((field, v.as_str()?, v.origin.clone())));
    FIELDS.into_iter().filter_map(given).filter(|(_, text, _)| !text.is_empty()).collect()
}

/// What an encrypted leaf is bound to: the keys on the way to it, each followed by a colon. Places in lists do not count.
pub(super) fn bound(path: &Path) -> String {
    let joined: Vec<&str> = keys(path).collect();
    format!("{}:", joined.join(":"))
}

fn keys(path: &Path) -> impl Iterator<Item = &str> {
    path.0.iter().filter_map(|step| match step {
        Step::Field(key) => Some(key.as_str()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_on_the_way_decides() {
        let path = Path::of_fields(["db_unencrypted", "hosts"]).index(0);
        assert!(!Selector::default().encrypts(&path));
        assert!(Selector::default().encrypts(&Path::of_fields(["db", "hosts"])));
        let regex = Selector::new("encrypted_regex", "^(password|token)$", &Origin::default()).unwrap();
        assert!(regex.encrypts(&Path::of_fields(["password", "a"])));
        assert!(!regex.encrypts(&Path::of_fields(["passwords"])));
        assert_eq!(bound(&path), "db_unencrypted:hosts:");
        assert_eq!(bound(&Path::root()), ":");
    }
}
