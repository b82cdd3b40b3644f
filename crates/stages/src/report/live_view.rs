//! The progress of a run for people who watch it: counts, and what it waits for and since when.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::escape::{line, lines};
use super::{Event, Outcome};
use crate::manifest::ObjectId;
use crate::plan::{Action, Plan};

/// The state of a run, from its events. Times are since it began.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    total: usize,
    done: usize,
    healthy: usize,
    failed: usize,
    waiting: BTreeMap<ObjectId, WaitingObject>,
}

#[derive(Clone, Debug)]
struct WaitingObject {
    since: Duration,
    missing: String,
}

impl LiveView {
    /// The view of a run that has not begun.
    pub fn new(plan: &Plan) -> Self {
        let sent = |action: &Action| {
            matches!(
                action,
                Action::Create | Action::Update | Action::Recreate { .. } | Action::Delete | Action::Orphan { .. }
            )
        };
        Self { total: plan.steps.iter().filter(|step| sent(&step.action)).count(), ..Self::default() }
    }

    /// Records an event.
    pub fn note(&mut self, event: &Event, now: Duration) {
        match &event.outcome {
            Outcome::Waiting(missing) => {
                let since = self.waiting.get(&event.id).map_or(now, |it| it.since);
                self.waiting.insert(event.id.clone(), WaitingObject { since, missing: missing.clone() });
                return;
            }
            Outcome::Applied | Outcome::Deleted | Outcome::Orphaned => self.done += 1,
            Outcome::Healthy => self.healthy += 1,
            Outcome::Failed(_) | Outcome::Unknown(_) => self.failed += 1,
            Outcome::Adopted | Outcome::Skipped(_) => {}
        }
        self.waiting.remove(&event.id);
    }

    /// The counts: `12 of 40 written, 9 healthy, 2 waited for`.
    pub fn counts(&self) -> String {
        let mut said = format!("{} of {} written", self.done, self.total);
        let counts = [(self.healthy, "healthy"), (self.waiting.len(), "waited for"), (self.failed, "failed")];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            // Writing to a string cannot fail.
            let _ = write!(said, ", {count} {what}");
        }
        said
    }

    /// The counts, and below them what is waited for, the longest first, in at most so many lines of so many characters.
    pub fn lines(&self, now: Duration, width: usize, most: usize) -> Vec<String> {
        let mut pending: Vec<(&ObjectId, &WaitingObject)> = self.waiting.iter().collect();
        pending.sort_by_key(|(_, it)| it.since);
        let mut shown = vec![cut(&self.counts(), width)];
        for (at, (id, it)) in pending.iter().enumerate() {
            let since = clock(now.saturating_sub(it.since));
            let said = format!("{since:>6} {}: {}", line(&id.to_string()), lines(&it.missing));
            let said: Vec<String> = said.replace('\n', "\n       ").split('\n').map(|it| cut(it, width)).collect();
            let rest = pending.len() - at;
            // One line is kept for what has no room.
            if shown.len() + said.len() + usize::from(rest > 1) > most {
                shown.push(cut(&format!("       and {rest} more"), width));
                break;
            }
            shown.extend(said);
        }
        shown
    }
}

/// `0:42`, `12:05`, `1:02:03`.
fn clock(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let seconds = time.as_secs() % 60;
    match minutes / 60 {
        0 => format!("{minutes}:{seconds:02}"),
        hours => format!("{hours}:{:02}:{seconds:02}", minutes % 60),
    }
}

/// The beginning of a text that has room; `...` says that it goes on.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{kept}...")
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_schema::GroupKind;

    fn event(name: &str, outcome: Outcome) -> Event {
        let kind = GroupKind { group: "apps".into(), kind: "Deployment".into() };
        Event { id: ObjectId { kind, namespace: Some("shop".into()), name: name.into() }, outcome }
    }

    fn waiting(missing: &str) -> Outcome {
        Outcome::Waiting(missing.to_owned())
    }

    #[test]
    fn what_is_waited_for_is_shown_with_its_time() {
        let mut board = LiveView { total: 3, ..LiveView::default() };
        let second = Duration::from_secs;
        for name in ["a", "b", "c"] {
            board.note(&event(name, Outcome::Applied), second(1));
        }
        board.note(&event("a", waiting("0 of 2 replicas are ready")), second(2));
        board
            .note(&event("b", waiting("0 of 1 replicas are ready\npod b-1: container `b` ended\u{1b}[31m")), second(1));
        board.note(&event("a", waiting("1 of 2 replicas are ready")), second(30));
        board.note(&event("c", Outcome::Healthy), second(30));
        let expected = "3 of 3 written, 1 healthy, 2 waited for
  1:04 Deployment.apps shop/b: 0 of 1 replicas are ready
         pod b-1: container `b` ended\\u{1b}[31m
  1:03 Deployment.apps shop/a: 1 of 2 replicas are ready";
        assert_eq!(board.lines(second(65), 80, 10).join("\n"), expected);
        let narrow = board.lines(second(65), 20, 3).join("\n");
        assert_eq!(narrow, "3 of 3 written, 1...\n       and 2 more");
        let late = board.lines(second(3700), 80, 4).join("\n");
        assert!(late.contains("\n1:01:39 Deployment.apps shop/b: ") && !late.contains("more"), "{late}");
        board.note(&event("a", Outcome::Failed("no".into())), second(66));
        board.note(&event("b", Outcome::Healthy), second(66));
        assert_eq!(board.lines(second(66), 80, 10), ["3 of 3 written, 2 healthy, 1 failed"]);
    }
}
