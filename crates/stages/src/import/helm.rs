//! A live Helm release -> a release with its chart and its values.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::draft::Drafting;
use super::entry::{Release, word};
use super::names::label;
use super::secretive::is_filled;
use super::{Draft, Encryption, ImportError, Repository, Rules};
use crate::chart::{self, Capabilities, Chance, Chart, Named};
use weft_base::diagnostic::Diagnostic;
use weft_base::tree::{self, Tree};
use weft_base::value::{Data, Map, Value};
use weft_base::yaml::{self, Rules as YamlRules};

/// A Helm release, and where it goes.
#[derive(Clone, Debug)]
pub struct HelmRelease<'a> {
    /// Its name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The environment that gets it.
    pub environment: &'a str,
    /// The chart in place of the recorded one, as a release names it.
    pub chart: Option<&'a str>,
    /// The context of the cluster, for a new environment.
    pub context: Option<&'a str>,
}

/// One revision of a release as Helm recorded it.
#[derive(Clone, Copy, Debug)]
pub struct Revision<'a> {
    /// Its number.
    pub number: i64,
    /// What Helm calls its state.
    pub status: &'a str,
    /// Chart, values, manifest and hooks; `None` if they cannot be read.
    pub content: Option<&'a Value>,
}

/// What the import of a Helm release comes to.
#[derive(Clone, Debug)]
pub struct HelmDraft {
    /// What it writes.
    pub draft: Draft,
    /// Whether Helm owns the fields by server-side apply. Weft leaves those alone unless it is told to take them.
    pub is_server_side: bool,
}

/// Takes a release over from Helm's own records of it, the oldest first.
pub fn helm(
    repository: &Repository,
    wanted: &HelmRelease<'_>,
    revisions: &[Revision<'_>],
    rules: &Rules,
    encryption: Encryption<'_>,
) -> Result<HelmDraft, ImportError> {
    let mut draft = Drafting::new(repository.project(), rules, encryption);
    let content = current(wanted, revisions)?
        .content
        .ok_or_else(|| ImportError::UnreadableRecord { release: wanted.release.to_owned() })?;
    let imported = Imported { wanted, content };
    let entry = imported.write(&mut draft)?;
    draft.environment(wanted.environment, wanted.context, &[entry])?;
    Ok(HelmDraft { draft: draft.finish(), is_server_side: imported.is_server_side() })
}

/// The revision that is there: the last that was deployed.
fn current<'r, 'a>(wanted: &HelmRelease<'_>, revisions: &'r [Revision<'a>]) -> Result<&'r Revision<'a>, ImportError> {
    let release = wanted.release.to_owned();
    let Some(last) = revisions.last() else {
        return Err(ImportError::NoHelmRelease { release, namespace: wanted.namespace.to_owned() });
    };
    let status = last.status.to_owned();
    if status.starts_with("pending") {
        return Err(ImportError::HelmAtWork { release, revision: last.number, status });
    }
    let deployed = revisions.iter().rev().find(|it| it.status == "deployed");
    deployed.ok_or(ImportError::NotDeployed { release, status })
}

/// A record, and what is asked for.
struct Imported<'a> {
    wanted: &'a HelmRelease<'a>,
    content: &'a Value,
}

impl Imported<'_> {
    /// Whether Helm applied the objects as an owner of their fields, which Weft leaves alone unless it is told.
    fn is_server_side(&self) -> bool {
        self.content.get("apply_method").and_then(Value::as_str) == Some("ssa")
    }

    /// Adds the files of the release to what is written; gives the release's entry.
    fn write(&self, draft: &mut Drafting<'_, '_>) -> Result<Release, ImportError> {
        let HelmRelease { release, environment, namespace, .. } = self.wanted;
        let config =
            self.content.get("config").filter(|it| !it.is_null()).cloned().unwrap_or_else(|| Map::new().into());
        let metadata = self.content.dig(&["chart", "metadata"]).cloned().unwrap_or_default();
        let below = metadata.get("dependencies").and_then(Value::as_list).is_some_and(|it| !it.is_empty());
        let entry = Release::new(release, namespace);
        if below && self.wanted.chart.is_none() {
            return self.write_manifests(draft, entry);
        }
        let source = match self.wanted.chart {
            Some(chart) => chart.to_owned(),
            None => self.write_chart(draft, &metadata, &config)?,
        };
        let secret = format!("secrets/{environment}/{release}.yaml");
        let values = format!("environments/{environment}/values/{release}.yaml");
        let has_secrets = draft.values(&values, &secret, config)?;
        let secrets = if has_secrets { format!("  secrets: [{release}.yaml]\n") } else { String::new() };
        Ok(entry.with(&format!("  chart: {}\n{secrets}", word(&source))))
    }

    /// Writes the chart of the record, and says what it comes to that Helm has otherwise.
    fn write_chart(
        &self,
        draft: &mut Drafting<'_, '_>,
        metadata: &Value,
        config: &Value,
    ) -> Result<String, ImportError> {
        let name = metadata.get("name").and_then(Value::as_str).map_or_else(|| "chart".to_owned(), label);
        let files = self.chart_files(metadata);
        for (path, bytes) in &files {
            draft.add(format!("charts/{name}/{path}"), bytes.clone());
        }
        let tree = Tree::new(files.into_iter().map(|(path, bytes)| (format!("charts/{name}/{path}"), bytes)));
        let chart = Chart::load(&tree, &format!("charts/{name}"))?;
        self.compare(draft, &chart, config);
        Ok(name)
    }

    fn chart_files(&self, metadata: &Value) -> Vec<(String, Vec<u8>)> {
        let chart = self.content.get("chart");
        let field = |key: &str| chart.and_then(|it| it.get(key)).filter(|it| !it.is_null());
        let mut files = vec![("Chart.yaml".to_owned(), yaml::write(metadata).into_bytes())];
        if let Some(values) = field("values") {
            files.push(("values.yaml".to_owned(), yaml::write(values).into_bytes()));
        }
        if let Some(schema) = field("schema").and_then(decoded) {
            files.push(("values.schema.json".to_owned(), schema));
        }
        for list in ["templates", "files"] {
            for file in field(list).and_then(Value::as_list).unwrap_or_default() {
                let name = file.get("name").and_then(Value::as_str).unwrap_or_default();
                let is_safe = !name.is_empty() && tree::join("", name).is_ok_and(|it| it == name);
                if let Some(data) = file.get("data").and_then(decoded).filter(|_| is_safe) {
                    files.push((name.to_owned(), data));
                }
            }
        }
        files
    }

    /// Says which objects the chart comes to otherwise than Helm recorded them.
    fn compare(&self, draft: &mut Drafting<'_, '_>, chart: &Chart, config: &Value) {
        let named = Named {
            name: self.wanted.release.to_owned(),
            namespace: self.wanted.namespace.to_owned(),
            is_upgrade: false,
            include_crds: false,
            no_hooks: false,
            skip_tests: false,
            capabilities: Capabilities::default(),
            now: 0,
            chance: Chance::Placeholder,
        };
        let made = match chart::templated(chart, config, &named) {
            Ok(made) => made,
            Err(error) => {
                let said = Diagnostic::of(&error).reason();
                return draft
                    .note(format!("The chart cannot be rendered without the cluster ({said}): look at the plan."));
            }
        };
        let ours = objects(&String::from_utf8_lossy(&made.text));
        let theirs = objects(&self.manifest());
        let differ: Vec<String> =
            theirs.iter().filter(|(id, it)| ours.get(*id) != Some(*it)).map(|(id, _)| format!("`{id}`")).collect();
        let new: Vec<String> = ours.keys().filter(|id| !theirs.contains_key(*id)).map(|id| format!("`{id}`")).collect();
        if !made.lookups.is_empty() {
            draft.note("The chart asks for live objects: `lookup: true` in the release shows them to it.");
        }
        if made.placeholders {
            draft.note(
                "The chart makes up passwords, keys or certificates, which would be others now: give it those of the cluster as \
                 secret values (the chart says which values these are).",
            );
        }
        if !differ.is_empty() {
            draft.note(format!(
                "Helm recorded these objects otherwise than the chart comes to now: {}.",
                differ.join(", ")
            ));
        }
        if !new.is_empty() {
            draft.note(format!("Helm did not record these objects: {}.", new.join(", ")));
        }
    }

    /// What Helm applied, and its hooks.
    fn manifest(&self) -> String {
        let mut text = self.content.get("manifest").and_then(Value::as_str).unwrap_or_default().to_owned();
        for hook in self.content.get("hooks").and_then(Value::as_list).unwrap_or_default() {
            let manifest = hook.get("manifest").and_then(Value::as_str).unwrap_or_default();
            text = format!("{text}\n---\n{manifest}");
        }
        text
    }

    /// Writes what Helm applied as plain manifests, but for Secrets.
    fn write_manifests(&self, draft: &mut Drafting<'_, '_>, entry: Release) -> Result<Release, ImportError> {
        let release = self.wanted.release;
        draft.note(
            "Helm does not record the charts below a chart, so the objects are taken as plain manifests: import it with \
             `--chart` to keep the chart.",
        );
        if self.content.get("config").is_some_and(is_filled) {
            draft.note("The values of the release are left out: plain manifests have none.");
        }
        let file = Arc::new(format!("the record of {release}"));
        let mut text = String::new();
        for document in yaml::documents(&self.manifest(), &file, YamlRules::Kubernetes)? {
            let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default();
            let name = document.dig(&["metadata", "name"]).and_then(Value::as_str).unwrap_or_default();
            match kind {
                "" => {}
                "Secret" => {
                    draft.note(format!("Secret `{name}` is left out: it stays in the cluster, and is not managed."));
                }
                _ => text.extend(["---\n", &yaml::write(&document)]),
            }
        }
        let folder = format!("manifests/{release}");
        draft.add(format!("{folder}/all.yaml"), text);
        Ok(entry.with(&format!("  manifests: {}\n", word(&folder))))
    }
}

/// The bytes of a field in base64.
fn decoded(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

/// The objects of a text by what they are called.
fn objects(text: &str) -> BTreeMap<String, Value> {
    let documents = yaml::documents(text, &Arc::new(String::new()), YamlRules::Kubernetes).unwrap_or_default();
    let named = |it: Value| {
        let kind = it.get("kind").and_then(Value::as_str)?.to_owned();
        let name = it.dig(&["metadata", "name"]).and_then(Value::as_str)?;
        Some((format!("{kind} {name}"), it.clone()))
    };
    documents.into_iter().filter(|it| matches!(it.data, Data::Map(_))).filter_map(named).collect()
}
