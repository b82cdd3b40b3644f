//! `releases:`: declarations merged by name, then made into [`Release`]s.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::error::ProjectError;
use super::lineage::EnvironmentFile;
use super::lock::Lock;
use super::own_files;
use super::remote::{self, RemoteChart};
use super::spec::ReleaseSpec;
use super::wait::Waits;
use super::{LoadRestrictor, Prune, Release, ReleaseSource, ValuesLayer, conflicts, exposes, ignore, patches, replace};
use weft_base::diagnostic::Place;
use weft_base::tree::{self, Tree};
use weft_base::value::{Data, Map, Origin, Value};

/// A release as the whole lineage declares it.
pub(super) struct Declared {
    /// The typed fields.
    pub spec: ReleaseSpec,
    /// The same fields as they were written, for their places.
    pub nodes: Map,
    /// Where it was declared last.
    pub origin: Origin,
}

impl Declared {
    /// Whether it is there at all.
    pub fn enabled(&self) -> bool {
        self.spec.enabled.unwrap_or(true)
    }

    /// The items of a list field.
    pub fn items(&self, field: &str) -> &[Value] {
        self.nodes.get(field).and_then(Value::as_list).unwrap_or_default()
    }
}

/// The releases of a lineage in the order of their first declaration.
pub(super) fn declared(tree: &Tree, files: &[EnvironmentFile]) -> Result<Vec<Declared>, ProjectError> {
    let mut all: Vec<Declared> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for file in files {
        let nodes = file.root.get("releases").and_then(Value::as_list).unwrap_or_default();
        let mut seen: HashSet<&str> = HashSet::new();
        for (spec, node) in file.spec.releases.iter().flatten().zip(nodes) {
            label(tree, node.get("name"), "release name")?;
            let place = *places.entry(spec.name.clone()).or_insert(all.len());
            if !seen.insert(&spec.name) {
                return Err(duplicate(tree, &all[place], node));
            }
            let fields = node.as_map().cloned().unwrap_or_default();
            match all.get_mut(place) {
                Some(below) => merge(below, spec.clone(), fields, node.origin.clone()),
                None => all.push(Declared { spec: spec.clone(), nodes: fields, origin: node.origin.clone() }),
            }
        }
    }
    Ok(all)
}

fn duplicate(tree: &Tree, first: &Declared, second: &Value) -> ProjectError {
    ProjectError::Duplicate {
        release: first.spec.name.clone(),
        place: Place::of_node(tree, second.get("name").unwrap_or(second)),
        first: first.origin.clone(),
    }
}

fn merge(below: &mut Declared, spec: ReleaseSpec, fields: Map, origin: Origin) {
    below.spec = spec.over(below.spec.clone());
    for entry in fields.into_iter().filter(|entry| !entry.value.is_null()) {
        below.nodes.insert_entry(entry);
    }
    below.origin = origin;
}

/// What a declaration comes to in an environment.
pub(super) fn build(
    tree: &Tree,
    lineage: &[String],
    waits: &Waits,
    lock: &Lock,
    declared: &Declared,
) -> Result<Release, ProjectError> {
    let spec = &declared.spec;
    let nodes = &declared.nodes;
    let environment = lineage.last().map(String::as_str).unwrap_or_default();
    let (source, source_origin) = source(tree, lock, declared)?;
    let mut values = own_files::of(tree, lineage, &spec.name);
    for item in declared.items("values") {
        values.push(values_entry(tree, &spec.name, item)?);
    }
    let secret = |item: &Value| secret(tree, environment, &spec.name, item);
    let (conflicts, left) = conflicts::rules(tree, spec.conflicts.as_deref(), nodes.get("conflicts"))?;
    let ignore = ignore::rules(tree, spec.ignore.as_deref(), nodes.get("ignore"))?;
    Ok(Release {
        name: spec.name.as_str().into(),
        namespace: namespace(tree, declared)?,
        create_namespace: spec.create_namespace.unwrap_or(true),
        source,
        source_origin,
        load_restrictor: load_restrictor(tree, declared)?,
        needs: spec.needs.clone().unwrap_or_default(),
        labels: spec.labels.clone().unwrap_or_default(),
        when: spec.when.clone().zip(nodes.get("when").map(|node| node.origin.clone())),
        values,
        secrets: declared.items("secrets").iter().map(secret).collect::<Result<_, _>>()?,
        wait: Waits::read(tree, nodes.get("wait"))?.over(waits),
        lookup: spec.lookup.unwrap_or(false),
        rollback: spec.rollback.unwrap_or(false),
        prune: prune(tree, nodes.get("prune"))?,
        ignore: ignore.into_iter().chain(left).collect(),
        conflicts,
        replace: replace::rules(tree, spec.replace.as_deref(), nodes.get("replace"))?,
        exposes: exposes::rules(tree, spec.exposes.as_deref(), nodes.get("exposes"))?,
        entry: Arc::new(nodes.clone().into()),
        patches: patches::entries(tree, spec.patches.as_deref(), nodes.get("patches"))?,
        origin: declared.origin.clone(),
    })
}

fn namespace(tree: &Tree, declared: &Declared) -> Result<String, ProjectError> {
    label(tree, declared.nodes.get("namespace"), "namespace")?;
    declared.spec.namespace.clone().ok_or_else(|| missing(tree, declared, "`namespace`"))
}

fn missing(tree: &Tree, declared: &Declared, what: &'static str) -> ProjectError {
    let place = Place::in_tree(tree, &declared.origin, 1);
    ProjectError::MissingField { release: declared.spec.name.clone(), what, place }
}

fn source(tree: &Tree, lock: &Lock, declared: &Declared) -> Result<(ReleaseSource, Origin), ProjectError> {
    let spec = &declared.spec;
    let nodes = &declared.nodes;
    let written = [
        ("chart", spec.chart.is_some()),
        ("manifests", spec.manifests.is_some()),
        ("kustomization", spec.kustomization.is_some()),
    ];
    let mut written = written.into_iter().filter(|(_, there)| *there).map(|(key, _)| key);
    let Some(first) = written.next() else {
        return Err(missing(tree, declared, "`chart`, `manifests` or `kustomization`"));
    };
    if let Some(second) = written.next() {
        return Err(ProjectError::Contradiction {
            subject: format!("release `{}`", spec.name),
            first,
            second,
            place: nodes.entry(second).map(|entry| Place::of_key(tree, entry)).unwrap_or_default(),
        });
    }
    let node = nodes.get(first).cloned().unwrap_or_default();
    let folder = |key: &str| rooted(tree, &node, &format!("`{key}` of release `{}`", spec.name));
    match first {
        "chart" => chart(tree, lock, &spec.name, &node),
        "manifests" => Ok((ReleaseSource::Manifests(folder(first)?), node.origin)),
        _ => Ok((ReleaseSource::Kustomization(folder(first)?), node.origin)),
    }
}

/// The chart from elsewhere that a declaration names, if it does.
pub(super) fn remote(tree: &Tree, declared: &Declared) -> Result<Option<RemoteChart>, ProjectError> {
    let node = declared.nodes.get("chart").filter(|_| declared.spec.chart.is_some());
    node.map_or(Ok(None), |node| remote::chart(tree, &declared.spec.name, node))
}

fn chart(tree: &Tree, lock: &Lock, release: &str, node: &Value) -> Result<(ReleaseSource, Origin), ProjectError> {
    if let Some(remote) = remote::chart(tree, release, node)? {
        return Ok((ReleaseSource::Chart(lock.folder(&remote.place)), remote.origin));
    }
    let text = node.as_str().unwrap_or_default();
    let folder = if text.contains('/') {
        rooted(tree, node, &format!("`chart` of release `{release}`"))?
    } else {
        format!("charts/{text}")
    };
    Ok((ReleaseSource::Chart(folder), node.origin.clone()))
}

fn values_entry(tree: &Tree, release: &str, item: &Value) -> Result<ValuesLayer, ProjectError> {
    let text = match &item.data {
        Data::Map(_) => return Ok(ValuesLayer::Inline(item.clone())),
        Data::Text(text) => text,
        _ => return Err(wrong_kind(tree, item, "an entry of `values`", "a file name or a map")),
    };
    let path = within(tree, item, &folder_of(item), &format!("`values` of release `{release}`"))?;
    let (plain, template) = text.strip_suffix(".j2").map_or((text.as_str(), false), |plain| (plain, true));
    if ![".yaml", ".yml", ".json"].iter().any(|suffix| plain.ends_with(suffix)) {
        return Err(ProjectError::NotAValuesFile { path, place: Place::of_node(tree, item) });
    }
    let origin = item.origin.clone();
    Ok(if template { ValuesLayer::Template(path, origin) } else { ValuesLayer::File(path, origin) })
}

fn secret(tree: &Tree, environment: &str, release: &str, item: &Value) -> Result<(String, Origin), ProjectError> {
    let folder = format!("secrets/{environment}");
    let path = within(tree, item, &folder, &format!("`secrets` of release `{release}`"))?;
    if !path.starts_with(&format!("{folder}/")) {
        return Err(ProjectError::SecretElsewhere { path, folder, place: Place::of_node(tree, item) });
    }
    Ok((path, item.origin.clone()))
}

/// Which files the kustomization may name.
fn load_restrictor(tree: &Tree, declared: &Declared) -> Result<LoadRestrictor, ProjectError> {
    let Some(text) = &declared.spec.load_restrictor else { return Ok(LoadRestrictor::default()) };
    let node = declared.nodes.get("loadRestrictor").cloned().unwrap_or_default();
    match text.as_str() {
        _ if declared.spec.kustomization.is_none() => Err(ProjectError::MissingField {
            release: declared.spec.name.clone(),
            what: "`kustomization`",
            place: declared.nodes.entry("loadRestrictor").map(|it| Place::of_key(tree, it)).unwrap_or_default(),
        }),
        "LoadRestrictionsNone" => Ok(LoadRestrictor::None),
        "LoadRestrictionsRootOnly" => Ok(LoadRestrictor::RootOnly),
        _ => Err(wrong_kind(tree, &node, "`loadRestrictor`", "`LoadRestrictionsNone` or `LoadRestrictionsRootOnly`")),
    }
}

fn prune(tree: &Tree, node: Option<&Value>) -> Result<Prune, ProjectError> {
    match node.map(|node| &node.data) {
        None | Some(Data::Null | Data::Bool(true)) => Ok(Prune::Delete),
        Some(Data::Bool(false)) => Ok(Prune::Keep),
        Some(Data::Text(text)) if text == "orphan" => Ok(Prune::Orphan),
        Some(_) => Err(wrong_kind(tree, node.unwrap_or(&Value::default()), "`prune`", "true, false or `orphan`")),
    }
}

pub(super) fn wrong_kind(tree: &Tree, node: &Value, what: &'static str, expected: &'static str) -> ProjectError {
    ProjectError::WrongKind { what, expected, found: node.kind(), place: Place::of_node(tree, node) }
}

/// Refuses a name that the API server would refuse as the name of a namespace; it ends up in names and labels.
pub(super) fn label(tree: &Tree, node: Option<&Value>, what: &'static str) -> Result<(), ProjectError> {
    let Some((node, text)) = node.and_then(|node| Some((node, node.as_str()?))) else { return Ok(()) };
    if is_label(text) {
        return Ok(());
    }
    Err(ProjectError::NotALabel { what, text: text.to_owned(), place: Place::of_node(tree, node) })
}

/// Whether a text is a DNS label (RFC 1123): at most 63 lower-case letters, digits and inner dashes.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// The path of a node that is relative to the root, but for `./` and `../`, which begin at its file. `.` is the root.
pub(super) fn rooted(tree: &Tree, node: &Value, user: &str) -> Result<String, ProjectError> {
    let near = node.as_str().is_some_and(|text| text.starts_with("./") || text.starts_with("../"));
    within(tree, node, &if near { folder_of(node) } else { String::new() }, user)
}

pub(super) fn within(tree: &Tree, node: &Value, folder: &str, user: &str) -> Result<String, ProjectError> {
    tree::join(folder, node.as_str().unwrap_or_default()).map_err(|source| ProjectError::File {
        user: user.to_owned(),
        source,
        place: Place::of_node(tree, node),
        nearest: None,
    })
}

/// The folder of the file that a node stands in.
pub(super) fn folder_of(node: &Value) -> String {
    let file = node.origin.file.as_deref().map(String::as_str).unwrap_or_default();
    file.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default()
}
