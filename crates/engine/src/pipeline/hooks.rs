//! Checks the hooks of a plan by dry runs before anything is applied.

use futures::StreamExt as _;

use super::PipelineError;
use super::additions::PlannedAdditions;
use super::compare::refused;
use super::definitions::defined;
use crate::cluster::{Cluster, Permits, Right, WriteError};
use weft_base::diagnostic::Failure;
use weft_schema::{Discovery, Schemas};
use weft_stages::diff::{self, Judged, ServerAnswer};
use weft_stages::manifest::Object;
use weft_stages::plan::{Action, Plan};

/// Hooks that are asked about at once; how many requests are sent is decided by the cluster.
const ASKED: usize = 16;

/// Asks about the hooks of a plan, checks ourselves those that cannot be asked about, and refuses what is wrong.
pub(super) async fn check(plan: &mut Plan, cluster: &Cluster, discovery: &Discovery) -> Result<(), Failure> {
    let (coming, schemas) = coming(plan);
    let permits = &Permits::default();
    let asked = plan.hooks_to_check().filter_map(|it| it.desired.clone()).collect::<Vec<_>>().into_iter();
    let asked = asked.map(|object| {
        let coming = &coming;
        async move { judge(&object, coming, cluster, permits, discovery).await }
    });
    let judged: Vec<_> = futures::stream::iter(asked).buffered(ASKED).collect().await;
    for (comparison, judged) in plan.hooks_to_check().zip(judged) {
        comparison.judged = judged?;
        diff::check(comparison, &schemas);
    }
    plan.refuse_hooks();
    Ok(())
}

/// What the plan brings, the hooks among it, and the schemas of the kinds that it defines.
fn coming(plan: &Plan) -> (PlannedAdditions, Schemas) {
    let mut coming = PlannedAdditions::default();
    let mut schemas = Schemas::new();
    for step in &plan.steps {
        let Some(object) = &step.object.desired else { continue };
        if step.action == Action::Create || step.action.hook().is_some() {
            coming.objects.insert(object.id.clone());
        }
        if step.action.is_write() && object.id.kind.is_definition() {
            coming.kinds.extend(defined(&object.body));
            schemas.add_crd(&object.body);
        }
    }
    (coming, schemas)
}

/// What the server says of a hook; an error if the server was lost.
async fn judge(
    object: &Object,
    coming: &PlannedAdditions,
    cluster: &Cluster,
    permits: &Permits,
    discovery: &Discovery,
) -> Result<Judged, PipelineError> {
    let predicted = |reason: String| Ok(Judged::Predicted(reason));
    let Some(resource) = discovery.resource(&object.gvk).filter(|_| !coming.kinds.contains(&object.id.kind)) else {
        return predicted("its CustomResourceDefinition is part of this plan".to_owned());
    };
    if let Some(reason) = coming.obstacle(object) {
        return predicted(reason);
    }
    let right = Right::new("create", resource, object.id.namespace.as_deref());
    if !permits.has(cluster, &right, &object.id.name).await {
        return predicted(format!("not allowed to {right}, which a dry run needs"));
    }
    match cluster.rehearse(&object.id, resource, &object.body).await {
        Ok(()) => Ok(Judged::DryRun),
        Err(WriteError::Refused { refusal, message }) => match refused(&refusal, message) {
            ServerAnswer::Refused(message) => Ok(Judged::Refused(message)),
            ServerAnswer::Impossible(reason) => predicted(reason),
            _ => Ok(Judged::DryRun),
        },
        Err(source) => Err(PipelineError::Lost { id: object.id.clone(), source: Box::new(source) }),
    }
}
