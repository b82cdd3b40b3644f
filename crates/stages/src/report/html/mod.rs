//! The report as one HTML page. It fetches nothing and runs no script; `<details>` does the folding.

use super::escape::{html as text, line};
use super::markdown::{destroys, ordered};
use super::tallies::Tallies;
use super::text::{judged, yaml};
use super::{
    EnvironmentReport, Outcomes, Purpose, ReleaseSteps, Report, ReportPart, Show, closing, closing_of_many, impact,
    table,
};
use crate::diff::LineKind;
use crate::plan::{HookAction, Ruling, Step};
use weft_base::diagnostic::Diagnose;

const STYLE: &str = include_str!("page.css");

/// The page of one report.
pub fn html(report: &Report, show: Show) -> String {
    page(&closing(report), &section(report, show))
}

/// The page of several environments.
pub fn html_of_many(parts: &[ReportPart], show: Show) -> String {
    let row = |part: &ReportPart| {
        let said = match part.told {
            EnvironmentReport::Report(report, _) => closing(report),
            EnvironmentReport::Lines(lines) | EnvironmentReport::Status(lines, _) => lines.to_owned(),
            EnvironmentReport::Failed(failed) => {
                failed.iter().flat_map(|it| it.messages.clone()).collect::<Vec<_>>().join("; ")
            }
            EnvironmentReport::Skipped => "not begun".to_owned(),
        };
        let cells = format!("<td>{}</td><td>{}</td>", text(&line(part.environment)), text(&line(&said)));
        format!("<tr>{cells}<td class=\"count\">{}</td></tr>\n", part.code)
    };
    let rows: String = parts.iter().map(row).collect();
    let sections = parts.iter().filter_map(|part| match part.told {
        EnvironmentReport::Report(report, _) => Some(section(report, show)),
        _ => None,
    });
    let sections: String = sections.collect();
    let head = "<tr><th>environment</th><th></th><th>exit code</th></tr>";
    page(&closing_of_many(parts), &format!("<table>\n{head}\n{rows}</table>\n{sections}"))
}

fn page(title: &str, body: &str) -> String {
    let title = text(&line(title));
    // A page that is opened from a file may do no more than one that is not trusted.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

fn section(report: &Report, show: Show) -> String {
    let plan = &report.plan;
    let place = [("cluster", &report.cluster), ("commit", &report.commit)];
    let place = place
        .into_iter()
        .filter_map(|(name, it)| it.as_ref().map(|it| format!("<li>{name}: <code>{}</code></li>\n", text(&line(it)))));
    let digest = report.approvable().map(|it| format!("<li>digest: <code>{}</code></li>\n", text(it)));
    let facts: String = place.chain(digest).collect();
    let facts = if facts.is_empty() { facts } else { format!("<ul>\n{facts}</ul>\n") };
    let releases = ReleaseSteps::all(plan, show);
    let tallies =
        if report.purpose == Purpose::Run { Vec::new() } else { Tallies::from_plan(plan).lines(show.ignored) };
    let objects: String = ordered(&releases).into_iter().map(|step| object(report, step, show)).collect();
    [
        format!("<section>\n<h2>{}</h2>\n{facts}", text(&line(&plan.environment))),
        list("", &problems(report)),
        list("<h3>Impact</h3>\n", &plainly(&impact::lines(&impact::to_show(report)))),
        list("", &plainly(&tallies)),
        counts(&releases),
        objects,
        "</section>\n".to_owned(),
    ]
    .concat()
}

fn plainly(lines: &[String]) -> Vec<String> {
    lines.iter().map(|it| text(&line(it))).collect()
}

/// A list of items that are escaped already.
fn list(head: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items = items.iter().map(|it| format!("<li>{it}</li>\n")).collect::<Vec<_>>().concat();
    format!("{head}<ul>\n{items}</ul>\n")
}

/// What must not be overlooked.
fn problems(report: &Report) -> Vec<String> {
    let plan = &report.plan;
    let marked = |class: &str, word: &str, said: &str| {
        format!("<strong class=\"{class}\">{word}</strong> {}", text(&line(said)).replace("\\n", "<br>"))
    };
    let refusals = plan.refusals_with_origins().map(|(refusal, origin)| {
        let origin = origin.map(|it| format!(" ({it})")).unwrap_or_default();
        let hint = refusal.hint().map(|it| format!(". {it}")).unwrap_or_default();
        marked("bad", "refused", &format!("{refusal}{origin}{hint}"))
    });
    let findings = plan.findings.iter().filter(|it| it.ruling != Ruling::Deny);
    let findings =
        findings.map(|it| marked("warn", &super::policy_word(report, it.ruling), &format!("{it}, {}", it.policy)));
    let outcomes = Outcomes::from_events(&report.events);
    let open = outcomes.open.iter().map(|(id, outcome, why)| marked("bad", outcome, &format!("{id}: {why}")));
    let warnings = report.warnings.iter().map(|it| marked("warn", "warning", it));
    refusals.chain(findings).chain(open).chain(warnings).collect()
}

fn counts(releases: &[ReleaseSteps]) -> String {
    if !releases.iter().any(|release| release.shown().next().is_some()) {
        return String::new();
    }
    let (head, rows) = table(releases);
    let head = head.iter().map(|it| format!("<th>{it}</th>")).collect::<Vec<_>>().concat();
    let row = |(name, counts): (String, Vec<usize>)| {
        let cells = counts.iter().map(|it| format!("<td class=\"count\">{it}</td>")).collect::<Vec<_>>().concat();
        format!("<tr><td>{}</td>{cells}</tr>\n", text(&line(&name)))
    };
    let rows: String = rows.into_iter().map(row).collect();
    format!("<table>\n<tr><th>release</th>{head}</tr>\n{rows}</table>\n")
}

fn object(report: &Report, step: &Step, show: Show) -> String {
    let object = &step.object;
    let reason = step.action.reason().map(|it| format!(": {it}")).unwrap_or_default();
    let was = step.was.as_ref().map(|it| format!("; {it}")).unwrap_or_default();
    let id = text(&line(&object.id.to_string()));
    let rest = line(&format!("{reason}{was}{}", judged(&object.judged)));
    let head = format!(
        "<code>{} {id}</code> {} ({}){}",
        step.action.sign(),
        step.action,
        text(&line(&object.release)),
        text(&rest)
    );
    let told: String = show
        .parts(report, object)
        .lines()
        .iter()
        .map(|(heading, lines)| list(&format!("<p>{heading}</p>\n"), &plainly(lines)))
        .collect();
    let body = told + &difference(report, step, show);
    let (class, open) = if destroys(step) { (" class=\"lost\"", " open") } else { ("", "") };
    if body.is_empty() {
        return format!("<p>{head}</p>\n");
    }
    format!("<details{class}{open}><summary>{head}</summary>\n{body}</details>\n")
}

fn difference(report: &Report, step: &Step, show: Show) -> String {
    let runs = step.action.hook().is_some_and(|hook| hook.does == HookAction::Run);
    let shown = step.action.is_write() || runs || destroys(step);
    if !shown || report.purpose == Purpose::Drift {
        return String::new();
    }
    let line = |(kind, said): (LineKind, String)| {
        let class = match kind {
            LineKind::Added => " class=\"added\"",
            LineKind::Removed => " class=\"removed\"",
            _ => "",
        };
        format!("<span{class}>{}</span>", text(&said))
    };
    let lines: String = yaml(&step.object, show).into_iter().map(line).collect();
    if lines.is_empty() { lines } else { format!("<pre>{lines}</pre>\n") }
}
