//! The reports of several environments in one: text, Markdown and JSON.

use anstyle::Effects;
use serde_json::{Map, Value as Json, json};

use super::closing::{counts, words};
use super::escape::{line, page};
use super::markdown::{Section, cut, mark};
use super::{Budget, FORMAT_VERSION, ListOptions, Report, TextStyle};
use weft_base::diagnostic::{Diagnostic, counted};
use weft_base::masked::FingerprintKey;

/// What came of one environment of several.
#[derive(Clone, Copy, Debug)]
pub struct ReportPart<'r> {
    pub environment: &'r str,
    /// The exit code that it would end with alone.
    pub code: u8,
    /// What is known of it.
    pub told: EnvironmentReport<'r>,
}

/// What is known of an environment.
#[derive(Clone, Copy, Debug)]
pub enum EnvironmentReport<'r> {
    /// Its report, whose secrets are fingerprints of this key.
    Report(&'r Report, &'r FingerprintKey),
    /// Lines that say all.
    Lines(&'r str),
    /// Lines that say all, and the same as a document of their own format.
    Status(&'r str, &'r Json),
    /// What went wrong before there was one.
    Failed(&'r [Diagnostic]),
    /// It was not begun, since another had failed or a signal came.
    Skipped,
}

impl<'r> ReportPart<'r> {
    fn report(&self) -> Option<&'r Report> {
        match self.told {
            EnvironmentReport::Report(report, _) => Some(report),
            EnvironmentReport::Lines(_)
            | EnvironmentReport::Status(..)
            | EnvironmentReport::Failed(_)
            | EnvironmentReport::Skipped => None,
        }
    }

    /// The word for it in the closing line, if it did not finish.
    fn word(&self) -> Option<&'static str> {
        match (self.told, self.code) {
            (EnvironmentReport::Skipped, _) => Some("not begun"),
            (_, 0 | 2) => None,
            (_, 3) => Some("part-way"),
            (_, 4) => Some("refused"),
            (_, 5) => Some("unknown"),
            (_, 128..) => Some("interrupted"),
            _ => Some("failed"),
        }
    }
}

/// The closing line of several environments, such as `3 environments: 2 to create, 40 unchanged; failed: staging`.
pub fn closing_of_many(parts: &[ReportPart]) -> String {
    let mut sums: Vec<(&str, usize)> = Vec::new();
    for (name, count) in parts.iter().filter_map(ReportPart::report).flat_map(counts) {
        match sums.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += count,
            None => sums.push((name, count)),
        }
    }
    let said = [words(&sums), open(parts)].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("; ");
    let said = if said.is_empty() { "done" } else { &said };
    format!("{}: {said}", counted(parts.len(), "environment"))
}

/// The environments that did not come to their end: `failed: a, b; refused: c`.
fn open(parts: &[ReportPart]) -> String {
    let words = ["failed", "refused", "unknown", "part-way", "interrupted", "not begun"];
    let list = words.into_iter().filter_map(|word| {
        let of: Vec<String> =
            parts.iter().filter(|part| part.word() == Some(word)).map(|part| line(part.environment)).collect();
        (!of.is_empty()).then(|| format!("{word}: {}", of.join(", ")))
    });
    list.collect::<Vec<_>>().join("; ")
}

/// The texts below each other, each under the name of its environment, ended by the one line for all.
pub fn text_of_many(parts: &[ReportPart], style: &TextStyle) -> String {
    let section = |part: &ReportPart| {
        let body = match part.told {
            EnvironmentReport::Report(report, _) => super::text(report, style),
            EnvironmentReport::Lines(lines) | EnvironmentReport::Status(lines, _) => lines.to_owned(),
            EnvironmentReport::Failed(diagnostics) => format!("{}: {}\n", line(part.environment), reason(diagnostics)),
            EnvironmentReport::Skipped => format!("{}: not begun\n", line(part.environment)),
        };
        format!("{}\n{body}\n", heading(part.environment, style.colour))
    };
    let sections: String = parts.iter().map(section).collect();
    let bold = anstyle::Style::new().effects(Effects::BOLD);
    let closing = closing_of_many(parts);
    sections + &if style.colour { format!("{bold}{closing}{bold:#}\n") } else { format!("{closing}\n") }
}

/// The line above what is said of an environment among several.
fn heading(environment: &str, colour: bool) -> String {
    let text = format!("== {} ==", line(environment));
    let bold = anstyle::Style::new().effects(Effects::BOLD);
    if colour { format!("{bold}{text}{bold:#}") } else { text }
}

/// The first thing that went wrong, and how many others.
fn reason(diagnostics: &[Diagnostic]) -> String {
    let first = diagnostics.first().and_then(|it| it.messages.first()).map(|it| line(it)).unwrap_or_default();
    let more = diagnostics.len().saturating_sub(1);
    if more == 0 { first } else { format!("{first} (and {more} more)") }
}

/// The pages below each other in at most `budget.bytes` bytes, with a table of all before them. The room is shared out:
/// what a short page does not need, the longer ones have. The first line is a hidden mark of all environments.
pub fn markdown_of_many(parts: &[ReportPart], budget: Budget) -> String {
    let head = head(parts, budget.bytes);
    let room = budget.bytes.saturating_sub(head.len());
    let page = |part: &ReportPart, bytes: usize| match part.told {
        // A page begins after an empty line.
        EnvironmentReport::Report(report, _) if bytes > 0 => {
            format!("\n{}", super::markdown(report, Budget { bytes: bytes - 1, ..budget }))
        }
        _ => String::new(),
    };
    // Of a page that is longer than there is room for, nobody needs to know how long it is.
    let needs: Vec<usize> = parts.iter().map(|part| page(part, room).len()).collect();
    head + &parts.iter().zip(shares(&needs, room)).map(|(part, share)| page(part, share)).collect::<String>()
}

/// How much of `room` each gets that needs so much: all that it needs, or an equal part of what the smaller ones leave.
fn shares(needs: &[usize], room: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|at| needs[*at]);
    let mut shares = vec![0; needs.len()];
    let mut room = room;
    for (done, at) in order.into_iter().enumerate() {
        shares[at] = needs[at].min(room / (needs.len() - done));
        room -= shares[at];
    }
    shares
}

/// The table of all, in at most so many bytes.
fn head(parts: &[ReportPart], bytes: usize) -> String {
    let row = |part: &ReportPart| {
        let said = match part.told {
            EnvironmentReport::Report(report, _) => summary_of(report),
            EnvironmentReport::Lines(lines) | EnvironmentReport::Status(lines, _) => lines.to_owned(),
            EnvironmentReport::Failed(diagnostics) => format!("failed: {}", reason(diagnostics)),
            EnvironmentReport::Skipped => "not begun".to_owned(),
        };
        format!("| {} | {} | {} |\n", page(part.environment), page(&said), part.code)
    };
    let closing = page(&closing_of_many(parts));
    let head = format!(
        "{}## {closing}\n\n| environment | | exit code |\n|---|---|---:|\n",
        mark(parts.iter().map(|it| it.environment))
    );
    let rows = Section { head, items: parts.iter().map(row).collect(), more: "| and {} more | | |\n", share: 1 };
    match rows.within(bytes) {
        rows if rows.is_empty() => cut(&closing, bytes),
        rows => rows,
    }
}

/// The closing line of a report without the environment's name.
fn summary_of(report: &Report) -> String {
    let closing = super::closing(report);
    closing.split_once(": ").map_or(closing.clone(), |(_, said)| said.to_owned())
}

/// All facts, as `docs/schema/reports-v1.json` describes them.
pub fn json_of_many(parts: &[ReportPart], code: u8, listed: ListOptions) -> Json {
    json!({
        "formatVersion": FORMAT_VERSION,
        "closing": closing_of_many(parts),
        "exitCode": code,
        "environments": parts.iter().map(|part| one(part, listed)).collect::<Json>(),
    })
}

fn one(part: &ReportPart, listed: ListOptions) -> Json {
    let mut map = Map::new();
    map.insert("environment".into(), part.environment.into());
    map.insert("exitCode".into(), part.code.into());
    match part.told {
        EnvironmentReport::Report(report, key) => map.insert("report".into(), super::json(report, listed, key)),
        EnvironmentReport::Lines(lines) => map.insert("lines".into(), lines.into()),
        EnvironmentReport::Status(_, document) => map.insert("status".into(), document.clone()),
        EnvironmentReport::Failed(diagnostics) => map.insert("errors".into(), diagnostics.iter().map(error).collect()),
        EnvironmentReport::Skipped => map.insert("skipped".into(), true.into()),
    };
    map.into()
}

fn error(diagnostic: &Diagnostic) -> Json {
    let mut map = Map::new();
    map.insert("messages".into(), diagnostic.messages.iter().map(String::as_str).collect());
    if let Some(origin) = &diagnostic.origin {
        map.insert("origin".into(), origin.to_string().into());
    }
    if let Some(hint) = &diagnostic.hint {
        map.insert("hint".into(), hint.as_str().into());
    }
    map.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_shared_out() {
        assert_eq!(shares(&[10, 20, 30], 100), [10, 20, 30]);
        assert_eq!(shares(&[100, 10, 100], 60), [25, 10, 25]);
        assert_eq!(shares(&[100, 100], 1), [0, 1]);
        assert_eq!(shares(&[], 5), [0; 0]);
    }
}
