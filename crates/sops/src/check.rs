//! Whether encrypted files are as the rules want them, as far as it can be told with the keys at hand.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::cipher::Sealed;
use super::selector::Selector;
use super::{
    AgeError, File, Identities, Outline, Readers, Rule, Rules, SecretsError, is_encrypted, is_whole, plain_bytes,
};
use weft_base::diagnostic::Diagnose as _;
use weft_base::value::{Data, Mark, Origin, Path, Step, Value};

/// What a check says of one file.
#[derive(Debug)]
pub struct Checked {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// The keys that it is encrypted to, as they are written.
    pub readers: Vec<String>,
    /// Whether age encrypted it as a whole, so that it does not tell who can read it.
    pub whole: bool,
    /// Whether all of it was decrypted, and its code fits.
    pub opened: bool,
    /// Whether no key for it is at hand, so that its values and its code were not checked.
    pub closed: bool,
}

/// Something that is wrong. It tells no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
    /// What.
    pub fault: Fault,
}

/// What can be wrong with a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A rule is for the file, and it is not encrypted.
    Plain,
    /// The value at this path is to be encrypted, and is not.
    PlainValue(Path),
    /// The rule names these keys, and the file is not encrypted to them.
    Missing(Vec<String>),
    /// The file is encrypted to these keys, and the rule does not name them.
    Extra(Vec<String>),
    /// Other keys are needed together than the rule says.
    Groups,
    /// The file is encrypted, and no rule is for it.
    NoRule,
    /// The file cannot be understood, or was changed after it was encrypted.
    Damaged(String),
    /// No file is for this rule.
    UnusedRule(String),
    /// A rule names this key, and no file is encrypted to it.
    UnusedKey(String),
}

impl Fault {
    /// A name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Plain => "plain-file",
            Self::PlainValue(_) => "plain-value",
            Self::Missing(_) => "missing-readers",
            Self::Extra(_) => "extra-readers",
            Self::Groups => "key-groups",
            Self::NoRule => "no-rule",
            Self::Damaged(_) => "damaged",
            Self::UnusedRule(_) => "unused-rule",
            Self::UnusedKey(_) => "unused-key",
        }
    }

    /// What to do about it in a file.
    pub fn hint(&self, file: &str) -> Option<String> {
        Some(match self {
            Self::Plain => format!(
                "Encrypt it with `weft secrets encrypt --in-place {file}`. If it was ever committed as it is, replace the secrets in it."
            ),
            Self::PlainValue(_) => {
                format!("Set it anew with `weft secrets edit {file}`, and replace the secret if it was ever committed.")
            }
            Self::Missing(_) | Self::Extra(_) | Self::Groups => {
                format!("Bring it to the rule with `weft secrets rotate {file}`.")
            }
            Self::NoRule => format!("Add a rule with a `path_regex` that fits `{file}`."),
            Self::Damaged(_) => return None,
            Self::UnusedRule(_) | Self::UnusedKey(_) => {
                format!("Take it out of `{file}` unless a file is still to come.")
            }
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("the file is not encrypted"),
            Self::PlainValue(path) => write!(f, "the value at `{path}` is not encrypted"),
            Self::Missing(keys) => write!(f, "not encrypted to {}, which the rule names", keys.join(", ")),
            Self::Extra(keys) => write!(f, "encrypted to {}, which the rule does not name", keys.join(", ")),
            Self::Groups => f.write_str("other keys are needed together than the rule says"),
            Self::NoRule => f.write_str("no rule is for the file"),
            Self::Damaged(message) => f.write_str(message),
            Self::UnusedRule(regex) => write!(f, "no file is for the rule `{regex}`"),
            Self::UnusedKey(key) => write!(f, "no file is encrypted to {key}, which a rule names"),
        }
    }
}

/// Whether a check is about a file: it means to be encrypted, or a rule that names paths is for it.
pub fn is_covered(path: &str, bytes: &[u8], rules: Option<&Rules>) -> bool {
    let empty = bytes.trim_ascii().is_empty();
    is_encrypted(bytes)
        || (!empty && rules.is_some_and(|rules| rules.position(path).and_then(|at| rules.pattern(at)).is_some()))
}

/// Checks one file. Without a key for it, all is checked but whether its values open and fit its code. An error is one
/// of the rules.
pub fn check(
    bytes: &[u8],
    file: &str,
    rules: Option<&Rules>,
    identities: &Identities,
) -> Result<Checked, SecretsError> {
    let name = Arc::new(file.to_owned());
    let whole = Origin::new(&name, Mark::default());
    let rule = match rules.map(|rules| rules.rule_for(file)) {
        Some(Ok(rule)) => Some(rule),
        Some(Err(SecretsError::NoRule { .. })) | None => None,
        Some(Err(error)) => return Err(error),
    };
    let mut checked = Checked {
        file: file.to_owned(),
        problems: Vec::new(),
        readers: Vec::new(),
        whole: false,
        opened: false,
        closed: false,
    };
    if !is_encrypted(bytes) {
        checked.note(&whole, Fault::Plain);
        return Ok(checked);
    }
    if rule.is_none() {
        checked.note(&whole, Fault::NoRule);
    }
    checked.whole = is_whole(bytes);
    if checked.whole {
        checked.open(plain_bytes(bytes, &name, identities).map(drop), &whole);
        return Ok(checked);
    }
    let outline = match Outline::read(bytes, &name) {
        Ok(outline) => outline,
        Err(error) => {
            checked.damaged(&error, &whole);
            return Ok(checked);
        }
    };
    checked.readers = named(&outline.readers);
    if let Some(rule) = &rule {
        checked.readers_of(rule, &outline.readers, &whole);
    }
    let selectors = [Some(&outline.selector), rule.as_ref().map(|rule| &rule.selector)];
    plain_leaves(&outline.value, &selectors.into_iter().flatten().collect::<Vec<_>>(), &mut checked.problems);
    checked.open(File::open(bytes, &name, identities).map(drop), &whole);
    Ok(checked)
}

/// What is wrong with the rules themselves, given all files that they are for; `file` is the file of the rules.
pub fn check_rules(rules: &Rules, file: &str, files: &[Checked]) -> Result<Vec<Problem>, SecretsError> {
    let used: BTreeSet<&str> = files.iter().flat_map(|file| file.readers.iter().map(String::as_str)).collect();
    let covered: BTreeSet<usize> = files.iter().filter_map(|file| rules.position(&file.file)).collect();
    let whole: BTreeSet<_> = files.iter().filter(|it| it.whole).filter_map(|it| rules.position(&it.file)).collect();
    let mut faults = Vec::new();
    let mut told = BTreeSet::new();
    for at in 0..rules.len() {
        let pattern = rules.pattern(at).unwrap_or("(any path)");
        if !covered.contains(&at) {
            faults.push(Fault::UnusedRule(pattern.to_owned()));
        }
        if whole.contains(&at) {
            continue;
        }
        let keys = named(&rules.at(at, pattern)?.readers).into_iter();
        let unused = keys.filter(|key| !used.contains(key.as_str()) && told.insert(key.clone()));
        faults.extend(unused.map(Fault::UnusedKey));
    }
    let origin = Origin::new(&Arc::new(file.to_owned()), Mark::default());
    Ok(faults.into_iter().map(|fault| Problem { origin: origin.clone(), fault }).collect())
}

impl Checked {
    fn note(&mut self, origin: &Origin, fault: Fault) {
        self.problems.push(Problem { origin: origin.clone(), fault });
    }

    fn damaged(&mut self, error: &SecretsError, whole: &Origin) {
        let fault = Fault::Damaged(error.to_string());
        self.note(error.origin().unwrap_or(whole), fault);
    }

    fn readers_of(&mut self, rule: &Rule, readers: &Readers, whole: &Origin) {
        let wanted = named(&rule.readers);
        let there = named(readers);
        let without = |keys: &[String], others: &[String]| -> Vec<String> {
            keys.iter().filter(|key| !others.contains(key)).cloned().collect()
        };
        let missing = without(&wanted, &there);
        let extra = without(&there, &wanted);
        if missing.is_empty() && extra.is_empty() && !same_groups(&rule.readers, readers) {
            self.note(whole, Fault::Groups);
        }
        if !missing.is_empty() {
            self.note(whole, Fault::Missing(missing));
        }
        if !extra.is_empty() {
            self.note(whole, Fault::Extra(extra));
        }
    }

    /// Notes how the file was opened, where a key is at hand.
    fn open(&mut self, opened: Result<(), SecretsError>, whole: &Origin) {
        match opened {
            Ok(()) => self.opened = true,
            Err(error) if lacks_key(&error) => self.closed = true,
            // Plain values are told already.
            Err(SecretsError::PlainLeaf { .. }) if !self.problems.is_empty() => {}
            Err(error) => self.damaged(&error, whole),
        }
    }
}

/// Whether a file cannot be opened because no key for it is at hand, whatever is in it.
pub fn lacks_key(error: &SecretsError) -> bool {
    match error {
        SecretsError::NoIdentity { .. }
        | SecretsError::WrongIdentity { .. }
        | SecretsError::NoAge { .. }
        | SecretsError::Groups { .. }
        | SecretsError::Unusable { .. } => true,
        SecretsError::Whole { source, .. } => {
            matches!(source, AgeError::NoMatch { .. } | AgeError::Key { .. } | AgeError::Passphrase { .. })
        }
        _ => false,
    }
}

/// The keys of all groups, in order, as they are written.
pub fn named(readers: &Readers) -> Vec<String> {
    let recipients = readers.recipients().map(ToString::to_string);
    recipients.chain(readers.others().map(ToString::to_string)).collect()
}

fn same_groups(one: &Readers, two: &Readers) -> bool {
    let sets = |readers: &Readers| {
        let group = |group: &super::Group| named(&Readers { groups: vec![group.clone()], threshold: None });
        readers.groups.iter().map(|it| group(it).into_iter().collect::<BTreeSet<_>>()).collect::<Vec<_>>()
    };
    let needed = |readers: &Readers| readers.threshold.unwrap_or(readers.groups.len());
    sets(one) == sets(two) && (one.groups.len() < 2 || needed(one) == needed(two))
}

/// Notes the leaves that a selector wants encrypted and that are not.
fn plain_leaves(root: &Value, selectors: &[&Selector], problems: &mut Vec<Problem>) {
    fn walk(node: &Value, path: &mut Path, selectors: &[&Selector], problems: &mut Vec<Problem>) {
        match &node.data {
            Data::Map(map) => map.iter().for_each(|entry| {
                path.0.push(Step::Field(entry.key.clone()));
                walk(&entry.value, path, selectors, problems);
                path.0.pop();
            }),
            Data::List(items) => items.iter().enumerate().for_each(|(at, item)| {
                path.0.push(Step::Index(at));
                walk(item, path, selectors, problems);
                path.0.pop();
            }),
            Data::Null => {}
            Data::Text(text) if text.is_empty() || Sealed::is_meant(text) => {}
            _ if selectors.iter().any(|it| it.comments().is_none() && it.encrypts(path)) => {
                problems.push(Problem { origin: node.origin.clone(), fault: Fault::PlainValue(path.clone()) });
            }
            _ => {}
        }
    }
    walk(root, &mut Path::root(), selectors, problems);
}
