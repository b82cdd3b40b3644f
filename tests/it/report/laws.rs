//! What holds for every page, whatever is on it and however short it has to be.

use libtest_mimic::Failed;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use regex::Regex;
use serde_json::{Value as Json, json};
use weft::report::{self, Budget, Report};

use crate::cases;
use crate::plan::input::Input;

/// Pieces of names and values that would mention somebody, close a fence or write HTML.
const PIECES: [&str; 12] =
    ["app", "@team", "#12", "GH-3", "``", "````", "\n", "</details>", "|", "&amp;", "ü€", "owner/name#4"];

/// Pages of random reports in random budgets.
pub fn run() -> Result<(), Failed> {
    let text = || proptest::collection::vec(proptest::sample::select(&PIECES[..]), 1..5).prop_map(|it| it.concat());
    let object = (0..3_u8, text(), text(), 1..60_usize);
    let reports = (proptest::collection::vec(object, 0..60), text(), 0..12_000_usize, 0..4_usize);
    let mut runner = TestRunner::new(cases::tries(150));
    runner.run(&reports, |(objects, name, bytes, warnings)| {
        let report = report(&objects, &name, warnings);
        let budget = Budget { whole: Some("all`.md"), ..Budget::from_bytes(bytes) };
        let page = report::markdown(&report, budget);
        prop_assert!(page.len() <= bytes, "{} bytes of {bytes}", page.len());
        prop_assert_eq!(&page, &report::markdown(&report, budget), "another page of the same report");
        let outside = outside_of_fences(&page);
        prop_assert!(outside.is_some(), "a fence is open: {}", page);
        let outside = outside.unwrap_or_default();
        prop_assert_eq!(outside.matches("<details").count(), outside.matches("</details>").count());
        prop_assert!(!mentions().is_match(&seen(&outside)), "a mention: {}", outside);
        if page.starts_with("<!--") {
            named_or_counted(&report, &outside)?;
        }
        Ok(())
    })?;
    Ok(())
}

fn report(objects: &[(u8, String, String, usize)], name: &str, warnings: usize) -> Report {
    let object = |(at, (is, id, text, lines)): (usize, &(u8, String, String, usize))| {
        let body = |end: &str| json!({"data": {"a": format!("{text}\n").repeat(*lines), "b": end}});
        let id = format!("ConfigMap apps/{at}-{}", id.replace('/', "-"));
        match is {
            0 => json!({"id": id, "is": "create", "desired": body("x")}),
            1 => json!({"id": id, "is": "leftover", "live": body("x")}),
            _ => json!({"id": id, "is": "update", "live": body("x"), "after": body("y"),
                "fields": [{"path": ["data", "b"], "class": "drift", "live": "x", "desired": text}]}),
        }
    };
    let objects: Json = objects.iter().enumerate().map(object).collect();
    let warnings: Json = (0..warnings).map(|at| format!("{name} {at}\nmore of it")).collect();
    let input = json!({"releases": [{"name": name}], "objects": objects, "warnings": warnings, "guards": {"cap": 100}});
    Input::parse(&input.to_string()).report()
}

/// The lines that stand in no fence; `None` where one is left open.
pub fn outside_of_fences(page: &str) -> Option<String> {
    let (mut outside, mut open) = (String::new(), None);
    for line in page.lines() {
        let line = line.trim_start();
        let ticks = line.len() - line.trim_start_matches('`').len();
        match open {
            Some(opened) if ticks >= opened && line.len() == ticks => open = None,
            Some(_) => {}
            None if ticks >= 3 => open = Some(ticks),
            None => outside = outside + line + "\n",
        }
    }
    open.is_none().then_some(outside)
}

fn mentions() -> Regex {
    Regex::new(r"@\w|#[0-9]|GH-[0-9]").expect("an expression")
}

/// What a forge looks for mentions in: the text without its entities and without what stands in `<code>`.
pub fn seen(text: &str) -> String {
    let code = Regex::new("(?s)<code>.*?</code>|<!--.*?-->").expect("an expression");
    let entity = Regex::new("&#([0-9]+);").expect("an expression");
    let text = code.replace_all(text, "");
    let char = |found: &regex::Captures| found[1].parse().ok().and_then(char::from_u32).map(String::from);
    entity.replace_all(&text, |found: &regex::Captures| char(found).unwrap_or_default()).into_owned()
}

/// Every object that goes is on the page, or is counted on it.
fn named_or_counted(report: &Report, outside: &str) -> Result<(), TestCaseError> {
    let gone = report.plan.summary().delete;
    prop_assert!(gone == 0 || outside.contains(&format!("{gone} to delete")), "not in the head: {}", outside);
    let named = outside.matches("<code>- ConfigMap").count();
    let row = Regex::new(r"(?m)\| delete \| ([0-9]+) \|$").expect("an expression");
    let counted: usize = row.captures_iter(outside).filter_map(|it| it[1].parse::<usize>().ok()).sum();
    if outside.contains("**Only counted**") || !outside.contains("only counted") {
        let shortest = !outside.contains("<details") && !outside.contains("Shortened");
        prop_assert!(named + counted == gone || shortest, "{named} named and {counted} counted of {gone}: {}", outside);
    }
    Ok(())
}
