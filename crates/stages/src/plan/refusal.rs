//! The reasons to refuse a plan, each with the way to lift it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Finding, replace};
use crate::diff::Writer;
use crate::manifest::ObjectId;
use weft_base::diagnostic::{Diagnose, Kind, counted};

/// A guard's no. Its hint names what would lift it.
#[derive(Clone, Debug, PartialEq, Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Refusal {
    /// More objects of a release would be deleted than the cap allows.
    #[error("the release `{release}` would lose {}, and at most {cap} may go without a confirmation", counted(*deletes, "object"))]
    PruneCap {
        release: String,
        /// How many would be deleted.
        deletes: usize,
        /// How many may be.
        cap: usize,
        /// What confirms exactly the deletions of this plan.
        confirm: String,
    },
    /// More objects of all releases together would be deleted than the cap of the environment allows.
    #[error("the environment `{environment}` would lose {}, and at most {cap} may go without a confirmation", counted(*deletes, "object"))]
    EnvironmentCap {
        environment: String,
        /// How many would be deleted.
        deletes: usize,
        /// How many may be.
        cap: usize,
        /// What confirms exactly the deletions of this plan.
        confirm: String,
    },
    /// The environment has no releases, and the cluster has objects of some.
    #[error("the environment `{environment}` has no releases any more, and {} would lose all that they have: {}", counted(*releases, "release"), counted(*deletes, "object"))]
    EmptyEnvironment {
        environment: String,
        /// How many releases would go.
        releases: usize,
        /// How many objects would be deleted.
        deletes: usize,
    },
    /// A release is not in the environment, and the cluster has its objects.
    #[error("{why}, and it would lose all that it has: {}", counted(*deletes, "object"))]
    VanishedRelease {
        release: String,
        /// Why it is not there, in words.
        why: String,
        /// How many objects would be deleted.
        deletes: usize,
    },
    /// A release has another namespace, and would lose its objects in the old one.
    #[error("the release `{release}` moves from the namespace `{from}` to `{to}`, and would lose what it has in `{from}`: {}", counted(*deletes, "object"))]
    LeftNamespace {
        release: String,
        /// The namespace that its objects are in.
        from: String,
        /// The namespace that it has now.
        to: String,
        /// How many objects would be deleted.
        deletes: usize,
    },
    /// The project has no identity.
    #[error("the project has no identity, which keeps its state apart from that of other projects")]
    NoIdentity,
    /// The state of a release belongs to another project.
    #[error("the release `{release}` belongs to another project, {owner}; its state is the Secret `{secret}`")]
    OtherProject {
        release: String,
        /// The identity of the project and where it is.
        owner: String,
        /// The Secret that holds the inventory.
        secret: String,
    },
    /// Another repository with the same identity applied the environment.
    #[error("the state belongs to the project in {recorded}, and this project has the same identity in {repository}")]
    OtherRepository {
        /// The repository that applied it last.
        recorded: String,
        /// This repository.
        repository: String,
    },
    /// The repository renders nothing for a release that has objects in the cluster.
    #[error("the release `{release}` renders nothing, and would lose all that it has: {}", counted(*deletes, "object"))]
    EmptyRender {
        release: String,
        /// How many would be deleted.
        deletes: usize,
    },
    /// A controller or another tool owns a field that we want to set.
    #[error("{}", overwrites(id, path, writer, live.as_deref(), desired))]
    Conflict {
        id: ObjectId,
        path: String,
        /// Who owns it.
        writer: Writer,
        /// What they made of it, in short; a secret is a sketch. `None` where it is gone, and they may have removed it.
        live: Option<String>,
        /// What it would become, likewise.
        desired: String,
        /// Why a rule says that a person has to decide.
        rule: Option<String>,
    },
    /// The object belongs to another apply set.
    #[error("{}", foreign(id, set, owner.as_deref()))]
    ForeignSet {
        id: ObjectId,
        /// The set that its label names.
        set: String,
        /// Whose that is and where its state is, in words, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// The server says that it would not take an object.
    #[error("the server refuses `{id}`: {message}")]
    Server {
        id: ObjectId,
        /// What the server says.
        message: String,
    },
    /// An immutable field would have to change, and the object is never recreated without a person.
    #[error("the field `{path}` of `{id}` cannot be changed after creation, and it is not made again; {}", lost(loses))]
    Immutable {
        id: ObjectId,
        path: String,
        /// What would go with it.
        loses: Vec<String>,
    },
    /// An object would have to be recreated.
    #[error("`{id}` would be deleted and made again, since {reason}; {}", lost(loses))]
    Replace {
        id: ObjectId,
        /// The cause.
        reason: String,
        /// What would go with it.
        loses: Vec<String>,
    },
    /// A definition would lose a version in which the server stores objects.
    #[error("`{id}` has no version `{version}` any more, and the server may hold objects that are stored in it")]
    StoredVersion {
        /// The definition.
        id: ObjectId,
        /// The version.
        version: String,
    },
    /// What an object depends on is not there, or cannot be read.
    #[error("`{id}` depends on {on}")]
    Dependency {
        id: ObjectId,
        /// What it names, and what is wrong with that.
        on: String,
    },
    /// What comes after what goes round in a circle.
    #[error("the order goes round in a circle: {}", path.join(", which comes after "))]
    Circle {
        /// Releases and objects, each after the next one; the last is the first.
        path: Vec<String>,
    },
    /// A mark of another tool asks for what is not done.
    #[error("`{id}` has `{mark}`, {why}")]
    Mark {
        id: ObjectId,
        /// The annotation or label with its value.
        mark: String,
        /// Why it is refused.
        why: String,
        /// What to do.
        hint: String,
    },
    /// A rule of the repository denies it.
    #[error("{}", denied(.0))]
    Policy(Finding),
    /// The server would refuse an object, as its schema and rules say.
    #[error("`{id}` is not valid: {}{message}", at(path))]
    Invalid {
        id: ObjectId,
        /// The field; empty for the whole object.
        path: String,
        /// The constraint, or the text of a CEL rule.
        rule: String,
        /// What is wrong, in the server's words.
        message: String,
    },
}

/// What a plan would do to a field of somebody else.
fn overwrites(id: &ObjectId, path: &str, writer: &Writer, live: Option<&str>, desired: &str) -> String {
    let manager = &writer.manager;
    match live {
        Some(live) => format!(
            "`{manager}` owns the field `{path}` of `{id}`, and the plan would overwrite it: {live}, by {writer}, would become {desired}"
        ),
        None => format!(
            "the field `{path}` of `{id}` is gone, which may be the work of {writer}, and the plan would make it {desired} again"
        ),
    }
}

/// What a rule denies.
fn denied(finding: &Finding) -> String {
    let Finding { rule, message, object, .. } = finding;
    let about = object.as_ref().map(|it| format!("`{it}`: ")).unwrap_or_default();
    format!("{about}{message}, by the rule `{rule}`")
}

/// To whom an object belongs.
fn foreign(id: &ObjectId, set: &str, owner: Option<&str>) -> String {
    match owner {
        Some(owner) => format!("`{id}` belongs to {owner}"),
        None => format!("`{id}` belongs to the apply set `{set}`, which is none of this environment's"),
    }
}

/// What goes with an object.
fn lost(loses: &[String]) -> String {
    let things = if loses.is_empty() { "nothing else that is known".into() } else { loses.join(", ") };
    format!("lost with it: {things}")
}

fn at(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}

impl Refusal {
    /// The object that it is about; `None` for a whole release.
    pub fn object(&self) -> Option<&ObjectId> {
        match self {
            Self::Conflict { id, .. }
            | Self::ForeignSet { id, .. }
            | Self::Server { id, .. }
            | Self::Immutable { id, .. }
            | Self::Replace { id, .. }
            | Self::StoredVersion { id, .. }
            | Self::Dependency { id, .. }
            | Self::Mark { id, .. }
            | Self::Invalid { id, .. } => Some(id),
            Self::Policy(finding) => finding.object.as_ref(),
            Self::PruneCap { .. }
            | Self::EnvironmentCap { .. }
            | Self::EmptyEnvironment { .. }
            | Self::VanishedRelease { .. }
            | Self::LeftNamespace { .. }
            | Self::NoIdentity
            | Self::OtherProject { .. }
            | Self::OtherRepository { .. }
            | Self::EmptyRender { .. }
            | Self::Circle { .. } => None,
        }
    }

    /// A word for the variant, for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PruneCap { .. } => "prune-cap",
            Self::EnvironmentCap { .. } => "environment-cap",
            Self::EmptyEnvironment { .. } => "empty-environment",
            Self::VanishedRelease { .. } => "vanished-release",
            Self::LeftNamespace { .. } => "left-namespace",
            Self::NoIdentity => "no-identity",
            Self::OtherProject { .. } => "other-project",
            Self::OtherRepository { .. } => "other-repository",
            Self::EmptyRender { .. } => "empty-render",
            Self::Conflict { .. } => "conflict",
            Self::ForeignSet { .. } => "foreign-set",
            Self::Server { .. } => "server",
            Self::Immutable { .. } => "immutable",
            Self::Replace { .. } => "replace",
            Self::StoredVersion { .. } => "stored-version",
            Self::Dependency { .. } => "dependency",
            Self::Circle { .. } => "circle",
            Self::Mark { .. } => "mark",
            Self::Policy(_) => "policy",
            Self::Invalid { .. } => "invalid",
        }
    }
}

impl Diagnose for Refusal {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::EmptyEnvironment { environment, .. } => format!(
                "Look at `releases:` and `inherits:` of its files. If that is meant, `weft destroy {environment}` deletes \
                 everything and `weft orphan {environment}` lets go of it; `--allow-empty {environment}` goes on here."
            ),
            Self::VanishedRelease { release, .. } => format!(
                "Look at `releases:`, `enabled:`, `when:` and `inherits:` of the environment. If that is meant, say \
                 `--remove-release {release}`."
            ),
            Self::LeftNamespace { release, .. } => format!(
                "Look at `namespace:` of the release. If that is meant, say `--remove-release {release}`: what it has in \
                 the old namespace is deleted and made anew in the other one."
            ),
            Self::NoIdentity => {
                "`weft init --identity` writes `environments/project.yaml`: run it in a work tree and commit the file.".into()
            }
            Self::OtherProject { .. } => "Give the release another name, or this project a `stateNamespace` of its own in \
                 `environments/defaults.yaml`."
                .into(),
            Self::OtherRepository { .. } => "A fork or copy needs an identity of its own: delete `environments/project.yaml` \
                 and run `weft init --identity`. If the repository only moved, say `--repository-moved` once."
                .into(),
            Self::PruneCap { confirm, .. } | Self::EnvironmentCap { confirm, .. } => {
                format!("Read the deletions above; `--confirm-prune {confirm}` allows exactly these.")
            }
            Self::EmptyRender { release, .. } => format!(
                "Look at what `weft render` prints for it. If that is meant, remove the release from the environment, \
                 or say `--allow-empty {release}`."
            ),
            Self::Conflict { writer: Writer { manager, .. }, rule, .. } => {
                let rule = rule.as_ref().map(|reason| format!(" A rule stops here: {reason}.")).unwrap_or_default();
                format!(
                    "Leave the field out of the repository if `{manager}` is to decide it, or adopt what it decides by a \
                     rule of `conflicts`; `--take {manager}` overwrites it.{rule}"
                )
            }
            Self::ForeignSet { .. } => format!(
                "Give the object another name, or remove it from the other set and its label `{}` from the object.",
                super::PART_OF
            ),
            Self::Server { .. } => "Correct the object in the repository; nothing was sent but a dry run.".into(),
            Self::Immutable { .. } => {
                "Take the change back, or give the object a new name and move what it holds. It is deleted only by hand."
                    .into()
            }
            Self::Replace { id, .. } => format!(
                "Take the change back, give the object a new name, say `--replace {}`, or allow it for good by a rule of \
                 `replace`.",
                replace::word(id)
            ),
            Self::StoredVersion { version, .. } => format!(
                "Keep `{version}` with `served: false`, write every object anew in the stored version, take `{version}` \
                 out of the definition's `status.storedVersions`, and only then leave it out."
            ),
            Self::Dependency { .. } => "An entry of `config.kubernetes.io/depends-on` is `group/kind/name` or \
                 `group/namespaces/namespace/kind/name` of an object of this environment; the core group is empty."
                .into(),
            Self::Circle { .. } => "Take one of them out of `needs`, `config.kubernetes.io/depends-on` or \
                 `argocd.argoproj.io/sync-wave`."
                .into(),
            Self::Mark { hint, .. } => hint.clone(),
            Self::Policy(finding) => format!("The rule is at {}: meet it, or change it.", finding.policy),
            Self::Invalid { rule, .. } => format!("Correct the object in the repository. The rule is: {rule}"),
        })
    }
}
