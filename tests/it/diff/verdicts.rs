//! The verdicts that need no dry run, and what is kept of secrets.

#![allow(clippy::unnecessary_wraps, reason = "`cases::code` takes tests that may return a failure")]

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use weft::diff::{
    Cause, Compared, Context, Judge, Judged, LiveObject, MANAGER, ObjectComparison, ServerAnswer, Verdict, compare,
    leftover, live, record, text,
};
use weft::manifest::Object;
use weft::schema::{Schemas, builtin_schemas};

use super::{key, object};
use crate::cases;

pub fn trials() -> Vec<Trial> {
    vec![
        cases::code("diff", "what_the_server_lacks_is_created", created),
        cases::code("diff", "what_left_the_repository_is_left_over_or_gone", left),
        cases::code("diff", "what_is_being_deleted_cannot_be_told", deleted),
        cases::code("diff", "fields_that_cannot_be_read_cannot_be_told", unreadable),
        cases::code("diff", "items_that_are_owned_and_gone_are_added_again", owned_and_gone),
        cases::code("diff", "a_kind_without_a_schema_is_asked_about", shapeless),
        cases::code("diff", "only_the_servers_word_is_taken_where_it_is_asked_for", dry_run_only),
        cases::code("diff", "an_implicit_namespace_is_left_as_it_is", implicit),
        cases::code("diff", "no_secret_is_in_what_is_kept", no_secrets),
        cases::code("diff", "a_secret_that_is_none_any_more_stays_masked", was_secret),
    ]
}

fn secret(password: &str) -> Json {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}, "data": {"p": password}})
}

fn desired(body: &Json) -> Arc<Object> {
    object(serde_json::from_value(body.clone()).unwrap())
}

fn on_server(mut body: Json, fields: &Json) -> LiveObject {
    body["metadata"]["uid"] = json!("u");
    body["metadata"]["managedFields"] =
        json!([{"manager": MANAGER, "operation": "Apply", "apiVersion": body["apiVersion"], "fieldsV1": fields}]);
    live(serde_json::from_value(body).unwrap()).unwrap()
}

fn of_secret(password: &str) -> LiveObject {
    on_server(secret(password), &json!({"f:data": {"f:p": {}}}))
}

fn done(compared: Compared) -> ObjectComparison {
    match compared {
        Compared::Done(done) => *done,
        _ => panic!("it should not ask"),
    }
}

fn created() -> Result<(), Failed> {
    let comparison =
        done(compare(&desired(&secret("c2VjcmV0")), None, None, None, &Context::new(&key(), builtin_schemas())));
    assert_eq!((&comparison.verdict, &comparison.judged), (&Verdict::Create, &Judged::Trivial));
    let lines: Vec<String> = text(&comparison).into_iter().map(|line| line.text).collect();
    assert_eq!(lines[0], "+ Secret b/a (release app)");
    assert!(lines.iter().any(|line| line.starts_with("+   p: (secret ")), "{lines:?}");
    Ok(())
}

fn left() -> Result<(), Failed> {
    let live = of_secret("c2VjcmV0");
    let gone = leftover(&live.id, &"app".into(), None, None);
    assert_eq!((gone.verdict.clone(), text(&gone).len()), (Verdict::Gone, 0));
    let there = leftover(&live.id.clone(), &"app".into(), Some(live), None);
    assert_eq!(there.verdict, Verdict::Leftover);
    let lines: Vec<String> = text(&there).into_iter().map(|line| line.text).collect();
    assert_eq!(lines[0], "- Secret b/a (release app)");
    assert!(lines.contains(&"-   p: (masked)".to_owned()), "{lines:?}");
    Ok(())
}

fn deleted() -> Result<(), Failed> {
    let mut body = secret("c2VjcmV0");
    body["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let object = desired(&secret("c2VjcmV0"));
    let comparison =
        done(compare(&object, Some(on_server(body, &json!({}))), None, None, &Context::new(&key(), builtin_schemas())));
    let reason = "it is being deleted since 2026-01-01T00:00:00Z";
    assert_eq!(comparison.verdict, Verdict::Unknown(Cause::Deleting.since(reason)));
    Ok(())
}

fn unreadable() -> Result<(), Failed> {
    let live = || on_server(secret("c2VjcmV0"), &json!({"k:{": {}}));
    let asked = Some(ServerAnswer::DryRun(Box::new(live())));
    let comparison = done(compare(
        &desired(&secret("c2VjcmV0")),
        Some(live()),
        None,
        asked,
        &Context::new(&key(), builtin_schemas()),
    ));
    let Verdict::Unknown(reason) = comparison.verdict else { panic!("{:?}", comparison.verdict) };
    assert_eq!(reason.to_string(), "its managed fields cannot be read: the field `k:{` is not valid");
    Ok(())
}

/// A server that dropped a list, and kept the note that its items are ours.
fn owned_and_gone() -> Result<(), Failed> {
    let body = |resources: Json| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"},
        "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]}})
    };
    let fields = json!({"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:name": {}, "f:image": {},
        "f:resources": {"f:claims": {"k:{\"name\":\"x\"}": {".": {}, "f:name": {}}}}}}}});
    let about = |resources: Json| {
        let live = Some(on_server(body(json!({})), &fields));
        let asked = Some(ServerAnswer::Impossible("the server is shy".into()));
        let context = (key(), builtin_schemas());
        let compared = compare(&desired(&body(resources)), live, None, asked, &Context::new(&context.0, context.1));
        done(compared).about_to_change().map(|field| field.path.to_string()).collect::<Vec<_>>()
    };
    let claim = r#"spec.containers[name="c"].resources.claims[name="x"].name"#;
    assert_eq!(about(json!({"claims": [{"name": "x"}]})), [claim]);
    assert_eq!(about(json!({})), [""; 0]);
    Ok(())
}

fn loom(size: &str) -> Json {
    json!({"apiVersion": "example.com/v1", "kind": "Loom", "metadata": {"name": "a", "namespace": "b"}, "spec": {"size": size}})
}

fn shapeless() -> Result<(), Failed> {
    let (object, key) = (desired(&loom("2")), key());
    let live = || Some(on_server(loom("1"), &json!({"f:spec": {"f:size": {}}})));
    let context = Context::new(&key, builtin_schemas());
    assert!(matches!(compare(&object, live(), None, None, &context), Compared::Shape(_)));
    let asked = Some(ServerAnswer::Impossible("the server is shy".into()));
    let comparison = done(compare(&object, live(), None, asked, &context));
    let expected = "the server is shy, and the schema of its kind is not known";
    assert_eq!(comparison.judged, Judged::Predicted(expected.into()));
    assert_eq!(comparison.about_to_change().count(), 1);
    Ok(())
}

fn dry_run_only() -> Result<(), Failed> {
    let (object, key) = (desired(&loom("1")), key());
    let live = || on_server(loom("1"), &json!({"f:spec": {"f:size": {}}}));
    let recorded = || Some(Arc::new(record(&object, &live(), &key)));
    let mut schemas = Schemas::new();
    schemas.add_crd(&serde_json::from_value(json!({"spec": {"group": "example.com", "names": {"kind": "Loom"},
        "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties":
            {"spec": {"type": "object", "properties": {"size": {"type": "string"}}}}}}}]}}))?);
    let context = Context::new(&key, &schemas);
    let judged = |recorded, context: &Context| done(compare(&object, Some(live()), recorded, None, context)).judged;
    assert_eq!(judged(recorded(), &context), Judged::Recorded);
    assert_eq!(judged(None, &context), Judged::Structure);
    let strict = Context { judge: Judge::DryRun, ..context };
    for recorded in [recorded(), None] {
        assert!(matches!(compare(&object, Some(live()), recorded.clone(), None, &strict), Compared::Ask(_)));
        let asked = Some(ServerAnswer::DryRun(Box::new(live())));
        let comparison = done(compare(&object, Some(live()), recorded, asked, &strict));
        assert_eq!((comparison.verdict, comparison.judged), (Verdict::Unchanged, Judged::DryRun));
    }
    Ok(())
}

fn implicit() -> Result<(), Failed> {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}});
    let object = Arc::new(Object { implicit: true, ..(*desired(&body)).clone() });
    let mut labelled = body;
    labelled["metadata"]["labels"] = json!({"a": "b"});
    let comparison = done(compare(
        &object,
        Some(on_server(labelled, &json!({}))),
        None,
        None,
        &Context::new(&key(), builtin_schemas()),
    ));
    assert_eq!(comparison.verdict, Verdict::Unchanged);
    assert_eq!(
        done(compare(&object, None, None, None, &Context::new(&key(), builtin_schemas()))).verdict,
        Verdict::Create
    );
    Ok(())
}

fn no_secrets() -> Result<(), Failed> {
    let (old, new) = (desired(&secret("b2xk")), desired(&secret("bmV3")));
    let recorded = Arc::new(record(&old, &of_secret("b2xk"), &key()));
    let asked = Some(ServerAnswer::DryRun(Box::new(of_secret("bmV3"))));
    let comparison = done(compare(
        &new,
        Some(of_secret("aGFja2Vk")),
        Some(recorded),
        asked,
        &Context::new(&key(), builtin_schemas()),
    ));
    let kept = format!("{comparison:?}");
    for secret in ["b2xk", "bmV3", "aGFja2Vk"] {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
    let field = &comparison.fields[0];
    let sides = [field.base.as_ref(), field.live.as_ref(), field.desired.value()];
    assert!(sides.iter().all(|side| side.unwrap().as_str().unwrap().starts_with("(secret ")));
    assert!(sides[0] != sides[1] && sides[1] != sides[2] && sides[0] != sides[2]);
    Ok(())
}

fn was_secret() -> Result<(), Failed> {
    let body = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}, "data": {"p": value}});
    let fields = json!({"f:data": {"f:p": {}}});
    let recorded = Arc::new(record(&desired(&body("hunter2")), &on_server(body("hunter2"), &fields), &key()));
    let asked = Some(ServerAnswer::DryRun(Box::new(on_server(body("plain"), &fields))));
    let live = on_server(body("hunter2"), &fields);
    let comparison = done(compare(
        &desired(&body("plain")),
        Some(live),
        Some(recorded),
        asked,
        &Context::new(&key(), builtin_schemas()),
    ));
    assert_eq!(comparison.fields.len(), 1);
    assert!(!format!("{comparison:?}").contains("hunter2"));
    Ok(())
}
