//! A bare client: the LISTs of the objects of a fleet, whose answers are read and dropped.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use http::header::ACCEPT_ENCODING;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::Failure;
use super::project::{NAMESPACES, namespace};

/// The collections of the ten kinds.
const KINDS: [&str; 10] = [
    "/api/v1/NS/configmaps",
    "/api/v1/NS/secrets",
    "/api/v1/NS/serviceaccounts",
    "/api/v1/NS/services",
    "/apis/apps/v1/NS/deployments",
    "/apis/apps/v1/NS/statefulsets",
    "/apis/networking.k8s.io/v1/NS/ingresses",
    "/apis/networking.k8s.io/v1/NS/networkpolicies",
    "/apis/rbac.authorization.k8s.io/v1/NS/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/NS/roles",
];

/// As many requests are under way at once as ours begin with.
const IN_FLIGHT: usize = 16;

/// What the LISTs took.
#[derive(Clone, Copy)]
pub struct Lists {
    /// From the first request to the end of the last answer; connecting is part of it.
    pub took: Duration,
    /// The bytes of the answers, unpacked.
    pub bytes: usize,
}

/// How answers are asked for: packed, as over a long way, or as they are.
#[derive(Clone, Copy)]
pub enum Encoding {
    /// With gzip.
    Packed,
    /// As they are.
    Plain,
}

/// Sends the LISTs of a fleet of so many releases, through `relay` where there is one.
pub async fn lists(
    kubeconfig: &Path,
    relay: Option<SocketAddr>,
    releases: usize,
    encoding: Encoding,
) -> Result<Lists, Failure> {
    let mut config =
        Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &KubeConfigOptions::default()).await?;
    if let Some(address) = relay {
        config.cluster_url = format!("https://{address}").parse()?;
    }
    let client = weft::network::client(config)?;
    let namespaces = (0..releases.min(NAMESPACES)).map(namespace);
    let paths = namespaces.flat_map(|it| KINDS.map(|kind| kind.replace("NS", &format!("namespaces/{it}"))));
    let began = Instant::now();
    // Each on a task of its own, so that all cores read.
    let requests = paths.map(|path| {
        let client = client.clone();
        async move { tokio::spawn(list(client, path, encoding)).await? }
    });
    let requests = futures::stream::iter(requests).buffer_unordered(IN_FLIGHT);
    let bytes = requests.try_fold(0, |sum, bytes| async move { Ok(sum + bytes) }).await;
    let bytes = bytes.map_err(|error: Shared| error.to_string())?;
    Ok(Lists { took: began.elapsed(), bytes })
}

/// The pages of one LIST.
async fn list(client: Client, path: String, encoding: Encoding) -> Result<usize, Shared> {
    let accepted = match encoding {
        Encoding::Packed => "gzip",
        Encoding::Plain => "identity",
    };
    let request = http::Request::get(format!("{path}?limit=500")).header(ACCEPT_ENCODING, accepted);
    let answer = client.send(request.body(Body::empty())?).await?;
    if !answer.status().is_success() {
        return Err(format!("{path}: {}", answer.status()).into());
    }
    Ok(answer.into_body().collect_bytes().await?.len())
}

/// A failure that may go from thread to thread.
type Shared = Box<dyn std::error::Error + Send + Sync>;
