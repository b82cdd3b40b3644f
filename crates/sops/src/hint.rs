//! What to do about encrypted files, keys and rules that are wrong.

use super::{AgeError, SecretsError};
use weft_base::diagnostic::Diagnose as _;

/// The next step after an error.
pub(super) fn of(error: &SecretsError) -> Option<String> {
    let file = error.origin().and_then(|o| o.file.as_deref()).map_or("FILE", String::as_str);
    Some(match error {
        SecretsError::Yaml { hint, .. } => return hint.clone(),
        SecretsError::File(error) => return error.hint(),
        SecretsError::Missing { path, .. } => {
            format!("Write `{path}` and encrypt it with `weft secrets encrypt --in-place {path}`, or correct the name.")
        }
        SecretsError::NotMap { .. } => "Write `key: value` pairs at the top of the file.".into(),
        SecretsError::Unencrypted { file, .. } => format!(
            "Encrypt it with `weft secrets encrypt --in-place {file}`. If it was ever committed as it is, replace the secrets in it."
        ),
        SecretsError::Encrypted { .. } => format!("Change it with `weft secrets edit {file}`."),
        SecretsError::Section { .. } | SecretsError::DataKey { .. } => {
            format!("Restore the `sops` section of `{file}` from git.")
        }
        SecretsError::Groups { missing, tried, .. } => format!(
            "Tried: {}. Missing is a key of {}.",
            if tried.is_empty() { "no key".to_owned() } else { tried.join(", ") },
            missing.join("; of ")
        ),
        SecretsError::Indent { .. } => "Write a number of spaces; -1 is a tab in JSON.".into(),
        SecretsError::Threshold { .. } => "Write a `shamir_threshold` from 2 up to the number of groups.".into(),
        SecretsError::EmptyGroup { .. } => "Give each group a key, or take the group out of the rule.".into(),
        SecretsError::NotText { .. } => "Write the key in letters, digits and `_`, and a text as its value.".into(),
        SecretsError::NotUtf8 { .. } => {
            "Write it in UTF-8, or give it a name that says no format, such as `.bin`.".into()
        }
        SecretsError::Ini { .. } => "Write the settings as YAML, JSON or `KEY=value` lines in a file `.env`.".into(),
        SecretsError::Documents { .. } => "Put each document into a file of its own.".into(),
        SecretsError::Whole { looked, source, .. } => match source {
            AgeError::NoMatch { .. } => not_found(looked),
            other => return other.hint().map(str::to_owned),
        },
        SecretsError::WholeFile { file } => {
            let bare = file.strip_suffix(".age").unwrap_or(file);
            format!("Decrypt it into `{bare}`, and encrypt that with `weft secrets encrypt --in-place {bare}`.")
        }
        SecretsError::NoAge { keys, .. } if keys.iter().any(|key| key.starts_with("pgp ")) => {
            format!("Move it to age keys with `weft secrets rotate --from-pgp {file}`, which asks `gpg` to open it.")
        }
        SecretsError::NoAge { .. } => format!("Add an age key with `sops rotate --in-place --add-age KEY {file}`."),
        SecretsError::NoIdentity { looked, .. } => not_found(looked),
        SecretsError::WrongIdentity { tried, .. } => format!(
            "Tried: {}. Ask a holder of one of the file's keys to add yours, or pass the right key with `--identity FILE`.",
            tried.join(", ")
        ),
        SecretsError::PlainLeaf { .. } => {
            format!("Restore the file from git and set the value with `weft secrets edit {file}`.")
        }
        SecretsError::Tampered { .. } | SecretsError::WrongKind { .. } | SecretsError::Mac { .. } => format!(
            "Restore `{file}` from git and make the change with `weft secrets edit {file}`; encrypted values are bound to their keys."
        ),
        SecretsError::Comment { .. } => "Restore the comment from git, or delete it.".into(),
        SecretsError::TooLarge { .. } => "Put the number in quotes.".into(),
        SecretsError::TooLong { .. } => "Keep it in a file of its own outside of the values.".into(),
        SecretsError::NoRecipient { file } => {
            format!("Add a rule for `{file}` to `.sops.yaml`, or pass a public key with `--recipient KEY`.")
        }
        SecretsError::Foreign { .. } => "Take the key out of the file's readers, or change them with sops.".into(),
        SecretsError::NoDataKey => "The file is damaged, or was not written by sops.".into(),
        SecretsError::NoPlace { .. } => "A new value can stand under a key of a map, or at the end of a list.".into(),
        SecretsError::Wrap { .. } | SecretsError::Random(_) => return None,
        SecretsError::Unusable { source, .. } => return source.hint().map(str::to_owned),
        SecretsError::Identity { what, .. } => what.hint().into(),
        SecretsError::Recipient { .. } => {
            "A public key is `age1...` with 62 characters, `ssh-ed25519 ...`, `ssh-rsa ...`, or that of a plugin."
                .into()
        }
        SecretsError::Regex { .. } => "Correct the expression.".into(),
        SecretsError::Selectors { .. } => "Keep one of them.".into(),
        SecretsError::NoRule { rules, path } => {
            format!("Add a rule with a `path_regex` that fits `{path}` to `{rules}`, or pass `--recipient KEY`.")
        }
    })
}

fn not_found(looked: &[String]) -> String {
    let places: Vec<String> = looked.iter().map(|place| format!("\n- {place}")).collect();
    format!(
        "Get the private half of one of these keys and put it in one of the places that were looked at:{}",
        places.concat()
    )
}
