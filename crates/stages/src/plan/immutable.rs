//! Fields that the server does not let anybody change.

use std::sync::LazyLock;

use crate::diff::table::{fits, rows};
use crate::diff::{FieldChange, Judged, ObjectComparison};
use weft_base::value::{Data, Path, Step, Value};

/// What a server says of a field that cannot change; other refusals of a dry run are about something else.
const WORDS: [&str; 11] = [
    "immutable",
    "may not change",
    "may not be changed",
    "cannot change",
    "Forbidden: updates to",
    "pod updates may not",
    "may not be updated",
    "can not be less than",
    "can not be modified",
    "only deletion is allowed",
    "as indicated by `ipFamilies",
];

static RULES: LazyLock<Vec<ImmutableRule>> =
    LazyLock::new(|| rows(include_str!("immutable.txt")).map(ImmutableRule::from_row).collect());

/// The fields that cannot become what is wanted, as the table and the rules of definitions have it. The server's own
/// dry run knows better, so an object that passed one has none; and so has one that the server refuses for another
/// cause.
pub(super) fn immutable(object: &ObjectComparison) -> Vec<Path> {
    let about = match &object.judged {
        Judged::DryRun => false,
        Judged::Refused(message) => WORDS.iter().any(|word| message.contains(word)),
        Judged::Recorded | Judged::Structure | Judged::Predicted(_) | Judged::Trivial => true,
    };
    if !about {
        return Vec::new();
    }
    let Some(live) = &object.live else { return Vec::new() };
    let desired = object.desired.as_ref().map(|desired| &desired.body);
    let kind = object.id.kind.to_string();
    let rules: Vec<&ImmutableRule> = RULES.iter().filter(|rule| rule.kind == kind).collect();
    let changed = object.fields.iter().filter(|change| is_change(change));
    let fixed = changed.filter(|change| rules.iter().any(|rule| rule.forbids(change, &live.body, desired)));
    let by_rule = object.violations.iter().filter(|it| it.immutable).map(|it| it.path.clone());
    fixed.map(|change| change.path.clone()).chain(by_rule).collect()
}

/// The version of a definition in which objects are stored, and which is not in the repository any more.
pub(super) fn lost_version(object: &ObjectComparison) -> Option<String> {
    if !object.id.kind.is_definition() || object.judged == Judged::DryRun {
        return None;
    }
    let stored = object.live.as_ref()?.body.dig(&["status", "storedVersions"])?.as_list()?;
    let versions = object.desired.as_ref()?.body.dig(&["spec", "versions"])?.as_list()?;
    let kept = |stored: &&Value| versions.iter().any(|it| it.get("name") == Some(stored));
    stored.iter().find(|stored| !kept(stored)).and_then(Value::as_str).map(str::to_owned)
}

fn is_change(change: &FieldChange) -> bool {
    change.changes() && change.live.as_ref() != change.desired.value()
}

/// One row of the table.
#[derive(Default)]
struct ImmutableRule {
    kind: &'static str,
    field: Vec<&'static str>,
    except: Vec<Vec<&'static str>>,
    words: Vec<&'static str>,
    free: Vec<&'static str>,
    given: Vec<&'static str>,
    only_if: Option<FieldCondition>,
    unless: Option<FieldCondition>,
}

/// A field of the live object and what it must be.
struct FieldCondition {
    field: Vec<&'static str>,
    is: &'static str,
}

impl ImmutableRule {
    fn from_row(row: Vec<&'static str>) -> Self {
        let mut words = row.into_iter();
        let mut rule = Self { kind: words.next().unwrap_or_default(), ..Self::default() };
        rule.field = words.next().map(fields_of).unwrap_or_default();
        for word in words {
            match word.split_once('=') {
                Some(("except", fields)) => rule.except = fields.split(',').map(fields_of).collect(),
                Some(("free", fields)) => rule.free = fields.split(',').collect(),
                Some(("given", keys)) => rule.given = keys.split(',').collect(),
                Some(("if", condition)) => rule.only_if = Some(FieldCondition::parse(condition)),
                Some(("unless", condition)) => rule.unless = Some(FieldCondition::parse(condition)),
                _ => rule.words.push(word),
            }
        }
        rule
    }

    fn forbids(&self, change: &FieldChange, live: &Value, desired: Option<&Value>) -> bool {
        let names = names(&change.path);
        names.starts_with(&self.field)
            && !self
                .except
                .iter()
                .any(|field| names.starts_with(field) && stays(&change.path, field.len(), live, desired))
            && self.words.iter().all(|word| self.stops(word, change.live.as_ref(), change.desired.value()))
            && self.only_if.as_ref().is_none_or(|condition| condition.holds(live))
            && !self.unless.as_ref().is_some_and(|condition| condition.holds(live))
    }

    /// Whether a change is one that a word of the table does not let pass.
    fn stops(&self, word: &str, live: Option<&Value>, desired: Option<&Value>) -> bool {
        match word {
            "once" => live.is_some(),
            "kept" => desired.is_some(),
            "first" => items(live).first() != items(desired).first() || items(live).is_empty(),
            "grows" => items(live).iter().any(|item| !self.is_given(item) && !self.is_in(item, items(desired))),
            "shrinks" => match (live.and_then(amount), desired.and_then(amount)) {
                (Some(live), Some(desired)) => desired < live,
                _ => desired.is_none(),
            },
            _ => true,
        }
    }

    /// Whether the server adds the item itself if it is missing.
    fn is_given(&self, item: &Value) -> bool {
        item.get("key").and_then(Value::as_str).is_some_and(|key| self.given.contains(&key))
    }

    /// Whether an item is in a list, but for the fields that are free.
    fn is_in(&self, item: &Value, items: &[Value]) -> bool {
        let fixed = |item: &Value| {
            let entries = item.as_map().into_iter().flatten().filter(|entry| !self.free.contains(&entry.key.as_str()));
            entries.map(|entry| (entry.key.clone(), entry.value.clone())).collect::<Vec<_>>()
        };
        items.iter().any(|other| item == other || (item.as_map().is_some() && fixed(item) == fixed(other)))
    }
}

/// Whether the items on the way to a path's first so many fields are neither new nor going: what may change in an item
/// is no right to add one.
fn stays(path: &Path, fields: usize, live: &Value, desired: Option<&Value>) -> bool {
    let mut left = fields;
    for (at, step) in path.0.iter().enumerate() {
        match step {
            Step::Field(_) if left == 0 => break,
            Step::Field(_) => left -= 1,
            Step::Item(_) if left > 0 => {
                let item = Path(path.0[..=at].to_vec());
                if item.resolve(live).is_none() || desired.is_some_and(|it| item.resolve(it).is_none()) {
                    return false;
                }
            }
            Step::Item(_) | Step::Member(_) | Step::Index(_) => {}
        }
    }
    true
}

/// The items of a list; none of what is no list.
fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_list).unwrap_or_default()
}

impl FieldCondition {
    fn parse(text: &'static str) -> Self {
        let (field, is) = text.split_once('=').unwrap_or((text, "true"));
        Self { field: fields_of(field), is }
    }

    fn holds(&self, live: &Value) -> bool {
        self.field.iter().try_fold(live, |at, name| below(at, name)).is_some_and(|at| match &at.data {
            Data::Bool(it) => it.to_string() == self.is,
            Data::Text(it) => fits(self.is, it),
            _ => false,
        })
    }
}

/// A field, or the status of a condition.
fn below<'v>(at: &'v Value, name: &str) -> Option<&'v Value> {
    let Some(conditions) = at.as_list() else { return at.get(name) };
    conditions.iter().find(|it| it.get("type").and_then(Value::as_str) == Some(name))?.get("status")
}

/// A quantity as a number, to compare it with another.
#[allow(clippy::cast_precision_loss, reason = "sizes that differ by less than that are no other sizes")]
fn amount(value: &Value) -> Option<f64> {
    const UNITS: [(&str, f64); 14] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
        ("", 1.0),
    ];
    if let Data::Int(it) = value.data {
        return Some(it as f64);
    }
    let text = value.as_str()?;
    UNITS.iter().find_map(|(unit, times)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * times))
}

fn fields_of(field: &'static str) -> Vec<&'static str> {
    field.split('.').collect()
}

/// The keys of a path, without the places in its lists.
fn names(path: &Path) -> Vec<&str> {
    path.0
        .iter()
        .filter_map(|step| match step {
            Step::Field(key) => Some(key.as_str()),
            Step::Item(_) | Step::Member(_) | Step::Index(_) => None,
        })
        .collect()
}
