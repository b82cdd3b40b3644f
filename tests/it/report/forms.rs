//! The forms for browsers and forges: what they look like, and that they are what their readers take.

use std::collections::BTreeSet;

use libtest_mimic::Failed;
use regex::Regex;
use serde_json::Value as Json;
use weft::report::{self, EnvironmentReport, Notice, Report, ReportPart, Show};

use crate::cases::Case;
use crate::markdown;
use crate::plan::input::key;

/// Each form of a report, which no secret is in.
pub fn check(case: &Case, report: &Report, show: Show) -> Result<(), Failed> {
    let (key, notices) = (key(), report::notices(report));
    let page = report::html(report, show);
    let part =
        ReportPart { environment: &report.plan.environment, code: 0, told: EnvironmentReport::Report(report, &key) };
    let (results, log) = (report::junit(&[part], ""), report::sarif(&notices, ""));
    let (commands, quality) = (report::github(&notices, ""), report::gitlab(&notices, ""));
    let (log_text, quality_text) = (format!("{log:#}\n"), format!("{quality:#}\n"));
    for text in [&page, &results, &log_text, &commands, &quality_text] {
        assert!(!text.contains("hunter2"), "a secret is shown: {text}");
        assert!(!text.contains('\u{1b}'), "a terminal is steered: {text}");
    }
    balanced(&page, &["meta", "br"])?;
    balanced(&results, &[])?;
    plain(&page);
    sarif(&log)?;
    github(&commands);
    gitlab(&quality);
    let again = report::gitlab(&report::notices(report), "");
    assert_eq!(again, quality, "fingerprints change by themselves");
    below(&notices)?;
    case.expect("report.html", &page)?;
    case.expect("report.xml", &results)?;
    case.expect("report.sarif", &log_text)?;
    case.expect("github.txt", &commands)?;
    case.expect("gitlab.json", &quality_text)
}

/// The page has nothing that fetches or runs anything.
pub fn plain(page: &str) {
    let known = "body br code details h1 h2 h3 head html li meta p pre section span strong style summary table td th title tr ul";
    let tag = Regex::new("</?([a-z0-9]+)").expect("an expression");
    for found in tag.captures_iter(page) {
        assert!(known.split(' ').any(|it| it == &found[1]), "`{}` is in the page", &found[1]);
    }
    let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
    assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
}

/// Every element ends where it should.
pub fn balanced(page: &str, void: &[&str]) -> Result<(), Failed> {
    let tag = Regex::new(r#"<(/?)([a-z0-9-]+)(?:\s+[a-z-]+(?:="[^"<]*")?)*\s*(/?)>"#)?;
    let mut open: Vec<&str> = Vec::new();
    for found in tag.captures_iter(page) {
        let name = found.get(2).map_or("", |it| it.as_str());
        match (&found[1], &found[3]) {
            ("/", _) if open.pop() != Some(name) => return Err(format!("`{name}` ends where it is not open").into()),
            ("/", _) | (_, "/") => {}
            _ if void.contains(&name) => {}
            _ => open.push(name),
        }
    }
    let text = tag.replace_all(page, "").replace("<!doctype html>", "");
    let text = Regex::new(r"(?s)<style>.*?</style>|<\?xml[^>]*\?>")?.replace_all(&text, "").into_owned();
    match (open.is_empty(), text.contains('<')) {
        (true, false) => Ok(()),
        _ => Err(format!("open: {open:?}; text: {text}").into()),
    }
}

/// What SARIF 2.1.0 asks of the parts that we write, and what GitHub asks besides.
pub fn sarif(log: &Json) -> Result<(), Failed> {
    let schema: Json = serde_json::from_str(&markdown::read("tests/report/sarif.json"))?;
    jsonschema::validate(&schema, log).map_err(|error| format!("{}: {error}", error.instance_path()))?;
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let mut marks = BTreeSet::new();
    for result in run["results"].as_array().expect("results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index"))?;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let mark = result["partialFingerprints"]["primaryLocationLineHash"].as_str().expect("a mark");
        assert!(marks.insert(mark), "two of the mark {mark}");
    }
    Ok(())
}

/// Of a project in a folder of its repository, all paths begin there.
fn below(notices: &[Notice]) -> Result<(), Failed> {
    let folder = "teams/a: b";
    let log = report::sarif(notices, folder);
    sarif(&log)?;
    for result in log["runs"][0]["results"].as_array().expect("results") {
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(uri.as_str().is_some_and(|it| it.starts_with("teams/a%3A%20b/")), "{uri}");
    }
    for issue in report::gitlab(notices, folder).as_array().expect("a list") {
        assert!(issue["location"]["path"].as_str().is_some_and(|it| it.starts_with("teams/a: b/")), "{issue}");
    }
    let commands = report::github(notices, folder);
    assert_eq!(commands.matches(" file=").count(), commands.matches(" file=teams/a%3A b/").count(), "{commands}");
    github(&commands);
    Ok(())
}

/// Each line is a command, and nothing that is said begins another one.
pub fn github(commands: &str) {
    let command = Regex::new(r"^::(error|warning|notice) (file=[^:,]*,line=\d+,col=\d+,)?title=[^:,]*::[^\r]*$");
    let command = command.expect("an expression");
    for line in commands.lines() {
        assert!(command.is_match(line), "{line}");
    }
    for level in ["error", "warning", "notice"] {
        assert!(commands.matches(&format!("::{level} ")).count() <= 10);
    }
}

pub fn gitlab(quality: &Json) {
    let issues = quality.as_array().expect("a list");
    let mut marks: Vec<&str> = issues.iter().filter_map(|it| it["fingerprint"].as_str()).collect();
    assert_eq!(marks.len(), issues.len());
    marks.sort_unstable();
    marks.dedup();
    assert_eq!(marks.len(), issues.len(), "two of the same fingerprint");
    for issue in issues {
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap_or("")));
        assert!(issue["location"]["path"].is_string() && issue["location"]["lines"]["begin"].is_u64());
    }
}
