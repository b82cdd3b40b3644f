//! Fields that the server does not let anybody change.

use super::Refusal;
use super::table::rows;
use crate::diff::{FieldChange, Judged, ObjectComparison};
use crate::value::{Path, Step, Value};

/// Refuses the changes of immutable fields. The server's own dry run knows better than the table, so an object that
/// passed one is not looked at.
pub(super) fn immutable(object: &ObjectComparison) -> Vec<Refusal> {
    let Some(live) = object.live.as_ref().filter(|_| object.judged != Judged::DryRun) else { return Vec::new() };
    let kind = object.id.kind.to_string();
    let rules: Vec<Rule> = rows(include_str!("immutable.txt")).filter(|row| row[0] == kind).map(Rule::of).collect();
    let changed = object.fields.iter().filter(|change| is_change(change));
    let fixed = changed.filter(|change| rules.iter().any(|rule| rule.forbids(change, &live.body)));
    fixed.map(|change| Refusal::Immutable { id: object.id.clone(), path: change.path.to_string() }).collect()
}

fn is_change(change: &FieldChange) -> bool {
    change.changes() && change.live.as_ref() != change.desired.value()
}

/// One row of the table.
#[derive(Default)]
struct Rule {
    field: Vec<&'static str>,
    except: Vec<Vec<&'static str>>,
    once: bool,
    only_if: Option<Vec<&'static str>>,
    unless: Option<Vec<&'static str>>,
}

impl Rule {
    fn of(row: Vec<&'static str>) -> Self {
        let mut rule = Self::default();
        for word in row.into_iter().skip(1) {
            match word.split_once('=') {
                Some(("except", fields)) => rule.except = fields.split(',').map(fields_of).collect(),
                Some(("if", field)) => rule.only_if = Some(fields_of(field)),
                Some(("unless", field)) => rule.unless = Some(fields_of(field)),
                Some(_) | None if word == "once" => rule.once = true,
                Some(_) | None => rule.field = fields_of(word),
            }
        }
        rule
    }

    fn forbids(&self, change: &FieldChange, live: &Value) -> bool {
        let names = names(&change.path);
        let is_true = |field: &Vec<&str>| live.dig(field).and_then(Value::as_bool) == Some(true);
        names.starts_with(&self.field)
            && !self.except.iter().any(|field| names.starts_with(field))
            && !(self.once && change.live.is_none())
            && self.only_if.as_ref().is_none_or(is_true)
            && !self.unless.as_ref().is_some_and(is_true)
    }
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
