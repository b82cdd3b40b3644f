//! What lives in a namespace -> plain manifests, and a chart of its Secrets.

use std::collections::BTreeMap;

use super::draft::Drafting;
use super::entry::{Release, listed};
use super::names::label;
use super::{Draft, Encryption, ImportError, Repository, Rules};
use weft_base::value::{Data, Map, Value};
use weft_base::yaml;

/// Fields of `metadata` that the server sets.
const SERVERS: [&str; 9] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
    "ownerReferences",
];
/// Annotations that controllers and tools write for themselves.
const MARKS: [&str; 8] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "meta.helm.sh/release-name",
];
/// Fields by kind that the server fills in for one object alone.
const GIVEN: [(&str, &[&str]); 9] = [
    ("Service", &["spec", "clusterIP"]),
    ("Service", &["spec", "clusterIPs"]),
    ("PersistentVolumeClaim", &["spec", "volumeName"]),
    ("Pod", &["spec", "nodeName"]),
    ("ServiceAccount", &["secrets"]),
    ("Job", &["spec", "selector"]),
    ("Job", &["spec", "template", "metadata", "labels"]),
    ("Deployment", &["spec", "template", "metadata", "creationTimestamp"]),
    ("StatefulSet", &["spec", "template", "metadata", "creationTimestamp"]),
];
/// Kinds that programs write while they run.
const RUNTIME: [&str; 3] = ["Lease", "ControllerRevision", "PodMetrics"];
/// Types of Secrets that others make.
const OTHERS: [(&str, &str); 3] = [
    ("kubernetes.io/service-account-token", "the cluster makes it"),
    ("helm.sh/release.v1", "it is a record of Helm: use `weft import helm`"),
    ("bootstrap.kubernetes.io/token", "the cluster makes it"),
];
/// The template of the Secrets: their values are in an encrypted file.
const TEMPLATE: &str = include_str!("secrets.yaml.j2");

/// A namespace, and where its objects go.
#[derive(Clone, Debug)]
pub struct Namespace<'a> {
    /// Its name.
    pub name: &'a str,
    /// The environment that gets them.
    pub environment: &'a str,
    /// The context of the cluster, for a new environment.
    pub context: Option<&'a str>,
}

/// Makes a release of the objects of a namespace, without what the server adds, and one of its Secrets.
pub fn namespace<'o>(
    repository: &Repository,
    wanted: &Namespace<'_>,
    objects: impl IntoIterator<Item = &'o Value>,
    rules: &Rules,
    encryption: Encryption<'_>,
) -> Result<Draft, ImportError> {
    let mut draft = Drafting::new(repository.project(), rules, encryption);
    let mut objects = objects.into_iter().peekable();
    if objects.peek().is_none() {
        return Err(ImportError::EmptyNamespace { namespace: wanted.name.to_owned() });
    }
    let release = label(wanted.name);
    let mut secrets = BTreeMap::new();
    let mut plain = 0;
    for object in objects {
        match sorted(object) {
            ImportKind::Plain(path, body) => {
                plain += 1;
                draft.add(format!("manifests/{release}/{path}"), yaml::write(&body));
            }
            ImportKind::Secret(name, body) => drop(secrets.insert(name, body)),
            ImportKind::Other(sentence) => draft.note(sentence),
        }
    }
    let mut entries = Vec::new();
    if plain > 0 {
        let source = format!("  manifests: manifests/{release}\n");
        entries.push(Release::new(&release, wanted.name).with(&source));
    }
    if let Some(name) = write_secrets(wanted, &mut draft, &release, secrets)? {
        let source = format!("  chart: {name}\n{}", listed("secrets", &[format!("{name}.yaml")]));
        entries.push(Release::new(&name, wanted.name).with(&source));
    }
    draft.environment(wanted.environment, wanted.context, &entries)?;
    Ok(draft.finish())
}

/// What becomes of an object.
enum ImportKind {
    /// A manifest, with its path.
    Plain(String, Value),
    /// A Secret, by its name.
    Secret(String, Value),
    /// It is left out, and this is said.
    Other(String),
}

fn sorted(object: &Value) -> ImportKind {
    let text = |keys: &[&str]| object.dig(keys).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = text(&["kind"]);
    let name = text(&["metadata", "name"]);
    if RUNTIME.contains(&kind.as_str()) {
        return ImportKind::Other(format!("{kind} `{name}` is left out: programs write it while they run."));
    }
    let body = cleaned(object.clone(), &kind);
    if kind != "Secret" {
        return ImportKind::Plain(format!("{}-{}.yaml", kind.to_lowercase(), label(&name)), body);
    }
    let of = text(&["type"]);
    match OTHERS.iter().find(|(other, _)| *other == of) {
        Some((_, why)) => ImportKind::Other(format!("Secret `{name}` is left out: {why}.")),
        None => ImportKind::Secret(name, body),
    }
}

/// An object without what the server and others add to it.
fn cleaned(mut object: Value, kind: &str) -> Value {
    for (of, path) in GIVEN {
        // A Service without an address says so.
        let is_headless = object.dig(&["spec", "clusterIP"]).and_then(Value::as_str) == Some("None");
        if of == kind && !(kind == "Service" && is_headless) {
            remove(&mut object, path);
        }
    }
    if let Some(map) = object.as_map_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_map_mut) {
            metadata.retain(|entry| !SERVERS.contains(&entry.key.as_str()));
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_map_mut) {
                annotations
                    .retain(|entry| !MARKS.contains(&entry.key.as_str()) && !entry.key.starts_with("meta.helm.sh/"));
                if annotations.is_empty() {
                    metadata.remove("annotations");
                }
            }
        }
    }
    object
}

fn remove(object: &mut Value, path: &[&str]) {
    let Some((last, above)) = path.split_last() else { return };
    let node = above.iter().try_fold(object, |node, key| node.as_map_mut()?.get_mut(key));
    if let Some(map) = node.and_then(Value::as_map_mut) {
        map.remove(last);
    }
}

/// Writes the Secrets as a chart whose values are encrypted. Gives the name of its release, if there is one.
fn write_secrets(
    wanted: &Namespace<'_>,
    draft: &mut Drafting<'_, '_>,
    release: &str,
    secrets: BTreeMap<String, Value>,
) -> Result<Option<String>, ImportError> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let name = format!("{release}-secrets");
    let mut shapes = Map::new();
    let mut data = Map::new();
    let mut named = Vec::new();
    for (secret, mut body) in secrets {
        named.push(format!("`{secret}`"));
        let Some(map) = body.as_map_mut() else { continue };
        let content = map.remove("data").unwrap_or_else(|| Map::new().into());
        let mut shape = Map::new();
        shape.insert("type", map.remove("type").unwrap_or_else(|| "Opaque".into()));
        for key in ["labels", "annotations"] {
            let value = map.get("metadata").and_then(|it| it.get(key)).cloned();
            shape.insert(key, value.unwrap_or_else(|| Map::new().into()));
        }
        shape.insert("immutable", map.remove("immutable").unwrap_or_else(|| Value::from(Data::Bool(false))));
        shapes.insert(secret.as_str(), shape);
        data.insert(secret.as_str(), content);
    }
    let mut values = Map::new();
    values.insert("data", data);
    if !draft.secret(&format!("secrets/{}/{name}.yaml", wanted.environment), &values.into(), named)? {
        return Ok(None);
    }
    let mut defaults = Map::new();
    defaults.insert("secrets", shapes);
    defaults.insert("data", Map::new());
    draft.add(format!("charts/{name}/Chart.yaml"), format!("name: {name}\nversion: 0.1.0\n"));
    draft.add(format!("charts/{name}/values.yaml"), yaml::write(&defaults.into()));
    draft.add(format!("charts/{name}/templates/secrets.yaml.j2"), TEMPLATE);
    Ok(Some(name))
}
