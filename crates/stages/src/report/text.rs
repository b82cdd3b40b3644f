//! The report for a terminal or a log. It reads well without colour: signs and words say everything.

use anstyle::{AnsiColor, Effects};

use super::columns::columns;
use super::escape::{after, line, lines};
use super::tallies::Tallies;
use super::{ChangeLayout, Detail, Outcomes, Purpose, ReleaseSteps, Report, Show, closing, impact, policy_word, table};
use crate::diff::{self, Judged, LineKind, ObjectComparison};
use crate::plan::{Action, HookAction, Ruling, Step};
use weft_base::diagnostic::Diagnose;

/// A new object of more lines is not shown whole.
const LONGEST_NEW: usize = 80;
/// More effects are only counted.
const MOST_EFFECTS: usize = 50;

/// The default width of a line in characters.
pub const WIDTH: usize = 80;

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub struct TextStyle {
    /// Whether it has ANSI colours.
    pub colour: bool,
    /// How much it shows of each object. Unchanged objects are only counted, whatever it says.
    pub detail: Detail,
    /// Which changes it shows, and how.
    pub show: Show,
    /// How many characters a line of a table may have.
    pub width: usize,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self { colour: false, detail: Detail::default(), show: Show::default(), width: WIDTH }
    }
}

/// The report as text. Its last line is the summary.
pub fn text(report: &Report, style: &TextStyle) -> String {
    let mut writer = TextWriter { out: String::new(), style: *style, report };
    if report.purpose != Purpose::Run {
        writer.plan(report);
    }
    writer.outcomes(report);
    writer.refusals(report);
    for finding in report.plan.findings.iter().filter(|it| it.ruling != Ruling::Deny) {
        let word = writer.paint(&policy_word(report, finding.ruling), AnsiColor::Yellow);
        writer.line(&format!("{word}: {}\n --> {}", line(&finding.to_string()), line(&finding.policy)));
    }
    for warning in &report.warnings {
        let word = writer.paint("warning", AnsiColor::Yellow);
        writer.line(&format!("{word}: {}", lines(warning)));
    }
    writer.impact(report);
    if report.purpose != Purpose::Run {
        for tally in Tallies::from_plan(&report.plan).lines(style.show.ignored) {
            writer.line(&line(&tally));
        }
    }
    if let Some(digest) = report.approvable() {
        writer.line(&format!("digest: {digest}"));
    }
    let closing = writer.bold(&closing(report));
    writer.line(&closing);
    writer.out
}

struct TextWriter<'r> {
    out: String,
    style: TextStyle,
    report: &'r Report,
}

impl TextWriter<'_> {
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
        let releases = ReleaseSteps::all(&report.plan, self.style.show);
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

    fn release(&mut self, release: &ReleaseSteps) {
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
        if self.report.purpose == Purpose::Drift && step.action == Action::Create {
            let gone = self.paint(&format!("- gone {id}: an apply creates it again"), AnsiColor::Red);
            return self.line(&format!("  {gone}"));
        }
        let reason = after(": ", step.action.reason(), line);
        let judged = judged(&step.object.judged);
        let was = after("; ", step.was.as_ref().map(ToString::to_string).as_deref(), line);
        let head = format!("{} {} {id}{reason}{was}{judged}", step.action.sign(), step.action);
        let head = self.paint(&head, colour(&step.action));
        self.line(&format!("  {head}"));
        if self.style.detail >= Detail::Changes
            && let Some(adoption) = &step.object.adopts
        {
            self.line(&format!("      {}", line(&adoption.to_string())));
        }
        if let Action::Recreate { loses, .. } = &step.action {
            for lost in loses {
                self.line(&format!("      lost with it: {}", line(lost)));
            }
        }
        for removed in step.action.hook().iter().flat_map(|hook| &hook.removes) {
            self.line(&format!("      deletes what an earlier run left: {}", line(&removed.to_string())));
        }
        match self.style.show.view {
            _ if self.style.detail < Detail::Changes => {}
            ChangeLayout::Lines => self.changes(step),
            ChangeLayout::Columns => self.columns(step),
        }
    }

    /// What others changed, what an apply would, and the object as YAML. A heading that says what is expected anyway is
    /// left out.
    fn changes(&mut self, step: &Step) {
        let drift = self.report.purpose == Purpose::Drift;
        let told = self.style.show.parts(self.report, &step.object).lines();
        let alone = told.len() == 1 && told[0].0 == "about to change";
        for (heading, changes) in told {
            let indent = if alone { "      " } else { "        " };
            if !alone {
                self.line(&format!("      {heading}:"));
            }
            for change in &changes {
                self.line(&format!("{indent}{change}"));
            }
        }
        let written = step.action.is_write();
        let runs = step.action.hook().is_some_and(|hook| hook.does == HookAction::Run);
        if self.style.detail == Detail::Full && (written || runs) && !drift {
            self.view(step);
        }
    }

    fn columns(&mut self, step: &Step) {
        let parts = self.style.show.parts(self.report, &step.object);
        let lines = columns(&parts, self.style.width.saturating_sub(6));
        for (at, line) in lines.iter().enumerate() {
            let line = if at == 0 { self.bold(line) } else { line.clone() };
            self.line(&format!("      {line}"));
        }
    }

    /// The object as YAML. A new one that is long is cut: the difference is that all of it is new.
    fn view(&mut self, step: &Step) {
        let lines = yaml(&step.object, self.style.show);
        let new = (step.action == Action::Create || step.action.hook().is_some()) && lines.len() > LONGEST_NEW;
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

    fn table(&mut self, releases: &[ReleaseSteps]) {
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
        let outcomes = Outcomes::from_events(&report.events);
        // If all went well, the closing line says enough.
        let done = if outcomes.open.is_empty() { &[][..] } else { &outcomes.done };
        for (id, outcome) in done {
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

    /// What it comes to. Of a long list the beginning is shown; JSON has all of it.
    fn impact(&mut self, report: &Report) {
        let lines = impact::lines(&impact::to_show(report));
        if lines.is_empty() {
            return;
        }
        let head = self.bold("impact");
        self.line(&head);
        for said in lines.iter().take(MOST_EFFECTS) {
            self.line(&format!("  {}", line(said)));
        }
        if lines.len() > MOST_EFFECTS {
            self.line(&format!("  and {} more, which `-o json` lists", lines.len() - MOST_EFFECTS));
        }
        self.line("");
    }

    fn refusals(&mut self, report: &Report) {
        for (refusal, origin) in report.plan.refusals_with_origins() {
            let word = self.paint("refused", AnsiColor::Red);
            self.line(&format!("{word}: {}", line(&refusal.to_string())));
            if let Some(origin) = origin {
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
pub(super) fn yaml(object: &ObjectComparison, show: Show) -> Vec<(LineKind, String)> {
    let lines = if show.ignored { diff::text(object) } else { diff::text(&diff::without_ignored(object)) }.into_iter();
    let lines = lines.filter(|shown| !matches!(shown.kind, LineKind::Header | LineKind::Note));
    lines.map(|shown| (shown.kind, line(&shown.text))).collect()
}

/// How an object was judged, where that is less than the server's own word or a proof.
pub(super) fn judged(judged: &Judged) -> String {
    match judged {
        Judged::Predicted(reason) => format!("; only predicted: {}", line(reason)),
        Judged::Refused(_) => "; only predicted: the server refuses it".into(),
        Judged::Recorded | Judged::Structure | Judged::DryRun | Judged::Trivial => String::new(),
    }
}

fn colour(action: &Action) -> AnsiColor {
    match action {
        Action::Create => AnsiColor::Green,
        Action::Update => AnsiColor::Yellow,
        Action::Recreate { .. } | Action::Unknown { .. } => AnsiColor::Magenta,
        Action::Delete => AnsiColor::Red,
        Action::Hook(hook) if hook.does == HookAction::Run => AnsiColor::Green,
        Action::Orphan { .. } | Action::Keep { .. } | Action::Forget { .. } | Action::Unchanged | Action::Hook(_) => {
            AnsiColor::Cyan
        }
    }
}
