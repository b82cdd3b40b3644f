//! Tests of `policy`: what rules find in a plan, and what is wrong with rules.

use libtest_mimic::{Failed, Trial};
use weft::diagnostic::Diagnostic;
use weft::manifest::Object;
use weft::plan::Finding;
use weft::policy::{self, PolicyFacts};
use weft::tree::Tree;

use crate::cases::{self, Case};
use crate::plan::input::{Input, key};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("policy", run);
    trials.push(cases::code("policy", "the_example_of_the_document_is_one", document));
    trials
}

/// The policy in the document can be read.
fn document() -> Result<(), Failed> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy.md"))?;
    let text = page.split("```yaml\n").nth(1).and_then(|it| it.split("```").next()).ok_or("no example")?;
    let tree = Tree::new([("policies/limits.yaml".to_owned(), text.as_bytes().to_vec())]);
    let policy = policy::read(&tree).map_err(|error| Diagnostic::of(&error).to_string())?;
    assert_eq!(policy.len(), 2);
    Ok(())
}

/// The findings in the plan of a case by its own policies, or by the examples where it has none. `without.txt` says what
/// nobody knows there: the `cluster`, or the `plan`.
fn run(case: &Case) -> Result<(), Failed> {
    let own = case.tree(policy::FOLDER);
    let (from, tree) =
        if own.is_empty() { ("docs/policies", cases::repository(&["docs/policies"])) } else { ("", own) };
    let files = tree.paths().map(|path| {
        let name = path.trim_start_matches(from).trim_start_matches('/');
        (format!("{}/{name}", policy::FOLDER), tree.bytes(path).unwrap_or_default().to_vec())
    });
    let policy = match policy::read(&Tree::new(files)) {
        Ok(policy) => policy,
        Err(error) => return case.expect("error.txt", &Diagnostic::of(&error).to_string()),
    };
    assert!(!policy.is_empty(), "no rules");
    let mut plan = Input::of(case).plan();
    if let Some(environment) = case.read_if_there("environment.txt") {
        environment.trim().clone_into(&mut plan.environment);
    }
    let without = case.read_if_there("without.txt").unwrap_or_default();
    let cluster = without.is_empty().then(|| "kind-dev".to_owned());
    let facts = PolicyFacts { cluster, commit: None, aim: "apply" };
    let objects: Vec<Object> = plan.steps.iter().filter_map(|it| it.object.desired.as_deref().cloned()).collect();
    let judge = || match without.trim() {
        "plan" => policy::judge_objects(&policy, &plan.environment, &objects, &facts, &key()),
        _ => policy::judge(&policy, &plan, &facts, &key()),
    };
    let judgement = judge();
    assert_eq!(judgement, judge());
    let line = |it: &Finding| format!("{} {it}\n --> {}\n", it.ruling, it.policy);
    let mut text: String = judgement.findings.iter().map(line).collect();
    text.extend(judgement.unjudged.iter().map(|it| format!("{it}\n")));
    assert!(!text.contains("hunter2"), "a secret is shown: {text}");
    case.expect("findings.txt", &text)
}
