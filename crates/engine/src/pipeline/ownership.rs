//! Compares the project that plans with the projects that own the state in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::{Project, State};
use crate::cluster::{Cluster, SetOwner};
use weft_base::diagnostic::{Failure, counted};
use weft_stages::plan::{Ownership, Plan, Refusal, Rewrite};
use weft_stages::project::Environment;

/// What is known of the project and of the state that it finds.
pub(super) fn ownership(project: &Project, state: &State) -> Ownership {
    let environment = &project.environment;
    let own = state.inventories.iter().map(|(release, it)| (release.clone(), it.owner.clone()));
    let declared = project.whole.releases.iter().chain(&environment.releases);
    let declared: Vec<_> = declared.map(|it| it.name.clone()).collect();
    // A release that nobody declares is adopted by nobody.
    let owners = own.filter(|(release, owner)| owner.is_some() || declared.contains(release));
    Ownership {
        id: environment.project.clone(),
        repository: project.repository.clone(),
        state_namespace: environment.state_namespace.clone(),
        releases: environment
            .releases
            .iter()
            .map(|it| it.name.clone())
            .chain(state.inventories.keys().cloned())
            .collect(),
        owners: owners.collect(),
        foreign: state.foreign.clone(),
    }
}

/// Names the owners of objects that belong to others.
pub(super) async fn name_owners(plan: &mut Plan, cluster: &Cluster, state_namespace: &str) -> Result<(), Failure> {
    if !plan.refusals.iter().any(|it| matches!(it, Refusal::ForeignSet { .. })) {
        return Ok(());
    }
    let sets = cluster.apply_sets(state_namespace).await?;
    for refusal in &mut plan.refusals {
        if let Refusal::ForeignSet { set, owner, .. } = refusal {
            *owner = sets.get(set).map(in_words);
        }
    }
    Ok(())
}

/// The releases of other projects in an environment of this name.
pub(super) async fn foreign(cluster: &Cluster, environment: &Environment) -> Result<BTreeSet<String>, Failure> {
    let sets = cluster.apply_sets(&environment.state_namespace).await?;
    let is_foreign = |it: &SetOwner| {
        let other = it.owner.as_ref().is_some_and(|owner| Some(&owner.id) != environment.project.as_ref());
        other && it.environment == environment.name
    };
    Ok(sets.into_values().filter(is_foreign).map(|it| it.release).collect())
}

fn in_words(set: &SetOwner) -> String {
    let SetOwner { owner, environment, release, secret } = set;
    let project = owner.as_ref().map(|it| format!(" of the project {it}")).unwrap_or_default();
    format!("the release `{release}` of `{environment}`{project}, whose state is the Secret `{secret}`")
}

/// What to know about state that changes hands.
pub(super) fn advice(plan: &Plan) -> Option<String> {
    let adopted: BTreeMap<_, _> = plan.rewrites.iter().filter(|(_, why)| **why == Rewrite::Adopted).collect();
    (!adopted.is_empty()).then(|| {
        format!(
            "The state of {} was written before projects had identities. The next apply notes that it belongs to this \
             project: make sure that no other repository applies an environment `{}` to this cluster.",
            counted(adopted.len(), "release"),
            plan.environment
        )
    })
}
