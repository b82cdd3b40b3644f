//! Checks that a plan only changes state of its own project. State of another project, or of another repository with
//! the same identity, is left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Action, Guards, Plan, Refusal, ReleaseFacts, Step};
use crate::manifest::inventory_name;
use crate::project::{Owner, Repository};

/// What is known of the project that plans, and of the projects that the state of its environment belongs to.
#[derive(Clone, Debug, Default)]
pub struct Ownership {
    /// The identity of the project; `None` if it has none yet.
    pub id: Option<String>,
    /// The location of the project.
    pub repository: Repository,
    /// The namespace of the state.
    pub state_namespace: String,
    /// The releases that the run is about.
    pub releases: BTreeSet<Arc<str>>,
    /// By release of the run that has an inventory, whose it is; `None` for one that is older than identities.
    pub owners: BTreeMap<Arc<str>, Option<Owner>>,
    /// By release of another project, this project.
    pub foreign: BTreeMap<Arc<str>, Owner>,
}

/// Why an inventory is written anew though none of its objects changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rewrite {
    /// It was written before projects had identities, and belongs to this project from now on.
    Adopted,
    /// The repository of the project moved.
    Moved,
    /// It does not list objects that carry the release's label.
    Incomplete,
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Adopted => "its state has no project yet, and belongs to this one from now on",
            Self::Moved => "its state names this repository from now on",
            Self::Incomplete => "its inventory does not list all of its objects, and is written anew",
        })
    }
}

impl Plan {
    /// Refuses to touch what belongs to others, and notes which inventories are written anew.
    pub fn claim(&mut self, ownership: &Ownership, facts: &[ReleaseFacts], guards: &Guards) {
        let mut refusals = ownership.foreign_releases(&self.environment);
        if ownership.id.is_none() && !self.is_empty() {
            refusals.push(Refusal::NoIdentity);
        }
        if !guards.repository_moved
            && let Some(recorded) = ownership.moved_from()
        {
            refusals.push(Refusal::OtherRepository {
                recorded: recorded.to_string(),
                repository: ownership.repository.to_string(),
            });
        }
        self.refusals.splice(..0, refusals);
        self.rewrites.extend(self.incomplete(facts));
        if ownership.id.is_some() {
            let rewrites = ownership.owners.iter().filter(|(release, _)| ownership.releases.contains(*release));
            let rewrites =
                rewrites.filter_map(|(release, owner)| Some((release.to_string(), ownership.rewrite(owner.as_ref())?)));
            self.rewrites.extend(rewrites);
        }
    }

    /// The releases with objects that are as the repository wants them, our label among it, and that their inventory does
    /// not list: it was lost, or somebody changed it.
    fn incomplete(&self, facts: &[ReleaseFacts]) -> BTreeMap<String, Rewrite> {
        let is_ours = |step: &&Step| {
            step.action == Action::Unchanged && step.object.desired.as_ref().is_some_and(|it| !it.implicit)
        };
        let is_missing = |step: &&Step| {
            let facts = facts.iter().find(|it| it.name == step.object.release);
            facts.is_some_and(|it| !it.inventory.contains(&step.object.id))
        };
        let steps = self.steps.iter().filter(is_ours).filter(is_missing);
        steps.map(|step| (step.object.release.to_string(), Rewrite::Incomplete)).collect()
    }
}

impl Ownership {
    fn foreign_releases(&self, environment: &str) -> Vec<Refusal> {
        let ours = self.foreign.iter().filter(|(release, _)| self.releases.contains(*release));
        let refusal = |(release, owner): (&Arc<str>, &Owner)| Refusal::OtherProject {
            release: release.to_string(),
            owner: owner.to_string(),
            secret: format!("{}/{}", self.state_namespace, inventory_name(environment, release)),
        };
        ours.map(refusal).collect()
    }

    /// The repository that applied this project last, if it is known to be another one.
    fn moved_from(&self) -> Option<&Repository> {
        let recorded = self.owners.values().flatten().map(|it| &it.repository);
        recorded.into_iter().find(|it| self.repository.differs_from(it))
    }

    fn rewrite(&self, owner: Option<&Owner>) -> Option<Rewrite> {
        match owner {
            None => Some(Rewrite::Adopted),
            Some(owner) => self.repository.differs_from(&owner.repository).then_some(Rewrite::Moved),
        }
    }
}
