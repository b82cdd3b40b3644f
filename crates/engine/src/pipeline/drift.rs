//! Finds drift and records it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Planned, Progress, Settings, plan};
use crate::cluster::Cluster;
use weft_base::diagnostic::Failure;
use weft_base::masked::FingerprintKey;
use weft_stages::drift::{self, BlindSpot, CheckScope, DriftCheck, Finding, HistoryUpdate, Memory};
use weft_stages::manifest::ObjectId;
use weft_stages::plan::Guards;
use weft_stages::state::second;

/// How often another run may record its findings before ours are given up.
const RACES: usize = 8;

/// Options of a drift check.
#[derive(Clone, Copy, Debug)]
pub struct DriftOptions {
    /// Whether to record the findings in the cluster.
    pub record: bool,
    /// Whether to look for unmanaged objects in the namespaces of the environment.
    pub unmanaged: bool,
}

/// Plans an environment, and tells what others did to it. Nothing is written but the findings, in the namespace of the
/// state, where anything is found or gone.
pub async fn look(
    settings: &Settings,
    guards: &Guards,
    looking: DriftOptions,
    progress: Progress<'_>,
) -> Result<(Planned, DriftCheck), Failure> {
    let planned = plan(settings, guards, progress).await?;
    let key = &planned.state.key;
    let mut findings = drift::findings(&planned.plan, key);
    let mut unseen = drift::unread(&planned.plan);
    let selected = || planned.project.environment.releases.iter().map(|it| it.name.clone()).collect();
    let mut scope = CheckScope {
        releases: (!settings.selection.is_all()).then(selected),
        unseen: unseen.iter().filter_map(|it| it.object.clone()).collect(),
        namespaces: BTreeSet::new(),
    };
    if looking.unmanaged {
        progress("looking for unmanaged objects");
        findings.extend(strays(&planned, &mut scope, &mut unseen).await?);
    }
    progress("comparing with earlier findings");
    let environment = &planned.project.environment;
    let memory = Remembering { cluster: &planned.cluster, namespace: &environment.state_namespace, key };
    let now = Timestamp::now();
    let (merged, memory) = if planned.state.key_is_kept {
        memory.remember(&environment.name, &findings, &scope, now, looking.record).await
    } else {
        (fresh(&findings, &scope, now, key), Memory::NotKept("nothing was applied here yet".to_owned()))
    };
    let look = DriftCheck {
        environment: environment.name.clone(),
        cluster: planned.cluster.address().to_owned(),
        commit: planned.project.commit.as_ref().map(|it| it.id.clone()),
        at: second(now),
        objects: planned.plan.steps.len(),
        findings: findings.into_iter().zip(merged.pasts).collect(),
        gone: merged.gone,
        unseen,
        memory,
        warnings: planned.warnings.clone(),
    };
    Ok((planned, look))
}

/// The plan that only puts back what others did, and whether it leaves anything, which is among its warnings.
#[must_use]
pub fn correct(planned: Planned) -> (Planned, bool) {
    let drift::Correction { plan, left } = drift::correction(&planned.plan, &planned.state.key);
    let remains = !left.is_empty();
    let left = left.into_iter().map(|(id, reason)| format!("{id} is not put back: {reason}."));
    let warnings = planned.warnings.iter().cloned().chain(left).collect();
    (Planned { plan, warnings, corrects: true, ..planned }, remains)
}

/// The objects in the namespaces of the environment that nobody manages.
async fn strays(
    planned: &Planned,
    scope: &mut CheckScope,
    unseen: &mut Vec<BlindSpot>,
) -> Result<Vec<Finding>, Failure> {
    let wanted = planned.plan.steps.iter().map(|step| &step.object.id);
    let members: BTreeSet<ObjectId> = planned.state.members().chain(wanted.cloned()).collect();
    let declared = planned.project.environment.releases.iter().map(|it| it.namespace.clone());
    let namespaces: BTreeSet<String> = declared.collect();
    let mut found = BTreeMap::new();
    for namespace in namespaces {
        let residing = planned.cluster.residing(&namespace, &planned.discovery).await?;
        if residing.unseen.is_empty() {
            scope.namespaces.insert(namespace.clone());
        }
        unseen.extend(residing.unseen.into_iter().map(|reason| BlindSpot { object: None, release: None, reason }));
        found.insert(namespace, residing.residents);
    }
    let residents: Vec<_> = found.into_values().flatten().collect();
    Ok(drift::unmanaged(&residents, &members, &planned.state.key))
}

/// What a look comes to that knows of no other.
fn fresh(findings: &[Finding], scope: &CheckScope, now: Timestamp, key: &FingerprintKey) -> HistoryUpdate {
    drift::History::default().merge(findings, scope, now, key)
}

struct Remembering<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    key: &'a FingerprintKey,
}

impl Remembering<'_> {
    /// Compares the findings with those of earlier looks, and keeps them for the next ones. What goes wrong with that makes
    /// the look no less true, and is told.
    async fn remember(
        &self,
        environment: &str,
        findings: &[Finding],
        scope: &CheckScope,
        now: Timestamp,
        record: bool,
    ) -> (HistoryUpdate, Memory) {
        let mut why = String::new();
        for _ in 0..RACES {
            let mut kept = match self.cluster.kept_findings(self.namespace, environment).await {
                Ok(kept) => kept,
                Err(error) => return (fresh(findings, scope, now, self.key), Memory::NotKept(error.to_string())),
            };
            environment.clone_into(&mut kept.history.environment);
            let merged = kept.history.merge(findings, scope, now, self.key);
            if findings.is_empty() && merged.gone.is_empty() {
                return (merged, Memory::Kept);
            }
            if !record {
                return (merged, Memory::NotKept("nobody asked for it".to_owned()));
            }
            if !self.cluster.may_keep_findings(self.namespace, environment, &kept).await {
                return (merged, Memory::NotKept(format!("not allowed to {}", kept.right(self.namespace))));
            }
            match self.cluster.keep_findings(self.namespace, &kept).await {
                Ok(()) => return (merged, Memory::Kept),
                Err(error) if error.is_overtaken() => why = error.to_string(),
                Err(error) => return (merged, Memory::NotKept(error.to_string())),
            }
        }
        (fresh(findings, scope, now, self.key), Memory::NotKept(format!("others were faster each time: {why}")))
    }
}
