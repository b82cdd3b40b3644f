//! A real control plane, and what its API server was asked.

use std::path::Path;

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::runtime::Runtime;
use weft::sandbox::{self, Options, Places, Sandbox};

use super::Failure;

/// A running control plane. It ends with this value.
pub struct ControlPlane {
    runtime: Runtime,
    sandbox: Sandbox,
    client: Client,
}

impl ControlPlane {
    /// Starts one. It has no nodes, so nothing but us changes objects.
    pub fn start() -> Result<Self, Failure> {
        let runtime = Runtime::new()?;
        let places = Places::of(&|name| std::env::var(name).ok())?;
        let options = Options { places, nodes: 0, controllers: true, users: Vec::new() };
        let (sandbox, client) = runtime.block_on(async {
            let sandbox = sandbox::start(&options, &|line| eprintln!("{line}")).await?;
            let kubeconfig = Kubeconfig::read_from(sandbox.kubeconfig())?;
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
            Ok::<_, Failure>((sandbox, Client::try_from(config)?))
        })?;
        Ok(Self { runtime, sandbox, client })
    }

    /// The kubeconfig of its administrator.
    pub fn kubeconfig(&self) -> &Path {
        self.sandbox.kubeconfig()
    }

    /// How many dry runs the API server was asked for since it started, as it counts them itself.
    pub fn dry_runs(&self) -> Result<u64, Failure> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let metrics = self.runtime.block_on(self.client.request_text(request))?;
        let dry_runs = metrics
            .lines()
            .filter(|line| line.starts_with("apiserver_request_total{") && line.contains(r#"dry_run="All""#));
        let count = |line: &str| line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok());
        Ok(dry_runs.filter_map(count).sum())
    }

    /// Ends it.
    pub fn stop(self) -> Result<(), Failure> {
        Ok(self.runtime.block_on(self.sandbox.stop())?)
    }
}
