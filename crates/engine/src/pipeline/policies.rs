//! Checks a plan or a rendering against the policies of its repository.

use super::{Project, Revision};
use weft_base::diagnostic::Failure;
use weft_base::masked::FingerprintKey;
use weft_stages::plan::Plan;
use weft_stages::policy::{self, Judgement, PolicyFacts};
use weft_stages::state::saved::PlanPurpose;

/// What the policies of a project find in a plan. `cluster` is `None` if none was contacted.
pub(super) fn judgement(
    project: &Project,
    plan: &Plan,
    cluster: Option<&str>,
    key: &FingerprintKey,
    aim: &PlanPurpose,
) -> Result<Judgement, Failure> {
    Ok(policy::judge(&policy::read(&project.tree)?, plan, &facts(project, cluster, aim), key))
}

/// What the policies of a revision find in its objects, independent of an apply.
pub fn judged(revision: &Revision, key: &FingerprintKey) -> Result<Judgement, Failure> {
    let Revision { project, rendering } = revision;
    let policy = policy::read(&project.tree)?;
    let facts = facts(project, None, &PlanPurpose::Apply);
    Ok(policy::judge_objects(&policy, &project.environment.name, &rendering.desired.objects, &facts, key))
}

fn facts(project: &Project, cluster: Option<&str>, aim: &PlanPurpose) -> PolicyFacts {
    let aim = match aim {
        PlanPurpose::Apply => "apply",
        PlanPurpose::Remove => "destroy",
        PlanPurpose::GoBack { .. } => "rollback",
    };
    let commit = project.commit.as_ref().map(|it| it.id.clone());
    PolicyFacts { cluster: cluster.map(str::to_owned), commit, aim }
}
