//! Waiting until a part of the control plane answers.

use std::time::{Duration, Instant};

use k8s_openapi::List;
use k8s_openapi::api::core::v1::{Node, ServiceAccount};

use crate::cluster::{ClusterError, Identity, Request, Transport};
use crate::sandbox::SandboxError;
use crate::sandbox::group::ProcessGroup;

/// How long each part may take. A machine under load is slow; a broken component ends by itself before this.
const LONGEST: Duration = Duration::from_secs(90);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until the API server says that it is ready.
pub(super) async fn server(group: &mut ProcessGroup, client: &Transport) -> Result<(), SandboxError> {
    wait(group, "kube-apiserver", "kube-apiserver", || async {
        let request = Request::get("/readyz".to_owned(), "ask whether it is ready".to_owned());
        // Until then it refuses connections and requests in many ways.
        let answer = client.exchange(Identity::Own, &request, LONGEST).await;
        Ok(answer.is_ok_and(|answer| answer.body == b"ok"))
    })
    .await
}

/// Waits until the controllers have given the namespace `default` its service account.
pub(super) async fn service_account(group: &mut ProcessGroup, client: &Transport) -> Result<(), SandboxError> {
    let path = "/api/v1/namespaces/default/serviceaccounts/default";
    let what = "the service account of the namespace `default`";
    let request = Request::get(path.to_owned(), format!("read {what}"));
    wait(group, "kube-controller-manager", what, || async {
        Ok(client.fetch::<ServiceAccount>(&request).await?.is_some())
    })
    .await
}

/// Waits until this many nodes are ready and without taints.
pub(super) async fn nodes(group: &mut ProcessGroup, client: &Transport, count: usize) -> Result<(), SandboxError> {
    if count == 0 {
        return Ok(());
    }
    let request = Request::get("/api/v1/nodes".to_owned(), "list the nodes".to_owned());
    wait(group, "kwok", &format!("the {count} faked nodes"), || async {
        let nodes = client.fetch::<List<Node>>(&request).await?;
        Ok(nodes.is_some_and(|nodes| nodes.items.iter().filter(|node| is_ready(node)).count() >= count))
    })
    .await
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.is_some_and(|c| c.iter().any(|c| c.type_ == "Ready" && c.status == "True"));
    ready && node.spec.as_ref().and_then(|spec| spec.taints.as_ref()).is_none_or(Vec::is_empty)
}

async fn wait<F>(
    group: &mut ProcessGroup,
    component: &str,
    what: &str,
    mut look: impl FnMut() -> F,
) -> Result<(), SandboxError>
where
    F: Future<Output = Result<bool, ClusterError>>,
{
    let began = Instant::now();
    while !look().await? {
        group.check()?;
        if began.elapsed() > LONGEST {
            let log = group.tail(component);
            return Err(SandboxError::NotReady { what: what.to_owned(), seconds: LONGEST.as_secs(), log });
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
