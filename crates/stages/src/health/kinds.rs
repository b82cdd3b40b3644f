//! Kinds of well-known controllers, by a table: which condition or field says how an object is.

use super::conditions::{self, condition};
use super::{Health, UNSEEN};
use weft_base::value::{Data, Value};
use weft_schema::Gvk;

const KINDS: &str = include_str!("kinds.tsv");

/// One test of a cell: a condition or a field, with what it has to be.
struct Test<'t> {
    what: &'t str,
    wanted: &'t str,
}

/// How an object of a kind in the table is; `None` for any other kind.
pub(super) fn listed(object: &Value, gvk: &Gvk) -> Option<Health> {
    let row = KINDS.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let row = row.into_iter().find(|row| row.first() == Some(&&*gvk.group) && row.get(1) == Some(&&*gvk.kind))?;
    let tests = |at: usize| row.get(at).into_iter().flat_map(|cell| cell.split_whitespace()).filter_map(Test::of);
    if let Some(failed) = tests(3).find(|test| test.holds(object)) {
        return Some(Health::Failed(failed.said(object).unwrap_or_else(|| failed.what.to_owned())));
    }
    if tests(2).any(|test| test.holds(object)) {
        return Some(Health::Current);
    }
    let by_conditions = || match conditions::generic(object) {
        Health::InProgress(missing) => Some(missing),
        _ => None,
    };
    let missing = tests(2).find_map(|test| test.said(object)).or_else(by_conditions);
    Some(Health::InProgress(missing.unwrap_or_else(|| UNSEEN.to_owned())))
}

impl<'t> Test<'t> {
    fn of(text: &'t str) -> Option<Self> {
        text.split_once('=').map(|(what, wanted)| Self { what, wanted })
    }

    fn path(&self) -> Option<Vec<&'t str>> {
        self.what.starts_with("status.").then(|| self.what.split('.').collect())
    }

    fn holds(&self, object: &Value) -> bool {
        let Some(path) = self.path() else {
            let (status, reason) = self.wanted.split_once('/').unwrap_or((self.wanted, ""));
            let holds =
                |status_is: &str, reason_is: &str| status_is == status && (reason.is_empty() || reason_is == reason);
            return condition(object, self.what).is_some_and(|it| holds(it.status, it.reason));
        };
        field(object, &path).as_deref() == Some(self.wanted)
    }

    /// What the object says there; `None` where it says nothing.
    fn said(&self, object: &Value) -> Option<String> {
        let Some(path) = self.path() else { return condition(object, self.what).map(|it| it.said()) };
        let message = object.dig(&["status", "message"]).and_then(Value::as_str).filter(|it| !it.is_empty());
        let message = message.map(|it| format!(": {it}")).unwrap_or_default();
        field(object, &path).map(|found| format!("its `{}` is {found}{message}", self.what))
    }
}

fn field(object: &Value, path: &[&str]) -> Option<String> {
    match &object.dig(path)?.data {
        Data::Text(text) if !text.is_empty() => Some(text.clone()),
        Data::Bool(it) => Some(it.to_string()),
        _ => None,
    }
}
