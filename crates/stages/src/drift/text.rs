//! Findings as text, with their past.

use super::{Category, DriftCheck, Finding, FindingPast, HistoryEntry, Memory};
use crate::report::harmless;

/// The lines that follow the report of a look: unmanaged objects, and the past of each finding. Empty for a look that
/// found nothing, and after which nothing is gone.
pub fn text(look: &DriftCheck) -> String {
    let mut lines = Vec::new();
    let stray: Vec<&(Finding, FindingPast)> =
        look.findings.iter().filter(|(it, _)| it.sort == Category::Unmanaged).collect();
    if !stray.is_empty() {
        lines.push(format!("{} unmanaged in namespaces of `{}`:", stray.len(), look.environment));
        lines.extend(stray.iter().map(|(it, _)| format!("  ? {}{}", it.about(), maker(it))));
    }
    let unnamed = look.unseen.iter().filter(|it| it.object.is_none());
    lines.extend(unnamed.map(|it| format!("could not be looked at: {}", it.reason)));
    if !look.findings.is_empty() {
        lines.push(format!("seen before in `{}`:", look.environment));
        lines.extend(look.findings.iter().map(|(it, past)| format!("  {}: {}", it.about(), past_words(past))));
    }
    if !look.gone.is_empty() {
        lines.push(format!("gone since the last look at `{}`:", look.environment));
        lines.extend(look.gone.iter().map(|it| format!("  {}: {}", it.about(), was(it))));
    }
    if let (Memory::NotKept(reason), false) = (&look.memory, look.findings.is_empty()) {
        lines.push(format!("not remembered: {reason}"));
    }
    lines.iter().map(|line| harmless(line) + "\n").collect()
}

/// `new`, `since 2026-01-01T00:00:00Z in 3 looks, 2 times before`.
pub(super) fn past_words(past: &FindingPast) -> String {
    let before = match past.before {
        0 => String::new(),
        1 => ", once before".to_owned(),
        count => format!(", {count} times before"),
    };
    let moved = if past.moved { ", changed again since the last look" } else { "" };
    let seen = match past.seen {
        0 | 1 => "new".to_owned(),
        count => format!("since {} in {count} looks", past.first),
    };
    seen + &before + moved
}

/// `, made by kubectl-create at 2026-01-01T00:00:00Z`.
pub(super) fn maker(finding: &Finding) -> String {
    let Some(writer) = finding.writers.first() else { return String::new() };
    let at = writer.time.as_ref().map(|time| format!(" at {time}")).unwrap_or_default();
    format!(", made by {}{at}", writer.manager)
}

fn was(entry: &HistoryEntry) -> String {
    let by = entry.manager.as_ref().map(|it| format!(", by {it}")).unwrap_or_default();
    let looks = if entry.seen == 1 { "1 look".to_owned() } else { format!("{} looks", entry.seen) };
    format!("{} since {} in {looks}{by}", entry.sort.name(), entry.first)
}
