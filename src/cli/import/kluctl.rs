//! `weft import kluctl`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::draft::{Draft, DraftArgs, ImportError, head, label, laid, word};
use crate::cli::terminal::Terminal;
use crate::cli::{Exit, files, settings};
use crate::diagnostic::Failure;
use crate::jinja;
use crate::source;
use crate::tree::Tree;
use crate::value::{Map, Value};
use crate::yaml::{self, Rules};

/// What a deployment may say that is carried over.
const KNOWN: [&str; 7] = ["path", "include", "barrier", "tags", "vars", "when", "message"];
/// Parts of a deployment with what there is instead.
const PARTS: [(&str, &str); 6] = [
    ("commonLabels", "set labels in the manifests, or by a kustomization"),
    ("commonAnnotations", "set annotations in the manifests, or by a kustomization"),
    ("ignoreForDiff", "write `ignore` rules"),
    ("conflictResolution", "write `conflicts` rules"),
    ("sealedSecrets", "encrypt values with `weft secrets encrypt`"),
    ("images", "write the images into the values or the manifests"),
];

/// Make an environment of each target of a kluctl project: a release for each deployment item, in their order.
///
/// Templates in manifests are rendered once, for each target.
#[derive(Debug, Args)]
pub(super) struct KluctlArgs {
    /// The folder of the project, with `.kluctl.yaml` or `deployment.yaml`.
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    draft: DraftArgs,
}

pub(super) fn run(args: &KluctlArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut draft = Draft::new(&args.draft);
    let folder = settings::absolute(&args.folder);
    let project = document(&folder, &[".kluctl.yaml", ".kluctl.yml"])?.unwrap_or_default();
    let defaults = project.get("args").and_then(Value::as_list).unwrap_or_default();
    let defaults = defaults.iter().filter_map(|it| Some((it.get("name")?.as_str()?, it.get("default").cloned()?)));
    let defaults = Value::from(defaults.collect::<Map>());
    let targets = project.get("targets").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default();
    let one = [Value::from([("name", Value::from("default"))].into_iter().collect::<Map>())];
    for target in if targets.is_empty() { &one[..] } else { &targets[..] } {
        let name = target.get("name").and_then(Value::as_str).unwrap_or("default").to_owned();
        let own = target.get("args").cloned().unwrap_or_else(|| Map::new().into());
        let mut scope = Map::new();
        scope.insert("args", laid(defaults.clone(), own));
        scope.insert("target", target.clone());
        let mut import = Import {
            draft: &mut draft,
            top: folder.clone(),
            target: label(&name),
            entries: Vec::new(),
            before: Vec::new(),
        };
        import.deployment(&folder, &scope.into())?;
        let entries = import.entries;
        if entries.is_empty() {
            let what = format!("`{}` has no deployments", args.folder.display());
            return Err(ImportError::unfit(what, "Name the folder with `deployment.yaml`.").into());
        }
        let head = head(target.get("context").and_then(Value::as_str));
        draft.environment(&label(&name), &head, &entries)?;
    }
    draft.finish(terminal, "Next: look at the namespaces of the releases, then `weft plan ENVIRONMENT`.")?;
    Ok(Exit::Done)
}

/// The first of some files of a folder, read.
fn document(folder: &Path, names: &[&str]) -> Result<Option<Value>, Failure> {
    let Some(name) = names.iter().find(|name| folder.join(name).is_file()) else { return Ok(None) };
    let text = files::read(&folder.join(name))?;
    Ok(Some(yaml::document(&text, &Arc::new((*name).to_owned()), Rules::Kubernetes)?))
}

/// One target that is imported.
struct Import<'i, 'd> {
    draft: &'i mut Draft<'d>,
    top: PathBuf,
    target: String,
    entries: Vec<(String, String)>,
    /// The releases before the last barrier.
    before: Vec<String>,
}

impl Import<'_, '_> {
    /// The items of the `deployment.yaml` of a folder, in order.
    fn deployment(&mut self, folder: &Path, scope: &Value) -> Result<(), Failure> {
        let path = folder.join("deployment.yaml");
        let file = Arc::new(self.shown(&path));
        let text = Self::rendered(&files::read(&path)?, &file, scope)?;
        let deployment = yaml::document(&text, &file, Rules::Kubernetes)?;
        for (part, instead) in PARTS {
            if deployment.get(part).is_some_and(|it| !it.is_null()) {
                self.draft.note(format!("`{part}` of `{file}` is left out: {instead}."));
            }
        }
        let scope = self.with_vars(&deployment, folder, scope)?;
        let namespace = deployment.get("overrideNamespace").and_then(Value::as_str);
        for item in deployment.get("deployments").and_then(Value::as_list).unwrap_or_default() {
            for entry in item.as_map().into_iter().flatten().filter(|it| !KNOWN.contains(&it.key.as_str())) {
                self.draft.note(format!(
                    "`{}` of a deployment in `{file}` is left out: there is nothing of the kind.",
                    entry.key
                ));
            }
            let scope = self.with_vars(item, folder, &scope)?;
            let text = |key: &str| item.get(key).and_then(Value::as_str);
            if let Some(when) = text("when") {
                let holds = jinja::expression(when, &scope, &item.origin)?;
                if holds.as_bool() == Some(false) {
                    continue;
                }
            }
            if let Some(path) = text("include") {
                self.deployment(&folder.join(path), &scope)?;
            } else if let Some(path) = text("path") {
                self.item(&folder.join(path), item, namespace, &scope)?;
            }
            if item.get("barrier").and_then(Value::as_bool) == Some(true) {
                self.before = self.entries.iter().map(|(name, _)| name.clone()).collect();
            }
        }
        Ok(())
    }

    fn item(&mut self, place: &Path, item: &Value, namespace: Option<&str>, scope: &Value) -> Result<(), Failure> {
        let shown = self.shown(place);
        if !place.is_dir() {
            let what = format!("there is no folder `{shown}`, which a deployment names");
            return Err(
                ImportError::unfit(what, "Correct the path: it counts from the folder of `deployment.yaml`.").into()
            );
        }
        let chart =
            document(place, &["helm-chart.yaml", "helm-chart.yml"])?.and_then(|it| it.get("helmChart").cloned());
        let own = |key: &str| chart.as_ref()?.get(key)?.as_str().map(str::to_owned);
        let mut name = label(&own("releaseName").unwrap_or_else(|| shown.clone()));
        let (namespace, own) = (namespace.map(str::to_owned), own("namespace"));
        let namespace = own.or(namespace);
        while self.entries.iter().any(|(it, _)| *it == name) {
            name.push_str("-2");
        }
        let mut head = format!("- name: {name}\n  namespace: {}\n", namespace.as_deref().unwrap_or("default"));
        if namespace.is_none() {
            self.draft.note(format!(
                "The release `{name}` is in the namespace `default`, where its objects do not name another."
            ));
        }
        if !self.before.is_empty() {
            head.extend(["  needs: [", &self.before.join(", "), "]\n"]);
        }
        let tags = item.get("tags").and_then(Value::as_list).unwrap_or_default();
        let tags: Vec<String> =
            tags.iter().filter_map(Value::as_str).map(|it| format!("{}: 'true'", label(it))).collect();
        if !tags.is_empty() {
            head.extend(["  labels: {", &tags.join(", "), "}\n"]);
        }
        let source = self.source(place, &name, scope)?;
        self.entries.push((name, head + &source));
        Ok(())
    }

    /// The lines that say where the objects of an item come from.
    fn source(&mut self, place: &Path, name: &str, scope: &Value) -> Result<String, Failure> {
        if let Some(chart) = document(place, &["helm-chart.yaml", "helm-chart.yml"])? {
            return self.chart(&chart, place, name, scope);
        }
        let (tree, top) = source::folder_of(place)?;
        let tree = tree.below(&top);
        let is_kustomization = ["kustomization.yaml", "kustomization.yml"].iter().any(|it| tree.contains(it));
        let source = if is_kustomization { "kustomization" } else { "manifests" };
        if !is_templated(&tree)
            && let Ok(path) = place.strip_prefix(self.draft.root())
        {
            return Ok(format!("  {source}: {}\n", word(&path.to_string_lossy())));
        }
        let folder = format!("rendered/{}/{name}", self.target);
        for path in tree.paths() {
            let text = tree.text(path)?;
            let file = Arc::new(format!("{}/{path}", self.shown(place)));
            let text = Self::rendered(text, &file, scope)?;
            self.draft.add(format!("{folder}/{path}"), text);
        }
        self.draft
            .note(format!("`{}` is rendered once, into `{folder}`: its templates are not kept.", self.shown(place)));
        Ok(format!("  {source}: {}\n", word(&folder)))
    }

    fn chart(&mut self, spec: &Value, place: &Path, name: &str, scope: &Value) -> Result<String, Failure> {
        let chart = spec.get("helmChart").cloned().unwrap_or_default();
        let text = |key: &str| chart.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let json = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let mut lines = match (text("repo"), text("path"), text("chartName"), text("chartVersion")) {
            (repo, _, _, version) if repo.starts_with("oci://") => {
                let (repo, last) = repo.rsplit_once('/').unwrap_or(("", &repo));
                format!("  chart: {{repo: {}, name: {}, version: {}}}\n", json(repo), json(last), json(&version))
            }
            (repo, _, of, version) if !repo.is_empty() => {
                format!("  chart: {{repo: {}, name: {}, version: {}}}\n", json(&repo), json(&of), json(&version))
            }
            (_, path, _, _) => {
                let path = crate::tree::join(&self.within(place), &path)?;
                format!("  chart: /{path}\n")
            }
        };
        if let Some(values) = document(place, &["helm-values.yaml", "helm-values.yml"])? {
            let rendered = Self::rendered(&yaml::write(&values), &Arc::new("helm-values.yaml".to_owned()), scope)?;
            let values = yaml::document(&rendered, &Arc::new("helm-values.yaml".to_owned()), Rules::Kubernetes)?;
            let (plain, secret) = (
                format!("environments/{}/values/{name}.yaml", self.target),
                format!("secrets/{}/{name}.yaml", self.target),
            );
            if self.draft.values(&plain, &secret, values)?.1 {
                lines.extend(["  secrets: [", name, ".yaml]\n"]);
            }
        }
        Ok(lines)
    }

    /// The scope with the variables that a deployment or an item declares.
    fn with_vars(&mut self, of: &Value, folder: &Path, scope: &Value) -> Result<Value, Failure> {
        let mut scope = scope.clone();
        for entry in of.get("vars").and_then(Value::as_list).unwrap_or_default() {
            let values = match (entry.get("values"), entry.get("file").and_then(Value::as_str)) {
                (Some(values), _) => values.clone(),
                (None, Some(path)) => {
                    let file = Arc::new(path.to_owned());
                    let text = Self::rendered(&files::read(&folder.join(path))?, &file, &scope)?;
                    yaml::document(&text, &file, Rules::Kubernetes)?
                }
                (None, None) => {
                    let kind = entry.as_map().and_then(|it| it.keys().next()).unwrap_or_default();
                    self.draft
                        .note(format!("Variables from `{kind}` are left out: only `values` and `file` are read."));
                    continue;
                }
            };
            scope = laid(scope, values);
        }
        Ok(scope)
    }

    fn rendered(text: &str, file: &Arc<String>, scope: &Value) -> Result<String, Failure> {
        if text.contains("{{") || text.contains("{%") {
            Ok(jinja::render_text(file, text, scope)?)
        } else {
            Ok(text.to_owned())
        }
    }

    fn within(&self, path: &Path) -> String {
        path.strip_prefix(self.draft.root()).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// A path as people are told it: from the project's folder.
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.top).unwrap_or(path).to_string_lossy().into_owned()
    }
}

fn is_templated(tree: &Tree) -> bool {
    tree.paths().any(|path| tree.text(path).is_ok_and(|text| text.contains("{{") || text.contains("{%")))
}
