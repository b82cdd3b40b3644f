//! The sections of a page that come before the objects: what nobody must overlook, and the counts.

use super::block::{item, items};
use crate::plan::Ruling;
use crate::report::escape::{code, page};
use crate::report::tallies::Tallies;
use crate::report::{Outcomes, Purpose, ReleaseSteps, Report, Show, impact, policy_word, table};
use weft_base::diagnostic::Diagnose;

/// Lines under a heading. If not all fit, the first ones stay and the others are counted.
pub struct Section {
    /// What stands above them.
    pub head: String,
    /// The lines.
    pub items: Vec<String>,
    /// What comes after them, with `{}` for how many are left out.
    pub more: &'static str,
    /// The part of the room, of what is left when its turn comes, that it may take: one of so many.
    pub share: usize,
}

impl Section {
    /// All of it; nothing where there are no items.
    pub fn whole(&self) -> String {
        if self.items.is_empty() { String::new() } else { format!("{}{}", self.head, self.items.concat()) }
    }

    /// What there is room for, of room that others need as well.
    pub fn within(&self, room: usize) -> String {
        let whole = self.whole();
        let room = room / self.share;
        if whole.len() <= room {
            return whole;
        }
        let more = |left: usize| self.more.replace("{}", &left.to_string());
        let all = self.items.len();
        let Some(mut left) = room.checked_sub(self.head.len() + more(all).len()) else { return String::new() };
        let mut text = self.head.clone();
        let mut shown = 0;
        for item in &self.items {
            let Some(rest) = left.checked_sub(item.len()) else { break };
            (left, shown) = (rest, shown + 1);
            text += item;
        }
        text + &more(all - shown)
    }
}

/// The sections of a page, in their order.
pub(super) fn sections(report: &Report, releases: &[ReleaseSteps], show: Show) -> Vec<Section> {
    let list = |head: &str, items, share| Section { head: head.into(), items, more: "- and {} more\n", share };
    let digest = report.approvable().map(|digest| format!("Digest: `{digest}`\n"));
    vec![
        list("\n", digest.into_iter().collect(), 1),
        list("\n", problems(report), 2),
        list("\n", outcomes(report), 2),
        list("\n**Impact**\n\n", items(&impact::lines(&impact::to_show(report))), 3),
        list("\n", tallies(report, show), 4),
        counts(releases),
    ]
}

/// What must not be overlooked: refusals, objects that did not end well, warnings.
fn problems(report: &Report) -> Vec<String> {
    let refusals = report.plan.refusals_with_origins().map(|(refusal, origin)| {
        let hint = refusal.hint().map_or_else(String::new, |hint| format!(" {}", page(&hint)));
        let origin = origin.map(|it| format!(" ({})", page(&it.to_string()))).unwrap_or_default();
        format!("- **Refused**: {}{origin}.{hint}\n", page(&refusal.to_string()))
    });
    let outcomes = Outcomes::from_events(&report.events);
    let open = outcomes.open.iter().map(|(id, outcome, reason)| {
        format!("- **{outcome}** <code>{}</code>: {}", code(&id.to_string()), item(reason))
    });
    let warnings = report.warnings.iter().map(|warning| format!("- **Warning**: {}", item(warning)));
    let findings = report.plan.findings.iter().filter(|it| it.ruling != Ruling::Deny);
    let findings = findings.map(|it| {
        format!(
            "- **{}**: {} ({})\n",
            sentence(&policy_word(report, it.ruling)),
            page(&it.to_string()),
            page(&it.policy)
        )
    });
    refusals.chain(open).chain(findings).chain(warnings).collect()
}

/// A word at the beginning of a sentence.
fn sentence(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The successes, if something else failed.
fn outcomes(report: &Report) -> Vec<String> {
    let outcomes = Outcomes::from_events(&report.events);
    if outcomes.open.is_empty() {
        return Vec::new();
    }
    let done = outcomes.done.iter();
    done.map(|(id, outcome)| format!("- {outcome} <code>{}</code>\n", code(&id.to_string()))).collect()
}

fn tallies(report: &Report, show: Show) -> Vec<String> {
    let lines =
        if report.purpose == Purpose::Run { Vec::new() } else { Tallies::from_plan(&report.plan).lines(show.ignored) };
    items(&lines)
}

fn counts(releases: &[ReleaseSteps]) -> Section {
    let shown = releases.iter().any(|release| release.shown().next().is_some());
    let (head, rows) = if shown { table(releases) } else { (Vec::new(), Vec::new()) };
    let line = |(name, counts): (String, Vec<usize>)| {
        let cells: Vec<String> = counts.iter().map(ToString::to_string).collect();
        format!("| {} | {} |\n", page(&name), cells.join(" | "))
    };
    let items = rows.into_iter().map(line).collect();
    let columns = "---:|".repeat(head.len());
    let head = format!("\n| release | {} |\n|---|{columns}\n", head.join(" | "));
    Section { head, items, more: "| and {} more |\n", share: 4 }
}
