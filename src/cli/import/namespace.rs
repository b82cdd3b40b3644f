//! `weft import namespace`.

use std::collections::BTreeMap;

use clap::Args;

use super::cluster::connected;
use super::draft::{Draft, DraftArgs, ImportError, head, label, word};
use crate::cli::arguments::ClusterArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, wait};
use crate::diagnostic::Failure;
use crate::value::{Data, Map, Value};
use crate::yaml;

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

/// Make an environment of what lives in a namespace: plain manifests, without what the server adds. Secrets are encrypted.
#[derive(Debug, Args)]
pub(super) struct NamespaceArgs {
    /// The namespace.
    namespace: String,
    /// The environment that gets the release; it is made where it is not there.
    #[arg(long, short = 'e', value_name = "NAME", default_value = "dev")]
    environment: String,
    #[command(flatten)]
    draft: DraftArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(super) fn run(args: &NamespaceArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut draft = Draft::new(&args.draft);
    let cluster = wait(connected(&args.cluster, draft.root()))?;
    let found = wait(async {
        let discovery = cluster.discover().await?;
        cluster.whole_namespace(&args.namespace, &discovery).await
    })?;
    if found.is_empty() {
        let what = format!("nothing lives in the namespace `{}`", args.namespace);
        return Err(ImportError::unfit(what, "Name one that `kubectl get namespaces` shows.").into());
    }
    let release = label(&args.namespace);
    let mut secrets = BTreeMap::new();
    let mut plain = 0;
    for object in &found {
        match sorted(object.body()) {
            Sort::Plain(path, body) => {
                plain += 1;
                draft.add(format!("manifests/{release}/{path}"), yaml::write(&body));
            }
            Sort::Secret(name, body) => drop(secrets.insert(name, body)),
            Sort::Other(sentence) => draft.note(sentence),
        }
    }
    let mut entries = Vec::new();
    let namespace = word(&args.namespace);
    if plain > 0 {
        let entry = format!("- name: {release}\n  namespace: {namespace}\n  manifests: manifests/{release}\n");
        entries.push((release.clone(), entry));
    }
    if let Some(name) = write_secrets(args, &mut draft, &release, secrets)? {
        let entry = format!("- name: {name}\n  namespace: {namespace}\n  chart: {name}\n  secrets: [{name}.yaml]\n");
        entries.push((name, entry));
    }
    draft.environment(&args.environment, &head(args.cluster.context.as_deref()), &entries)?;
    let next = format!("Next: `weft plan {}` shows what is taken over.", args.environment);
    draft.finish(terminal, &next)?;
    Ok(Exit::Done)
}

/// What becomes of an object.
enum Sort {
    /// A manifest, with its path.
    Plain(String, Value),
    /// A Secret, by its name.
    Secret(String, Value),
    /// It is left out, and this is said.
    Other(String),
}

fn sorted(object: &Value) -> Sort {
    let text = |keys: &[&str]| object.dig(keys).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (kind, name) = (text(&["kind"]), text(&["metadata", "name"]));
    if RUNTIME.contains(&kind.as_str()) {
        return Sort::Other(format!("{kind} `{name}` is left out: programs write it while they run."));
    }
    let body = cleaned(object.clone(), &kind);
    if kind != "Secret" {
        return Sort::Plain(format!("{}-{}.yaml", kind.to_lowercase(), label(&name)), body);
    }
    let of = text(&["type"]);
    match OTHERS.iter().find(|(other, _)| *other == of) {
        Some((_, why)) => Sort::Other(format!("Secret `{name}` is left out: {why}.")),
        None => Sort::Secret(name, body),
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

/// Writes the Secrets as a chart whose values are encrypted. Gives the name of its release, where there is one.
fn write_secrets(
    args: &NamespaceArgs,
    draft: &mut Draft<'_>,
    release: &str,
    secrets: BTreeMap<String, Value>,
) -> Result<Option<String>, Failure> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let name = format!("{release}-secrets");
    let (mut shapes, mut data, mut named) = (Map::new(), Map::new(), Vec::new());
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
    if !draft.secret(&format!("secrets/{}/{name}.yaml", args.environment), &values.into(), named)? {
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
