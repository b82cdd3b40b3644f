//! A plan under the rules of its repository.

use super::Project;
use crate::diagnostic::Failure;
use crate::masked::FingerprintKey;
use crate::plan::{Finding, Plan};
use crate::policy::{self, Facts};
use crate::state::saved::Aim;

/// What the policies of a project find in a plan.
pub(super) fn findings(
    project: &Project,
    plan: &Plan,
    cluster: &str,
    key: &FingerprintKey,
    aim: &Aim,
) -> Result<Vec<Finding>, Failure> {
    let policy = policy::read(&project.tree)?;
    let commit = project.commit.as_ref().map(|it| it.id.clone());
    let aim = match aim {
        Aim::Apply => "apply",
        Aim::Remove => "destroy",
        Aim::GoBack { .. } => "rollback",
    };
    let facts = Facts { cluster: Some(cluster.to_owned()), commit, aim };
    Ok(policy::judge(&policy, plan, &facts, key))
}
