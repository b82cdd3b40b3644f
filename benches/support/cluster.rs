//! A real control plane, and what its API server was asked.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;
use weft::sandbox::{self, Options, Places, Sandbox};
use weft::trust::{ProcessEnvironment, Trust};

use super::Failure;
use super::project::namespace;

/// A running control plane. It ends with this value.
pub struct ControlPlane {
    runtime: Runtime,
    sandbox: Sandbox,
    client: Client,
}

impl ControlPlane {
    /// Starts one without nodes.
    pub fn start() -> Result<Self, Failure> {
        Self::with(true)
    }

    /// Starts one without controllers either: nothing but us changes objects, so that it is quiet right after an apply.
    pub fn quiet() -> Result<Self, Failure> {
        Self::with(false)
    }

    fn with(controllers: bool) -> Result<Self, Failure> {
        let runtime = Runtime::new()?;
        let places = Places::new(Trust::own(ProcessEnvironment::read(), Vec::new()).network()?)?;
        let options = Options { places, nodes: 0, controllers, users: Vec::new() };
        let (sandbox, client) = runtime.block_on(async {
            let sandbox = sandbox::start(&options, &|line| eprintln!("{line}")).await?;
            let kubeconfig = Kubeconfig::read_from(sandbox.kubeconfig())?;
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
            Ok::<_, Failure>((sandbox, weft::network::client(config)?))
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

    /// The administrator's client.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// What runs the requests of this process.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Where its API server listens.
    pub fn address(&self) -> Result<SocketAddr, Failure> {
        Ok(self.sandbox.server().trim_start_matches("https://").parse()?)
    }

    /// The kubeconfig with another address of the server, in a file that goes with the answer.
    pub fn kubeconfig_through(&self, server: Option<&str>) -> Result<NamedTempFile, Failure> {
        let text = fs::read_to_string(self.kubeconfig())?;
        let own = self.sandbox.server();
        let mut file = NamedTempFile::new()?;
        file.write_all(text.replace(own, server.unwrap_or(own)).as_bytes())?;
        Ok(file)
    }

    /// Starts `kubectl proxy`, which passes on requests that are not encrypted.
    pub fn plain(&self, kubectl: &Path) -> Result<Plain, Failure> {
        let mut command = Command::new(kubectl);
        command.args(["proxy", "--port=0", "--kubeconfig"]).arg(self.kubeconfig());
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().rsplit(' ').next().unwrap_or_default().parse();
        let plain = |address| Plain { child, address };
        Ok(plain(address.map_err(|_| format!("`kubectl proxy` says {line:?}"))?))
    }

    /// Changes a label of so many `ConfigMap`s of a fleet, under another name than ours.
    pub fn change(&self, objects: usize, copies: usize) -> Result<(), Failure> {
        for at in 0..objects {
            let (release, copy) = (at / copies, at % copies);
            let path = format!("/api/v1/namespaces/{}/configmaps/fleet-{release:04}-{copy}", namespace(release));
            let request = http::Request::patch(format!("{path}?fieldManager=somebody"))
                .header(http::header::CONTENT_TYPE, "application/merge-patch+json")
                .body(br#"{"metadata":{"labels":{"team":"others"}}}"#.to_vec())?;
            self.runtime.block_on(self.client.request_text(request))?;
        }
        Ok(())
    }

    /// Creates so many namespaces, `PREFIX-0` and so on.
    pub fn namespaces(&self, prefix: &str, count: usize) -> Result<(), Failure> {
        for at in 0..count {
            let name = format!("{prefix}-{at}");
            let body = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            let request = http::Request::post("/api/v1/namespaces")
                .header(http::header::CONTENT_TYPE, "application/json")
                .body(body.to_string().into_bytes())?;
            self.runtime.block_on(self.client.request_text(request))?;
        }
        Ok(())
    }

    /// Ends it.
    pub fn stop(self) -> Result<(), Failure> {
        Ok(self.runtime.block_on(self.sandbox.stop())?)
    }
}

/// A running `kubectl proxy`. It ends with this value.
pub struct Plain {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Drop for Plain {
    fn drop(&mut self) {
        // One that is gone already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
