//! Tests of `state::saved`: files of plans, and plans that are held against them.

use data_encoding::HEXLOWER;
use libtest_mimic::{Failed, Trial};
use weft::diagnostic::Diagnostic;
use weft::diff::Judge;
use weft::plan::{Guards, Plan};
use weft::project::Selection;
use weft::report::{self, Budget, ChangeLayout, ListOptions, Report, Show, TextStyle};
use weft::state::saved::{self, ClusterMark, CommitMark, KeyMark, PlanPurpose, SavedError, SavedPlan, SetArguments};

use super::input::{Input, key};
use crate::cases::{self, Case, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("saved", run);
    trials.extend(cases::again("report", "saved", shows_what_was_planned));
    trials.push(cases::code("saved", "errors", errors));
    trials.push(cases::code("saved", "each_byte_counts", each_byte_counts));
    trials
}

/// A plan as it is saved.
pub fn saved(plan: Plan) -> SavedPlan {
    SavedPlan {
        tool: "0.1.0".into(),
        made: "2026-11-21T10:00:00Z".into(),
        cluster: ClusterMark { address: "https://dev.example.com:6443".into(), uid: Some("1".into()) },
        commit: Some(CommitMark { id: "a".repeat(40), dirty: false }),
        selection: Selection {
            releases: vec!["app".into()],
            labels: vec![("tier".into(), "front".into())],
            gone: Vec::new(),
        },
        judge: Judge::DryRun,
        aim: PlanPurpose::Apply,
        set: vec!["--set image.tag".into()],
        given: Some(SetArguments::Plain(vec![("--set".into(), "image.tag=v2".into())])),
        guards: Guards { cap: Some(7), take: vec!["helm*".into()], ..Guards::default() },
        key: KeyMark::Kept(key().mark()),
        digest: plan.digest(&key()),
        proofs: saved::proofs(&plan, &key()),
        plan,
        warnings: vec!["Look out.".into()],
    }
}

/// A case has what was planned and saved, and what would be planned now.
fn run(case: &Case) -> Result<(), Failed> {
    let plan = |file: &str| Input::parse(&case.read(file)).plan();
    let before = saved::read(&saved::write(&saved(plan("before.yaml")), &key())?, "plan.json")?;
    let now = plan("now.yaml");
    let text = match saved::hold(&before, now, &key()) {
        Ok(held) => {
            same("the digest", &before.digest, &held.plan.digest(&key()))?;
            let lines = held.elsewhere.iter().map(|id| format!("elsewhere {id}\n"));
            let done = held.plan.pending().map(|step| format!("{} {}\n", step.action, step.object.id));
            std::iter::once("holds\n".to_owned()).chain(done).chain(lines).collect()
        }
        Err(moved) => {
            let commit = before.commit.zip(Some(CommitMark { id: "b".repeat(40), dirty: true }));
            Diagnostic::of(&SavedError::Stale { moved, commit }).to_string()
        }
    };
    if text.contains("hunter") {
        return Err(format!("a secret is shown: {text}").into());
    }
    case.expect("held.txt", &text)
}

/// What is read from a file is shown as the plan was, in each view; the file is as its schema says, and has no secret.
fn shows_what_was_planned(case: &Case) -> Result<(), Failed> {
    let plan = Input::of(case).plan();
    let bytes = saved::write(&saved(plan.clone()), &key())?;
    let text = String::from_utf8(bytes.clone())?;
    if text.contains("hunter2") {
        return Err(format!("the file has a secret: {text}").into());
    }
    valid(&serde_json::from_str(&text)?)?;
    let again = saved::read(&bytes, "plan.json")?;
    same("the digest", &plan.digest(&key()), &again.digest)?;
    same("the file, written again", &text, &String::from_utf8(saved::write(&again, &key())?)?)?;
    let report = |plan: Plan| Report { plan, digest: Some("d".into()), ..Report::default() };
    let (before, after) = (report(plan), report(again.plan));
    for (view, ignored) in [(ChangeLayout::Lines, false), (ChangeLayout::Lines, true), (ChangeLayout::Columns, true)] {
        let show = Show { view, ignored };
        let budget = Budget { show, ..Budget::default() };
        let style = TextStyle { show, ..TextStyle::default() };
        let listed = ListOptions { ignored, unchanged: ignored };
        same("the text", &report::text(&before, &style), &report::text(&after, &style))?;
        same("the page", &report::markdown(&before, budget), &report::markdown(&after, budget))?;
        let json = |report: &Report, key| format!("{:#}", report::json(report, listed, key));
        same("the JSON", &json(&before, &key()), &json(&after, &KeyMark::open()))?;
    }
    Ok(())
}

fn valid(document: &serde_json::Value) -> Result<(), Failed> {
    let schema = serde_json::from_str(include_str!("../../../docs/schema/plan-v1.json"))?;
    let validator = jsonschema::validator_for(&schema)?;
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    same("the schema's verdict", "", &errors.join("\n"))
}

const PLAN: &str = "{releases: [{name: app}], objects: [{id: ConfigMap apps/a, is: create, desired: {data: {a: b}}}]}";

fn file() -> Result<String, Failed> {
    Ok(String::from_utf8(saved::write(&saved(Input::parse(PLAN).plan()), &key())?)?)
}

fn errors() -> Result<(), Failed> {
    let whole = file()?;
    let named = || "plan.json".to_owned();
    let said = |text: &str| match saved::read(text.as_bytes(), "plan.json") {
        Ok(_) => "it was read\n".to_owned(),
        Err(error) => Diagnostic::of(&error).to_string(),
    };
    let (planned, asked) = ("dev".to_owned(), "production".to_owned());
    let document = serde_json::json!({"tool": 1}).to_string();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&document);
    let digits = HEXLOWER.encode(&digest);
    let odd = format!("{{\"formatVersion\":1,\"digest\":\"{digits}\",\"plan\":{document}}}");
    let mut texts = vec![
        said(&whole[..whole.len() - 20]),
        said(&whole[..30]),
        said(&whole.replace("\"create\"", "\"delete\"")),
        said(&whole.replacen("\"tool\":\"", "\"tool\":", 1)),
        said(&whole.replace("\"formatVersion\":1", "\"formatVersion\":2")),
        said(&odd),
        said(""),
        said("{}"),
        said("releases: []\n"),
    ];
    let others = [
        SavedError::Environment { planned: planned.clone(), asked: asked.clone() },
        SavedError::Cluster { planned: "https://a:6443".into(), asked: "https://b:6443".into() },
        SavedError::Set { planned: vec!["--set image.tag".into(), "--set-string a".into()], asked: Vec::new() },
        SavedError::NoReader,
        SavedError::OtherKey,
        SavedError::BrokenKey,
        SavedError::Another,
        SavedError::NotApproved { digest: "0".repeat(64) },
        SavedError::Foreign { file: named() },
    ];
    texts.extend(others.iter().map(|error| Diagnostic::of(error).to_string()));
    let expected = include_str!("../../cases/saved/errors.txt");
    if std::env::var_os("WEFT_UPDATE").is_some() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/saved/errors.txt");
        return std::fs::write(path, texts.join("\n")).map_err(Failed::from);
    }
    same("the errors", expected, &texts.join("\n"))
}

/// Whatever byte of a file is another, it is not read.
fn each_byte_counts() -> Result<(), Failed> {
    let whole = file()?.into_bytes();
    let end = whole.len() - 1;
    for at in 0..end {
        let mut other = whole.clone();
        other[at] = if other[at] == b'x' { b'y' } else { b'x' };
        if saved::read(&other, "plan.json").is_ok() {
            return Err(format!("byte {at} does not count: {}", String::from_utf8_lossy(&other)).into());
        }
        if saved::read(&whole[..at], "plan.json").is_ok() {
            return Err(format!("{at} bytes are enough").into());
        }
    }
    Ok(())
}
