//! Why an environment cannot be loaded or selected.

use thiserror::Error;

use weft_base::diagnostic::Place;
use weft_base::diagnostic::{Diagnose, Excerpt, Kind};
use weft_base::tree::TreeError;
use weft_base::value::{Origin, PatternError};
use weft_base::yaml::YamlError;
use weft_jinja::JinjaError;
use weft_schema::ExpressionError;
use weft_schema::patch::PatchError;

/// Why an environment cannot be loaded or selected.
#[derive(Debug, Error)]
pub enum ProjectError {
    /// A file is not what its format says.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A file of the environment cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A condition cannot be evaluated.
    #[error("the condition `{when}` of release `{release}` cannot be evaluated: {source}")]
    Condition {
        /// The release.
        release: String,
        /// The condition.
        when: String,
        /// Why.
        source: JinjaError,
    },
    /// A file that something names cannot be used.
    #[error("{user} names a file that cannot be used: {source}")]
    File {
        /// What names it.
        user: String,
        /// What is wrong with it.
        source: TreeError,
        /// Where it is named.
        place: Place,
        /// A file that may be meant.
        nearest: Option<String>,
    },
    /// An entry of `patches` that is none.
    #[error("an entry of `patches` {problem}")]
    NotAPatch {
        /// What is wrong.
        problem: &'static str,
        /// The entry.
        place: Place,
    },
    /// The target of a patch cannot be read.
    #[error("{source}")]
    Target {
        /// Why.
        source: PatchError,
        /// The field.
        place: Place,
    },
    /// An environment that does not exist.
    #[error("there is no environment `{name}`")]
    NoEnvironment {
        /// The name.
        name: String,
        /// The environments that there are.
        known: Vec<String>,
        /// Where it is named.
        place: Place,
    },
    /// A folder has the name that `defaults.yaml` takes.
    #[error("`defaults` cannot be an environment's folder")]
    Reserved {
        /// A file in it.
        place: Place,
    },
    /// Environments inherit in a circle.
    #[error("environments inherit in a circle: {path}")]
    InheritCycle {
        /// The circle, as `a -> b -> a`.
        path: String,
        /// Where it closes.
        place: Place,
    },
    /// The kubeconfigs of clusters are kept in one another.
    #[error("the kubeconfigs of clusters are kept in one another: {path}")]
    ClusterCycle {
        /// The circle, as `a -> b -> a`.
        path: String,
        /// The cluster it was found from.
        place: Place,
    },
    /// A key that only environments have.
    #[error("`{key}` cannot be set for all environments")]
    NotInDefaults {
        /// The key.
        key: String,
        /// Where.
        place: Place,
    },
    /// A word that the format reserves.
    #[error("{} is not supported yet", quoted(.what))]
    NotYet {
        /// The word.
        what: String,
        /// What there is instead, as a sentence.
        instead: &'static str,
        /// Where.
        place: Place,
    },
    /// A chart that can be nowhere.
    #[error("`chart` of release `{release}` {problem}")]
    NotAChart {
        /// The release.
        release: String,
        /// What is wrong with it.
        problem: &'static str,
        /// Where.
        place: Place,
    },
    /// A chart from elsewhere that no lock file names.
    #[error("the chart `{chart}` is not locked")]
    NotLocked {
        /// The chart, with its place.
        chart: String,
        /// The environment.
        environment: String,
        /// Where it is named.
        place: Place,
    },
    /// A chart that has to be signed was locked without a look at its signature.
    #[error("the chart `{chart}` was locked without a check of its signature by `{keys}`")]
    NotVerified {
        /// The chart, with its place.
        chart: String,
        /// The file with the keys.
        keys: String,
        /// The environment.
        environment: String,
        /// Where it is named.
        place: Place,
    },
    /// A chart to be renewed that nothing names.
    #[error("no chart from elsewhere is called `{name}`")]
    NoRemote {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A lock file that nobody wrote so.
    #[error("`{path}` {problem}")]
    BadLock {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
        /// Where.
        place: Place,
    },
    /// Two keys that exclude each other.
    #[error("{subject} cannot have both `{first}` and `{second}`")]
    Contradiction {
        /// What has them.
        subject: String,
        /// One key.
        first: &'static str,
        /// The other, which is shown.
        second: &'static str,
        /// Where.
        place: Place,
    },
    /// A node of the wrong kind.
    #[error("{what}: expected {expected}, found {found}")]
    WrongKind {
        /// The field.
        what: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
        /// Where.
        place: Place,
    },
    /// A name that Kubernetes would refuse.
    #[error("`{text}` is no valid {what}")]
    NotALabel {
        /// What it is the name of, as `release name`.
        what: &'static str,
        /// The name.
        text: String,
        /// Where.
        place: Place,
    },
    /// No duration.
    #[error("`{text}` is not a duration")]
    NotADuration {
        /// What was written.
        text: String,
        /// Where.
        place: Place,
    },
    /// A file name that says no format of values.
    #[error("`{path}` is not a values file")]
    NotAValuesFile {
        /// The file.
        path: String,
        /// Where it is named.
        place: Place,
    },
    /// A secrets file of another environment, or of none.
    #[error("`{path}` is not below `{folder}/`")]
    SecretElsewhere {
        /// The file.
        path: String,
        /// Where this environment's secrets are.
        folder: String,
        /// Where it is named.
        place: Place,
    },
    /// Two releases of one name in one file.
    #[error("release `{release}` is declared twice")]
    Duplicate {
        /// The name.
        release: String,
        /// The second declaration.
        place: Place,
        /// The first.
        first: Origin,
    },
    /// A release lacks a field.
    #[error("release `{release}` has no {what}")]
    MissingField {
        /// The release.
        release: String,
        /// The field.
        what: &'static str,
        /// Where it was declared last.
        place: Place,
    },
    /// A release needs one that does not exist.
    #[error("release `{release}` needs `{need}`, which does not exist")]
    NeedUnknown {
        /// The release.
        release: String,
        /// What it needs.
        need: String,
        /// Where.
        place: Place,
        /// A release that may be meant.
        nearest: Option<String>,
    },
    /// A release needs one that is disabled.
    #[error("release `{release}` needs `{need}`, which is disabled")]
    NeedDisabled {
        /// The release.
        release: String,
        /// What it needs.
        need: String,
        /// Where.
        place: Place,
        /// Where that was declared last.
        disabled: Origin,
    },
    /// Releases need each other.
    #[error("releases need each other in a circle: {path}")]
    NeedCycle {
        /// The circle, as `a needs b needs a`.
        path: String,
        /// Each step with its place.
        steps: Vec<String>,
        /// Where it closes.
        place: Place,
    },
    /// A file of values that no release loads.
    #[error("no release loads this values file")]
    ValuesForNoRelease {
        /// The file.
        place: Place,
        /// A release that may be meant.
        nearest: Option<String>,
    },
    /// A release's chart or manifests are not in the repository.
    #[error("there is no {what} `{path}`, which release `{release}` is made from")]
    NoSource {
        /// The release.
        release: String,
        /// What it should be.
        what: &'static str,
        /// Its path.
        path: String,
        /// A folder that may be meant.
        nearest: Option<String>,
        /// Where it is named.
        place: Place,
    },
    /// A rule of `ignore:`, `wait:`, `conflicts:`, `replace:` or `exposes:` lacks a key.
    #[error("{rule} has no `{key}`")]
    IncompleteRule {
        /// What sort of rule.
        rule: &'static str,
        /// The key.
        key: &'static str,
        /// Where the rule is.
        place: Place,
    },
    /// A rule does what it cannot.
    #[error("{problem}")]
    MisusedRule {
        /// What it tries.
        problem: &'static str,
        /// What to write instead.
        hint: &'static str,
        /// The word.
        place: Place,
    },
    /// No condition of a health rule.
    #[error("`{text}` is no condition")]
    NotAHealthTest {
        /// What was written.
        text: String,
        /// Where.
        place: Place,
    },
    /// No expression of a health rule.
    #[error("`{key}` of a health rule: {source}")]
    NotAnExpression {
        /// The key.
        key: &'static str,
        /// What is wrong.
        source: ExpressionError,
        /// Where.
        place: Place,
    },
    /// No path of a field.
    #[error("`{text}` is no path of a field: after `{read}`, {source}")]
    NotAFieldPath {
        /// What was written.
        text: String,
        /// The part of it that was understood.
        read: String,
        /// What is wrong.
        source: PatternError,
        /// Where.
        place: Place,
    },
    /// No shipped ignore rule.
    #[error("there is no shipped ignore rule `{name}`")]
    NoShippedRule {
        /// The name.
        name: String,
        /// A rule that may be meant.
        nearest: Option<&'static str>,
        /// Where.
        place: Place,
    },
    /// A required input is not set.
    #[error("the input `{name}` needs the variable `{variable}`, which is not set")]
    InputMissing {
        /// The input.
        name: String,
        /// The variable.
        variable: String,
        /// Where it was declared.
        origin: Origin,
    },
    /// A selected release that does not exist.
    #[error("environment `{environment}` has no release `{name}`")]
    NoRelease {
        /// The name.
        name: String,
        /// The environment.
        environment: String,
        /// A release that may be meant.
        nearest: Option<String>,
        /// The releases that there are.
        known: Vec<String>,
    },
    /// A release was selected by name, but its condition does not hold.
    #[error("release `{release}` is not there: its condition `{when}` does not hold")]
    NotThere {
        /// The release.
        release: String,
        /// The condition.
        when: String,
        /// Where it is written.
        origin: Origin,
    },
    /// A condition comes to something else than true or false.
    #[error("the condition `{when}` of release `{release}` comes to a {kind}, not to true or false")]
    NotACondition {
        /// The release.
        release: String,
        /// The condition.
        when: String,
        /// What it comes to.
        kind: &'static str,
        /// Where it is written.
        origin: Origin,
    },
    /// A selection that leaves no release.
    #[error("no release of environment `{environment}` is selected")]
    NothingSelected {
        /// The environment.
        environment: String,
        /// The labels that were asked for, as `key=value`.
        asked: Vec<String>,
        /// The labels that there are.
        labels: Vec<String>,
    },
}

/// A single word in backticks; a phrase as it is.
fn quoted(what: &str) -> String {
    if what.contains(' ') { what.to_owned() } else { format!("`{what}`") }
}

impl Diagnose for ProjectError {
    fn kind(&self) -> Kind {
        match self {
            Self::Yaml(inner) => inner.kind(),
            Self::Tree(inner) => inner.kind(),
            Self::Condition { source, .. } => source.kind(),
            _ => Kind::Input,
        }
    }

    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Yaml(inner) => inner.origin(),
            Self::Tree(inner) => inner.origin(),
            Self::Condition { source, .. } => source.origin(),
            Self::InputMissing { origin, .. } | Self::NotThere { origin, .. } | Self::NotACondition { origin, .. } => {
                Some(origin)
            }
            _ => self.place().map(|place| &place.origin).filter(|origin| origin.file.is_some()),
        }
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        match self {
            Self::Yaml(inner) => inner.excerpt(),
            Self::Condition { source, .. } => source.excerpt(),
            _ => self.place()?.excerpt.as_deref(),
        }
    }

    fn hint(&self) -> Option<String> {
        super::hint::of(self)
    }
}

impl ProjectError {
    fn place(&self) -> Option<&Place> {
        match self {
            Self::File { place, .. }
            | Self::NoEnvironment { place, .. }
            | Self::Reserved { place }
            | Self::InheritCycle { place, .. }
            | Self::ClusterCycle { place, .. }
            | Self::NotInDefaults { place, .. }
            | Self::NotYet { place, .. }
            | Self::NotAChart { place, .. }
            | Self::NotLocked { place, .. }
            | Self::NotVerified { place, .. }
            | Self::BadLock { place, .. }
            | Self::NotAPatch { place, .. }
            | Self::Target { place, .. }
            | Self::Contradiction { place, .. }
            | Self::WrongKind { place, .. }
            | Self::NotALabel { place, .. }
            | Self::NotADuration { place, .. }
            | Self::IncompleteRule { place, .. }
            | Self::MisusedRule { place, .. }
            | Self::NotAHealthTest { place, .. }
            | Self::NotAnExpression { place, .. }
            | Self::NotAFieldPath { place, .. }
            | Self::NoShippedRule { place, .. }
            | Self::NotAValuesFile { place, .. }
            | Self::SecretElsewhere { place, .. }
            | Self::Duplicate { place, .. }
            | Self::MissingField { place, .. }
            | Self::NeedUnknown { place, .. }
            | Self::NeedDisabled { place, .. }
            | Self::NeedCycle { place, .. }
            | Self::ValuesForNoRelease { place, .. }
            | Self::NoSource { place, .. } => Some(place),
            _ => None,
        }
    }
}
