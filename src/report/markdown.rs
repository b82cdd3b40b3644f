//! The report as a comment of a pull request.

use super::columns::{cells, changes, note as told_by};
use super::escape::{after, fence, line, page};
use super::tallies::Tallies;
use super::text::{judged, yaml};
use super::values::cut;
use super::{Detail, Outcomes, Purpose, Release, Report, Show, View, closing, table};
use crate::diagnostic::Diagnose;
use crate::diff::{FieldChange, LineKind};
use crate::plan::{Action, Does, Step};

/// How many characters a comment may have on GitHub.
pub const LIMIT: usize = 65_536;
/// Longer values are cut in tables.
const WIDEST: usize = 120;

/// The report as Markdown of at most `limit` characters. What does not fit is left out by degrees, and the page says
/// so. Its first line is a hidden mark of the environment, by which a comment is found and written anew.
pub fn markdown(report: &Report, limit: usize, show: Show) -> String {
    let fits = |text: &String| text.chars().count() <= limit;
    let degrees = [Detail::Full, Detail::Changes, Detail::Names, Detail::Counts];
    let whole = degrees.into_iter().map(|detail| page_of(report, detail, show)).find(fits);
    whole.unwrap_or_else(|| head(report).chars().take(limit).collect())
}

fn page_of(report: &Report, detail: Detail, show: Show) -> String {
    let releases = Release::all(&report.plan, show);
    let mut out = head(report) + note(detail);
    out += &problems(report, detail);
    out += &tallies(report, show);
    out += &report.approvable().map(|digest| format!("\nDigest: `{digest}`\n")).unwrap_or_default();
    if releases.iter().any(|release| release.shown().next().is_some()) {
        out += &counts(&releases);
    }
    if detail >= Detail::Names {
        for step in ordered(&releases) {
            out += &block(report, step, detail, show);
        }
    }
    out
}

fn head(report: &Report) -> String {
    let plan = &report.plan;
    let summary = plan.summary();
    let signs = [("+", summary.create), ("~", summary.update), ("-", summary.delete), ("±", summary.recreate)];
    let counts: Vec<String> = signs.iter().filter(|(_, n)| *n > 0).map(|(sign, n)| format!("{sign}{n}")).collect();
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(" ")) };
    let place = after(" on ", report.cluster.as_deref(), page) + &after(" at ", report.commit.as_deref(), page);
    let environment = page(&plan.environment);
    let mark = plan.environment.replace(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)), "_");
    format!(
        "<!-- weft:{} -->\n### {environment}{counts}\n\n{}{place}\n",
        mark.replace("--", "__"),
        page(&closing(report))
    )
}

fn note(detail: Detail) -> &'static str {
    match detail {
        Detail::Full => "",
        Detail::Changes => "\n_Shortened: only changed lines are shown._\n",
        Detail::Names => "\n_Shortened: changes are not shown._\n",
        Detail::Counts => "\n_Shortened: objects are only counted._\n",
    }
}

/// What must not be overlooked: refusals, objects that did not end well, warnings.
fn problems(report: &Report, detail: Detail) -> String {
    let refusals = report.plan.refusals.iter().map(|refusal| {
        let hint = refusal.hint().map_or_else(String::new, |hint| format!(" {}", page(&hint)));
        let origin = report.plan.origin(refusal).map(|it| format!(" ({})", page(&it.to_string()))).unwrap_or_default();
        format!("- **Refused**: {}{origin}.{hint}\n", page(&refusal.to_string()))
    });
    let outcomes = Outcomes::of(&report.events);
    let done = outcomes.done.iter().filter(|_| !outcomes.open.is_empty());
    let done = done.map(|(id, outcome)| format!("- {outcome} <code>{}</code>\n", page(&id.to_string())));
    let open = outcomes.open.iter().map(|(id, outcome, reason)| {
        format!("- **{outcome}** <code>{}</code>: {}", page(&id.to_string()), item(reason))
    });
    let warnings = report.warnings.iter().map(|warning| format!("- **Warning**: {}", item(warning)));
    let lines: Vec<String> = refusals.chain(done).chain(open).chain(warnings).collect();
    match lines.len() {
        0 => String::new(),
        count if detail == Detail::Counts => format!("\n**{count} refusals, failures and warnings.**\n"),
        _ => format!("\n{}", lines.concat()),
    }
}

/// What stands behind the head of a list's item: what has further lines shows them as they are.
fn item(text: &str) -> String {
    let (first, rest) = text.trim_end().split_once('\n').unwrap_or((text, ""));
    if rest.is_empty() {
        return format!("{}\n", page(first));
    }
    let fence = fence([rest]);
    let rest = rest.lines().fold(String::new(), |rest, it| rest + "  " + &line(it) + "\n");
    format!("{}\n  {fence}\n{rest}  {fence}\n", page(first))
}

fn tallies(report: &Report, show: Show) -> String {
    let lines = if report.purpose == Purpose::Run { Vec::new() } else { Tallies::of(&report.plan).lines(show.ignored) };
    if lines.is_empty() { String::new() } else { format!("\n{}", list(&lines)) }
}

fn counts(releases: &[Release]) -> String {
    let (head, rows) = table(releases);
    let line = |(name, counts): (String, Vec<usize>)| {
        let cells: Vec<String> = counts.iter().map(ToString::to_string).collect();
        format!("| {} | {} |\n", page(&name), cells.join(" | "))
    };
    let rows: Vec<String> = rows.into_iter().map(line).collect();
    let columns = "---:|".repeat(head.len());
    format!("\n| release | {} |\n|---|{columns}\n{}", head.join(" | "), rows.concat())
}

/// The steps that are shown, the destructive first.
fn ordered<'a>(releases: &[Release<'a>]) -> Vec<&'a Step> {
    let mut steps: Vec<&Step> = releases.iter().flat_map(Release::shown).collect();
    steps.sort_by_key(|step| match step.action {
        Action::Delete => 0,
        Action::Recreate { .. } => 1,
        Action::Unknown { .. } => 2,
        Action::Update => 3,
        Action::Create => 4,
        Action::Hook(_) => 5,
        Action::Orphan { .. } => 6,
        Action::Keep { .. } | Action::Forget { .. } | Action::Unchanged => 7,
    });
    steps
}

fn block(report: &Report, step: &Step, detail: Detail, show: Show) -> String {
    let object = &step.object;
    let (sign, action, id) = (step.action.sign(), &step.action, page(&object.id.to_string()));
    let was = step.was.as_ref().map(ToString::to_string);
    let reason = after(": ", step.action.reason(), page) + &after("; ", was.as_deref(), page);
    let reason = reason + &page(&judged(&object.judged));
    let title = format!("<code>{sign} {id}</code> {action} ({}){reason}", page(&object.release));
    let body = if detail >= Detail::Changes { body(report, step, detail, show) } else { String::new() };
    if body.is_empty() {
        return format!("\n- {title}\n");
    }
    let open = if matches!(step.action, Action::Delete | Action::Recreate { .. }) { " open" } else { "" };
    format!("\n<details{open}><summary>{title}</summary>\n\n{body}\n</details>\n")
}

fn body(report: &Report, step: &Step, detail: Detail, show: Show) -> String {
    let adopted = step.object.adopts.as_ref().map(|it| format!("- {}\n", page(&it.to_string()))).unwrap_or_default();
    let parts = show.parts(report, &step.object);
    if show.view == View::Columns {
        let rows: String = changes(&parts).map(row).collect();
        let head = "| field | class | base | live | desired | |\n|---|---|---|---|---|---|\n";
        let table = if rows.is_empty() { rows } else { format!("{head}{rows}") };
        return if adopted.is_empty() || table.is_empty() { adopted + &table } else { format!("{adopted}\n{table}") };
    }
    let lost = match &step.action {
        Action::Recreate { loses, .. } => loses.as_slice(),
        _ => &[],
    };
    let lost: Vec<String> = lost.iter().map(|lost| format!("- lost with it: {}\n", page(lost))).collect();
    let older = step
        .action
        .hook()
        .iter()
        .flat_map(|hook| &hook.removes)
        .map(|it| format!("- deletes what an earlier run left: {}\n", page(&it.to_string())))
        .collect::<String>();
    let fields = adopted + &lost.concat() + &older + &sections(&parts.told());
    let shown = |kind: &LineKind| detail == Detail::Full || matches!(kind, LineKind::Added | LineKind::Removed);
    let lines: Vec<String> = yaml(&step.object, show)
        .into_iter()
        .filter(|(kind, _)| shown(kind))
        .map(|(_, text)| format!("{text}\n"))
        .collect();
    let kept = matches!(
        step.action,
        Action::Keep { .. } | Action::Orphan { .. } | Action::Forget { .. } | Action::Unknown { .. }
    ) || step.action.hook().is_some_and(|hook| hook.does != Does::Run);
    if lines.is_empty() || kept || report.purpose == Purpose::Drift {
        return fields;
    }
    let fence = fence(lines.iter().map(String::as_str));
    let gap = if fields.is_empty() { "" } else { "\n" };
    format!("{fields}{gap}{fence}diff\n{}{fence}\n", lines.concat())
}

fn list(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |list, line| list + "- " + &page(line) + "\n")
}

/// A list for each part of the changes. The heading of the one that is expected anyway is left out.
fn sections(told: &[(&str, Vec<String>)]) -> String {
    match told {
        [("about to change", lines)] => list(lines),
        told => {
            let section = |(heading, lines): &(&str, Vec<String>)| format!("**{heading}**\n\n{}", list(lines));
            told.iter().map(section).collect::<Vec<_>>().join("\n")
        }
    }
}

/// A row of the table: what the columns say, and who else wrote the field.
fn row(change: &FieldChange) -> String {
    let cells = cells(change).map(|cell| page(&cut(&cell, WIDEST)));
    format!("| {} | {} |\n", cells.join(" | "), page(&told_by(change).unwrap_or_default()))
}
