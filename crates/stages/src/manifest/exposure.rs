//! Secret values that templates put where anybody who may read an object reads them.

use super::Object;
use super::lint::named;
use weft_base::masked::{MASK, SecretFinder};
use weft_base::value::{Data, Origin, Path, Step, Value};
use weft_schema::is_builtin_group;

/// A leaf of an object, outside the data of Secrets, in which a secret value of its release can be read.
#[derive(Clone, Debug)]
pub struct Exposure<'o> {
    /// The object.
    pub object: &'o Object,
    /// The leaf. A key that shows a secret is masked.
    pub path: Path,
    /// The rendered line.
    pub origin: Origin,
    /// The paths of the values in the release's values.
    pub values: Vec<Path>,
    /// What sort of place it is.
    pub spot: Spot,
}

/// Where an object shows a secret value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// In the name of a key.
    Key,
    /// In a label.
    Label,
    /// In an annotation.
    Annotation,
    /// In the command or the arguments of a container.
    Argument,
    /// In a variable of a container.
    Variable,
    /// In the data of a ConfigMap.
    ConfigMap,
    /// In another field of a built-in kind.
    Field,
    /// In a field of a custom resource. Its controller may know no other way, and may be the only one that can read it.
    Custom,
}

impl Spot {
    /// Whether it is a mistake whatever the object is for.
    pub fn is_wrong(self) -> bool {
        self != Self::Custom
    }

    /// What to do instead, as a full sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Key => "Keys are printed everywhere: take the key from a value that is no secret.",
            Self::Label => "Labels are for selecting and are shown in every list: leave the secret out.",
            Self::Annotation => "Whoever may read the object reads its annotations: annotate with a checksum instead.",
            Self::Argument => {
                "Arguments stand in the list of processes: set a variable by `valueFrom.secretKeyRef`, and write \
                 `$(NAME)` in the argument."
            }
            Self::Variable => "Put the value into a Secret, and read it by `valueFrom.secretKeyRef`.",
            Self::ConfigMap => "Make the whole object a Secret, or move the value into one.",
            Self::Field => "Put the value into a Secret, and refer to it where the kind can.",
            Self::Custom => "Refer to a Secret if the kind can; otherwise see who may read it.",
        }
    }
}

/// The secret values of a release.
struct ReleaseSecrets {
    /// Where they are in its values.
    paths: Vec<Path>,
    finder: SecretFinder,
}

/// What the objects of a release show; `values` are its merged values.
///
/// Only a value of four characters or more is found: as it is, in a longer text, line by line, quoted, in base64 or
/// in hexadecimal. What is only made from a secret, such as a checksum, is none. Two places may show what they hold: the
/// data of a Secret, and `caBundle`, whose certificates are public.
pub fn exposures<'o>(objects: impl Iterator<Item = &'o Object>, values: &Value) -> Vec<Exposure<'o>> {
    let mut secrets = Vec::new();
    collect(values, &Path::root(), &mut secrets);
    let mut found = Vec::new();
    if secrets.is_empty() {
        return found;
    }
    let finder = SecretFinder::of(secrets.iter().map(|(_, value)| *value));
    let known = ReleaseSecrets { paths: secrets.into_iter().map(|(path, _)| path).collect(), finder };
    for object in objects {
        let mut look = Look { object, known: &known, found: &mut found };
        look.walk(&object.body, &Path::root());
    }
    found
}

fn collect<'v>(value: &'v Value, path: &Path, known: &mut Vec<(Path, &'v Value)>) {
    match &value.data {
        Data::Map(map) => map.iter().for_each(|entry| collect(&entry.value, &path.field(&entry.key), known)),
        Data::List(items) => items.iter().enumerate().for_each(|(at, item)| collect(item, &path.index(at), known)),
        Data::Masked(leaf) if !matches!(leaf.expose(), Data::Bool(_)) => {
            known.push((path.clone(), value));
        }
        _ => {}
    }
}

struct Look<'l, 'o> {
    object: &'o Object,
    known: &'l ReleaseSecrets,
    found: &'l mut Vec<Exposure<'o>>,
}

impl Look<'_, '_> {
    fn walk(&mut self, value: &Value, path: &Path) {
        match &value.data {
            Data::Map(map) => map.iter().for_each(|entry| self.walk(&entry.value, &path.field(&entry.key))),
            Data::List(items) => {
                items.iter().enumerate().for_each(|(at, item)| self.walk(item, &named(path, at, item)));
            }
            Data::Masked(leaf) => self.leaf(leaf.expose(), path, &value.origin),
            _ => {}
        }
    }

    /// Only what has other keys with stand-ins has secrets in its keys, and all of its leaves are masked.
    fn leaf(&mut self, leaf: &Data, path: &Path, origin: &Origin) {
        let in_keys = keys(path).fold(Vec::new(), |all, key| if all.is_empty() { self.read_in(key) } else { all });
        let spot = if in_keys.is_empty() { spot(self.object, path) } else { Some(Spot::Key) };
        let Some(spot) = spot else { return };
        let values = match leaf {
            _ if spot == Spot::Key => in_keys,
            Data::Text(text) => self.read_in(text),
            Data::Int(_) | Data::Uint(_) | Data::Float(_) => self.read_in(&format!("{leaf:?}")),
            _ => Vec::new(),
        };
        if !values.is_empty() {
            let path = Path(path.0.iter().map(|step| self.shown(step)).collect());
            self.found.push(Exposure { object: self.object, path, origin: origin.clone(), values, spot });
        }
    }

    /// The values that can be read in a text.
    fn read_in(&self, text: &str) -> Vec<Path> {
        self.known.finder.read_in(text).into_iter().map(|at| self.known.paths[at].clone()).collect()
    }

    fn shown(&self, step: &Step) -> Step {
        match step {
            Step::Field(key) if !self.read_in(key).is_empty() => Step::Field(MASK.into()),
            other => other.clone(),
        }
    }
}

/// What sort of place a path leads to; `None` where a secret belongs.
fn spot(object: &Object, path: &Path) -> Option<Spot> {
    let keys: Vec<&str> = keys(path).collect();
    let core = object.id.kind.group.is_empty();
    Some(match keys.as_slice() {
        ["metadata", "labels", ..] | [.., "template", "metadata", "labels", _] => Spot::Label,
        ["metadata", "annotations", ..] | [.., "template", "metadata", "annotations", _] => Spot::Annotation,
        ["data" | "stringData", ..] if core && object.id.kind.kind == "Secret" => return None,
        [.., "caBundle"] => return None,
        _ if !is_builtin_group(&object.id.kind.group) => Spot::Custom,
        ["data" | "binaryData", ..] if core && object.id.kind.kind == "ConfigMap" => Spot::ConfigMap,
        [.., "containers" | "initContainers" | "ephemeralContainers", "args" | "command"] | [.., "exec", "command"] => {
            Spot::Argument
        }
        [.., "env", "value"] => Spot::Variable,
        _ => Spot::Field,
    })
}

/// The keys of a path.
fn keys(path: &Path) -> impl Iterator<Item = &str> {
    path.0.iter().filter_map(|step| match step {
        Step::Field(key) => Some(key.as_str()),
        _ => None,
    })
}
