//! Reports as test results: a suite per release, a case per object.

use std::collections::BTreeMap;

use super::escape::{html, line, lines};
use super::notices::{Level, Notice, below, notices};
use super::{EnvironmentReport, ReleaseSteps, Report, ReportPart, Show};
use crate::manifest::ObjectId;
use crate::plan::{Action, Step};

/// One test.
struct Case {
    name: String,
    place: Option<(String, u32)>,
    /// Whether it could not be told, and what is wrong.
    wrong: Vec<(bool, Notice)>,
    /// Why nothing was tested.
    skipped: Option<String>,
    out: String,
}

/// The results of several environments as one document. An object fails where something refuses it, did not end well or
/// drifted; it is an error where it could not be compared. What is about no object is a case of its environment. For `folder`
/// see [`github`](super::github).
pub fn junit(parts: &[ReportPart], folder: &str) -> String {
    let suites = parts.iter().flat_map(|part| match part.told {
        EnvironmentReport::Report(report, _) => of_report(report),
        EnvironmentReport::Failed(failed) => {
            let notices = failed.iter().map(|it| Notice::failed(part.environment, it)).collect();
            vec![(part.environment.to_owned(), of_notices(notices))]
        }
        EnvironmentReport::Lines(_) | EnvironmentReport::Status(..) | EnvironmentReport::Skipped => Vec::new(),
    });
    document(&suites.collect::<Vec<_>>(), folder)
}

/// Notices alone as one document: a suite for each environment, a case for each notice.
pub fn junit_of_notices(environments: &[&str], notices: &[Notice], folder: &str) -> String {
    let suite = |environment: &&str| {
        let own = notices.iter().filter(|it| it.environment == **environment).cloned().collect();
        ((*environment).to_owned(), of_notices(own))
    };
    document(&environments.iter().map(suite).collect::<Vec<_>>(), folder)
}

fn of_notices(notices: Vec<Notice>) -> Vec<Case> {
    let case = |notice: Notice| {
        let about = notice.object.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
        let name = format!("{}{about}", notice.rule);
        let (file, line, _) = notice.place();
        // What is only noted tells of nothing that was tested.
        let skipped = (notice.level == Level::Note).then(|| notice.text());
        let wrong = if skipped.is_some() { Vec::new() } else { vec![(false, notice)] };
        Case { name, place: Some((file, line)), wrong, skipped, out: String::new() }
    };
    notices.into_iter().map(case).collect()
}

fn of_report(report: &Report) -> Vec<(String, Vec<Case>)> {
    let environment = report.plan.environment.as_str();
    let mut of_objects: BTreeMap<ObjectId, Vec<Notice>> = BTreeMap::new();
    let mut others = Vec::new();
    for notice in notices(report) {
        match notice.object.clone() {
            Some(id) => of_objects.entry(id).or_default().push(notice),
            None if notice.level == Level::Error => others.push(notice),
            None => {}
        }
    }
    let mut suites: Vec<(String, Vec<Case>)> = Vec::new();
    for release in ReleaseSteps::all(&report.plan, Show::default()) {
        let cases = release.steps.iter().map(|step| of_step(report, step, of_objects.get(&step.object.id)));
        suites.push((format!("{environment}/{}", release.name), cases.collect()));
    }
    suites.insert(0, (environment.to_owned(), of_notices(others)));
    suites.retain(|(_, cases)| !cases.is_empty());
    suites
}

fn of_step(report: &Report, step: &Step, notices: Option<&Vec<Notice>>) -> Case {
    let unknown = matches!(step.action, Action::Unknown { .. });
    let drifts = |it: &Notice| it.rule == "drift";
    let wrong = notices.into_iter().flatten().filter(|it| it.level == Level::Error || drifts(it));
    let told = Show::default().parts(report, &step.object).lines();
    let changes = told.into_iter().flat_map(|(heading, lines)| std::iter::once(format!("{heading}:")).chain(lines));
    let rest = notices.into_iter().flatten().filter(|it| it.level != Level::Error && !drifts(it)).map(Notice::text);
    let origin = step.object.desired.as_ref().map(|it| &it.origin);
    Case {
        name: step.object.id.to_string(),
        place: origin.and_then(|it| Some((it.file.as_ref()?.to_string(), it.mark.line))),
        wrong: wrong.map(|it| (unknown, it.clone())).collect(),
        skipped: None,
        out: std::iter::once(step.action.to_string()).chain(changes).chain(rest).collect::<Vec<_>>().join("\n"),
    }
}

fn document(suites: &[(String, Vec<Case>)], folder: &str) -> String {
    let all: Vec<&Case> = suites.iter().flat_map(|(_, cases)| cases).collect();
    let body: String = suites.iter().map(|(name, cases)| suite(name, cases, folder)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"weft\"{}>\n{body}</testsuites>\n",
        counts(&all)
    )
}

fn suite(name: &str, cases: &[Case], folder: &str) -> String {
    let all: Vec<&Case> = cases.iter().collect();
    let body: String = cases.iter().map(|it| case(name, it, folder)).collect();
    format!("  <testsuite name=\"{}\"{}>\n{body}  </testsuite>\n", attribute(name), counts(&all))
}

fn counts(cases: &[&Case]) -> String {
    let count = |unknown: bool| cases.iter().filter(|it| it.wrong.first().is_some_and(|it| it.0 == unknown)).count();
    let skipped = match cases.iter().filter(|it| it.skipped.is_some()).count() {
        0 => String::new(),
        some => format!(" skipped=\"{some}\""),
    };
    format!(" tests=\"{}\" failures=\"{}\" errors=\"{}\"{skipped}", cases.len(), count(false), count(true))
}

fn case(suite: &str, case: &Case, folder: &str) -> String {
    let place = case.place.as_ref().map(|(file, line)| (below(folder, file), line));
    let place = place.map(|(file, line)| format!(" file=\"{}\" line=\"{line}\"", attribute(&file)));
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\"{}",
        attribute(&suite.replace('/', ".")),
        attribute(&case.name),
        place.unwrap_or_default()
    );
    // Readers take one failure of a case.
    let wrong = case.wrong.first().map(|(unknown, first)| {
        let element = if *unknown { "error" } else { "failure" };
        let text = case.wrong.iter().map(|(_, it)| it.text()).collect::<Vec<_>>().join("\n");
        let message = attribute(&first.message);
        let rule = attribute(&first.rule);
        format!("      <{element} message=\"{message}\" type=\"{rule}\">{}</{element}>\n", html(&lines(&text)))
    });
    let out = (!case.out.is_empty()).then(|| format!("      <system-out>{}</system-out>\n", html(&lines(&case.out))));
    let skipped = case.skipped.as_ref().map(|it| format!("      <skipped message=\"{}\"/>\n", attribute(it)));
    match wrong.into_iter().chain(skipped).chain(out).collect::<String>() {
        body if body.is_empty() => format!("{head}/>\n"),
        body => format!("{head}>\n{body}    </testcase>\n"),
    }
}

fn attribute(text: &str) -> String {
    html(&line(text))
}
