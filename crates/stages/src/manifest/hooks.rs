//! Hooks: objects that are run at points of a release's life, as their annotations say.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Object;
use crate::project::seconds;
use weft_base::value::Value;
use weft_schema::rows;

static WORDS: LazyLock<Vec<[&str; 4]>> = LazyLock::new(|| rows(include_str!("hooks.tsv")).collect());

const TIMEOUT: &str = "weft.example.com/hook-timeout";
const RERUN: &str = "weft.example.com/hook-rerun";

/// The annotations of a tool. The first tool of which an object has the annotation `hook` counts.
struct Dialect {
    hook: &'static str,
    weight: &'static str,
    cleanup: &'static str,
    /// Its words for what is deleted, and when.
    words: [(&'static str, Option<Cleanup>); 4],
    /// What it does where nothing is said.
    default: Cleanup,
}

const DIALECTS: [Dialect; 4] = [
    Dialect {
        hook: "weft.example.com/hook",
        weight: "weft.example.com/hook-weight",
        cleanup: "weft.example.com/hook-delete",
        words: [
            ("before", Some(Cleanup::Before)),
            ("succeeded", Some(Cleanup::Succeeded)),
            ("failed", Some(Cleanup::Failed)),
            ("never", None),
        ],
        default: Cleanup::Older,
    },
    Dialect {
        hook: "argocd.argoproj.io/hook",
        weight: "argocd.argoproj.io/sync-wave",
        cleanup: "argocd.argoproj.io/hook-delete-policy",
        words: [
            ("BeforeHookCreation", Some(Cleanup::Before)),
            ("HookSucceeded", Some(Cleanup::Succeeded)),
            ("HookFailed", Some(Cleanup::Failed)),
            ("", None),
        ],
        default: Cleanup::Before,
    },
    Dialect {
        hook: "kluctl.io/hook",
        weight: "kluctl.io/hook-weight",
        cleanup: "kluctl.io/hook-delete-policy",
        words: HELM_WORDS,
        default: Cleanup::Before,
    },
    Dialect {
        hook: "helm.sh/hook",
        weight: "helm.sh/hook-weight",
        cleanup: "helm.sh/hook-delete-policy",
        words: HELM_WORDS,
        default: Cleanup::Before,
    },
];

const HELM_WORDS: [(&str, Option<Cleanup>); 4] = [
    ("before-hook-creation", Some(Cleanup::Before)),
    ("hook-succeeded", Some(Cleanup::Succeeded)),
    ("hook-failed", Some(Cleanup::Failed)),
    ("", None),
];

/// An object that is run at points of its release's life, and is no member of its inventory.
#[derive(Clone, Debug)]
pub struct Hook {
    /// The object, under the name that is written.
    pub object: Object,
    /// When it is run, and what becomes of it.
    pub terms: Terms,
}

/// When a hook is run, and what becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Terms {
    /// The points at which it is run.
    pub points: BTreeSet<Point>,
    /// Its place among the hooks of a point: lower ones first, equal ones side by side.
    pub weight: i64,
    /// Whether it is run whenever its release changes, and not only when it says something new.
    pub always: bool,
    /// What is deleted.
    pub cleanup: BTreeSet<Cleanup>,
    /// How long it may take, in seconds; without it as long as its release waits.
    pub timeout: Option<u64>,
    /// Whether its content becomes a part of its name, so that one that says something new is a new object.
    pub renamed: bool,
}

/// A point of a release's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Point {
    /// What is done with the release.
    pub occasion: Occasion,
    /// When of it.
    pub phase: Phase,
}

/// What is done with a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// It is applied for the first time, or was never applied to its end.
    Install,
    /// It is applied again.
    Upgrade,
    /// It goes back to an earlier revision.
    Rollback,
    /// It is deleted.
    Delete,
    /// It is tested, which nothing but `weft test` does.
    Test,
}

/// When of what is done with a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before its objects; where they are deleted, while they are still there.
    Before,
    /// Beside its objects.
    During,
    /// When its objects are healthy, or gone.
    After,
}

/// What a hook leaves behind and is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cleanup {
    /// The object itself, before it is made again.
    Before,
    /// The object, when it has run well.
    Succeeded,
    /// The object, when it has failed.
    Failed,
    /// The objects of its earlier runs, when it has run well.
    Older,
}

/// What the annotations of an object make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// An object like any other.
    Object,
    /// One that is neither applied nor run; whether people should be told.
    LeftOut {
        /// Whether they should.
        told: bool,
    },
    /// A hook.
    Hook(Terms),
}

/// An annotation of a hook that says nothing known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The annotation.
    pub key: &'static str,
    /// What it says.
    pub word: String,
    /// What it may say.
    pub known: String,
}

/// What the annotations of an object make it.
///
/// # Errors
/// The first annotation that says nothing known.
pub fn role(body: &Value) -> Result<Role, UnknownWord> {
    let text = |key: &str| body.dig(&["metadata", "annotations", key]).and_then(Value::as_str);
    let Some(dialect) = DIALECTS.iter().find(|it| text(it.hook).is_some()) else { return Ok(Role::Object) };
    let mut points = BTreeSet::new();
    let mut object = false;
    let mut told = false;
    for word in words(text(dialect.hook)) {
        match meaning(dialect.hook, word)? {
            ("object", _) => object = true,
            ("out", _) => {}
            ("told", _) => told = true,
            (phase, runs) => points.extend(runs.split(' ').filter_map(|run| point(phase, run))),
        }
    }
    if points.is_empty() {
        return Ok(if object { Role::Object } else { Role::LeftOut { told } });
    }
    let own = dialect.default == Cleanup::Older;
    let unnamed = body.dig(&["metadata", "name"]).is_none();
    Ok(Role::Hook(Terms {
        points,
        weight: number(dialect.weight, text(dialect.weight))?,
        always: always(text(RERUN))?,
        cleanup: cleanup(dialect, text(dialect.cleanup), unnamed)?,
        timeout: timeout(text(TIMEOUT))?,
        renamed: unnamed || (own && runs_to_its_end(body)),
    }))
}

/// Whether an object ends by itself, as a Job and a Pod do.
pub fn runs_to_its_end(body: &Value) -> bool {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    matches!((text("apiVersion"), text("kind")), ("batch/v1", "Job") | ("v1", "Pod"))
}

fn words(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn meaning(key: &'static str, word: &str) -> Result<(&'static str, &'static str), UnknownWord> {
    let row = WORDS.iter().find(|[of, known, ..]| *of == key && known.eq_ignore_ascii_case(word));
    let known = || WORDS.iter().filter(|[of, ..]| *of == key).map(|[_, known, ..]| *known);
    row.map(|[_, _, meaning, runs]| (*meaning, *runs)).ok_or_else(|| unknown(key, word, known()))
}

fn point(phase: &str, run: &str) -> Option<Point> {
    let phase = [Phase::Before, Phase::During, Phase::After].into_iter().find(|it| it.to_string() == phase)?;
    let occasion = OCCASIONS.into_iter().find(|it| it.to_string() == run)?;
    Some(Point { occasion, phase })
}

const OCCASIONS: [Occasion; 5] =
    [Occasion::Install, Occasion::Upgrade, Occasion::Rollback, Occasion::Delete, Occasion::Test];

fn cleanup(dialect: &Dialect, text: Option<&str>, unnamed: bool) -> Result<BTreeSet<Cleanup>, UnknownWord> {
    let mut cleanup = BTreeSet::new();
    let mut never = false;
    for word in words(text) {
        match dialect.words.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) {
            Some((_, Some(what))) => drop(cleanup.insert(*what)),
            Some((_, None)) => never = true,
            None => return Err(unknown(dialect.cleanup, word, dialect.words.iter().map(|(known, _)| *known))),
        }
    }
    if words(text).next().is_none() {
        cleanup.insert(dialect.default);
    }
    // Under names that vary, what is there before is the object of an earlier run.
    if !never && (dialect.default == Cleanup::Older || (unnamed && cleanup.contains(&Cleanup::Before))) {
        cleanup.insert(Cleanup::Older);
    }
    Ok(cleanup)
}

fn number(key: &'static str, text: Option<&str>) -> Result<i64, UnknownWord> {
    let Some(text) = text else { return Ok(0) };
    text.trim().parse().map_err(|_| unknown(key, text, ["a whole number"].into_iter()))
}

fn always(text: Option<&str>) -> Result<bool, UnknownWord> {
    match text {
        None | Some("changed") => Ok(false),
        Some("always") => Ok(true),
        Some(other) => Err(unknown(RERUN, other, ["changed", "always"].into_iter())),
    }
}

fn timeout(text: Option<&str>) -> Result<Option<u64>, UnknownWord> {
    let read = |text: &str| seconds(text).ok_or_else(|| unknown(TIMEOUT, text, ["90s", "5m", "1h30m"].into_iter()));
    text.map(read).transpose()
}

fn unknown(key: &'static str, word: &str, known: impl Iterator<Item = &'static str>) -> UnknownWord {
    let known: Vec<String> = known.filter(|it| !it.is_empty()).map(|it| format!("`{it}`")).collect();
    UnknownWord { key, word: word.to_owned(), known: known.join(", ") }
}

impl Terms {
    /// The terms of a test, and those of what is run with the release, as far as it is either.
    pub(super) fn without_test(self) -> (Option<Self>, Option<Self>) {
        let (test, other): (BTreeSet<_>, _) = self.points.iter().partition(|it| it.occasion == Occasion::Test);
        let of = |points: BTreeSet<Point>| (!points.is_empty()).then(|| Self { points, ..self.clone() });
        (of(test), of(other))
    }
}

impl fmt::Display for Point {
    /// `before-install`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.phase, self.occasion)
    }
}

impl Point {
    /// The point of this name, as it is printed.
    pub fn of(name: &str) -> Option<Self> {
        let (phase, run) = name.split_once('-')?;
        point(phase, run)
    }
}

impl Occasion {
    /// The occasion of this name, as it is printed.
    pub fn of(name: &str) -> Option<Self> {
        OCCASIONS.into_iter().find(|it| it.to_string() == name)
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Delete => "delete",
            Self::Test => "test",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::During => "during",
            Self::After => "after",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, annotations: &str) -> Result<Role, UnknownWord> {
        let text = format!(r#"{{{kind}, "metadata": {{"name": "a", "annotations": {annotations}}}}}"#);
        role(&serde_json::from_str(&text).unwrap())
    }

    const JOB: &str = r#""apiVersion": "batch/v1", "kind": "Job""#;

    fn terms(annotations: &str) -> Terms {
        match read(JOB, annotations).unwrap() {
            Role::Hook(terms) => terms,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_row_is_read_and_means_something() {
        let lines = include_str!("hooks.tsv").lines().filter(|line| !line.starts_with('#'));
        assert_eq!(WORDS.len(), lines.count());
        for [key, word, meaning, runs] in WORDS.iter().copied() {
            assert!(DIALECTS.iter().any(|it| it.hook == key), "{key}");
            let known = runs.split(' ').all(|run| point(meaning, run).is_some());
            assert!(known || (["object", "out", "told"].contains(&meaning) && runs == "-"), "{key}: {word}");
        }
    }

    #[test]
    fn points_of_a_hook_of_ours() {
        let it =
            terms(r#"{"weft.example.com/hook": "before-apply, after-delete", "weft.example.com/hook-weight": "-5"}"#);
        let points: Vec<String> = it.points.iter().map(ToString::to_string).collect();
        assert_eq!(points, ["before-install", "before-upgrade", "before-rollback", "after-delete"]);
        assert!(it.points.iter().all(|point| Point::of(&point.to_string()) == Some(*point)));
        assert_eq!((it.weight, it.renamed, it.always, it.timeout), (-5, true, false, None));
        assert_eq!(it.cleanup, BTreeSet::from([Cleanup::Older]));
        let never = terms(r#"{"weft.example.com/hook": "before-apply", "weft.example.com/hook-delete": "never"}"#);
        assert_eq!(never.cleanup, BTreeSet::new());
    }

    #[test]
    fn the_words_of_others_mean_what_they_mean_there() {
        let helm = terms(r#"{"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "3"}"#);
        assert_eq!((helm.points.len(), helm.weight, helm.renamed), (2, 3, false));
        assert_eq!(helm.cleanup, BTreeSet::from([Cleanup::Before]));
        let argo =
            r#"{"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"}"#;
        assert_eq!(terms(argo).cleanup, BTreeSet::from([Cleanup::Succeeded]));
        for test in ["test", "test-success,test-failure"] {
            let terms = terms(&format!(r#"{{"helm.sh/hook": "{test}"}}"#));
            assert_eq!(terms.points.iter().map(ToString::to_string).collect::<Vec<_>>(), ["during-test"], "{test}");
        }
        assert_eq!(read(JOB, r#"{"helm.sh/hook": "test-failure"}"#), Ok(Role::LeftOut { told: false }));
        assert_eq!(read(JOB, r#"{"helm.sh/hook": "crd-install"}"#), Ok(Role::Object));
        assert_eq!(read(JOB, "{}"), Ok(Role::Object));
    }

    #[test]
    fn unknown_words_are_refused() {
        for annotations in [
            r#"{"helm.sh/hook": "pre-instal"}"#,
            r#"{"helm.sh/hook": "pre-install", "helm.sh/hook-weight": "first"}"#,
            r#"{"helm.sh/hook": "pre-install", "helm.sh/hook-delete-policy": "later"}"#,
            r#"{"weft.example.com/hook": "before-install", "weft.example.com/hook-timeout": "soon"}"#,
            r#"{"weft.example.com/hook": "before-install", "weft.example.com/hook-rerun": "often"}"#,
        ] {
            assert!(read(JOB, annotations).is_err(), "{annotations}");
        }
    }
}
