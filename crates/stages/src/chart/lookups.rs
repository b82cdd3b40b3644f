//! The live objects that templates may look up. Nobody knows what they will ask for: what is not known yet is written
//! down, so that it can be read from the cluster, and the charts be rendered again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::advice;
use super::schema::holds_secret;
use weft_base::value::{Data, Entry, Value};
use weft_gotemplate::functions::{Live, LookupRequest};
use weft_jinja::Secrets;

/// The live objects that are known, and what was asked for beyond them.
#[derive(Debug, Default)]
pub struct Lookups {
    known: BTreeMap<LookupRequest, Option<Value>>,
    open: Mutex<BTreeSet<LookupRequest>>,
}

impl Lookups {
    /// The same with these answers, each with `None` where there is no such object, and with nothing asked for.
    #[must_use]
    pub fn with(&self, answers: impl IntoIterator<Item = (LookupRequest, Option<Value>)>) -> Self {
        let answers = answers.into_iter().map(|(asked, found)| {
            let found = found.map(|it| if asked.kind == "Secret" { masked(it) } else { it });
            (asked, found)
        });
        Self { known: self.known.clone().into_iter().chain(answers).collect(), open: Mutex::default() }
    }

    /// What was asked for, and is not known.
    pub fn open(&self) -> BTreeSet<LookupRequest> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was asked for and is not known, in words.
    pub fn open_in_words(&self) -> String {
        self.open().iter().map(advice::named).collect::<Vec<_>>().join(", ")
    }

    /// Whether anything secret is among them.
    pub(super) fn hold_secret(&self) -> bool {
        self.known.values().flatten().any(holds_secret)
    }
}

/// A Secret, or a list of such, whose data is masked; and with it the copy that other tools leave in an annotation.
fn masked(mut object: Value) -> Value {
    let Some(fields) = object.as_map_mut() else { return object };
    for key in ["data", "stringData"] {
        if let Some(data) = fields.get_mut(key) {
            *data = std::mem::take(data).masked();
        }
    }
    let annotations = fields.get_mut("metadata").and_then(|it| it.as_map_mut()?.get_mut("annotations"));
    if let Some(it) =
        annotations.and_then(|it| it.as_map_mut()?.get_mut("kubectl.kubernetes.io/last-applied-configuration"))
    {
        *it = std::mem::take(it).masked();
    }
    if let Some(Value { data: Data::List(items), .. }) = fields.get_mut("items") {
        *items = std::mem::take(items).into_iter().map(masked).collect();
    }
    object
}

/// Live objects as the templates of one rendering see them.
pub(super) struct LiveView {
    /// The live objects.
    pub lookups: Arc<Lookups>,
    /// Whether what is secret is seen, or stand-ins for it.
    pub secrets: Secrets,
}

impl Live for LiveView {
    fn find(&self, asked: &LookupRequest) -> Result<Option<Value>, String> {
        if let Some(found) = self.lookups.known.get(asked) {
            return Ok(found.as_ref().map(|it| self.bare(it, &mut 0)));
        }
        self.lookups.open.lock().unwrap_or_else(PoisonError::into_inner).insert(asked.clone());
        Ok(None)
    }
}

impl LiveView {
    /// A value without masks: with what is below them, or with stand-ins for it.
    fn bare(&self, value: &Value, met: &mut usize) -> Value {
        let data = match &value.data {
            Data::Masked(secret) => {
                *met += 1;
                match self.secrets {
                    Secrets::StandIn => weft_jinja::stand_in(secret.expose(), *met),
                    Secrets::Exposed | Secrets::Refused => secret.expose().clone(),
                }
            }
            Data::List(items) => Data::List(items.iter().map(|it| self.bare(it, met)).collect()),
            Data::Map(map) => Data::Map(
                map.iter()
                    .map(|it| Entry { key: it.key.clone(), mark: it.mark, value: self.bare(&it.value, met) })
                    .collect(),
            ),
            other => other.clone(),
        };
        Value { data, origin: value.origin.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_base::yaml::{self, Rules};

    fn asked(kind: &str) -> LookupRequest {
        let word = str::to_owned;
        LookupRequest { api_version: word("v1"), kind: word(kind), namespace: word("a"), name: word("b") }
    }

    #[test]
    fn what_is_not_known_is_written_down_and_secrets_have_stand_ins() {
        let lookups = Arc::new(Lookups::default());
        let seen = |lookups: &Arc<Lookups>, secrets| LiveView { lookups: Arc::clone(lookups), secrets };
        assert_eq!(seen(&lookups, Secrets::Exposed).find(&asked("Secret")), Ok(None));
        assert_eq!(lookups.open_in_words(), "`Secret a/b`");
        let text = "{kind: Secret, data: {password: aHVudGVyMg==}, type: Opaque}";
        let secret = yaml::document(text, &Arc::default(), Rules::Kubernetes).unwrap();
        let known = Arc::new(lookups.with([(asked("Secret"), Some(secret.clone())), (asked("ConfigMap"), None)]));
        assert!(known.hold_secret() && !format!("{known:?}").contains("aHVudGVyMg"));
        assert_eq!(seen(&known, Secrets::Exposed).find(&asked("Secret")), Ok(Some(secret)));
        let shown = seen(&known, Secrets::StandIn).find(&asked("Secret")).unwrap().unwrap();
        let password = shown.dig(&["data", "password"]).and_then(Value::as_str).unwrap().to_owned();
        assert!(password.len() == 12 && password != "aHVudGVyMg==", "{password}");
        assert_eq!(shown.get("type").and_then(Value::as_str), Some("Opaque"));
        assert_eq!(seen(&known, Secrets::Exposed).find(&asked("ConfigMap")), Ok(None));
        assert!(known.open().is_empty());
    }
}
