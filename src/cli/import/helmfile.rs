//! `weft import helmfile`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::draft::{Draft, DraftArgs, ImportError, label, laid, leaves, word};
use super::gotmpl::{self, Scope};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings};
use crate::diagnostic::Failure;
use crate::secrets;
use crate::value::{Data, Map, Value};
use crate::values::{self, SetKind};
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
        let head = match context.and_then(Value::as_str) {
            Some(context) => format!("cluster: {{context: {}}}\n", word(context)),
            None => "cluster: {}\n".to_owned(),
        };
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
        let text = |key: &str| release.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut scope = self.scope.clone();
        scope.release = [("Name", text("name")), ("Namespace", text("namespace")), ("Chart", text("chart"))]
            .into_iter()
            .map(|(key, value)| (key, Value::from(value)))
            .chain([("Labels", release.get("labels").cloned().unwrap_or_else(|| Map::new().into()))])
            .collect();
        self.deep(release, &scope)
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

    /// The line that says where the objects come from.
    fn source(&mut self, release: &Value, name: &str, whole: &Value) -> Result<String, Failure> {
        let chart = release.get("chart").and_then(Value::as_str).unwrap_or_default();
        let version = release.get("version").and_then(Value::as_str);
        let any = |draft: &mut Draft<'_>| {
            draft.note(format!("The release `{name}` names no version of its chart: any is taken until it is locked."));
            ">0.0.0-0".to_owned()
        };
        if let Some(git) = chart.strip_prefix("git::").or_else(|| chart.contains(".git@").then_some(chart)) {
            return Ok(of_git(git));
        }
        if let Some(rest) = chart.strip_prefix("oci://") {
            let (repo, last) = rest.rsplit_once('/').unwrap_or(("", rest));
            let version = version.map_or_else(|| any(self.draft), str::to_owned);
            return Ok(remote(&format!("oci://{repo}"), last, &version));
        }
        if chart.starts_with("http://") || chart.starts_with("https://") {
            return Ok(format!("  chart: {}\n", word(chart)));
        }
        let local = self.folder.join(chart);
        if chart.starts_with('.') || chart.starts_with('/') || local.is_dir() {
            return self.local(&local, chart, name);
        }
        let Some((repo, of)) = chart.split_once('/') else {
            let what = format!("the chart `{chart}` of the release `{name}` is neither a folder nor of a repository");
            return Err(ImportError::unfit(what, "Write it as `./FOLDER` or `REPOSITORY/CHART`.").into());
        };
        let repositories = whole.get("repositories").and_then(Value::as_list).unwrap_or_default();
        let known = repositories.iter().find(|it| it.get("name").and_then(Value::as_str) == Some(repo));
        let url = known.and_then(|it| it.get("url")).and_then(Value::as_str);
        let Some(url) = url else {
            let what = format!("the repository `{repo}` of the chart `{chart}` is not declared");
            return Err(ImportError::unfit(what, "Add it to `repositories:` of the helmfile.").into());
        };
        if known.is_some_and(|it| it.get("username").is_some() || it.get("passCredentials").is_some()) {
            self.draft.note(format!(
                "The login to the repository `{repo}` is left out: log in by `helm repo add` or `docker login`."
            ));
        }
        let is_oci = known.and_then(|it| it.get("oci")).and_then(Value::as_bool) == Some(true);
        let url = if is_oci && !url.contains("://") { format!("oci://{url}") } else { url.to_owned() };
        let version = version.map_or_else(|| any(self.draft), str::to_owned);
        Ok(remote(&url, of, &version))
    }

    fn local(&mut self, place: &Path, chart: &str, name: &str) -> Result<String, Failure> {
        let within =
            |path: &Path| path.strip_prefix(self.draft.root()).ok().map(|it| it.to_string_lossy().into_owned());
        let real = place.canonicalize().ok().as_deref().and_then(|it| {
            let root = self.draft.root().canonicalize().ok()?;
            it.strip_prefix(root).ok().map(|it| it.to_string_lossy().into_owned())
        });
        let Some(path) = real.or_else(|| within(place)) else {
            let what = format!("the chart `{chart}` of the release `{name}` is outside of the repository");
            return Err(ImportError::unfit(
                what,
                "Copy it into the repository, or name the repository's root by `-C`.",
            )
            .into());
        };
        let there = |file: &str| place.join(file).is_file();
        if there("Chart.yaml") || place.is_file() {
            return Ok(format!("  chart: {}\n", word(&format!("/{path}"))));
        }
        if ["kustomization.yaml", "kustomization.yml", "Kustomization"].into_iter().any(there) {
            return Ok(format!("  kustomization: {}\n", word(&path)));
        }
        if place.is_dir() {
            return Ok(format!("  manifests: {}\n", word(&path)));
        }
        let what = format!("the chart `{chart}` of the release `{name}` is not there");
        Err(ImportError::unfit(what, "Correct the path: it counts from the folder of the helmfile.").into())
    }

    /// The entries of `values`, and what `set` sets.
    fn values(&mut self, release: &Value, original: &str, name: &str) -> Result<String, Failure> {
        let mut listed = Vec::new();
        let mut secret = Value::from(Map::new());
        for (at, entry) in release.get("values").and_then(Value::as_list).unwrap_or_default().iter().enumerate() {
            let (text, file) = match entry.as_str() {
                None => (None, entry.clone()),
                Some(path) => match self.values_file(path, release, original)? {
                    Found::InPlace(path) => {
                        listed.push(Value::from(path.as_str()));
                        continue;
                    }
                    Found::Rendered(values) => (Some(path), values),
                    Found::Nothing => continue,
                },
            };
            let place = format!("environments/{}/imported/{name}-{}.yaml", self.name, at + 1);
            let (clear, hidden) = self.draft.parted(file);
            if hidden.as_map().is_some_and(|it| !it.is_empty()) {
                secret = laid(secret, hidden);
            }
            match text {
                Some(path) => {
                    self.draft.note(format!("`{path}` is rendered once: its templates are not kept."));
                    self.draft.add(place, yaml::write(&clear));
                    listed.push(Value::from(format!("./imported/{name}-{}.yaml", at + 1).as_str()));
                }
                None if clear.as_map().is_some_and(|it| !it.is_empty()) => listed.push(clear),
                None => {}
            }
        }
        let mut set = Vec::new();
        for entry in release.get("set").and_then(Value::as_list).unwrap_or_default() {
            let of = |key: &str| entry.get(key).map(|it| crate::patch::scalar_text(it).into_owned());
            match (of("name"), of("value")) {
                (Some(path), Some(value)) => set.push(values::parse_set(&format!("{path}={value}"), SetKind::Typed)?),
                (path, _) => self.draft.note(format!(
                    "`set` of `{}` in the release `{original}` is left out: only plain values are kept.",
                    path.unwrap_or_default()
                )),
            }
        }
        if !set.is_empty() {
            let (clear, hidden) = self.draft.parted(values::merge(set).by_user);
            secret = laid(secret, hidden);
            if clear.as_map().is_some_and(|it| !it.is_empty()) {
                listed.push(clear);
            }
        }
        self.scope.hidden = secret;
        Ok(if listed.is_empty() { String::new() } else { field("values", &Value::from(Data::List(listed))) })
    }

    fn values_file(&mut self, path: &str, release: &Value, original: &str) -> Result<Found, Failure> {
        let place = self.folder.join(path);
        if !place.is_file() {
            let quiet = release.get("missingFileHandler").and_then(Value::as_str).is_some_and(|it| it != "Error");
            if quiet {
                return Ok(Found::Nothing);
            }
            let what = format!("the values `{path}` of the release `{original}` are not there");
            return Err(ImportError::unfit(what, "Correct the path: it counts from the folder of the helmfile.").into());
        }
        let text = files::read(&place)?;
        let file = Arc::new(path.to_owned());
        let is_template = path.ends_with(".gotmpl");
        let text = if is_template { gotmpl::render(&text, &file, &self.of(release))? } else { text };
        let values = crate::chart::values(&text, &file, Rules::Kubernetes)?;
        let root = self.draft.root().canonicalize().unwrap_or_default();
        let inside =
            place.canonicalize().ok().and_then(|it| Some(it.strip_prefix(root).ok()?.to_string_lossy().into_owned()));
        let (_, hidden) = self.draft.parted(values.clone());
        match inside {
            Some(path) if !is_template && hidden.as_map().is_none_or(Map::is_empty) => {
                Ok(Found::InPlace(format!("/{path}")))
            }
            _ => Ok(Found::Rendered(values)),
        }
    }

    /// What templates of a release's values see.
    fn of(&self, release: &Value) -> Scope {
        let text = |key: &str| Value::from(release.get(key).and_then(Value::as_str).unwrap_or_default());
        let mut scope = self.scope.clone();
        scope.release =
            [("Name", text("name")), ("Namespace", text("namespace")), ("Chart", text("chart"))].into_iter().collect();
        scope
    }

    /// The encrypted files of a release, and the values of its others that look secret.
    fn secrets(&mut self, release: &Value, original: &str, name: &str) -> Result<String, Failure> {
        let mut kept = Vec::new();
        let folder = format!("secrets/{}", self.name);
        for (at, path) in texts(release.get("secrets")).iter().enumerate() {
            let bytes = files::bytes(&self.folder.join(path))?;
            if !secrets::is_encrypted(&bytes) {
                let what = format!("`{path}`, a secret of the release `{original}`, is not encrypted");
                return Err(ImportError::unfit(
                    what,
                    "Encrypt it with `weft secrets encrypt`, or list it under `values`.",
                )
                .into());
            }
            let file = format!("{name}-{}.yaml", at + 1);
            self.draft.add(format!("{folder}/{file}"), bytes);
            self.draft.note(format!(
                "`{path}` is kept as it is: see `weft secrets who {folder}/{file}` for who can read it."
            ));
            kept.push(file);
        }
        let hidden = std::mem::take(&mut self.scope.hidden);
        if hidden.as_map().is_some_and(|it| !it.is_empty()) {
            let names = leaves(&hidden).into_iter().map(|path| format!("`{path}` of `{original}`")).collect();
            if self.draft.secret(&format!("{folder}/{name}.yaml"), &hidden, names)? {
                kept.push(format!("{name}.yaml"));
            }
        }
        Ok(listed("secrets", &kept))
    }

    fn patches(&mut self, release: &Value, original: &str) -> Result<String, Failure> {
        let mut all = Vec::new();
        for key in ["strategicMergePatches", "jsonPatches"] {
            for entry in release.get(key).and_then(Value::as_list).unwrap_or_default() {
                let patch = match entry.as_str() {
                    Some(path) if !path.contains('\n') && self.folder.join(path).is_file() => yaml::document(
                        &files::read(&self.folder.join(path))?,
                        &Arc::new(path.to_owned()),
                        Rules::Kubernetes,
                    )?,
                    Some(text) => yaml::document(text, &self.file, Rules::Kubernetes)?,
                    None => entry.clone(),
                };
                let mut made = Map::new();
                if key == "jsonPatches" {
                    made.insert("target", patch.get("target").cloned().unwrap_or_default());
                    made.insert("patch", patch.get("patch").cloned().unwrap_or_default());
                } else {
                    made.insert("patch", patch);
                }
                all.push(made.into());
            }
        }
        if !all.is_empty() {
            self.draft.note(format!("The patches of the release `{original}` name their objects as the chart renders them: look at the plan."));
        }
        Ok(if all.is_empty() { String::new() } else { field("patches", &Value::from(Data::List(all))) })
    }

    fn rendered(&self, text: &str, file: &Arc<String>) -> Result<String, Failure> {
        if text.contains("{{") { Ok(gotmpl::render(text, file, &self.scope)?) } else { Ok(text.to_owned()) }
    }
}

/// What a file of values came to.
enum Found {
    /// It can be named as it is, by this path from the root.
    InPlace(String),
    /// Its values.
    Rendered(Value),
    /// It is not there, and need not be.
    Nothing,
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

fn remote(repo: &str, name: &str, version: &str) -> String {
    format!("  chart: {{repo: {}, name: {}, version: {}}}\n", quoted(repo), quoted(name), quoted(version))
}

/// `https://host/repo.git@path/of/chart?ref=v1`, as `helm-git` and helmfile write it.
fn of_git(text: &str) -> String {
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let rev = query.split('&').find_map(|it| it.strip_prefix("ref=")).unwrap_or("HEAD");
    let (git, path) = match address.rsplit_once('@') {
        Some((git, path)) if git.contains("://") && !path.contains(':') => (git, path),
        _ => (address, "."),
    };
    format!("  chart: {{git: {}, rev: {}, path: {}}}\n", quoted(git), quoted(rev), quoted(path))
}

fn waiting(release: &Value, whole: &Value) -> String {
    let of = |key: &str| release.get(key).or_else(|| whole.dig(&["helmDefaults", key]));
    match (of("wait").and_then(Value::as_bool), of("timeout").and_then(Value::as_i64)) {
        (Some(false), _) => "  wait: false\n".to_owned(),
        (_, Some(seconds)) => format!("  wait: {{timeout: {seconds}s}}\n"),
        _ => String::new(),
    }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_list).unwrap_or_default();
    items.iter().filter_map(|it| it.as_str().or_else(|| it.get("path")?.as_str()).map(str::to_owned)).collect()
}

fn listed(key: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: Vec<String> = items.iter().map(|it| quoted(it)).collect();
    format!("  {key}: [{}]\n", items.join(", "))
}

/// A text as JSON writes it, which YAML reads the same everywhere; plain words stay bare.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let is_word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if is_plain && !is_word { text.to_owned() } else { serde_json::to_string(text).unwrap_or_default() }
}

/// A field of a release as YAML.
fn field(key: &str, value: &Value) -> String {
    let map: BTreeMap<&str, Value> = BTreeMap::from([(key, value.clone())]);
    let map: Map = map.into_iter().collect();
    yaml::write(&map.into()).lines().flat_map(|line| ["  ", line, "\n"]).collect()
}
