//! A kluctl project -> environments.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::draft::{Drafting, laid};
use super::entry::{Release, listed, quoted, word};
use super::names::{label, unique};
use super::{Arguments, Draft, Encryption, ImportError, Repository, Rules};
use crate::values::{self, SetKind};
use weft_base::tree::{self, Tree};
use weft_base::value::{Map, Value};
use weft_base::yaml::{self, Rules as YamlRules};

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
/// Further parts of a deployment, which are carried over.
const PARTS_KNOWN: [&str; 4] = ["deployments", "vars", "overrideNamespace", "tags"];
/// What a `helm-chart.yaml` may say that is carried over, or means nothing here.
const CHART_KNOWN: [&str; 13] = [
    "repo",
    "path",
    "git",
    "chartName",
    "chartVersion",
    "releaseName",
    "namespace",
    "output",
    "skipUpdate",
    "skipPrePull",
    "updateConstraints",
    "skipCRDs",
    "credentialsId",
];
const DEPLOYMENT: [&str; 2] = ["deployment.yaml", "deployment.yml"];
const CHART: [&str; 2] = ["helm-chart.yaml", "helm-chart.yml"];
const VALUES: [&str; 2] = ["helm-values.yaml", "helm-values.yml"];
const KUSTOMIZATION: [&str; 2] = ["kustomization.yaml", "kustomization.yml"];

/// Which kluctl project is imported, and how.
#[derive(Clone, Debug)]
pub struct Kluctl<'a> {
    /// Its folder among the files; empty for the root.
    pub folder: &'a str,
    /// Values of its arguments, over those of targets.
    pub arguments: &'a Arguments,
}

/// Makes an environment of each target of a kluctl project.
pub fn kluctl(
    repository: &Repository,
    kluctl: &Kluctl<'_>,
    rules: &Rules,
    encryption: Encryption<'_>,
) -> Result<Draft, ImportError> {
    let mut draft = Drafting::new(repository.project(), rules, encryption);
    let files = repository.files();
    let project = match first(files, kluctl.folder, &[".kluctl.yaml", ".kluctl.yml"]) {
        Some(path) => yaml::document(files.text(&path)?, &Arc::new(path), YamlRules::Kubernetes)?,
        None => Value::default(),
    };
    let targets = project.get("targets").and_then(Value::as_list).map(<[Value]>::to_vec).unwrap_or_default();
    let one = [Value::from([("name", Value::from("default"))].into_iter().collect::<Map>())];
    let mut names: Vec<String> = Vec::new();
    for target in if targets.is_empty() { &one[..] } else { &targets[..] } {
        let name = target.get("name").and_then(Value::as_str).unwrap_or("default");
        let environment = unique(name, |it| names.iter().any(|taken| taken == it));
        names.push(environment.clone());
        let scope = scope(&project, target, kluctl.arguments)?;
        let target_name = name.to_owned();
        let context = target.get("context").and_then(Value::as_str);
        let mut import = Import {
            repository,
            draft: &mut draft,
            top: kluctl.folder,
            environment: environment.clone(),
            releases: Vec::new(),
            before: Vec::new(),
        };
        import.deployment(kluctl.folder, &scope, None)?;
        let releases = import.releases;
        if releases.is_empty() {
            let folder = shown(kluctl.folder);
            return Err(ImportError::NoDeployments { folder, target: target_name });
        }
        draft.environment(&environment, context, &releases)?;
    }
    Ok(draft.finish())
}

/// What templates see of a target.
fn scope(project: &Value, target: &Value, arguments: &Arguments) -> Result<Value, ImportError> {
    let declared = project.get("args").and_then(Value::as_list).unwrap_or_default();
    let defaults = declared.iter().filter_map(|it| Some((it.get("name")?.as_str()?, it.get("default").cloned()?)));
    let own = target.get("args").cloned().unwrap_or_else(|| Map::new().into());
    let set = arguments.iter().map(|(name, value)| values::parse_set(&format!("{name}={value}"), SetKind::Typed));
    let given = values::merge(set.collect::<Result<_, _>>()?).by_user;
    let mut scope = Map::new();
    scope.insert("args", laid(laid(Value::from(defaults.collect::<Map>()), own), given));
    scope.insert("target", target.clone());
    Ok(scope.into())
}

/// The first of some files of a folder that is there.
fn first(files: &Tree, folder: &str, names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| tree::join(folder, name).ok()).find(|path| files.contains(path))
}

fn shown(folder: &str) -> String {
    if folder.is_empty() { ".".to_owned() } else { folder.to_owned() }
}

fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

fn rendered(text: &str, file: &str, scope: &Value) -> Result<String, ImportError> {
    if is_template(text) { Ok(weft_jinja::render_text(file, text, scope)?) } else { Ok(text.to_owned()) }
}

/// One target that is imported.
struct Import<'i, 'd, 'r> {
    repository: &'i Repository,
    draft: &'i mut Drafting<'d, 'r>,
    /// The project's folder.
    top: &'i str,
    environment: String,
    releases: Vec<Release>,
    /// The releases before the last barrier.
    before: Vec<String>,
}

impl Import<'_, '_, '_> {
    /// Reads a YAML file of a folder, with its templates rendered.
    fn document(&self, path: &str, scope: &Value) -> Result<Value, ImportError> {
        let text = rendered(self.repository.files().text(path)?, path, scope)?;
        Ok(yaml::document(&text, &Arc::new(path.to_owned()), YamlRules::Kubernetes)?)
    }

    /// The items of the deployment of a folder, in order. `namespace` is what the deployment above it sets.
    fn deployment(&mut self, folder: &str, scope: &Value, namespace: Option<&str>) -> Result<(), ImportError> {
        let Some(path) = first(self.repository.files(), folder, &DEPLOYMENT) else {
            return Err(ImportError::NoDeploymentFile { folder: shown(folder) });
        };
        let deployment = self.document(&path, scope)?;
        self.note_the_rest(&deployment, &path);
        let scope = self.with_vars(&deployment, folder, scope)?;
        let own = deployment.get("overrideNamespace").and_then(Value::as_str);
        let namespace = own.or(namespace);
        for item in deployment.get("deployments").and_then(Value::as_list).unwrap_or_default() {
            for entry in item.as_map().into_iter().flatten().filter(|it| !KNOWN.contains(&it.key.as_str())) {
                self.draft.note(format!(
                    "`{}` of a deployment in `{path}` is left out: there is nothing of the kind.",
                    entry.key
                ));
            }
            self.item(item, &path, &scope, namespace)?;
        }
        Ok(())
    }

    fn note_the_rest(&mut self, deployment: &Value, file: &str) {
        let known = |key: &str| PARTS_KNOWN.contains(&key);
        for entry in deployment.as_map().into_iter().flatten().filter(|it| !known(&it.key) && !it.value.is_null()) {
            let part = PARTS.iter().find(|(part, _)| *part == &*entry.key);
            let instead = part.map_or("there is nothing of the kind", |(_, instead)| instead);
            self.draft.note(format!("`{}` of `{file}` is left out: {instead}.", entry.key));
        }
    }

    fn item(&mut self, item: &Value, file: &str, scope: &Value, namespace: Option<&str>) -> Result<(), ImportError> {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let scope = self.with_vars(item, folder, scope)?;
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        if let Some(when) = text("when")
            && weft_jinja::expression(when, &scope, &item.origin)?.as_bool() == Some(false)
        {
            return Ok(());
        }
        let place = text("include").or_else(|| text("path")).map(|it| tree::join(folder, it)).transpose()?;
        if let Some(place) = place {
            if !self.repository.files().has_folder(&place) {
                return Err(ImportError::NoFolder { folder: place, file: file.to_owned() });
            }
            if text("include").is_some() {
                self.deployment(&place, &scope, namespace)?;
            } else {
                self.folder(&place, item, &scope, namespace)?;
            }
        }
        if item.get("barrier").and_then(Value::as_bool) == Some(true) {
            self.before = self.releases.iter().map(|it| it.name.clone()).collect();
        }
        Ok(())
    }

    /// A folder of manifests, a kustomization or a chart.
    fn folder(&mut self, place: &str, item: &Value, scope: &Value, namespace: Option<&str>) -> Result<(), ImportError> {
        let chart = match first(self.repository.files(), place, &CHART) {
            Some(path) => self.document(&path, scope)?.get("helmChart").cloned(),
            None => None,
        };
        let own = |key: &str| chart.as_ref()?.get(key)?.as_str();
        let below = place.strip_prefix(self.top).unwrap_or(place).trim_matches('/');
        let name = own("releaseName").unwrap_or(below);
        let name = unique(name, |it| self.releases.iter().any(|release| release.name == it));
        let namespace = own("namespace").or(namespace);
        if namespace.is_none() {
            self.draft
                .note(format!("The release `{name}` is in the namespace `default`, unless its objects name another."));
        }
        let mut release = Release::new(&name, namespace.unwrap_or("default"));
        release.push(&listed("needs", &self.before));
        let tags = item.get("tags").and_then(Value::as_list).unwrap_or_default();
        let tags: Vec<String> =
            tags.iter().filter_map(Value::as_str).map(|it| format!("{}: 'true'", label(it))).collect();
        if !tags.is_empty() {
            release.push(&format!("  labels: {{{}}}\n", tags.join(", ")));
        }
        let source = match &chart {
            Some(chart) => self.chart(chart, place, &name, scope)?,
            None => self.manifests(place, &name, scope)?,
        };
        release.push(&source);
        self.releases.push(release);
        Ok(())
    }

    /// The lines of a folder of manifests: it is named as it is, or rendered if it holds templates.
    fn manifests(&mut self, place: &str, name: &str, scope: &Value) -> Result<String, ImportError> {
        let files = self.repository.files().below(place);
        let is_kustomization = KUSTOMIZATION.iter().any(|it| files.contains(it));
        let source = if is_kustomization { "kustomization" } else { "manifests" };
        let has_templates = files.paths().any(|path| files.text(path).is_ok_and(is_template));
        if !has_templates && self.repository.is_inside() {
            return Ok(format!("  {source}: {}\n", word(&shown(place))));
        }
        let folder = format!("rendered/{}/{name}", self.environment);
        for (path, bytes) in files.files() {
            match files.text(path) {
                Ok(text) => {
                    let text = rendered(text, &format!("{place}/{path}"), scope)?;
                    self.draft.add(format!("{folder}/{path}"), text);
                }
                Err(_) => self.draft.add(format!("{folder}/{path}"), bytes),
            }
        }
        self.draft.note(format!("`{place}` is rendered once, into `{folder}`: its templates are not kept."));
        Ok(format!("  {source}: {}\n", word(&folder)))
    }

    /// The lines of a chart with its values.
    fn chart(&mut self, chart: &Value, place: &str, name: &str, scope: &Value) -> Result<String, ImportError> {
        for entry in chart.as_map().into_iter().flatten().filter(|it| !CHART_KNOWN.contains(&it.key.as_str())) {
            self.draft
                .note(format!("`{}` of the chart in `{place}` is left out: there is nothing of the kind.", entry.key));
        }
        self.note_beside(place);
        let mut lines = self.chart_source(chart, place, name)?;
        if let Some(path) = first(self.repository.files(), place, &VALUES) {
            let values = self.document(&path, scope)?;
            let plain = format!("environments/{}/values/{name}.yaml", self.environment);
            let secret = format!("secrets/{}/{name}.yaml", self.environment);
            if self.draft.values(&plain, &secret, values)? {
                lines.push_str(&listed("secrets", &[format!("{name}.yaml")]));
            }
        }
        Ok(lines)
    }

    /// Names the files beside a chart: a release has one source.
    fn note_beside(&mut self, place: &str) {
        let files = self.repository.files().below(place);
        let known: BTreeSet<&str> = [CHART, VALUES].into_iter().flatten().collect();
        // Charts in a folder below are what `path` names, or what kluctl pulled.
        let charts: Vec<String> = files
            .paths()
            .filter_map(|path| path.strip_suffix("/Chart.yaml"))
            .map(|folder| format!("{folder}/"))
            .collect();
        let is_beside =
            |path: &&str| !known.contains(path) && !charts.iter().any(|folder| path.starts_with(folder.as_str()));
        let beside: Vec<String> = files.paths().filter(is_beside).map(|path| format!("`{path}`")).collect();
        if beside.is_empty() {
            return;
        }
        let what = if beside.iter().any(|it| KUSTOMIZATION.iter().any(|name| it.trim_matches('`') == *name)) {
            "its kustomization changes what the chart renders: write it as `patches` of the release, and its further \
             resources as a release of their own"
        } else {
            "make a release of their own of them"
        };
        self.draft.note(format!("Files beside the chart in `{place}` are left out: {}; {what}.", beside.join(", ")));
    }

    fn chart_source(&mut self, chart: &Value, place: &str, name: &str) -> Result<String, ImportError> {
        let text = |key: &str| chart.get(key).and_then(Value::as_str).unwrap_or_default();
        if chart.get("git").is_some() {
            return Ok(git_source(chart));
        }
        let repo = text("repo");
        if repo.is_empty() {
            if !self.repository.is_inside() {
                let chart = text("path").to_owned();
                return Err(ImportError::ChartOutside { chart, release: name.to_owned() });
            }
            return Ok(format!("  chart: {}\n", word(&format!("/{}", tree::join(place, text("path"))?))));
        }
        let is_oci = repo.starts_with("oci://");
        let (repo, chart_name) = match repo.rsplit_once('/') {
            Some((above, last)) if is_oci => (above, last),
            _ => (repo, text("chartName")),
        };
        let version = match text("chartVersion") {
            "" => {
                self.draft.note(format!(
                    "The release `{name}` names no version of its chart: any is taken until it is locked."
                ));
                ">0.0.0-0"
            }
            version => version,
        };
        Ok(format!("  chart: {{repo: {}, name: {}, version: {}}}\n", quoted(repo), quoted(chart_name), quoted(version)))
    }

    /// The scope with the variables that a deployment or an item declares.
    fn with_vars(&mut self, declares: &Value, folder: &str, scope: &Value) -> Result<Value, ImportError> {
        let mut scope = scope.clone();
        for entry in declares.get("vars").and_then(Value::as_list).unwrap_or_default() {
            let values = match (entry.get("values"), entry.get("file").and_then(Value::as_str)) {
                (Some(values), _) => values.clone(),
                (None, Some(named)) => {
                    let path = tree::join(folder, named)?;
                    if !self.repository.files().contains(&path) {
                        let owner = format!("the deployment in `{}`", shown(folder));
                        return Err(ImportError::NoValues { path: named.to_owned(), owner });
                    }
                    self.document(&path, &scope)?
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
}

/// A chart of a git repository: `git: {url, ref: {tag | branch | commit}, subDir}`, or its address alone.
fn git_source(chart: &Value) -> String {
    let git = chart.get("git").cloned().unwrap_or_default();
    let url = git.as_str().or_else(|| git.get("url").and_then(Value::as_str)).unwrap_or_default();
    let named = ["commit", "tag", "branch"].iter().find_map(|key| git.dig(&["ref", key]).and_then(Value::as_str));
    let rev = named.or_else(|| git.get("ref").and_then(Value::as_str)).unwrap_or("HEAD");
    let path = git.get("subDir").and_then(Value::as_str).unwrap_or(".");
    format!("  chart: {{git: {}, rev: {}, path: {}}}\n", quoted(url), quoted(rev), quoted(path))
}
