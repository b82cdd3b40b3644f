//! `weft import helmfile`.

mod entry;
mod source;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use self::entry::{field, listed, texts, waiting};
use super::draft::{Draft, DraftArgs, ImportError, head, label, laid, word};
use super::gotmpl::{self, Scope};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings};
use crate::diagnostic::Failure;
use crate::value::{Data, Map, Value};
use crate::yaml::{self, Rules};

/// What a release of a helmfile may say that is carried over, or means nothing here.
const KNOWN: [&str; 24] = [
    "name",
    "namespace",
    "chart",
    "version",
    "values",
    "secrets",
    "set",
    "needs",
    "installed",
    "condition",
    "labels",
    "wait",
    "timeout",
    "createNamespace",
    "strategicMergePatches",
    "jsonPatches",
    "kubeContext",
    "atomic",
    "force",
    "cleanupOnFail",
    "historyMax",
    "missingFileHandler",
    "devel",
    "inherit",
];
/// Further parts of a helmfile, with what there is instead.
const PARTS: [(&str, &str); 5] = [
    ("hooks", "run programs before and after `weft apply` yourself, or use hooks of charts"),
    ("helmfiles", "import each of these files by itself"),
    ("bases", "put their contents into the file first, by `helmfile build`"),
    ("commonLabels", "label the releases"),
    ("lockFilePath", "charts are locked by `weft sources lock`"),
];

/// Make environments of a helmfile: its releases in their order, with values, needs and patches.
///
/// Templates (`.gotmpl`, and those in the file) are rendered once, for each environment.
#[derive(Debug, Args)]
pub(super) struct HelmfileArgs {
    /// The file.
    #[arg(default_value = "helmfile.yaml")]
    file: PathBuf,
    /// Only this environment of the file. May be repeated.
    #[arg(long = "environment", short = 'e', value_name = "NAME")]
    environments: Vec<String>,
    #[command(flatten)]
    draft: DraftArgs,
}

pub(super) fn run(args: &HelmfileArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut draft = Draft::new(&args.draft);
    let path = settings::absolute(&args.file);
    let text = files::read(&path)?;
    let mut found = environments(&text, &args.file);
    if !args.environments.is_empty() {
        found.retain(|it| args.environments.contains(it));
    }
    if found.is_empty() {
        let what = format!("`{}` has no environment of that name", args.file.display());
        return Err(ImportError::unfit(what, "See `environments:` of the file.").into());
    }
    for environment in found {
        let mut import = Import {
            draft: &mut draft,
            folder: path.parent().map(Path::to_path_buf).unwrap_or_default(),
            file: Arc::new(args.file.display().to_string()),
            scope: Scope::new(&environment),
            hidden: Value::default(),
            name: label(&environment),
        };
        import.environment(&text, &environment)?;
    }
    draft.finish(
        terminal,
        "Next: `weft sources lock ENVIRONMENT` if charts are from elsewhere, then `weft plan ENVIRONMENT`.",
    )?;
    Ok(Exit::Done)
}

/// The environments that a helmfile names. What stands in its templates does not name any.
fn environments(text: &str, file: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let file = Arc::new(file.display().to_string());
    for part in text.split("\n---") {
        let plain: String = part.lines().filter(|line| !line.contains("{{")).flat_map(|line| [line, "\n"]).collect();
        let Ok(documents) = yaml::documents(&plain, &file, Rules::Kubernetes) else { continue };
        let maps = documents.iter().filter_map(|it| it.get("environments")?.as_map());
        found.extend(maps.flat_map(|map| map.iter().map(|entry| entry.key.to_string())));
    }
    found.dedup();
    if found.is_empty() { vec!["default".to_owned()] } else { found }
}

/// One environment that is imported.
struct Import<'i, 'd> {
    draft: &'i mut Draft<'d>,
    folder: PathBuf,
    file: Arc<String>,
    scope: Scope,
    /// What looks secret of the values of the release at hand.
    hidden: Value,
    name: String,
}

impl Import<'_, '_> {
    fn environment(&mut self, text: &str, environment: &str) -> Result<(), Failure> {
        let mut whole = Map::new();
        // Each part of a helmfile sees the values that those before it declare.
        for part in parts(text) {
            let rendered = self.rendered(&part, &self.file.clone())?;
            for document in yaml::documents(&rendered, &self.file, Rules::Kubernetes)? {
                let Data::Map(map) = document.data else { continue };
                for entry in map {
                    if entry.key == "environments" {
                        self.declare(&entry.value, environment)?;
                    }
                    whole.insert_entry(entry);
                }
            }
        }
        let whole = Value::from(whole);
        for (part, instead) in PARTS {
            if whole.get(part).is_some_and(|it| !it.is_null()) {
                self.draft.note(format!("`{part}` of {} is left out: {instead}.", self.file));
            }
        }
        let context = whole
            .dig(&["environments", environment, "kubeContext"])
            .or_else(|| whole.dig(&["helmDefaults", "kubeContext"]));
        let head = head(context.and_then(Value::as_str));
        let mut entries = Vec::new();
        for release in whole.get("releases").and_then(Value::as_list).unwrap_or_default() {
            entries.push(self.release(release, &whole)?);
        }
        if entries.is_empty() {
            let what = format!("{} has no releases for the environment `{environment}`", self.file);
            return Err(
                ImportError::unfit(what, "Name another file, or look at the conditions around its releases.").into()
            );
        }
        let name = self.name.clone();
        self.draft.environment(&name, &head, &entries)
    }

    /// Takes the values of the environment, which templates see.
    fn declare(&mut self, all: &Value, environment: &str) -> Result<(), Failure> {
        let Some(own) = all.get(environment) else { return Ok(()) };
        for entry in own.get("values").and_then(Value::as_list).unwrap_or_default() {
            let values = match entry.as_str() {
                None => entry.clone(),
                Some(path) => {
                    let text = files::read(&self.folder.join(path))?;
                    let text = if path.ends_with(".gotmpl") {
                        self.rendered(&text, &Arc::new(path.to_owned()))?
                    } else {
                        text
                    };
                    yaml::document(&text, &Arc::new(path.to_owned()), Rules::Kubernetes)?
                }
            };
            self.scope.values = laid(std::mem::take(&mut self.scope.values), values);
        }
        if own.get("secrets").is_some() {
            self.draft.note(format!(
                "`secrets` of the environment `{environment}` is left out: values that templates alone see are not kept. Name \
                 what they hold in the `secrets` of the releases."
            ));
        }
        Ok(())
    }

    /// An entry of `releases`, with its name.
    fn release(&mut self, release: &Value, whole: &Value) -> Result<(String, String), Failure> {
        let release = Self::inherited(release, whole);
        let release = self.resolved(&release)?;
        let text = |key: &str| release.get(key).and_then(Value::as_str).map(str::to_owned);
        let original = text("name").unwrap_or_else(|| "app".to_owned());
        let name = label(&original);
        for entry in release.as_map().into_iter().flatten().filter(|it| !KNOWN.contains(&it.key.as_str())) {
            let instead = PARTS
                .iter()
                .find(|(part, _)| *part == &*entry.key)
                .map_or("there is nothing of the kind", |(_, it)| it);
            self.draft.note(format!("`{}` of the release `{original}` is left out: {instead}.", entry.key));
        }
        let namespace = text("namespace")
            .or_else(|| whole.dig(&["helmDefaults", "namespace"]).and_then(Value::as_str).map(str::to_owned));
        let namespace = namespace.unwrap_or_else(|| "default".to_owned());
        let mut entry = format!("- name: {}\n  namespace: {}\n", word(&name), word(&namespace));
        let source = self.source(&release, &original, whole)?;
        entry.push_str(&source);
        if release.get("createNamespace").and_then(Value::as_bool) == Some(false) {
            entry.push_str("  createNamespace: false\n");
        }
        if !self.is_wanted(&release) {
            entry.push_str("  enabled: false\n");
        }
        let needs: Vec<String> =
            texts(release.get("needs")).iter().map(|it| label(it.rsplit('/').next().unwrap_or(it))).collect();
        entry.push_str(&listed("needs", &needs));
        if let Some(labels) = release.get("labels").and_then(Value::as_map).filter(|it| !it.is_empty()) {
            let labels: Map = labels
                .iter()
                .map(|it| (it.key.as_str(), Value::from(crate::patch::scalar_text(&it.value).as_ref())))
                .collect();
            entry.push_str(&field("labels", &labels.into()));
        }
        entry.push_str(&waiting(&release, whole));
        let values = self.values(&release, &original, &name)?;
        if !source.contains("chart:") && !values.is_empty() {
            self.draft.note(format!("The values of the release `{original}` are left out: its manifests have none."));
        } else {
            entry.push_str(&values);
            let kept = self.secrets(&release, &original, &name)?;
            entry.push_str(&kept);
        }
        entry.push_str(&self.patches(&release, &original)?);
        Ok((name, entry))
    }

    /// The release over the template that it inherits from.
    fn inherited(release: &Value, whole: &Value) -> Value {
        let mut below = Value::from(Map::new());
        for it in release.get("inherit").and_then(Value::as_list).unwrap_or_default() {
            let name = it.get("template").and_then(Value::as_str).unwrap_or_default();
            if let Some(template) = whole.dig(&["templates", name]) {
                below = laid(below, template.clone());
            }
        }
        laid(below, release.clone())
    }

    /// The release with the templates in its texts rendered: they see the release itself.
    fn resolved(&self, release: &Value) -> Result<Value, Failure> {
        self.deep(release, &self.of(release))
    }

    /// What the templates of a release see.
    fn of(&self, release: &Value) -> Scope {
        let text = |key: &str| Value::from(release.get(key).and_then(Value::as_str).unwrap_or_default());
        let labels = release.get("labels").cloned().unwrap_or_else(|| Map::new().into());
        let facts =
            [("Name", text("name")), ("Namespace", text("namespace")), ("Chart", text("chart")), ("Labels", labels)];
        let mut scope = self.scope.clone();
        scope.release = facts.into_iter().collect();
        scope
    }

    fn deep(&self, value: &Value, scope: &Scope) -> Result<Value, Failure> {
        let data = match &value.data {
            Data::Text(text) if text.contains("{{") => Data::Text(gotmpl::render(text, &self.file, scope)?),
            Data::List(items) => Data::List(items.iter().map(|it| self.deep(it, scope)).collect::<Result<_, _>>()?),
            Data::Map(map) => {
                let mut made = Map::new();
                for entry in map {
                    made.insert(entry.key.as_str(), self.deep(&entry.value, scope)?);
                }
                Data::Map(made)
            }
            other => other.clone(),
        };
        Ok(Value { data, origin: value.origin.clone() })
    }

    fn is_wanted(&mut self, release: &Value) -> bool {
        let installed = match release.get("installed") {
            Some(it) => it.as_bool().unwrap_or_else(|| it.as_str() != Some("false")),
            None => true,
        };
        let condition = release.get("condition").and_then(Value::as_str);
        let holds = |path: &str| {
            let keys: Vec<&str> = path.split('.').collect();
            self.scope.values.dig(&keys).and_then(Value::as_bool).unwrap_or(false)
        };
        installed && condition.is_none_or(holds)
    }

    fn rendered(&self, text: &str, file: &Arc<String>) -> Result<String, Failure> {
        if text.contains("{{") { Ok(gotmpl::render(text, file, &self.scope)?) } else { Ok(text.to_owned()) }
    }
}

/// The parts of a helmfile, which are rendered one after the other.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}
