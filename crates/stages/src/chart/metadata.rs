//! `Chart.yaml`, and `requirements.yaml` of charts of the first format: read as leniently, and refused as strictly, as
//! Helm does.

use std::sync::Arc;

use super::{ChartError, version};
use weft_base::diagnostic::nearest;
use weft_base::value::{Data, Map, Mark, Origin, Value};
use weft_base::yaml::{self, Rules};

/// What a chart says of itself.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// The name.
    pub name: String,
    /// The chart's own version.
    pub version: String,
    /// The format: `v1` or `v2`.
    pub api_version: String,
    /// The version of what it installs.
    pub app_version: String,
    /// A sentence about it.
    pub description: String,
    /// Which Kubernetes versions it works with: a range.
    pub kube_version: String,
    /// `application`, `library`, or nothing.
    pub kind: String,
    /// Its home page.
    pub home: String,
    /// Its picture.
    pub icon: String,
    /// A condition of its own, which nothing reads.
    pub condition: String,
    /// Tags of its own, which nothing reads.
    pub tags: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Where its sources are.
    pub sources: Vec<String>,
    /// Whether it should not be used any more.
    pub deprecated: bool,
    /// Who keeps it: name, address and page.
    pub maintainers: Vec<[String; 3]>,
    /// Further facts.
    pub annotations: Vec<(String, String)>,
    /// The charts that it uses; `None` where it says nothing of them, which is not the same as none to Helm.
    pub dependencies: Option<Vec<Dependency>>,
}

/// A chart that a chart uses.
#[derive(Clone, Debug, Default)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Which versions of it do: a range.
    pub version: String,
    /// Where it comes from: a chart repository, a registry, or a folder `file://../common`.
    pub repository: String,
    /// Paths of values, between commas; the first that is a boolean decides whether it is used.
    pub condition: String,
    /// Tags, which `tags:` of the values switch.
    pub tags: Vec<String>,
    /// The name that it goes by in this chart.
    pub alias: String,
    /// Which of its values the chart takes over.
    pub import_values: Vec<Import>,
}

/// Values that a chart takes over from one that it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// What stands below `exports.<name>`, to the top of the chart's values.
    Export(String),
    /// What stands at `child`, to `parent` in the chart's values.
    At {
        /// The path in the values of the chart that is used.
        child: String,
        /// The path in the values of the chart that uses it.
        parent: String,
    },
}

/// The keys of a `Chart.yaml`.
const KEYS: [&str; 17] = [
    "annotations",
    "apiVersion",
    "appVersion",
    "condition",
    "dependencies",
    "deprecated",
    "description",
    "home",
    "icon",
    "keywords",
    "kubeVersion",
    "maintainers",
    "name",
    "sources",
    "tags",
    "type",
    "version",
];

/// Reads one document, wrong parts of which are told with their file.
struct Reader<'t> {
    file: &'t Arc<String>,
}

type Read<T> = Result<T, ChartError>;

impl Metadata {
    /// Reads the text of a `Chart.yaml`. Under strict rules, which are those of our own charts, it may have no other
    /// keys than Helm knows.
    pub fn read(text: &str, file: &Arc<String>, rules: Rules) -> Read<Self> {
        let mut metadata = Self::default();
        if rules == Rules::Strict {
            refuse_unknown(&yaml::document(text, file, rules)?)?;
        }
        metadata.add(text, file)?;
        if metadata.api_version.is_empty() {
            "v1".clone_into(&mut metadata.api_version);
        }
        Ok(metadata)
    }

    /// Takes what another file says over what is there, as Helm reads `requirements.yaml` over `Chart.yaml`.
    pub fn add(&mut self, text: &str, file: &Arc<String>) -> Read<()> {
        let document = yaml::first(text, file, Rules::Kubernetes)?;
        let reader = Reader { file };
        let Some(map) = reader.map(&document)? else { return Ok(()) };
        for (key, target) in [
            ("name", &mut self.name),
            ("version", &mut self.version),
            ("apiVersion", &mut self.api_version),
            ("appVersion", &mut self.app_version),
            ("description", &mut self.description),
            ("kubeVersion", &mut self.kube_version),
            ("type", &mut self.kind),
            ("home", &mut self.home),
            ("icon", &mut self.icon),
            ("condition", &mut self.condition),
            ("tags", &mut self.tags),
        ] {
            reader.text(map, key, target)?;
        }
        for (key, target) in [("keywords", &mut self.keywords), ("sources", &mut self.sources)] {
            reader.texts(map, key, target)?;
        }
        reader.boolean(map, "deprecated", &mut self.deprecated)?;
        if let Some(people) = reader.list(map, "maintainers")? {
            self.maintainers = people.iter().map(|it| reader.maintainer(it)).collect::<Read<_>>()?;
        }
        if let Some(annotations) = field(map, "annotations").map(|it| reader.map(it)).transpose()? {
            let pair =
                |it: &weft_base::value::Entry| Ok((it.key.to_string(), reader.scalar(&it.value)?.unwrap_or_default()));
            self.annotations = annotations.into_iter().flatten().map(pair).collect::<Read<_>>()?;
        }
        if let Some(all) = reader.list(map, "dependencies")? {
            self.dependencies = Some(all.iter().map(|it| reader.dependency(it)).collect::<Read<_>>()?);
        }
        Ok(())
    }

    /// Whether it lends its templates to others and renders nothing of its own.
    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }

    /// Cleans the texts, and refuses what Helm refuses. A chart of Jinja templates may leave its version out.
    pub fn check(&mut self, file: &Arc<String>, needs_version: bool) -> Read<()> {
        self.clean();
        let refused = |reason: String| Err(ChartError::metadata(file, reason));
        if self.name.is_empty() {
            return refused("it has no `name`".into());
        }
        if self.name == "." || self.name == ".." || self.name.contains('/') {
            return refused(format!("`{}` cannot be the name of a chart", self.name));
        }
        if self.version.is_empty() && needs_version {
            return refused("it has no `version`".into());
        }
        if !self.version.is_empty() && !version::is_version(&self.version) {
            return refused(format!("`{}` is no semantic version", self.version));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return refused(format!("its `type` is `{}`, and must be `application` or `library`", self.kind));
        }
        let mut seen: Vec<&str> = Vec::new();
        for dependency in self.dependencies.iter().flatten() {
            let named = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !dependency.alias.chars().all(named) {
                return refused(format!(
                    "the alias of the dependency `{}` has other characters than letters, digits, `-` and `_`",
                    dependency.name
                ));
            }
            if seen.contains(&dependency.goes_by()) {
                return refused(format!("two dependencies go by the name `{}`", dependency.goes_by()));
            }
            seen.push(dependency.goes_by());
        }
        Ok(())
    }

    fn clean(&mut self) {
        let single = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        let people = self.maintainers.iter_mut().flatten();
        single.into_iter().chain(&mut self.sources).chain(&mut self.keywords).chain(people).for_each(clean);
        for it in self.dependencies.iter_mut().flatten() {
            let single = [&mut it.name, &mut it.version, &mut it.repository, &mut it.condition];
            single.into_iter().chain(&mut it.tags).for_each(clean);
        }
    }
}

impl Dependency {
    /// The name under which the chart that uses it knows it.
    pub fn goes_by(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }
}

fn refuse_unknown(document: &Value) -> Read<()> {
    match document.as_map().into_iter().flatten().find(|it| !KEYS.contains(&it.key.as_str())) {
        None => Ok(()),
        Some(entry) => Err(ChartError::Metadata {
            reason: match nearest(&entry.key, KEYS) {
                Some(near) => format!("the key `{}` is not known; did you mean `{near}`?", entry.key),
                None => format!("the key `{}` is not known", entry.key),
            },
            origin: Origin { file: document.origin.file.clone(), mark: entry.mark },
        }),
    }
}

/// White space becomes spaces, and what cannot be printed is left out.
fn clean(text: &mut String) {
    let odd = |c: char| (c.is_whitespace() && c != ' ') || c.is_control() || is_invisible(c);
    if text.chars().any(odd) {
        let kept = text.chars().filter(|c| c.is_whitespace() || !odd(*c));
        *text = kept.map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    }
}

/// Formatting and private characters, which Go does not call printable.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

/// The value of a key, which Go's JSON finds whatever its case is.
fn field<'v>(map: &'v Map, key: &str) -> Option<&'v Value> {
    map.get(key).or_else(|| map.iter().find(|it| it.key.eq_ignore_ascii_case(key)).map(|it| &it.value))
}

impl Reader<'_> {
    fn wrong<T>(&self, value: &Value, wanted: &str) -> Read<T> {
        let origin = Origin::new(self.file, value.origin.mark);
        Err(ChartError::Metadata { reason: format!("this is a {}, and must be {wanted}", value.kind()), origin })
    }

    fn map<'v>(&self, value: &'v Value) -> Read<Option<&'v Map>> {
        match &value.data {
            Data::Map(map) => Ok(Some(map)),
            Data::Null => Ok(None),
            _ => self.wrong(value, "a map"),
        }
    }

    fn list<'v>(&self, map: &'v Map, key: &str) -> Read<Option<&'v [Value]>> {
        match field(map, key).map(|it| (it, &it.data)) {
            None | Some((_, Data::Null)) => Ok(None),
            Some((_, Data::List(items))) => Ok(Some(items)),
            Some((other, _)) => self.wrong(other, "a list"),
        }
    }

    /// The text that Helm makes of a scalar; `None` for null.
    fn scalar(&self, value: &Value) -> Read<Option<String>> {
        Ok(Some(match &value.data {
            Data::Null => return Ok(None),
            Data::Text(text) => text.clone(),
            Data::Bool(it) => it.to_string(),
            Data::Int(it) => it.to_string(),
            Data::Uint(it) => it.to_string(),
            Data::Float(it) => yaml::format_float(*it),
            Data::List(_) | Data::Map(_) | Data::Masked(_) => return self.wrong(value, "text"),
        }))
    }

    fn text(&self, map: &Map, key: &str, target: &mut String) -> Read<()> {
        if let Some(text) = field(map, key).map(|it| self.scalar(it)).transpose()?.flatten() {
            *target = text;
        }
        Ok(())
    }

    fn texts(&self, map: &Map, key: &str, target: &mut Vec<String>) -> Read<()> {
        if let Some(items) = self.list(map, key)? {
            *target = items.iter().map(|it| Ok(self.scalar(it)?.unwrap_or_default())).collect::<Read<_>>()?;
        }
        Ok(())
    }

    fn boolean(&self, map: &Map, key: &str, target: &mut bool) -> Read<()> {
        match field(map, key).map(|it| (it, &it.data)) {
            None | Some((_, Data::Null)) => {}
            Some((_, Data::Bool(it))) => *target = *it,
            Some((other, _)) => return self.wrong(other, "`true` or `false`"),
        }
        Ok(())
    }

    fn maintainer(&self, value: &Value) -> Read<[String; 3]> {
        let Some(map) = self.map(value)? else { return self.wrong(value, "a map") };
        let mut facts = [const { String::new() }; 3];
        for (key, target) in ["name", "email", "url"].iter().zip(&mut facts) {
            self.text(map, key, target)?;
        }
        Ok(facts)
    }

    fn dependency(&self, value: &Value) -> Read<Dependency> {
        let Some(map) = self.map(value)? else { return self.wrong(value, "a map") };
        let mut it = Dependency::default();
        for (key, target) in [
            ("name", &mut it.name),
            ("version", &mut it.version),
            ("repository", &mut it.repository),
            ("condition", &mut it.condition),
            ("alias", &mut it.alias),
        ] {
            self.text(map, key, target)?;
        }
        self.texts(map, "tags", &mut it.tags)?;
        self.boolean(map, "enabled", &mut false)?;
        for import in self.list(map, "import-values")?.into_iter().flatten() {
            it.import_values.extend(import_of(import));
        }
        Ok(it)
    }
}

/// What is neither a text nor a map is passed over.
fn import_of(value: &Value) -> Option<Import> {
    let path = |map: &Map, key: &str| match map.get(key).map(|it| &it.data) {
        Some(Data::Text(text)) => text.clone(),
        _ => "<nil>".to_owned(),
    };
    match &value.data {
        Data::Text(name) => Some(Import::Export(name.clone())),
        Data::Map(map) => Some(Import::At { child: path(map, "child"), parent: path(map, "parent") }),
        _ => None,
    }
}

impl ChartError {
    /// The error about a whole `Chart.yaml`.
    pub(super) fn metadata(file: &Arc<String>, reason: String) -> Self {
        Self::Metadata { reason, origin: Origin::new(file, Mark::default()) }
    }
}
