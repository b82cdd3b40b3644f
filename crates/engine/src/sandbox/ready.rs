//! Waiting until a part of the control plane answers.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::Client;
use kube::api::{Api, ListParams};

use crate::sandbox::SandboxError;
use crate::sandbox::group::Group;

/// How long each part may take. A machine under load is slow; a broken component ends by itself before this.
const LONGEST: Duration = Duration::from_secs(90);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Waits until the API server says that it is ready.
pub(super) async fn server(group: &mut Group, client: &Client) -> Result<(), SandboxError> {
    wait(group, "kube-apiserver", "kube-apiserver", || async {
        let request = http::Request::get("/readyz").body(Vec::new()).map_err(kube::Error::HttpError)?;
        // Until then it refuses connections and requests in many ways.
        Ok(client.request_text(request).await.is_ok_and(|text| text == "ok"))
    })
    .await
}

/// Waits until the controllers have given the namespace `default` its service account.
pub(super) async fn service_account(group: &mut Group, client: &Client) -> Result<(), SandboxError> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), "default");
    let what = "the service account of the namespace `default`";
    wait(group, "kube-controller-manager", what, || async { Ok(api.get_opt("default").await?.is_some()) }).await
}

/// Waits until this many nodes are ready and without taints.
pub(super) async fn nodes(group: &mut Group, client: &Client, count: usize) -> Result<(), SandboxError> {
    if count == 0 {
        return Ok(());
    }
    let api: Api<Node> = Api::all(client.clone());
    wait(group, "kwok", &format!("the {count} faked nodes"), || async {
        let nodes = api.list(&ListParams::default()).await?;
        Ok(nodes.iter().filter(|node| is_ready(node)).count() >= count)
    })
    .await
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.is_some_and(|c| c.iter().any(|c| c.type_ == "Ready" && c.status == "True"));
    ready && node.spec.as_ref().and_then(|spec| spec.taints.as_ref()).is_none_or(Vec::is_empty)
}

async fn wait<F>(
    group: &mut Group,
    component: &str,
    what: &str,
    mut look: impl FnMut() -> F,
) -> Result<(), SandboxError>
where
    F: Future<Output = Result<bool, kube::Error>>,
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
