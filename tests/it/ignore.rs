//! Tests of ignore rules.
//!
//! A case is a folder with `environment.yaml` (the rules), `desired.yaml` (the object, and behind it others that the
//! repository has), `live.yaml` (what the server has), `owned.yaml` (what we own of that, as we would apply it) and
//! `others.yaml` (the same of others, by their names). Without `live.yaml` there is no such object; `base.yaml` is what
//! we applied last. `expected.txt` is what is sent and shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::diff::{
    self, Class, Compared, Context, LiveObject, MANAGER, Manager, ObjectComparison, Recorded, Rules, ServerAnswer,
};
use weft::manifest::Object;
use weft::project::{self, Environment};
use weft::schema::builtin_schemas;
use weft::schema::merge::field_set;
use weft::tree::Tree;
use weft::value::Value;
use weft::yaml;

use crate::cases::{self, Case};
use crate::diff::{key, object, tell};

/// All of them.
pub fn trials() -> Vec<Trial> {
    cases::of("ignore", run)
}

fn values(text: &str) -> Vec<Value> {
    yaml::documents(text, &Arc::new(String::new()), yaml::Rules::Strict).expect("YAML")
}

fn value(text: &str) -> Value {
    values(text).pop().expect("a document")
}

fn run(case: &Case) -> Result<(), Failed> {
    let desired: Vec<Arc<Object>> = values(&case.read("desired.yaml")).into_iter().map(object).collect();
    let rules = Rules::of(&environment(case), desired.iter().map(|object| &**object), BTreeMap::new());
    let key = key();
    let context = Context { rules: &rules, ..Context::new(&key, builtin_schemas()) };
    let live = case.read_if_there("live.yaml").map(|text| server(case, &value(&text)));
    let recorded = case.read_if_there("base.yaml").map(|text| {
        let live = live.as_ref().expect("an object on the server");
        Arc::new(diff::record(&object(value(&text)), live, &key))
    });
    let sent = diff::sent(&desired[0], live.as_ref(), &context);
    let comparison = compare(&desired[0], live.as_ref(), recorded.as_ref(), &context);
    let mut out = format!("{:?}, {:?}\n", comparison.verdict, comparison.judged);
    for field in &comparison.fields {
        tell(field, &mut out);
        if let Class::Ignored(reason) = &field.class {
            let _ = writeln!(out, "  since {reason}");
        }
    }
    let same = Arc::ptr_eq(&sent, &desired[0]);
    assert!(same || comparison.desired.as_ref().is_some_and(|it| it.body == sent.body), "what is compared is sent");
    let text = if same { "as it is\n".into() } else { serde_json::to_string_pretty(&sent.body).unwrap() + "\n" };
    let _ = write!(out, "sent: {text}");
    for (about, origin) in rules.unused() {
        let _ = writeln!(out, "unused: {about} at {origin}");
    }
    case.expect("expected.txt", &out)
}

fn environment(case: &Case) -> Environment {
    let path = "environments/dev/environment.yaml";
    project::load(&Tree::new([(path.to_owned(), case.read("environment.yaml").into_bytes())]), "dev").expect("rules")
}

/// Without a server, what an apply would do is predicted.
fn compare(
    object: &Arc<Object>,
    live: Option<&LiveObject>,
    recorded: Option<&Arc<Recorded>>,
    context: &Context<'_>,
) -> ObjectComparison {
    let compare = |asked| match diff::compare(object, live.cloned(), recorded.cloned(), asked, context) {
        Compared::Done(done) => Some(*done),
        Compared::Shape(_) | Compared::Ask(_) | Compared::Adopt(..) => None,
    };
    let predicted = || compare(Some(ServerAnswer::Impossible("there is no server".into())));
    compare(None).or_else(predicted).expect("a comparison")
}

/// The object with its managers.
fn server(case: &Case, body: &Value) -> LiveObject {
    let mut live = diff::live(body.clone()).expect("an object");
    let others = case.read_if_there("others.yaml").map(|text| value(&text));
    let ours = case.read_if_there("owned.yaml").map(|text| manager(MANAGER, &value(&text)));
    let others = others.iter().filter_map(Value::as_map).flatten();
    live.managers = ours.into_iter().chain(others.map(|entry| manager(&entry.key, &entry.value))).collect();
    live
}

fn manager(name: &str, applied: &Value) -> Manager {
    let applied = object(applied.clone());
    let shape = builtin_schemas().of(&applied.gvk).expect("a built-in kind");
    Manager {
        name: name.to_owned(),
        operation: if name == MANAGER { "Apply" } else { "Update" }.to_owned(),
        // An autoscaler writes through it.
        subresource: if name == "kube-controller-manager" { "scale" } else { "" }.to_owned(),
        api_version: applied.gvk.api_version(),
        time: None,
        fields: field_set(&applied.body, shape).expect("an object that fits").to_fields_v1().into(),
    }
}
