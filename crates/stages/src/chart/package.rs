//! A chart as it is packed: its files sorted out, with the charts in its `charts/`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::ChartError;
use super::ignore::Ignore;
use super::load::{Plain, has_ending, is_manifest};
use super::metadata::Metadata;
use super::schema::ValuesSchema;
use weft_base::diagnostic::Place;
use weft_base::tree::archive;
use weft_base::tree::{Tree, TreeError};
use weft_base::value::{Data, Map, Mark, Origin, Value};
use weft_base::yaml::{self, Rules, YamlError};

/// A chart with the charts that it brings along.
#[derive(Debug)]
pub struct Package {
    /// Where it is, for messages: `charts/app`, or `charts/app/charts/redis-1.2.3.tgz`.
    pub folder: String,
    /// What it says of itself.
    pub metadata: Metadata,
    /// `values.yaml`; a map.
    pub values: Value,
    /// `values.schema.json`.
    pub schema: Option<File>,
    /// What is in `templates/`, in the order of the files.
    pub templates: Vec<File>,
    /// Everything else, in the order of the files.
    pub files: Vec<File>,
    /// What is in `charts/`.
    pub dependencies: Vec<Arc<Package>>,
    /// What `crds/` holds, once it was read.
    pub(super) crds: OnceLock<Vec<Plain>>,
    /// The schema, once it was compiled.
    pub(super) checker: OnceLock<ValuesSchema>,
}

/// One file of a chart.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path in the chart.
    pub name: String,
    /// What it holds, without a byte order mark.
    pub data: Arc<[u8]>,
}

impl Package {
    /// Reads the chart in a folder of a tree, without what its `.helmignore` leaves out.
    pub fn of_folder(tree: &Tree, folder: &str) -> Result<Self, ChartError> {
        let below = tree.below(folder);
        let ignore = ignored(&below, folder)?;
        let paths = ignore.kept(below.paths());
        let mut files: Vec<File> =
            paths.filter_map(|path| Some(File { name: path.to_owned(), data: plain(below.shared(path)?) })).collect();
        // In the order of a walk: folder by folder.
        files.sort_by(|a, b| a.name.split('/').cmp(b.name.split('/')));
        Self::of_files(files, folder)
    }

    /// Reads a packed chart.
    pub fn of_archive(bytes: &[u8], name: &str) -> Result<Self, ChartError> {
        let files = archive::unpack(bytes, name)?.into_iter();
        Self::of_files(files.map(|(name, data)| File { name, data: plain(data.into()) }).collect(), name)
    }

    /// Sorts out the files of a chart.
    pub fn of_files(files: Vec<File>, folder: &str) -> Result<Self, ChartError> {
        let place = |name: &str| Arc::new(format!("{folder}/{name}"));
        let Some(chart_yaml) = files.iter().rfind(|it| it.name == "Chart.yaml") else {
            return Err(ChartError::NoChart { folder: folder.to_owned() });
        };
        // A chart with Jinja templates is our own.
        let is_jinja = files.iter().any(|it| it.name.starts_with("templates/") && has_ending(&it.name, "j2"));
        let rules = if is_jinja { Rules::Strict } else { Rules::Kubernetes };
        let mut metadata = Metadata::read(chart_yaml.text(folder)?, &place("Chart.yaml"), rules)?;
        let mut package = Self {
            folder: folder.to_owned(),
            metadata: Metadata::default(),
            values: Value::from(Map::new()),
            schema: None,
            templates: Vec::new(),
            files: Vec::new(),
            dependencies: Vec::new(),
            crds: OnceLock::new(),
            checker: OnceLock::new(),
        };
        let mut below: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for file in files {
            match file.name.as_str() {
                "Chart.yaml" => {}
                "Chart.lock" => check_lock(&file, folder, &place("Chart.lock"))?,
                "values.schema.json" => package.schema = Some(file),
                "values.yaml" => package.values = values(file.text(folder)?, &place("values.yaml"), rules)?,
                "requirements.yaml" => {
                    metadata.add(file.text(folder)?, &place("requirements.yaml"))?;
                    package.files.extend((metadata.api_version == "v1").then_some(file));
                }
                "requirements.lock" => {
                    check_lock(&file, folder, &place("requirements.lock"))?;
                    package.files.extend((metadata.api_version == "v1").then_some(file));
                }
                name if name.starts_with("templates/") => package.templates.push(file),
                name if name.starts_with("charts/") && !has_ending(name, "prov") => {
                    let name = name["charts/".len()..].to_owned();
                    let first = name.split('/').next().unwrap_or_default().to_owned();
                    below.entry(first).or_default().push(File { name, ..file });
                }
                _ => package.files.push(file),
            }
        }
        package.metadata = metadata;
        package.metadata.check(&place("Chart.yaml"), !package.has_jinja())?;
        for (name, files) in below.into_iter().filter(|(name, _)| !name.starts_with(['_', '.'])) {
            package.dependencies.push(Arc::new(Self::below(&name, files, folder)?));
        }
        Ok(package)
    }

    /// A chart of `charts/`: packed, or a folder.
    fn below(name: &str, files: Vec<File>, folder: &str) -> Result<Self, ChartError> {
        let place = format!("{folder}/charts/{name}");
        if has_ending(name, "tgz") {
            return match &files[..] {
                [file, ..] if file.name == name => Self::of_archive(&file.data, &place),
                _ => Err(ChartError::NoChart { folder: place }),
            };
        }
        let inner = |file: File| Some(File { name: file.name.split_once('/')?.1.to_owned(), ..file });
        Self::of_files(files.into_iter().filter_map(inner).collect(), &place)
    }

    /// Whether it has Jinja templates, and so is no chart for Helm.
    pub fn has_jinja(&self) -> bool {
        self.templates.iter().any(|it| has_ending(&it.name, "j2"))
    }

    /// Whether its templates, or those of a chart below, are to be read as Helm's.
    pub fn has_go(&self) -> bool {
        let is_go = |it: &File| !has_ending(&it.name, "j2") && !it.name.ends_with("NOTES.txt") && it.holds("{{");
        self.templates.iter().any(is_go) || self.dependencies.iter().any(|it| it.has_go())
    }

    /// The files that define kinds, which are never templates.
    pub fn crd_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|it| it.name.starts_with("crds/") && is_manifest(&it.name))
    }
}

/// What a chart leaves out.
pub(super) fn ignored(below: &Tree, folder: &str) -> Result<Ignore, ChartError> {
    let rules = Arc::new(format!("{folder}/.helmignore"));
    let text = if below.contains(".helmignore") { below.text(".helmignore")? } else { "" };
    Ignore::read(text, &rules)
}

impl File {
    /// Its text.
    pub fn text(&self, folder: &str) -> Result<&str, TreeError> {
        std::str::from_utf8(&self.data)
            .map_err(|wrong| TreeError::not_text(&format!("{folder}/{}", self.name), &self.data, wrong.valid_up_to()))
    }

    /// Whether it holds a text.
    fn holds(&self, text: &str) -> bool {
        self.data.windows(text.len()).any(|it| it == text.as_bytes())
    }
}

/// The bytes without a byte order mark.
fn plain(data: Arc<[u8]>) -> Arc<[u8]> {
    match data.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.into(),
        None => data,
    }
}

/// Reads a file of values as Helm does: each document merges over the ones before it.
pub fn values(text: &str, file: &Arc<String>, rules: Rules) -> Result<Value, ChartError> {
    let mut all = Value::from(Map::new()).at(Origin::new(file, Mark::default()));
    for part in values_parts(text, file)? {
        let document = yaml::first(&part, file, rules)?;
        let kind = document.kind();
        match (&mut all.data, document.data) {
            (Data::Map(_), Data::Null) => {}
            (Data::Map(below), Data::Map(above)) if below.is_empty() => *below = above,
            (Data::Map(below), Data::Map(above)) => merge(below, above),
            _ => return Err(ChartError::Defaults { kind, origin: document.origin }),
        }
    }
    Ok(all)
}

/// Parts a file of values as Helm does: at lines that begin with `---`, behind which only a comment may stand. Each part
/// begins with as many empty lines as are before it.
fn values_parts<'t>(text: &'t str, file: &Arc<String>) -> Result<Vec<Cow<'t, str>>, YamlError> {
    let mut parts = Vec::new();
    let (mut at, mut begins): (usize, Option<(usize, usize)>) = (0, None);
    let part = |begins: Option<(usize, usize)>, end: usize| match begins? {
        (0, start) => Some(Cow::Borrowed(&text[start..end])),
        (line, start) => Some(Cow::Owned("\n".repeat(line) + &text[start..end])),
    };
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(behind) = line.strip_prefix("---") {
            if !behind.trim().is_empty() && !behind.trim_start().starts_with('#') {
                let mark = Mark { line: u32::try_from(number + 1).unwrap_or(u32::MAX), column: 4 };
                let problem = "only a comment may stand behind `---`".to_owned();
                return Err(YamlError::Syntax {
                    problem,
                    context: None,
                    at: Place::new(text, Origin::new(file, mark), 1),
                });
            }
            if begins.is_some() {
                parts.extend(part(begins.take(), at));
                at += line.len();
                continue;
            }
        }
        begins = begins.or(Some((number, at)));
        at += line.len();
    }
    parts.extend(part(begins, at));
    Ok(parts)
}

/// Lays a map over another; what is no map replaces what was there, null too.
fn merge(below: &mut Map, above: Map) {
    for entry in above {
        match (below.get_mut(&entry.key).map(|it| &mut it.data), entry.value) {
            (Some(Data::Map(below)), Value { data: Data::Map(above), .. }) => merge(below, above),
            (_, value) => drop(below.insert_entry(weft_base::value::Entry { value, ..entry })),
        }
    }
}

/// Refuses a lock file that Helm could not read.
fn check_lock(file: &File, folder: &str, place: &Arc<String>) -> Result<(), ChartError> {
    let lock = yaml::first(file.text(folder)?, place, Rules::Kubernetes)?;
    let wrong = |reason: &str| Err(ChartError::metadata(place, reason.to_owned()));
    match (&lock.data, lock.get("generated").map(|it| &it.data)) {
        (Data::Null, _) | (Data::Map(_), None | Some(Data::Null)) => Ok(()),
        (Data::Map(_), Some(Data::Text(time))) if time.parse::<jiff::Timestamp>().is_ok() => Ok(()),
        (Data::Map(_), _) => wrong("its `generated` is no time"),
        _ => wrong("it is no map"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_values_are_parted_as_helm_parts_them() {
        let read = |text: &str| values(text, &Arc::default(), Rules::Kubernetes).map(|it| yaml::write(&it));
        for (text, wanted) in [
            ("", "{}\n"),
            ("---\n# nothing\n", "{}\n"),
            ("---\na: 1\nm: {b: 1}\n--- # more\nm: {c: 2}\n---\n---\na: 3\n", "a: 3\nm:\n  b: 1\n  c: 2\n"),
            ("a: 1\n...\na: 2\n", "a: 1\n"),
            ("a: |\n  ---\n  b\n", "a: |\n  ---\n  b\n"),
        ] {
            assert_eq!(read(text).unwrap(), wanted, "{text}");
        }
        let error = read("a: 1\n--- {b: 2}\n").unwrap_err();
        assert_eq!(error.to_string(), "this is not YAML: only a comment may stand behind `---`");
        assert!(read("%YAML 1.1\n---\na: 1\n").is_err() && read("a: 1\n---\n- b\n").is_err());
        let below = values("a: 1\n---\n\nb: [\n", &Arc::default(), Rules::Kubernetes).unwrap_err();
        assert!(weft_base::diagnostic::Diagnose::origin(&below).is_some_and(|it| it.mark.line >= 4));
    }
}
