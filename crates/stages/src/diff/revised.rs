//! What stands in one rendering of an object in place of another, without a server: two revisions, or two environments.

use std::sync::Arc;

use super::changes::{Delta, between};
use super::secrecy::{mask_like, shown, shown_as, shown_at};
use super::{Class, FieldChange, LiveObject, ObjectComparison, Verdict};
use crate::manifest::Object;
use weft_base::masked::FingerprintKey;
use weft_base::value::Value;
use weft_schema::builtin_schemas;

/// Compares what one rendering has of an object with what another has. `base` takes the place of what is live, so the
/// fields that differ are [`Class::Pending`].
pub fn revised(base: Option<&Arc<Object>>, head: &Arc<Object>, key: &FingerprintKey) -> ObjectComparison {
    let comparison = |verdict| ObjectComparison {
        desired: Some(Arc::clone(head)),
        ..ObjectComparison::bare(head.id.clone(), Arc::clone(&head.release), verdict)
    };
    let after = || Some(Arc::new(shown(&head.body, key)));
    let Some(base) = base else { return ObjectComparison { after: after(), ..comparison(Verdict::Create) } };
    let fields: Vec<FieldChange> = deltas(base, head).into_iter().map(|delta| pending(delta, head, key)).collect();
    if fields.is_empty() {
        return comparison(Verdict::Unchanged);
    }
    ObjectComparison {
        fields,
        live: Some(standing(base, &head.body, key)),
        after: after(),
        ..comparison(Verdict::Update)
    }
}

/// The comparison of an object that only the base has.
pub fn dropped(base: &Arc<Object>, key: &FingerprintKey) -> ObjectComparison {
    super::leftover(&base.id, &base.release, Some(Arc::unwrap_or_clone(standing(base, &base.body, key))), None)
}

/// Puts what a rendering has of an object in the place of what was last applied: what is live and not so drifted
/// before, and what is wanted and not so is the change. `base` is `None` where that rendering has no such object.
pub fn rebased(comparison: &mut ObjectComparison, base: Option<&Arc<Object>>, key: &FingerprintKey) {
    let head = comparison.repository.as_ref().or(comparison.desired.as_ref());
    let (Some(base), Some(head)) = (base, head.cloned()) else { return };
    let deltas = deltas(base, &head);
    // One object under two names: its secrets have the sketches of the newer one.
    for change in comparison.fields.iter_mut().filter(|it| it.changes() || it.class == Class::Met) {
        let related = |it: &&Delta| it.path.is_prefix_of(&change.path) || change.path.is_prefix_of(&it.path);
        let delta = deltas.iter().filter(|it| !it.order).find(related);
        change.base = match delta {
            None => change.desired.value().cloned(),
            Some(delta) if delta.path == change.path => {
                delta.before.as_ref().map(|it| shown_at(&head.body, &delta.path, it, key))
            }
            Some(_) => change.path.resolve(&base.body).map(|it| shown_at(&head.body, &change.path, it, key)),
        };
        change.drifted = change.live != change.base;
        change.class = match (delta.is_some(), change.drifted) {
            (_, true) if change.desired.value() == change.live.as_ref() => Class::Met,
            (true, true) => Class::Conflict,
            (false, true) => Class::Drift,
            (_, false) => Class::Pending,
        };
    }
}

fn deltas(base: &Object, head: &Object) -> Vec<Delta> {
    let shape = builtin_schemas().of(&head.gvk);
    // What is a secret on one side is none of anybody's business on the other.
    let mut before = base.body.clone();
    let mut after = head.body.clone();
    mask_like(&mut before, &head.body, shape);
    mask_like(&mut after, &base.body, shape);
    between(&before, &after, shape)
}

fn pending(delta: Delta, head: &Object, key: &FingerprintKey) -> FieldChange {
    let Delta { path, before, after, .. } = delta;
    let before = before.map(|value| shown_at(&head.body, &path, &value, key));
    let after = after.map(|value| shown_at(&head.body, &path, &value, key));
    FieldChange {
        class: Class::Pending,
        base: before.clone(),
        live: before,
        desired: after.into(),
        drifted: false,
        writers: Vec::new(),
        path,
    }
}

/// The base in the place of what is live, with the sketches of the object `named`.
fn standing(base: &Object, named: &Value, key: &FingerprintKey) -> Arc<LiveObject> {
    Arc::new(LiveObject { id: base.id.clone(), body: shown_as(named, &base.body, key), managers: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::After;
    use crate::manifest::ObjectId;
    use weft_base::value::{Map, Origin};
    use weft_base::yaml::{self, Rules};
    use weft_schema::{GroupKind, Gvk};

    fn object(text: &str) -> Arc<Object> {
        let body = yaml::document(text, &Arc::new("a.yaml".to_owned()), Rules::Strict).unwrap();
        let kind = body.get("kind").and_then(Value::as_str).unwrap().to_owned();
        let gvk = Gvk::new(body.get("apiVersion").and_then(Value::as_str).unwrap(), &kind);
        let kind = GroupKind { group: gvk.group.clone(), kind };
        let id = ObjectId { kind, namespace: Some("apps".into()), name: "web".into() };
        Arc::new(Object { id, gvk, release: "web".into(), body, origin: Origin::default(), implicit: false })
    }

    fn key() -> FingerprintKey {
        FingerprintKey::new([7; 32])
    }

    const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  replicas: 1\n  template:\n    spec:\n      \
                              containers:\n      - {name: a, image: 'a:1'}\n      - {name: b, image: 'b:1'}\n";

    #[test]
    fn items_of_lists_are_told_by_their_keys() {
        let base = object(DEPLOYMENT);
        let head = object(&DEPLOYMENT.replace("b:1", "b:2"));
        let compared = revised(Some(&base), &head, &key());
        let paths: Vec<String> = compared.fields.iter().map(|it| it.path.to_string()).collect();
        assert_eq!(paths.len(), 1);
        assert!(paths[0].contains("containers") && paths[0].ends_with("image"), "{paths:?}");
        assert_eq!(revised(Some(&base), &base, &key()).verdict, Verdict::Unchanged);
        assert_eq!(revised(None, &base, &key()).verdict, Verdict::Create);
        assert_eq!(dropped(&base, &key()).verdict, Verdict::Leftover);
    }

    #[test]
    fn a_secret_is_told_apart_and_never_shown() {
        let secret = |text: &str| {
            let data: Map = [("a", Value::from(text).masked())].into_iter().collect();
            let mut object = Arc::unwrap_or_clone(object("apiVersion: v1\nkind: Secret\n"));
            object.body.as_map_mut().unwrap().insert("data", data);
            Arc::new(object)
        };
        let compared = revised(Some(&secret("aHVudGVyMQ==")), &secret("aHVudGVyMg=="), &key());
        assert_eq!(compared.fields.len(), 1);
        let told = format!("{compared:?}");
        assert!(!told.contains("hunter") && !told.contains("aHVu"), "{told}");
        assert_ne!(compared.fields[0].live.as_ref(), compared.fields[0].desired.value());
        assert_eq!(revised(Some(&secret("a")), &secret("a"), &key()).verdict, Verdict::Unchanged);
    }

    #[test]
    fn the_change_is_told_from_what_had_drifted_before() {
        let base = object(DEPLOYMENT);
        let head = object(&DEPLOYMENT.replace("replicas: 1", "replicas: 2"));
        let live = object(&DEPLOYMENT.replace("a:1", "a:0"));
        let mut compared = revised(Some(&live), &head, &key());
        rebased(&mut compared, Some(&base), &key());
        let class = |field: &str| {
            let found = compared.fields.iter().find(|it| it.path.to_string().ends_with(field)).unwrap();
            (found.class.clone(), found.drifted)
        };
        assert_eq!(class("replicas"), (Class::Pending, false));
        assert_eq!(class("image"), (Class::Drift, true));
        let mut both = revised(Some(&object(&DEPLOYMENT.replace("replicas: 1", "replicas: 9"))), &head, &key());
        rebased(&mut both, Some(&base), &key());
        assert_eq!(
            (both.fields[0].class.clone(), &both.fields[0].desired),
            (Class::Conflict, &After::Value(2_i64.into()))
        );
    }
}
