//! The fields that a pattern leads to, in what the repository wants and in what the server has.

use crate::diff::changes::{is_key, is_server_field};
use crate::diff::places::{below, is_whole_map, items, position};
use crate::manifest::PART_OF;
use weft_base::value::{Data, Part, Path, Step, Value};
use weft_schema::Type;

/// One field on both sides, of which at least one has it.
#[derive(Clone, Debug)]
pub struct Target<'v> {
    /// Where.
    pub path: Path,
    /// What is wanted.
    pub wanted: Option<&'v Value>,
    /// What the server has.
    pub live: Option<&'v Value>,
    /// Whether it is within a list or map that is replaced as a whole.
    pub whole: bool,
}

/// The fields that a pattern leads to: each leaf at and below what it says. The items of lists that are merged count as
/// a whole only where the pattern leads to them: an item that the repository dropped is not found by its fields.
pub fn targets<'v>(parts: &[Part], wanted: &'v Value, live: &'v Value, shape: Option<Type<'_>>) -> Vec<Target<'v>> {
    let mut found = Vec::new();
    let root = Target { path: Path::root(), wanted: Some(wanted), live: Some(live), whole: false };
    along(&root, shape, parts, &mut found);
    found
}

fn along<'v>(at: &Target<'v>, shape: Option<Type<'_>>, parts: &[Part], found: &mut Vec<Target<'v>>) {
    let Some((part, rest)) = parts.split_first() else { return leaves(at, shape, found) };
    for (next, below) in at.next(shape, Some(part)) {
        let dropped = next.wanted.is_none() && !rest.is_empty() && !matches!(next.path.0.last(), Some(Step::Field(_)));
        if next.path.0.last().is_some_and(|step| part.fits(step)) && !dropped {
            along(&next, below, rest, found);
        }
    }
}

fn leaves<'v>(at: &Target<'v>, shape: Option<Type<'_>>, found: &mut Vec<Target<'v>>) {
    if at.whole || is_whole_map(shape) {
        return found.push(at.clone());
    }
    let next = at.next(shape, None);
    if next.is_empty() || next.iter().any(|(next, _)| next.whole) {
        return found.push(at.clone());
    }
    let key = |next: &Target| matches!(next.path.0.last(), Some(Step::Field(key)) if is_key(&at.path, key));
    next.iter().filter(|(next, _)| !key(next)).for_each(|(next, below)| leaves(next, *below, found));
}

impl<'v> Target<'v> {
    /// What is one step below, on either side. `part` says where to look in a list that is one whole.
    fn next<'s>(&self, shape: Option<Type<'s>>, part: Option<&Part>) -> Vec<(Self, Option<Type<'s>>)> {
        let side = |value: Option<&'v Value>| value.map(|it| &it.data);
        match (side(self.wanted), side(self.live)) {
            (Some(Data::Map(_)) | None, Some(Data::Map(_)) | None) | (Some(Data::Map(_)), _) => self.fields(shape),
            (Some(Data::List(_)) | None, Some(Data::List(_)) | None) => self.items(shape, part),
            _ => Vec::new(),
        }
    }

    fn fields<'s>(&self, shape: Option<Type<'s>>) -> Vec<(Self, Option<Type<'s>>)> {
        let wanted = self.wanted.and_then(Value::as_map);
        let live = self.live.and_then(Value::as_map);
        let more = live.into_iter().flatten().filter(|entry| !wanted.is_some_and(|map| map.contains(&entry.key)));
        let keys = wanted.into_iter().flatten().chain(more).map(|entry| &entry.key);
        let whole = self.whole || is_whole_map(shape);
        let next = keys.filter(|key| !is_fixed(&self.path, key)).map(|key| {
            let step = Step::Field(key.clone());
            let below = below(shape, &step);
            let wanted = wanted.and_then(|map| map.get(key));
            let live = live.and_then(|map| map.get(key));
            (Self { path: self.path.then(step), wanted, live, whole }, below)
        });
        next.collect()
    }

    fn items<'s>(&self, shape: Option<Type<'s>>, part: Option<&Part>) -> Vec<(Self, Option<Type<'s>>)> {
        let list = |side: Option<&'v Value>| side.and_then(Value::as_list).unwrap_or_default();
        let wanted = list(self.wanted);
        let live = list(self.live);
        let (steps, whole) = match (items(wanted, shape), items(live, shape)) {
            (Some(wanted), Some(live)) if !self.whole => {
                let mut steps: Vec<Step> = wanted.into_iter().map(|(step, _)| step).collect();
                let more: Vec<Step> = live.into_iter().map(|(step, _)| step).filter(|it| !steps.contains(it)).collect();
                steps.extend(more);
                (steps, false)
            }
            _ => (places(part, wanted.len().max(live.len())), true),
        };
        let at = |list: &'v [Value], step: &Step| position(list, step, shape).and_then(|at| list.get(at));
        let next = steps.into_iter().map(|step| {
            let wanted = at(wanted, &step);
            let live = at(live, &step);
            let below = below(shape, &step);
            (Self { path: self.path.then(step), wanted, live, whole }, below)
        });
        next.filter(|(next, _)| next.wanted.is_some() || next.live.is_some()).collect()
    }
}

/// The steps into a list that is one whole: what the pattern names, or each place.
fn places(part: Option<&Part>, length: usize) -> Vec<Step> {
    match part {
        Some(Part::Step(step @ (Step::Item(_) | Step::Member(_)))) => vec![step.clone()],
        _ => (0..length).map(Step::Index).collect(),
    }
}

/// What no rule is about: what an object is, the server's own fields, and the mark of its release.
fn is_fixed(path: &Path, key: &str) -> bool {
    let metadata = *path == Path::of_fields(["metadata"]);
    is_server_field(path, key)
        || (metadata && ["name", "namespace"].contains(&key))
        || (key == PART_OF && *path == Path::of_fields(["metadata", "labels"]))
}
