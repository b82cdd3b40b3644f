//! `weft import helm`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::cluster::connected;
use super::draft::{Draft, DraftArgs, ImportError, head, is_filled, label, word};
use crate::chart::{self, Capabilities, Chance, Chart, Named};
use crate::cli::arguments::ClusterArgs;
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, wait};
use crate::cluster::{HelmRecord, Whole};
use crate::diagnostic::{Diagnostic, Failure};
use crate::tree::Tree;
use crate::value::{Data, Map, Value};
use crate::yaml::{self, Rules};

/// Take over a live Helm release: its chart, its values and its objects.
///
/// The chart and the values come from Helm's own record of the release. Values that look secret are encrypted. Nothing in
/// the cluster is changed: the next plan takes the objects over.
#[derive(Debug, Args)]
pub(super) struct HelmArgs {
    /// The release.
    release: String,
    /// The namespace that the release is in.
    #[arg(long, short = 'n', value_name = "NAME", default_value = "default")]
    namespace: String,
    /// The environment that gets the release; it is made where it is not there.
    #[arg(long, short = 'e', value_name = "NAME", default_value = "dev")]
    environment: String,
    /// The chart, as a release names it: a chart of the repository, or one from elsewhere. Needed where the chart has others
    /// below it, which Helm does not record.
    #[arg(long, value_name = "CHART")]
    chart: Option<String>,
    #[command(flatten)]
    draft: DraftArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

pub(super) fn run(args: &HelmArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut draft = Draft::new(&args.draft);
    let cluster = wait(connected(&args.cluster, draft.root()))?;
    let records = wait(cluster.helm_records(&args.namespace, &args.release))?;
    let record = current(args, &records)?;
    let content = record.content.as_ref().map(Whole::body).ok_or_else(|| unreadable(args))?;
    let imported = Imported { args, content };
    let entry = imported.write(&mut draft)?;
    draft.environment(&args.environment, &head(args.cluster.context.as_deref()), &[(args.release.clone(), entry)])?;
    let take = if imported.is_server_side() { " --take helm" } else { "" };
    let next = format!(
        "Next: `weft plan {0}{take}` shows what is taken over, `weft apply {0}{take}` does it. Then Helm shall not write the \
         release any more: delete its records, the Secrets `sh.helm.release.v1.{1}.v*` in `{2}`.",
        args.environment, args.release, args.namespace
    );
    draft.finish(terminal, &next)?;
    Ok(Exit::Done)
}

/// The record of what is there: the last revision that was deployed.
fn current<'r>(args: &HelmArgs, records: &'r [HelmRecord]) -> Result<&'r HelmRecord, Failure> {
    let hint = "`helm list -A` shows the releases with their namespaces; name the namespace by `--namespace`.";
    let none =
        || ImportError::unfit(format!("there is no Helm release `{}` in `{}`", args.release, args.namespace), hint);
    let last = records.last().ok_or_else(none)?;
    if last.status.starts_with("pending") {
        let what = format!("Helm is at work on `{}`: revision {} is `{}`", args.release, last.revision, last.status);
        return Err(
            ImportError::unfit(what, "Wait for Helm to end, or roll the release back by `helm rollback`.").into()
        );
    }
    let deployed = records.iter().rev().find(|it| it.status == "deployed");
    let what =
        || format!("no revision of the Helm release `{}` is deployed: the last is `{}`", args.release, last.status);
    let hint = "Bring the release into order first, by `helm upgrade` or `helm rollback`.";
    Ok(deployed.ok_or_else(|| ImportError::unfit(what(), hint))?)
}

fn unreadable(args: &HelmArgs) -> ImportError {
    ImportError::unfit(
        format!("the record of `{}` cannot be read", args.release),
        "It is no release of Helm 3 or 4; look at it by `helm get all`.",
    )
}

/// A record, and what is asked for.
struct Imported<'a> {
    args: &'a HelmArgs,
    content: &'a Value,
}

impl Imported<'_> {
    /// Whether Helm applied the objects as an owner of their fields, which Weft leaves alone unless it is told.
    fn is_server_side(&self) -> bool {
        self.content.get("apply_method").and_then(Value::as_str) == Some("ssa")
    }

    /// Adds the files of the release to what is written; gives the release's entry.
    fn write(&self, draft: &mut Draft<'_>) -> Result<String, Failure> {
        let HelmArgs { release, environment, namespace, .. } = self.args;
        let config =
            self.content.get("config").filter(|it| !it.is_null()).cloned().unwrap_or_else(|| Map::new().into());
        let metadata = self.content.dig(&["chart", "metadata"]).cloned().unwrap_or_default();
        let below = metadata.get("dependencies").and_then(Value::as_list).is_some_and(|it| !it.is_empty());
        let head = format!("- name: {}\n  namespace: {}\n", word(release), word(namespace));
        if let (true, None) = (below, &self.args.chart) {
            return self.write_manifests(draft, &head);
        }
        let source = match &self.args.chart {
            Some(chart) => chart.clone(),
            None => self.write_chart(draft, &metadata, &config)?,
        };
        let secret = format!("secrets/{environment}/{release}.yaml");
        let values = format!("environments/{environment}/values/{release}.yaml");
        let (_, hidden) = draft.values(&values, &secret, config)?;
        let secrets = if hidden { format!("  secrets: [{release}.yaml]\n") } else { String::new() };
        Ok(format!("{head}  chart: {}\n{secrets}", word(&source)))
    }

    /// Writes the chart of the record, and says what it comes to that Helm has otherwise.
    fn write_chart(&self, draft: &mut Draft<'_>, metadata: &Value, config: &Value) -> Result<String, Failure> {
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
                let is_safe = !name.is_empty() && crate::tree::join("", name).is_ok_and(|it| it == name);
                if let Some(data) = file.get("data").and_then(decoded).filter(|_| is_safe) {
                    files.push((name.to_owned(), data));
                }
            }
        }
        files
    }

    /// Says which objects the chart comes to otherwise than Helm recorded them.
    fn compare(&self, draft: &mut Draft<'_>, chart: &Chart, config: &Value) {
        let named = Named {
            name: self.args.release.clone(),
            namespace: self.args.namespace.clone(),
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
        let (ours, theirs) = (objects(&String::from_utf8_lossy(&made.text)), objects(&self.manifest()));
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
    fn write_manifests(&self, draft: &mut Draft<'_>, head: &str) -> Result<String, Failure> {
        let release = &self.args.release;
        draft.note(
            "Helm does not record the charts below a chart, so the objects are taken as plain manifests: import it with \
             `--chart` to keep the chart.",
        );
        if self.content.get("config").is_some_and(is_filled) {
            draft.note("The values of the release are left out: plain manifests have none.");
        }
        let file = Arc::new(format!("the record of {release}"));
        let mut text = String::new();
        for document in yaml::documents(&self.manifest(), &file, Rules::Kubernetes)? {
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
        Ok(format!("{head}  manifests: {}\n", word(&folder)))
    }
}

/// The bytes of a field in base64.
fn decoded(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

/// The objects of a text by what they are called.
fn objects(text: &str) -> BTreeMap<String, Value> {
    let documents = yaml::documents(text, &Arc::new(String::new()), Rules::Kubernetes).unwrap_or_default();
    let named = |it: Value| {
        let kind = it.get("kind").and_then(Value::as_str)?.to_owned();
        let name = it.dig(&["metadata", "name"]).and_then(Value::as_str)?;
        Some((format!("{kind} {name}"), it.clone()))
    };
    documents.into_iter().filter(|it| matches!(it.data, Data::Map(_))).filter_map(named).collect()
}
