//! Decides which releases of an environment a change of the repository touches, and why.
//!
//! A release with the same files, fields and values in both revisions is not touched and need not be rendered. Any
//! other release is rendered twice. It is touched if its objects differ, or if it asks for something that a rendering
//! without a cluster cannot answer.

mod inputs;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

pub use self::inputs::InputCollector;

/// What a release is made of, with what tells two states of it apart.
#[derive(Clone, Debug, Default)]
pub struct ReleaseInputs {
    /// What is written of it and for all releases, inheritance resolved, each as text: a field of its entry (`namespace`,
    /// `values`), of the environment (`environment.wait`, `environment.values`), an input (`inputs.TAG`).
    pub fields: BTreeMap<String, Arc<str>>,
    /// Its files and folders: paths from the root.
    pub paths: Vec<String>,
    /// What no revision tells of it: templates that ask for the clock, live objects or inputs from the process, and what
    /// stands elsewhere. Each a part of a sentence.
    pub volatile: Vec<String>,
    /// Whether its templates ask what the cluster serves, so that a rendering without one does not tell all.
    pub asks_cluster: bool,
}

/// The releases of an environment that a change touches.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TouchedReleases {
    pub environment: String,
    /// Its releases by name, those that only the base has among them.
    pub releases: Vec<Touch>,
}

/// Whether a release is touched, and why.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Touch {
    #[serde(serialize_with = "crate::plan::relations::name::serialize")]
    pub release: Arc<str>,
    /// Whether it is touched, and how.
    pub is: TouchKind,
    /// What changed of that which it is made of, or why it is touched all the same: each a part of a sentence.
    pub why: Vec<String>,
}

/// Whether a release is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TouchKind {
    /// It is not.
    Out,
    /// Its objects, or what is done with them, differ; or that cannot be ruled out.
    In,
    /// The base does not have it.
    New,
    /// Only the base has it.
    Gone,
}

/// What is known before anything is rendered.
#[derive(Clone, Debug, PartialEq)]
pub enum Guess {
    /// Nothing that it is made of changed.
    Same,
    /// It is touched.
    Touched(Vec<String>),
    /// These files and fields changed; only rendering tells whether that matters.
    Perhaps(Vec<String>),
}

/// What can be said of a release of which both revisions are known; `changed` are the files whose bytes are not the same
/// in both.
pub fn guess(base: &ReleaseInputs, head: &ReleaseInputs, changed: &BTreeSet<String>) -> Guess {
    let (values, own): (Vec<_>, Vec<_>) =
        differing(&base.fields, &head.fields).into_iter().partition(|field| is_values(field));
    let own = own.into_iter().map(|field| format!("`{field}` changed"));
    let sure: Vec<String> = own.chain(head.volatile.iter().cloned()).collect();
    let paths: BTreeSet<&String> = base.paths.iter().chain(&head.paths).collect();
    let files: BTreeSet<&String> = paths.into_iter().flat_map(|path| at(changed, path)).collect();
    let perhaps: Vec<String> = files.into_iter().cloned().chain(values).collect();
    match (sure.is_empty(), perhaps.is_empty()) {
        (true, true) => Guess::Same,
        (true, false) => Guess::Perhaps(perhaps),
        (false, _) => {
            let more = perhaps.iter().map(|it| format!("`{it}` changed"));
            Guess::Touched(sure.into_iter().chain(more).collect())
        }
    }
}

/// The paths at and below a path.
fn at<'c>(changed: &'c BTreeSet<String>, path: &str) -> impl Iterator<Item = &'c String> {
    let prefix = format!("{path}/");
    let below = changed.range(prefix.clone()..).take_while(move |it| it.starts_with(&prefix));
    changed.get(path).into_iter().chain(below)
}

/// Whether a field only makes values, so that rendering tells whether it matters.
fn is_values(field: &str) -> bool {
    ["values", "patches", "environment.values"].contains(&field) || field.starts_with("inputs.")
}

fn differing(base: &BTreeMap<String, Arc<str>>, head: &BTreeMap<String, Arc<str>>) -> Vec<String> {
    let all: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    all.into_iter().filter(|field| base.get(*field) != head.get(*field)).cloned().collect()
}

impl TouchKind {
    /// Whether a run has to be about it.
    pub fn is_touched(self) -> bool {
        self != Self::Out
    }
}

impl TouchedReleases {
    /// The names of the releases that a run has to be about, as far as the head has them.
    pub fn names(&self) -> Vec<String> {
        let there = self.releases.iter().filter(|it| matches!(it.is, TouchKind::In | TouchKind::New));
        there.map(|it| it.release.to_string()).collect()
    }

    /// The names of those that only the base has.
    pub fn gone(&self) -> Vec<String> {
        self.releases.iter().filter(|it| it.is == TouchKind::Gone).map(|it| it.release.to_string()).collect()
    }

    /// Whether nothing is touched.
    pub fn is_empty(&self) -> bool {
        !self.releases.iter().any(|it| it.is.is_touched())
    }
}

impl fmt::Display for Touch {
    /// `in: web (`charts/web/values.yaml` changed)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.is {
            TouchKind::Out => "out",
            TouchKind::In => "in",
            TouchKind::New => "new",
            TouchKind::Gone => "gone",
        };
        write!(f, "{word}: {}", self.release)?;
        if self.why.is_empty() { Ok(()) } else { write!(f, " ({})", self.why.join("; ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(fields: &[(&str, &str)], paths: &[&str]) -> ReleaseInputs {
        ReleaseInputs {
            fields: fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect(),
            paths: paths.iter().map(|it| (*it).to_owned()).collect(),
            ..ReleaseInputs::default()
        }
    }

    #[test]
    fn what_is_made_of_the_same_is_the_same() {
        let one = inputs(&[("namespace", "a"), ("values", "x")], &["charts/a", "environments/dev/values/a.yaml"]);
        let changed = |paths: &[&str]| paths.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<String>>();
        assert_eq!(guess(&one, &one, &changed(&["charts/ab/values.yaml", "charts/a.yaml"])), Guess::Same);
        let perhaps = Guess::Perhaps(vec!["charts/a/values.yaml".into(), "environments/dev/values/a.yaml".into()]);
        let paths = changed(&["charts/a/values.yaml", "environments/dev/values/a.yaml"]);
        assert_eq!(guess(&one, &one, &paths), perhaps);
        let other = inputs(&[("namespace", "a"), ("values", "y")], &[]);
        assert_eq!(guess(&one, &other, &changed(&[])), Guess::Perhaps(vec!["values".into()]));
    }

    #[test]
    fn what_no_rendering_shows_is_touched() {
        let one = inputs(&[("namespace", "a")], &[]);
        let other = inputs(&[("namespace", "a"), ("prune", "false")], &[]);
        assert_eq!(guess(&one, &other, &BTreeSet::new()), Guess::Touched(vec!["`prune` changed".into()]));
        let clock = ReleaseInputs { volatile: vec!["its templates ask for the time".into()], ..one.clone() };
        assert_eq!(
            guess(&one, &clock, &BTreeSet::new()),
            Guess::Touched(vec!["its templates ask for the time".into()])
        );
    }
}
