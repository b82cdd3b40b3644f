//! The fields of built-in kinds that the server fills in where nobody wants them.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::places::lookup;
use crate::manifest::pod_specs;
use weft_base::value::{Map, Path, Step, Value};
use weft_schema::{GroupKind, Type, rows};

const TABLE: &str = include_str!("defaulted.tsv");
const CONSTANTS: &str = include_str!("constants.tsv");
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const HOOKS: [&str; 2] = ["lifecycle.postStart", "lifecycle.preStop"];

static FIELDS: LazyLock<HashMap<&str, HashSet<String>>> = LazyLock::new(|| {
    let mut all: HashMap<&str, HashSet<String>> = HashMap::new();
    for [owner, field] in rows::<2>(TABLE) {
        for (kind, field) in places(owner, field) {
            all.entry(kind).or_default().insert(field);
        }
    }
    all
});

/// By kind and the path of what holds them, keys with their values.
type Values = HashMap<(String, String), Vec<(String, Value)>>;

static VALUES: LazyLock<Values> = LazyLock::new(|| {
    let mut all = Values::new();
    for [owner, field, value] in rows::<3>(CONSTANTS) {
        let value: Value = serde_json::from_str(value).unwrap_or_default();
        for (kind, field) in places(owner, field) {
            let (holder, key) = field.rsplit_once('.').unwrap_or(("", &field));
            all.entry((kind.to_owned(), holder.to_owned())).or_default().push((key.to_owned(), value.clone()));
        }
    }
    all
});

/// What the server fills in below a map that is there, where that depends on nothing else.
pub fn constants(kind: &GroupKind, holder: &Path) -> &'static [(String, Value)] {
    let holder = names(holder).collect::<Vec<_>>().join(".");
    VALUES.get(&(kind.to_string(), holder)).map_or(&[], Vec::as_slice)
}

/// What the server fills in from other fields beside it: the policy by the tag of an image, the port of a Service's
/// pods, the account by its older name.
pub fn derived(beside: &Map, declares: impl Fn(&str) -> bool) -> Vec<(&'static str, Value)> {
    let from =
        |key: &str, field: &'static str| beside.get(key).filter(|_| declares(field)).map(|it| (field, it.clone()));
    let policy = beside.get("image").and_then(Value::as_str).filter(|_| declares("imagePullPolicy"));
    let policy = policy.map(|image| ("imagePullPolicy", pull_policy(image).into()));
    [policy, from("port", "targetPort"), from("serviceAccount", "serviceAccountName")].into_iter().flatten().collect()
}

/// An image without a tag and a digest is the latest, which is always pulled.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    match name.rsplit('/').next().and_then(|last| last.split_once(':')) {
        Some((_, "latest")) => "Always",
        None if !digest => "Always",
        _ => "IfNotPresent",
    }
}

/// The fields that a row stands for: those of every kind that holds a pod, of each sort of its containers, and so on.
fn places(owner: &'static str, field: &str) -> Vec<(&'static str, String)> {
    let within = |owner, parts: &[&str]| -> Vec<_> {
        parts.iter().flat_map(|part| places(owner, &format!("{part}.{field}"))).collect()
    };
    match owner {
        "pod" => pod_specs().map(|[kind, root]| (kind, format!("{root}.{field}"))).collect(),
        "container" => within("pod", &CONTAINERS),
        "probe" => within("container", &PROBES),
        "hook" => within("container", &[PROBES.as_slice(), HOOKS.as_slice()].concat()),
        kind => vec![(kind, field.to_owned())],
    }
}

/// Whether the server may fill in a field of `object` that is not there: the field has a default, and what holds it is
/// there or has one too.
pub fn fills_in(kind: &GroupKind, path: &Path, object: &Value, shape: Option<Type<'_>>) -> bool {
    let Some(fields) = FIELDS.get(kind.to_string().as_str()) else { return false };
    let Some((_, above)) = path.0.split_last() else { return false };
    let above = Path(above.to_vec());
    is_among(fields, path) && (lookup(object, &above, shape).is_some() || fills_in(kind, &above, object, shape))
}

/// Whether the server may fill in something below a path.
pub fn fills_in_below(kind: &GroupKind, path: &Path) -> bool {
    let holder = names(path).chain([""]).collect::<Vec<_>>().join(".");
    FIELDS.get(kind.to_string().as_str()).is_some_and(|fields| fields.iter().any(|field| field.starts_with(&holder)))
}

fn is_among(fields: &HashSet<String>, path: &Path) -> bool {
    let names: Vec<&str> = names(path).collect();
    let Some((last, above)) = names.split_last() else { return false };
    let with = |last: &str| above.iter().copied().chain([last]).collect::<Vec<_>>().join(".");
    matches!(path.0.last(), Some(Step::Field(_))) && (fields.contains(&with(last)) || fields.contains(&with("*")))
}

/// The names of the fields on the way; lists leave no trace.
fn names(path: &Path) -> impl Iterator<Item = &str> {
    path.0.iter().filter_map(|step| match step {
        Step::Field(name) => Some(name.as_str()),
        Step::Item(_) | Step::Member(_) | Step::Index(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_schema::{Gvk, builtin, builtin_schemas};

    #[test]
    fn every_field_is_one_of_its_kind() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows::<2>(TABLE).count(), lines);
        for (kind, fields) in FIELDS.iter() {
            let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
            let kind = GroupKind { group: group.to_owned(), kind: kind.to_owned() };
            let gvk: Gvk = builtin().versions(&kind).first().unwrap_or_else(|| panic!("no kind {kind}")).gvk.clone();
            for field in fields
                .iter()
                .filter(|field| !field.starts_with("metadata.labels.") && !field.starts_with("metadata.annotations."))
            {
                let mut shape = builtin_schemas().of(&gvk);
                for name in field.split('.') {
                    let at = shape.map(|it| it.list().map_or(it, |list| list.item));
                    shape = at.and_then(|it| it.map()?.field(name));
                    assert!(shape.is_some(), "{kind} has no {field}");
                }
            }
        }
    }

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        for image in ["a", "r.example.com:5000/a", "a:latest", "a:latest@sha256:0"] {
            assert_eq!(pull_policy(image), "Always", "{image}");
        }
        for image in ["a:1", "r.example.com:5000/a:1", "a@sha256:0", "a:1@sha256:0"] {
            assert_eq!(pull_policy(image), "IfNotPresent", "{image}");
        }
    }

    #[test]
    fn every_constant_is_one_of_the_fields() {
        let lines = CONSTANTS.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows::<3>(CONSTANTS).count(), lines);
        for ((kind, holder), values) in VALUES.iter() {
            for (key, value) in values {
                let field = format!("{holder}.{key}");
                assert!(FIELDS[kind.as_str()].contains(&field) && !value.is_null(), "{kind} {field}");
            }
        }
    }

    #[test]
    fn a_default_needs_what_holds_it() {
        let kind = GroupKind { group: "apps".into(), kind: "Deployment".into() };
        let body: Value = serde_json::from_str(
            r#"{"spec": {"template": {"spec": {"containers": [{"name": "a", "livenessProbe": {}}, {"name": "b"}]}}}}"#,
        )
        .unwrap();
        let shape = builtin_schemas().of(&Gvk::new("apps/v1", "Deployment"));
        let fills = |path: &Path| fills_in(&kind, path, &body, shape);
        assert!(fills(&Path::of_fields(["spec", "replicas"])));
        assert!(fills(&Path::of_fields(["spec", "strategy", "rollingUpdate", "maxSurge"])));
        assert!(!fills(&Path::of_fields(["spec", "paused"])));
        let containers = Path::of_fields(["spec", "template", "spec", "containers"]);
        let period = |name: &str| {
            let item = containers.then(Step::Item(vec![("name".into(), name.into())]));
            item.field("livenessProbe").field("periodSeconds")
        };
        assert!(fills(&period("a")));
        assert!(!fills(&period("b")) && !fills(&period("c")));
    }
}
