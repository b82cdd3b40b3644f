//! One release of a helmfile.

use super::{Import, PARTS};
use crate::import::ImportError;
use crate::import::entry::{Release, field, listed, texts, waiting};
use crate::import::gotmpl::Scope;
use weft_base::value::{Data, Map, Value};
use weft_schema::patch::scalar_text;

/// What a release of a helmfile may say that is carried over, or means nothing here.
const KNOWN: [&str; 27] = [
    "name",
    "namespace",
    "chart",
    "version",
    "values",
    "valuesTemplate",
    "secrets",
    "set",
    "setString",
    "setTemplate",
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

impl Import<'_, '_, '_> {
    /// The entry of the release at a place of the list.
    pub(super) fn release(
        &mut self,
        at: usize,
        release: &Value,
        context: Option<&str>,
    ) -> Result<Release, ImportError> {
        let (original, name) = (self.ids[at].original.clone(), self.ids[at].name.clone());
        self.note_unknown(release, &original, context);
        let source = self.source(release, &original)?;
        let mut entry = Release::new(&name, &self.ids[at].namespace).with(&source);
        let creates = release.get("createNamespace").or_else(|| self.whole.dig(&["helmDefaults", "createNamespace"]));
        if creates.and_then(Value::as_bool) == Some(false) {
            entry.push("  createNamespace: false\n");
        }
        if !self.is_wanted(release) {
            entry.push("  enabled: false\n");
        }
        let needs: Vec<String> = texts(release.get("needs")).iter().map(|it| self.needed(it)).collect();
        entry.push(&listed("needs", &needs));
        entry.push(&labels(release));
        entry.push(&waiting(release, &self.whole));
        let values = self.values(release, &original, &name)?;
        if source.contains("chart:") {
            entry.push(&values);
            entry.push(&self.secrets(release, &original, &name)?);
        } else if !values.is_empty() {
            self.draft.note(format!("The values of the release `{original}` are left out: its manifests have none."));
        }
        entry.push(&self.patches(release, &original)?);
        Ok(entry)
    }

    fn note_unknown(&mut self, release: &Value, original: &str, context: Option<&str>) {
        for entry in release.as_map().into_iter().flatten().filter(|it| !KNOWN.contains(&it.key.as_str())) {
            let part = PARTS.iter().find(|(part, _)| *part == &*entry.key);
            let instead = part.map_or("there is nothing of the kind", |(_, instead)| instead);
            self.draft.note(format!("`{}` of the release `{original}` is left out: {instead}.", entry.key));
        }
        let own = release.get("kubeContext").and_then(Value::as_str);
        if let Some(own) = own.filter(|it| context != Some(*it)) {
            self.draft.note(format!(
                "The release `{original}` is for another cluster, that of the context `{own}`: move it into an environment \
                 of that cluster before you apply."
            ));
        }
    }

    /// The release with the templates in its texts rendered: they see the release itself.
    pub(super) fn resolved(&self, release: &Value) -> Result<Value, ImportError> {
        self.deep(release, &self.scope_of(release))
    }

    /// What the templates of a release see.
    pub(super) fn scope_of(&self, release: &Value) -> Scope {
        let text = |key: &str| Value::from(release.get(key).and_then(Value::as_str).unwrap_or_default());
        let labels = release.get("labels").cloned().unwrap_or_else(|| Map::new().into());
        let facts =
            [("Name", text("name")), ("Namespace", text("namespace")), ("Chart", text("chart")), ("Labels", labels)];
        let mut scope = self.scope.clone();
        scope.release = facts.into_iter().collect();
        scope
    }

    fn deep(&self, value: &Value, scope: &Scope) -> Result<Value, ImportError> {
        let data = match &value.data {
            Data::Text(text) if text.contains("{{") => Data::Text(scope.render(text, &self.file)?),
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

    fn is_wanted(&self, release: &Value) -> bool {
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
}

fn labels(release: &Value) -> String {
    let Some(labels) = release.get("labels").and_then(Value::as_map).filter(|it| !it.is_empty()) else {
        return String::new();
    };
    let labels: Map = labels.iter().map(|it| (it.key.as_str(), Value::from(scalar_text(&it.value).as_ref()))).collect();
    field("labels", &labels.into())
}
