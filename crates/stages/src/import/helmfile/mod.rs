//! A helmfile -> environments.

mod releases;
mod source;
mod state;
mod values;

use std::sync::Arc;

use self::state::State;
use super::draft::{Drafting, laid};
use super::entry::Release;
use super::gotmpl::Scope;
use super::names::{label, unique};
use super::{Arguments, Draft, Encryption, ImportError, Repository, Rules};
use weft_base::value::{Map, Value};

/// Parts of a helmfile that are read.
const KNOWN: [&str; 8] =
    ["environments", "releases", "repositories", "helmDefaults", "templates", "values", "bases", "missingFileHandler"];
/// Parts that mean nothing here.
const MEANINGLESS: [&str; 3] = ["helmBinary", "kustomizeBinary", "filepath"];
/// Further parts of a helmfile, with what there is instead.
const PARTS: [(&str, &str); 6] = [
    ("hooks", "run programs before and after `weft apply` yourself, or use hooks of charts"),
    ("helmfiles", "import each of these files by itself"),
    ("commonLabels", "label the releases"),
    ("lockFilePath", "charts are locked by `weft sources lock`"),
    ("apiVersions", "the cluster says what it serves"),
    ("kubeVersion", "the cluster says its version"),
];
/// What `helmDefaults` may say that is carried over, or means nothing here.
const DEFAULTS: [&str; 16] = [
    "wait",
    "timeout",
    "kubeContext",
    "namespace",
    "createNamespace",
    "atomic",
    "force",
    "cleanupOnFail",
    "historyMax",
    "devel",
    "recreatePods",
    "tillerless",
    "tillerNamespace",
    "skipDeps",
    "waitForJobs",
    "diffArgs",
];

/// Which helmfile is imported, and how.
#[derive(Clone, Debug)]
pub struct Helmfile<'a> {
    /// Its path among the files.
    pub path: &'a str,
    /// The environments that are imported; all if there are none.
    pub environments: &'a [String],
    /// The values of `env` and `requiredEnv`.
    pub variables: &'a Arguments,
}

/// Makes an environment of each environment of a helmfile.
pub fn helmfile(
    repository: &Repository,
    helmfile: &Helmfile<'_>,
    rules: &Rules,
    encryption: Encryption<'_>,
) -> Result<Draft, ImportError> {
    let mut draft = Drafting::new(repository.project(), rules, encryption);
    let known = state::environments(repository.files(), helmfile)?;
    let chosen = if helmfile.environments.is_empty() { &known[..] } else { helmfile.environments };
    let mut names: Vec<String> = Vec::new();
    for environment in chosen {
        if !known.contains(environment) {
            return Err(ImportError::NoEnvironment {
                file: helmfile.path.to_owned(),
                environment: environment.clone(),
            });
        }
        let name = unique(environment, |it| names.iter().any(|taken| taken == it));
        names.push(name.clone());
        let state = State::load(repository.files(), helmfile, environment, &mut draft)?;
        let mut import = Import {
            repository,
            folder: folder_of(helmfile.path),
            file: Arc::new(helmfile.path.to_owned()),
            whole: Value::from(state.whole),
            scope: state.scope,
            hidden: Value::default(),
            name,
            ids: Vec::new(),
            draft: &mut draft,
        };
        import.environment(environment)?;
    }
    Ok(draft.finish())
}

fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default()
}

/// A release's name in the helmfile and here.
struct Id {
    namespace: String,
    original: String,
    name: String,
}

/// One environment that is imported.
struct Import<'i, 'd, 'r> {
    repository: &'i Repository,
    draft: &'i mut Drafting<'d, 'r>,
    folder: String,
    file: Arc<String>,
    /// The helmfile with its bases.
    whole: Value,
    scope: Scope,
    /// What looks secret of the values of the release at hand.
    hidden: Value,
    name: String,
    ids: Vec<Id>,
}

impl Import<'_, '_, '_> {
    fn environment(&mut self, environment: &str) -> Result<(), ImportError> {
        self.note_the_rest();
        let context = self
            .whole
            .dig(&["environments", environment, "kubeContext"])
            .or_else(|| self.whole.dig(&["helmDefaults", "kubeContext"]))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let releases = self.releases()?;
        self.identify(&releases);
        let mut entries: Vec<Release> = Vec::new();
        for (at, release) in releases.iter().enumerate() {
            entries.push(self.release(at, release, context.as_deref())?);
        }
        if entries.is_empty() {
            return Err(ImportError::NoReleases { file: self.file.to_string(), environment: environment.to_owned() });
        }
        let name = self.name.clone();
        self.draft.environment(&name, context.as_deref(), &entries)
    }

    /// Names what the file says and no environment can.
    fn note_the_rest(&mut self) {
        let file = Arc::clone(&self.file);
        let known = |key: &str| KNOWN.contains(&key) || MEANINGLESS.contains(&key);
        for entry in self.whole.as_map().into_iter().flatten().filter(|it| !known(&it.key) && !it.value.is_null()) {
            let part = PARTS.iter().find(|(part, _)| *part == &*entry.key);
            let instead = part.map_or("there is nothing of the kind", |(_, instead)| instead);
            self.draft.note(format!("`{}` of `{file}` is left out: {instead}.", entry.key));
        }
        let defaults = self.whole.get("helmDefaults").and_then(Value::as_map);
        for entry in defaults.into_iter().flatten().filter(|it| !DEFAULTS.contains(&it.key.as_str())) {
            self.draft
                .note(format!("`helmDefaults.{}` of `{file}` is left out: there is nothing of the kind.", entry.key));
        }
    }

    /// The releases over the templates that they inherit from, with the templates in their texts rendered.
    fn releases(&self) -> Result<Vec<Value>, ImportError> {
        let releases = self.whole.get("releases").and_then(Value::as_list).unwrap_or_default();
        releases.iter().map(|it| self.resolved(&self.inherited(it))).collect()
    }

    /// The release over the templates that it inherits from.
    fn inherited(&self, release: &Value) -> Value {
        let mut below = Value::from(Map::new());
        for it in release.get("inherit").and_then(Value::as_list).unwrap_or_default() {
            let name = it.get("template").and_then(Value::as_str).unwrap_or_default();
            if let Some(template) = self.whole.dig(&["templates", name]) {
                below = laid(below, template.clone());
            }
        }
        laid(below, release.clone())
    }

    /// Gives every release its name: in a helmfile two may have one name, in two namespaces.
    fn identify(&mut self, releases: &[Value]) {
        for release in releases {
            let original = release.get("name").and_then(Value::as_str).unwrap_or("app").to_owned();
            let name = unique(&original, |it| self.ids.iter().any(|id| id.name == it));
            if name != original {
                self.draft.note(format!(
                    "The release `{original}` is called `{name}` here: objects that its chart names after the release \
                     get other names."
                ));
            }
            let namespace = self.namespace(release);
            self.ids.push(Id { namespace, original, name });
        }
    }

    fn namespace(&self, release: &Value) -> String {
        let own = release.get("namespace").and_then(Value::as_str);
        let shared = || self.whole.dig(&["helmDefaults", "namespace"]).and_then(Value::as_str);
        own.or_else(shared).unwrap_or("default").to_owned()
    }

    /// The name of the release that an entry of `needs` means: `NAME`, `NAMESPACE/NAME` or `CONTEXT/NAMESPACE/NAME`.
    fn needed(&self, need: &str) -> String {
        let mut parts = need.rsplit('/');
        let name = parts.next().unwrap_or(need);
        let namespace = parts.next();
        let fits = |it: &&Id| it.original == name && namespace.is_none_or(|wanted| wanted == it.namespace);
        let found = self.ids.iter().find(fits).or_else(|| self.ids.iter().find(|it| it.original == name));
        found.map_or_else(|| label(name), |it| it.name.clone())
    }
}
