//! Collects everything that the releases of an environment are made from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::iter;
use std::sync::Arc;

use super::ReleaseInputs;
use crate::kustomize;
use crate::project::{Environment, Locked, PatchContent, Release, ReleaseSource, ValuesLayer};
use weft_base::tree::{self, Tree};
use weft_base::value::Value;

/// How deeply charts in folders beside each other may use one another.
const DEEPEST: usize = 16;

/// What a template asks for in an action by a word that is no field of anything.
const WORDS: [&str; 10] = [
    "now",
    "ago",
    "date",
    "dateInZone",
    "date_in_zone",
    "htmlDate",
    "htmlDateInZone",
    "lookup",
    "inputs",
    "capabilities",
];
/// The same by a field.
const FIELD: &str = "Capabilities";

/// Finds out what releases of one environment are made of.
pub struct InputCollector<'p> {
    environment: &'p Environment,
    tree: &'p Tree,
    /// What is the same for all releases.
    shared: BTreeMap<String, Arc<str>>,
    inputs: BTreeMap<String, Arc<str>>,
    /// The inputs that come from the environment of the process.
    given: Vec<&'p str>,
    /// By folder or file, what its templates ask for.
    asked: RefCell<HashMap<String, Arc<BTreeSet<String>>>>,
}

impl<'p> InputCollector<'p> {
    /// For an environment with the files that it names. `inputs` are the inputs as they were read, and `is_set` says which
    /// variables the process has.
    pub fn new(
        environment: &'p Environment,
        tree: &'p Tree,
        inputs: &BTreeMap<String, String>,
        is_set: &dyn Fn(&str) -> bool,
    ) -> Self {
        let written = environment
            .written
            .as_map()
            .into_iter()
            .flatten()
            .map(|it| (format!("environment.{}", it.key), text(&it.value)));
        let values = ("environment.values".to_owned(), text(&environment.values));
        let given = environment.inputs.iter().filter(|(_, input)| is_set(&input.env)).map(|(name, _)| name.as_str());
        Self {
            environment,
            tree,
            shared: written.chain([values]).collect(),
            inputs: inputs.iter().map(|(name, value)| (format!("inputs.{name}"), value.as_str().into())).collect(),
            given: given.collect(),
            asked: RefCell::default(),
        }
    }

    /// What a release is made of.
    pub fn collect(&self, release: &Release) -> ReleaseInputs {
        let mut paths = self.sources(&release.source);
        let values = release.values.iter().filter_map(|layer| match layer {
            ValuesLayer::File(path, _) | ValuesLayer::Template(path, _) => Some(path),
            ValuesLayer::Inline(_) => None,
        });
        let patches = release.patches.iter().filter_map(|it| match &it.content {
            PatchContent::File(path) => Some(path.clone()),
            PatchContent::Fields(_) | PatchContent::Text(..) => None,
        });
        paths.extend(patches);
        paths.extend(values.chain(release.secrets.iter().map(|(path, _)| path)).cloned());
        let asked: BTreeSet<String> =
            paths.iter().flat_map(|path| self.template_words(path).iter().cloned().collect::<Vec<_>>()).collect();
        let has = |word: &str| asked.contains(word);
        let when = release.when.as_ref().is_some_and(|(text, _)| text.contains("inputs"));
        let mut fields = self.shared.clone();
        fields.extend(release.entry.as_map().into_iter().flatten().map(|it| (it.key.to_string(), text(&it.value))));
        fields.insert("charts".to_owned(), self.locked(release));
        let asks = |what: &str| format!("its templates ask for {what}");
        let mut volatile = Vec::new();
        if has("inputs") || when {
            fields.extend(self.inputs.clone());
            volatile
                .extend(self.given.iter().map(|name| asks(&format!("the input `{name}`, which comes from outside"))));
        }
        let clock = ["now", "ago", "date", "dateInZone", "date_in_zone", "htmlDate", "htmlDateInZone"];
        volatile.extend(clock.into_iter().any(has).then(|| asks("the time of the commit")));
        volatile.extend(has("lookup").then(|| asks("live objects")));
        let elsewhere =
            release.source.kustomization().map(|it| kustomize::elsewhere(self.tree, it)).unwrap_or_default();
        volatile.extend(elsewhere.iter().map(|it| format!("its kustomization reads `{it}`, which stands elsewhere")));
        let asks_cluster = has("capabilities") || has("Capabilities");
        ReleaseInputs { fields, paths, volatile, asks_cluster }
    }

    /// Which charts from elsewhere its chart may be, or those of its kustomization, exactly.
    fn locked(&self, release: &Release) -> Arc<str> {
        let own = release.source.chart().map(String::as_str).unwrap_or_default();
        let named = release.source.kustomization().map(|it| kustomize::charts(self.tree, it)).unwrap_or_default();
        let is_its = |it: &&Locked| own.starts_with(&it.archive()) || named.iter().any(|need| need.place == it.chart);
        let locked = self.environment.lock.charts.iter().filter(is_its);
        locked.map(|it| format!("{} {}\n", it.chart, it.digest)).collect::<Vec<_>>().concat().into()
    }

    fn sources(&self, source: &ReleaseSource) -> Vec<String> {
        match source {
            ReleaseSource::Manifests(path) => vec![path.clone()],
            ReleaseSource::Chart(folder) => {
                let mut all = vec![folder.clone()];
                self.beside(folder, 0, &mut all);
                all
            }
            ReleaseSource::Kustomization(folder) => kustomize::folders(self.tree, folder),
        }
    }

    /// The charts in folders that a chart depends on.
    fn beside(&self, folder: &str, depth: usize, all: &mut Vec<String>) {
        for file in ["Chart.yaml", "requirements.yaml"] {
            let text = self.tree.text(&format!("{folder}/{file}")).unwrap_or_default();
            let places = text.split("file://").skip(1).map(|rest| rest.split(['"', '\'', '\n', ' ', '}', ',']).next());
            for place in places.flatten().filter_map(|it| tree::join(folder, it).ok()) {
                if depth < DEEPEST && !all.contains(&place) {
                    all.push(place.clone());
                    self.beside(&place, depth + 1, all);
                }
            }
        }
    }

    /// The words by which the templates at and below a path ask for more than values.
    fn template_words(&self, path: &str) -> Arc<BTreeSet<String>> {
        if let Some(known) = self.asked.borrow().get(path) {
            return Arc::clone(known);
        }
        let templates =
            self.tree.at(path).filter(|(path, _)| path.contains("templates/") || path.strip_suffix(".j2").is_some());
        let mut words = BTreeSet::new();
        for (_, bytes) in templates {
            words.extend(words_of(&String::from_utf8_lossy(bytes)));
        }
        let archives =
            self.tree.at(path).any(|(path, _)| path.contains("/charts/") && path.strip_suffix(".tgz").is_some());
        // What is packed below a chart is not looked into, so it may ask for anything.
        words.extend(archives.then(|| "Capabilities".to_owned()));
        let words = Arc::new(words);
        self.asked.borrow_mut().insert(path.to_owned(), Arc::clone(&words));
        words
    }
}

/// The words in the actions of a template.
fn words_of(text: &str) -> BTreeSet<String> {
    let actions = ["{{", "{%"].into_iter().flat_map(|open| text.split(open).skip(1));
    let actions = actions.map(|it| it.find("}}").or_else(|| it.find("%}")).map_or(it, |end| &it[..end]));
    actions.flat_map(words_in).map(str::to_owned).collect()
}

/// Those in one action.
fn words_in(action: &str) -> impl Iterator<Item = &str> {
    let is_part = |it: char| it.is_alphanumeric() || it == '_';
    let mut rest = action;
    let words = iter::from_fn(move || {
        let (between, word) = rest.split_at(rest.find(is_part)?);
        let end = word.find(|it| !is_part(it)).unwrap_or(word.len());
        rest = &word[end..];
        Some((between.chars().next_back(), &word[..end]))
    });
    let asks = |(before, word): &(Option<char>, &str)| match before {
        Some('.') => *word == FIELD,
        Some('$') => false,
        _ => WORDS.contains(word),
    };
    words.filter(asks).map(|(_, word)| word)
}

fn text(value: &Value) -> Arc<str> {
    // Values hold nothing that JSON cannot.
    serde_json::to_string(value).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_fields_and_from_text() {
        let words = |text: &str| words_of(text).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(words("{{ now | date \"2006\" }} {{- lookup \"v1\" }}"), "date lookup now");
        assert_eq!(words("now {{ .Values.now }} {{ $now }} {{ nowhere }} ago"), "");
        assert_eq!(
            words("{{ inputs.TAG }} {% if capabilities.has('a') %}{{ .Capabilities.KubeVersion }}"),
            "Capabilities capabilities inputs"
        );
    }
}
