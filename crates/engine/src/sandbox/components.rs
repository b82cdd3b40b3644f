//! The components of a control plane, with their flags.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use crate::sandbox::group::ProcessGroup;
use crate::sandbox::programs::Programs;
use crate::sandbox::{Options, SandboxError};

const STAGES: &str = include_str!("stages.yaml");

/// The ports of a control plane on the loopback interface.
pub(super) struct Ports {
    etcd: u16,
    peer: u16,
    server: u16,
}

impl Ports {
    /// Ports that are free now. Another process may take one before we do, and then the component that needs it ends.
    pub fn free() -> Result<Self, SandboxError> {
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(SandboxError::Port);
        let held = [listen()?, listen()?, listen()?];
        let port = |at: usize| held[at].local_addr().map(|a| a.port()).map_err(SandboxError::Port);
        Ok(Self { etcd: port(0)?, peer: port(1)?, server: port(2)? })
    }

    /// The address of the API server.
    pub fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.server)
    }
}

/// The programs that a sandbox of these options runs.
pub(super) fn wanted(options: &Options) -> &'static [&'static str] {
    const BARE: &[&str] = &["etcd", "kube-apiserver", "kube-controller-manager"];
    const SERVER: &[&str] = &["etcd", "kube-apiserver"];
    const WITH_NODES: &[&str] = &["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"];
    match (options.controllers, options.nodes) {
        (false, _) => SERVER,
        (true, 0) => BARE,
        (true, _) => WITH_NODES,
    }
}

/// Starts etcd and the API server, which waits for etcd by itself.
pub(super) fn start_server(group: &mut ProcessGroup, programs: &Programs, ports: &Ports) -> Result<(), SandboxError> {
    let folder = group.folder().to_owned();
    group.start("etcd", command(&folder, programs, "etcd")?.args(etcd(ports)))?;
    group.start("kube-apiserver", command(&folder, programs, "kube-apiserver")?.args(apiserver(ports)))
}

/// Starts what acts on objects. It needs an API server that answers.
pub(super) fn start_controllers(
    group: &mut ProcessGroup,
    programs: &Programs,
    nodes: bool,
) -> Result<(), SandboxError> {
    let folder = group.folder().to_owned();
    let manager = ["--service-account-private-key-file=accounts.key", "--root-ca-file=ca.crt"];
    group.start(
        "kube-controller-manager",
        command(&folder, programs, "kube-controller-manager")?.args(CONTROLLER).args(manager),
    )?;
    if nodes {
        let stages = folder.join("stages.yaml");
        std::fs::write(&stages, STAGES).map_err(SandboxError::file(&stages))?;
        group.start("kube-scheduler", command(&folder, programs, "kube-scheduler")?.args(CONTROLLER))?;
        group.start("kwok", command(&folder, programs, "kwok")?.args(KWOK))?;
    }
    Ok(())
}

fn command(folder: &Path, programs: &Programs, name: &'static str) -> Result<Command, SandboxError> {
    let mut command = Command::new(programs.path(name)?);
    command.current_dir(folder);
    // Loopback only: a proxy of the user's is never right.
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "KUBECONFIG"] {
        command.env_remove(variable);
    }
    Ok(command)
}

/// The data is thrown away, so nothing is forced onto the disk.
fn etcd(ports: &Ports) -> Vec<String> {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peer = format!("http://127.0.0.1:{}", ports.peer);
    vec![
        "--data-dir=etcd".into(),
        "--unsafe-no-fsync".into(),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
    ]
}

fn apiserver(ports: &Ports) -> Vec<String> {
    let mut flags: Vec<String> = APISERVER.iter().map(|&flag| flag.to_owned()).collect();
    flags.push(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd));
    flags.push(format!("--secure-port={}", ports.server));
    flags
}

const APISERVER: [&str; 14] = [
    "--allow-privileged=true",
    "--authorization-mode=RBAC",
    "--bind-address=127.0.0.1",
    "--cert-dir=.",
    "--client-ca-file=ca.crt",
    // The address is a loopback one, which no Endpoints object may hold.
    "--endpoint-reconciler-type=none",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    "--service-account-key-file=accounts.pub",
    "--service-account-signing-key-file=accounts.key",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--tls-cert-file=server.crt",
    "--tls-private-key-file=server.key",
    "--token-auth-file=tokens.csv",
    "--profiling=false",
];

const CONTROLLER: [&str; 3] = ["--kubeconfig=kubeconfig", "--leader-elect=false", "--secure-port=0"];

const KWOK: [&str; 4] =
    ["--kubeconfig=kubeconfig", "--config=stages.yaml", "--manage-all-nodes=true", "--node-lease-duration-seconds=40"];
