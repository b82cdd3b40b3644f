//! The report for a terminal or a log. It is readable without colour: signs and words say everything.

use anstyle::{AnsiColor, Effects};

use super::escape::{after, line, lines};
use super::{Detail, Outcomes, Purpose, Release, Report, closing, table, values};
use crate::diagnostic::Diagnose;
use crate::diff::{self, Judged, LineKind, ObjectComparison};
use crate::plan::{Action, Step};

/// A new object of more lines is not shown whole.
const LONGEST_NEW: usize = 80;

/// How a text looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Whether it has ANSI colours.
    pub colour: bool,
    /// How much it shows of each object. Unchanged objects are only counted, whatever it says.
    pub detail: Detail,
}

/// The report as text, ended by the one line that says what it comes to.
pub fn text(report: &Report, style: &Style) -> String {
    let mut writer = Writer { out: String::new(), style: *style, purpose: report.purpose };
    if report.purpose != Purpose::Run {
        writer.plan(report);
    }
    writer.outcomes(report);
    writer.refusals(report);
    for warning in &report.warnings {
        let word = writer.paint("warning", AnsiColor::Yellow);
        writer.line(&format!("{word}: {}", lines(warning)));
    }
    let closing = writer.bold(&closing(report));
    writer.line(&closing);
    writer.out
}

struct Writer {
    out: String,
    style: Style,
    purpose: Purpose,
}

impl Writer {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn paint(&self, text: &str, colour: AnsiColor) -> String {
        self.styled(text, colour.on_default())
    }

    fn bold(&self, text: &str) -> String {
        self.styled(text, anstyle::Style::new().effects(Effects::BOLD))
    }

    fn styled(&self, text: &str, style: anstyle::Style) -> String {
        if self.style.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn plan(&mut self, report: &Report) {
        let releases = Release::all(&report.plan);
        self.header(report);
        if self.style.detail >= Detail::Names {
            for release in &releases {
                self.release(release);
            }
        }
        if releases.iter().any(|release| release.shown().next().is_some()) {
            self.table(&releases);
        }
    }

    fn header(&mut self, report: &Report) {
        let cluster = after(" on ", report.cluster.as_deref(), line);
        let commit = after(" at ", report.commit.as_deref(), line);
        let header = self.bold(&format!("{}{cluster}{commit}", line(&report.plan.environment)));
        self.line(&header);
        self.line("");
    }

    fn release(&mut self, release: &Release) {
        if release.shown().next().is_none() {
            return;
        }
        let name = self.bold(&line(release.name));
        self.line(&name);
        for step in release.shown() {
            self.step(step);
        }
        self.line("");
    }

    fn step(&mut self, step: &Step) {
        let id = line(&step.object.id.to_string());
        if self.purpose == Purpose::Drift && step.action == Action::Create {
            let gone = self.paint(&format!("- gone {id}: an apply creates it again"), AnsiColor::Red);
            return self.line(&format!("  {gone}"));
        }
        let reason = after(": ", step.action.reason(), line);
        let predicted = after("; only predicted: ", predicted(&step.object.judged), line);
        let head = format!("{} {} {id}{reason}{predicted}", step.action.sign(), step.action);
        let head = self.paint(&head, colour(&step.action));
        self.line(&format!("  {head}"));
        if self.style.detail >= Detail::Changes {
            for change in &step.object.fields {
                self.line(&format!("      {}", values::change(change)));
            }
        }
        let written = matches!(step.action, Action::Create | Action::Update | Action::Recreate { .. });
        if self.style.detail == Detail::Full && written {
            self.view(step);
        }
    }

    /// The object as YAML. A new one that is long is cut: the difference is that all of it is new.
    fn view(&mut self, step: &Step) {
        let lines: Vec<_> = yaml(&step.object).collect();
        let new = step.action == Action::Create && lines.len() > LONGEST_NEW;
        let shown = if new { LONGEST_NEW / 2 } else { lines.len() };
        let more = lines.len() - shown;
        for (kind, text) in lines.into_iter().take(shown) {
            let text = match kind {
                LineKind::Removed => self.paint(&text, AnsiColor::Red),
                LineKind::Added => self.paint(&text, AnsiColor::Green),
                _ => text,
            };
            self.line(&format!("      | {text}"));
        }
        if new {
            self.line(&format!("      | ... {more} more lines, which `weft render` prints"));
        }
    }

    fn table(&mut self, releases: &[Release]) {
        let (head, rows) = table(releases);
        let width = rows.iter().map(|(name, _)| name.chars().count()).chain(["release".len()]).max().unwrap_or(0);
        let cells = |cells: &mut dyn Iterator<Item = String>| cells.fold(String::new(), |row, cell| row + "  " + &cell);
        let names = cells(&mut head.iter().map(|name| (*name).to_owned()));
        let head_line = self.bold(&format!("{:width$}{names}", "release"));
        self.line(&head_line);
        for (name, counts) in rows {
            let pad = |(count, name): (&usize, &&str)| format!("{count:>width$}", width = name.len());
            let row = cells(&mut counts.iter().zip(&head).map(pad));
            self.line(&format!("{name:width$}{row}"));
        }
        self.line("");
    }

    fn outcomes(&mut self, report: &Report) {
        let outcomes = Outcomes::of(&report.events);
        // Where all went well the closing line says enough.
        for (id, outcome) in outcomes.done.iter().filter(|_| !outcomes.open.is_empty()) {
            let outcome = self.paint(outcome, AnsiColor::Green);
            self.line(&format!("{outcome} {}", line(&id.to_string())));
        }
        for (id, outcome, reason) in &outcomes.open {
            let outcome = self.paint(outcome, if *outcome == "failed" { AnsiColor::Red } else { AnsiColor::Yellow });
            self.line(&format!("{outcome} {}: {}", line(&id.to_string()), lines(reason)));
        }
        if !outcomes.open.is_empty() {
            self.line("");
        }
    }

    fn refusals(&mut self, report: &Report) {
        for refusal in &report.plan.refusals {
            let word = self.paint("refused", AnsiColor::Red);
            self.line(&format!("{word}: {}", line(&refusal.to_string())));
            if let Some(origin) = report.plan.origin(refusal) {
                self.line(&format!(" --> {}", line(&origin.to_string())));
            }
            if let Some(hint) = refusal.hint() {
                self.line(&format!("  = hint: {}", line(&hint)));
            }
        }
        if !report.plan.refusals.is_empty() {
            self.line("");
        }
    }
}

/// The YAML of an object with its changes, escaped. What `diff` says around it, a report says in its own words.
pub(super) fn yaml(object: &ObjectComparison) -> impl Iterator<Item = (LineKind, String)> {
    let lines = diff::text(object).into_iter();
    let lines = lines.filter(|shown| !matches!(shown.kind, LineKind::Header | LineKind::Note));
    lines.map(|shown| (shown.kind, line(&shown.text)))
}

/// Why an object's changes are only our own prediction.
pub(super) fn predicted(judged: &Judged) -> Option<&str> {
    match judged {
        Judged::Predicted(reason) => Some(reason),
        Judged::Recorded | Judged::Structure | Judged::DryRun | Judged::Refused(_) | Judged::Trivial => None,
    }
}

fn colour(action: &Action) -> AnsiColor {
    match action {
        Action::Create => AnsiColor::Green,
        Action::Update => AnsiColor::Yellow,
        Action::Recreate { .. } | Action::Unknown { .. } => AnsiColor::Magenta,
        Action::Delete => AnsiColor::Red,
        Action::Keep { .. } | Action::Forget { .. } | Action::Unchanged => AnsiColor::Cyan,
    }
}
