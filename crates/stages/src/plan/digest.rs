//! The digest of a plan: two plans with the same digest do the same.

use super::{Action, Plan, Step, prune};
use crate::diff::{After, Class, FieldChange, shown};
use weft_base::digest::Parts;
use weft_base::masked::FingerprintKey;
use weft_base::value::{Data, Value};

impl Plan {
    /// A hash of all that the plan would do: objects, actions, field changes and the content of what is created.
    /// It does not depend on waves or on what is left alone. Secrets count by their fingerprints, so it can be compared
    /// only with digests under the same key.
    pub fn digest(&self, key: &FingerprintKey) -> String {
        let mut lines: Vec<[u8; 32]> = self.pending().map(|step| of_step(step, key)).collect();
        lines.sort_unstable();
        let mut hash = Hash::default();
        hash.text(&self.environment);
        for (release, prune) in &self.policies {
            hash.text(release);
            hash.text(&format!("{prune:?}"));
        }
        for (release, rewrite) in &self.rewrites {
            hash.text(release);
            hash.text(&rewrite.to_string());
        }
        for line in &lines {
            hash.0.add(line);
        }
        hash.0.hex()
    }
}

fn of_step(step: &Step, key: &FingerprintKey) -> [u8; 32] {
    let object = &step.object;
    let mut hash = Hash::default();
    for text in [&object.release, object.id.to_string().as_str(), &step.action.to_string()] {
        hash.text(text);
    }
    if let Some(hook) = step.action.hook() {
        hash.text(&hook.reason);
        hook.removes.iter().for_each(|it| hash.text(&it.to_string()));
    }
    hash.text(prune::uid(object).unwrap_or_default());
    if let Some(adoption) = &object.adopts {
        hash.text(&adoption.to_string());
    }
    match &object.desired {
        Some(desired) if step.action == Action::Create || step.action.hook().is_some() => {
            hash.value(&shown(&desired.body, key));
        }
        Some(_) | None => {
            for change in &object.fields {
                hash.change(change);
            }
        }
    }
    hash.0.end()
}

/// The parts of a plan, each with its kind.
#[derive(Default)]
struct Hash(Parts);

impl Hash {
    fn text(&mut self, text: &str) {
        self.0.add(text);
    }

    fn count(&mut self, count: usize) {
        self.0.add(u64::try_from(count).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn change(&mut self, change: &FieldChange) {
        if matches!(change.class, Class::Ignored(_)) {
            self.hidden(change);
            return;
        }
        self.text(&change.path.to_string());
        self.text(&change.class.to_string());
        self.text(if change.desired == After::Server { "server" } else { "known" });
        for side in [change.live.as_ref(), change.desired.value()] {
            self.text(if side.is_some() { "some" } else { "none" });
            if let Some(value) = side {
                self.value(value);
            }
        }
    }

    /// What we change in a field that a rule hides is sent all the same. What others make of it may move.
    fn hidden(&mut self, change: &FieldChange) {
        let Some(value) = change.desired.value().filter(|it| change.base.as_ref() != Some(it)) else { return };
        self.text("hidden");
        self.text(&change.path.to_string());
        self.value(value);
    }

    fn value(&mut self, value: &Value) {
        self.text(value.kind());
        match &value.data {
            Data::List(items) => {
                self.count(items.len());
                for item in items {
                    self.value(item);
                }
            }
            Data::Map(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by(|a, b| a.key.cmp(&b.key));
                self.count(entries.len());
                for entry in entries {
                    self.text(&entry.key);
                    self.value(&entry.value);
                }
            }
            leaf => self.text(&format!("{leaf:?}")),
        }
    }
}
