//! The report as a comment on a pull request, within a given number of bytes.

mod block;
mod fit;
mod sections;

use self::block::Block;
pub(super) use self::block::destroys;
use self::fit::{FittedPage, fit};
pub(super) use self::sections::Section;
use self::sections::sections;
use super::escape::{after, code, page};
use super::{ReleaseSteps, Report, Show, closing};
use crate::plan::{Action, HookAction, Step};

/// How many bytes a comment may have on GitHub, which counts characters.
pub const LIMIT: usize = 65_536;

/// How long a page may be, what it shows, and where all of it is.
#[derive(Clone, Copy, Debug)]
pub struct Budget<'b> {
    /// How many bytes it may have.
    pub bytes: usize,
    /// Which changes it shows, and how.
    pub show: Show,
    /// Where the whole is, such as the name of a file; it is named where something is left out.
    pub whole: Option<&'b str>,
}

impl Default for Budget<'_> {
    fn default() -> Self {
        Self::from_bytes(LIMIT)
    }
}

impl Budget<'_> {
    /// So many bytes.
    pub fn from_bytes(bytes: usize) -> Self {
        Self { bytes, show: Show::default(), whole: None }
    }

    /// Room for everything.
    pub fn whole() -> Self {
        Self::from_bytes(usize::MAX)
    }
}

/// The report as Markdown of at most `budget.bytes` bytes. What does not fit is left out by degrees, object by object:
/// the whole difference, its changed lines, a line for the object, a count. What destroys is first, keeps its degree
/// longest, and is unfolded. A line says what was left out. The first line is a hidden mark of the environment, by which
/// a comment is found and written anew.
pub fn markdown(report: &Report, budget: Budget) -> String {
    let head = head(report);
    if head.len() > budget.bytes {
        return cut(&page(&closing(report)), budget.bytes);
    }
    let releases = ReleaseSteps::all(&report.plan, budget.show);
    let blocks: Vec<Block> = ordered(&releases).into_iter().map(|it| Block::new(report, it, budget.show)).collect();
    let sections = sections(report, &releases, budget.show);
    let room = budget.bytes - head.len();
    whole(&sections, &blocks, room)
        .or_else(|| shortened(&sections, &blocks, room, budget))
        .map_or(head.clone(), |rest| head + &rest)
}

/// All of it, if there is room.
fn whole(sections: &[Section], blocks: &[Block], room: usize) -> Option<String> {
    let before: String = sections.iter().map(Section::whole).collect();
    let objects = fit::whole(blocks, room.checked_sub(before.len())?)?;
    Some(before + &objects)
}

/// What there is room for, after a line that says what is left out; `None` where there is no room for that line.
fn shortened(sections: &[Section], blocks: &[Block], room: usize, budget: Budget) -> Option<String> {
    let longest = note(&FittedPage::longest(blocks.len()), budget).len();
    let mut left = room.checked_sub(longest)?;
    let mut before = String::new();
    for section in sections {
        let text = section.within(left);
        left -= text.len();
        before += &text;
    }
    let fitted = fit(blocks, left);
    Some(note(&fitted, budget) + &before + &fitted.text)
}

/// What was left out, and where it is.
fn note(fitted: &FittedPage, budget: Budget) -> String {
    let counts = [
        (fitted.whole, "whole"),
        (fitted.changed, "with some of their changes"),
        (fitted.named, "by their names"),
        (fitted.counted, "only counted"),
    ];
    let counts: Vec<String> =
        counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}")).collect();
    let objects = if counts.is_empty() { String::new() } else { format!("; objects: {}", counts.join(", ")) };
    let whole = budget.whole.map(|it| format!(" All of it is in <code>{}</code>.", code(it))).unwrap_or_default();
    format!("\n_Shortened to {} bytes{objects}._{whole}\n", budget.bytes)
}

fn head(report: &Report) -> String {
    let plan = &report.plan;
    let summary = plan.summary();
    let signs = [("+", summary.create), ("~", summary.update), ("-", summary.delete), ("±", summary.recreate)];
    let counts: Vec<String> = signs.iter().filter(|(_, n)| *n > 0).map(|(sign, n)| format!("{sign}{n}")).collect();
    let counts = if counts.is_empty() { String::new() } else { format!(": <code>{}</code>", counts.join(" ")) };
    let place = after(" on ", report.cluster.as_deref(), page) + &after(" at ", report.commit.as_deref(), page);
    let environment = page(&plan.environment);
    format!("{}### {environment}{counts}\n\n{}{place}\n", mark([plan.environment.as_str()]), page(&closing(report)))
}

/// The hidden mark of environments that identifies the comment to update.
pub(super) fn mark<'e>(environments: impl IntoIterator<Item = &'e str>) -> String {
    let mark = |name: &str| name.replace(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)), "_");
    let marks: Vec<String> = environments.into_iter().map(|it| mark(it).replace("--", "__")).collect();
    format!("<!-- weft:{} -->\n", marks.join("+"))
}

/// The steps that are shown, the destructive first.
pub(super) fn ordered<'a>(releases: &[ReleaseSteps<'a>]) -> Vec<&'a Step> {
    let mut steps: Vec<&Step> = releases.iter().flat_map(ReleaseSteps::shown).collect();
    steps.sort_by_key(|step| match &step.action {
        Action::Delete => 0,
        Action::Recreate { .. } => 1,
        Action::Hook(hook) if hook.does == HookAction::Remove => 2,
        Action::Unknown { .. } => 3,
        Action::Update => 4,
        Action::Create => 5,
        Action::Hook(_) => 6,
        Action::Orphan { .. } => 7,
        Action::Keep { .. } | Action::Forget { .. } | Action::Unchanged => 8,
    });
    steps
}

/// The beginning of a text, up to a border of characters, and not within an escape.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = (0..=bytes).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let kept = &text[..end];
    let open = kept.rfind("&#").filter(|at| !kept[*at..].contains(';'));
    kept[..open.unwrap_or(end)].trim_end_matches('&').to_owned()
}
