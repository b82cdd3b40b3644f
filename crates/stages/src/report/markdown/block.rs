//! One object on a page, in several degrees of detail.

use std::cell::OnceCell;

use crate::diff::{FieldChange, LineKind};
use crate::plan::{Action, HookAction, Step};
use crate::report::columns::{cells, changes, note as told_by};
use crate::report::escape::{after, code, fence, line, page};
use crate::report::text::{judged, yaml};
use crate::report::values::cut;
use crate::report::{ChangeLayout, Detail, Purpose, Report, Show};

/// Longer values are cut in tables.
const WIDEST: usize = 120;
/// Longer reasons are cut in lines.
const LONGEST_REASON: usize = 160;
/// How many lines of each part of an object there are where only some of its changes are shown.
const SOME: usize = 20;

/// An object that is shown; what it looks like is found when it is needed.
pub struct Block<'r> {
    report: &'r Report,
    step: &'r Step,
    show: Show,
    texts: [OnceCell<String>; 3],
}

impl<'r> Block<'r> {
    pub fn new(report: &'r Report, step: &'r Step, show: Show) -> Self {
        Self { report, step, show, texts: Default::default() }
    }

    /// Whether something is lost by it.
    pub fn destroys(&self) -> bool {
        destroys(self.step)
    }

    pub fn release(&self) -> String {
        self.step.object.release.to_string()
    }

    pub fn kind(&self) -> String {
        self.step.object.id.kind.to_string()
    }

    pub fn action(&self) -> String {
        self.step.action.to_string()
    }

    /// The object at a degree; none is longer than the next higher one.
    pub fn text(&self, detail: Detail) -> &str {
        let at = match detail {
            Detail::Counts => return "",
            Detail::Names => 0,
            Detail::Changes => 1,
            Detail::Full => 2,
        };
        self.texts[at].get_or_init(|| self.written(detail))
    }

    fn written(&self, detail: Detail) -> String {
        let body = if detail == Detail::Names { String::new() } else { self.body(detail) };
        let title = self.title(detail);
        if body.is_empty() {
            return format!("\n- {title}\n");
        }
        let open = if self.destroys() { " open" } else { "" };
        format!("\n<details{open}><summary>{title}</summary>\n\n{body}\n</details>\n")
    }

    fn title(&self, detail: Detail) -> String {
        let Step { action, object, was, .. } = self.step;
        let longest = if detail == Detail::Full { usize::MAX } else { LONGEST_REASON };
        let reason = action.reason().map(|it| cut(it, longest));
        let was = was.as_ref().map(ToString::to_string);
        let reason = after(": ", reason.as_deref(), page) + &after("; ", was.as_deref(), page);
        let reason = reason + &page(&cut(&judged(&object.judged), longest));
        let id = code(&object.id.to_string());
        format!("<code>{} {id}</code> {action} ({}){reason}", action.sign(), page(&object.release))
    }

    fn body(&self, detail: Detail) -> String {
        let most = if detail == Detail::Full { usize::MAX } else { SOME };
        let step = self.step;
        let object = &self.step.object;
        let adopted = object.adopts.as_ref().map(|it| format!("- {}\n", page(&it.to_string()))).unwrap_or_default();
        if self.show.view == ChangeLayout::Columns {
            let table = self.table(most);
            let gap = if adopted.is_empty() || table.is_empty() { "" } else { "\n" };
            return format!("{adopted}{gap}{table}");
        }
        let lost = match &step.action {
            Action::Recreate { loses, .. } => loses.as_slice(),
            _ => &[],
        };
        let lost = lost.iter().map(|lost| format!("- lost with it: {}\n", page(lost))).collect();
        let older = step.action.hook().map(|hook| hook.removes.as_slice()).unwrap_or_default();
        let older = older.iter().map(|it| format!("- deletes what an earlier run left: {}\n", page(&it.to_string())));
        let told = self.show.parts(self.report, object).lines();
        let fields = adopted + &some(lost, most) + &some(older.collect(), most) + &parts(told, most);
        let yaml = if self.has_yaml() { self.yaml(detail, most) } else { String::new() };
        let gap = if fields.is_empty() || yaml.is_empty() { "" } else { "\n" };
        format!("{fields}{gap}{yaml}")
    }

    fn table(&self, most: usize) -> String {
        let rows = some(changes(&self.show.parts(self.report, &self.step.object)).map(row).collect(), most);
        let head = "| field | class | base | live | desired | |\n|---|---|---|---|---|---|\n";
        if rows.is_empty() { rows } else { format!("{head}{rows}") }
    }

    /// Whether its difference is worth more than what its fields say.
    fn has_yaml(&self) -> bool {
        let action = &self.step.action;
        let rests = matches!(
            action,
            Action::Keep { .. } | Action::Orphan { .. } | Action::Forget { .. } | Action::Unknown { .. }
        );
        let runs = action.hook().is_none_or(|hook| hook.does == HookAction::Run);
        !rests && runs && self.report.purpose != Purpose::Drift
    }

    fn yaml(&self, detail: Detail, most: usize) -> String {
        let shown = |kind: LineKind| detail == Detail::Full || matches!(kind, LineKind::Added | LineKind::Removed);
        let mut lines: Vec<String> = yaml(&self.step.object, self.show)
            .into_iter()
            .filter(|(kind, _)| shown(*kind))
            .map(|(_, text)| format!("{text}\n"))
            .collect();
        if lines.is_empty() {
            return String::new();
        }
        let more = lines.len().saturating_sub(most);
        lines.truncate(most);
        let fence = fence(lines.iter().map(String::as_str));
        let more = if more > 0 { format!("\nand {more} more lines\n") } else { String::new() };
        format!("{fence}diff\n{}{fence}\n{more}", lines.concat())
    }
}

/// Whether something is lost by a step.
pub fn destroys(step: &Step) -> bool {
    match &step.action {
        Action::Delete | Action::Recreate { .. } => true,
        Action::Hook(hook) => hook.does == HookAction::Remove,
        _ => false,
    }
}

/// So many lines of a list or a table, and how many more there are.
fn some(mut lines: Vec<String>, most: usize) -> String {
    // A line in place of another one helps nobody.
    let more = if lines.len() > most.saturating_add(1) { lines.len() - most } else { 0 };
    lines.truncate(lines.len() - more);
    let begin = if lines.first().is_some_and(|it| it.starts_with('|')) { "|" } else { "-" };
    let more = if more > 0 { format!("{begin} and {more} more\n") } else { String::new() };
    lines.concat() + &more
}

/// The items of a list.
pub(super) fn items(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| format!("- {}\n", page(line))).collect()
}

/// What stands behind the head of a list's item: what has further lines shows them as they are.
pub(super) fn item(text: &str) -> String {
    let (first, rest) = text.trim_end().split_once('\n').unwrap_or((text, ""));
    if rest.is_empty() {
        return format!("{}\n", page(first));
    }
    let fence = fence([rest]);
    let rest = rest.lines().fold(String::new(), |rest, it| rest + "  " + &line(it) + "\n");
    format!("{}\n  {fence}\n{rest}  {fence}\n", page(first))
}

/// A list for each part of the changes. The heading of the one that is expected anyway is left out.
fn parts(told: Vec<(&'static str, Vec<String>)>, most: usize) -> String {
    let alone = told.len() == 1 && told[0].0 == "about to change";
    let section = |(heading, lines): (&str, Vec<String>)| {
        let list = some(items(&lines), most);
        if alone { list } else { format!("**{heading}**\n\n{list}") }
    };
    told.into_iter().map(section).collect::<Vec<_>>().join("\n")
}

/// A row of the table: what the columns say, and who else wrote the field.
fn row(change: &FieldChange) -> String {
    let cells = cells(change).map(|cell| page(&cut(&cell, WIDEST)));
    format!("| {} | {} |\n", cells.join(" | "), page(&told_by(change).unwrap_or_default()))
}
