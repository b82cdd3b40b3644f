//! A throwaway real control plane on this machine.
//!
//! [`start`] brings up etcd, kube-apiserver and kube-controller-manager in a folder and on ports of their own, and with
//! [`Options::nodes`] also kube-scheduler and kwok, whose faked nodes make workloads ready without running anything.
//! [`Places`] says where the programs come from. Nothing outlives its owner: see `group`. A sandbox that is to
//! outlive it gets a name: [`up`], [`down`], [`env()`].

mod account;
mod build;
mod certificates;
mod components;
mod download;
mod edit;
mod error;
mod group;
mod named;
mod nodes;
mod places;
mod programs;
mod ready;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use self::account::account;
use self::components::Ports;
pub use self::error::SandboxError;
use self::group::ProcessGroup;
pub use self::named::{down, env, run, up};
pub use self::places::{Places, Releases};
use crate::cluster::{Target, Transport};

/// Where the progress of an operation goes: one line of text at a time.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// How often a start is tried where another process takes one of the ports first.
const TRIES: usize = 3;

/// How long an answer of its API server is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a sandbox consists of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its programs come from.
    pub places: Places,
    /// How many faked nodes it has. With none, pods stay pending.
    pub nodes: usize,
    /// Whether controllers act on objects. Without them an object changes only by a request; there are no nodes then.
    pub controllers: bool,
    /// Users beside the administrator. Each has a context of its name in the kubeconfig.
    pub users: Vec<User>,
}

/// A user with a bearer token.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The bearer token.
    pub token: String,
    /// The user's name, which is also the name of the context.
    pub name: String,
    /// The groups that the user is in.
    pub groups: Vec<String>,
}

/// A running control plane. It ends when it is dropped, or when this process ends in whatever way.
#[derive(Debug)]
pub struct Sandbox {
    group: ProcessGroup,
    server: String,
    kubeconfig: PathBuf,
}

impl Sandbox {
    /// The file, readable for the owner alone, that holds the address and the administrator's credentials; the context
    /// `weft-sandbox` is the current one.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The address of the API server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Ends all processes and removes the folder, and returns when both are gone.
    pub async fn stop(mut self) -> Result<(), SandboxError> {
        tokio::task::spawn_blocking(move || self.group.end()).await.map_err(SandboxError::Interrupted)?
    }
}

/// Starts a control plane in a temporary folder and waits until it is ready for use.
pub async fn start(options: &Options, progress: Progress<'_>) -> Result<Sandbox, SandboxError> {
    let folder = tempfile::Builder::new().prefix("weft-sandbox-").tempdir();
    let folder = folder.map_err(SandboxError::file(&std::env::temp_dir()))?;
    let group = ProcessGroup::new(folder.path())?;
    // From here on the group removes it.
    let _ = folder.keep();
    start_in(group, options, progress).await
}

/// Starts a control plane as a group.
async fn start_in(mut group: ProcessGroup, options: &Options, progress: Progress<'_>) -> Result<Sandbox, SandboxError> {
    let programs = programs::find(&options.places, components::wanted(options), progress).await?;
    let began = Instant::now();
    for _ in 1..TRIES {
        match attempt(&mut group, options, &programs, progress).await {
            Err(error) if error.is_taken_port() => {
                progress("another process took a port: starting once more");
                group.clear()?;
            }
            done => return done.map(|server| finished(group, server, began, progress)),
        }
    }
    let server = attempt(&mut group, options, &programs, progress).await?;
    Ok(finished(group, server, began, progress))
}

fn finished(group: ProcessGroup, server: String, began: Instant, progress: Progress<'_>) -> Sandbox {
    progress(&format!("the sandbox is ready at {server} after {:.1} s", began.elapsed().as_secs_f64()));
    let kubeconfig = group.folder().join("kubeconfig");
    Sandbox { group, server, kubeconfig }
}

/// Starts the components on free ports; the address of the server.
async fn attempt(
    group: &mut ProcessGroup,
    options: &Options,
    programs: &programs::Programs,
    progress: Progress<'_>,
) -> Result<String, SandboxError> {
    let ports = Ports::free()?;
    let server = ports.server();
    certificates::write(group.folder(), &server, &options.users)?;
    progress(&format!("starting etcd and kube-apiserver {}", programs::KUBERNETES.version));
    components::start_server(group, programs, &ports)?;
    let client = client(&group.folder().join("kubeconfig"))?;
    ready::server(group, &client).await?;
    if !options.controllers {
        return Ok(server);
    }
    components::start_controllers(group, programs, options.nodes > 0)?;
    ready::service_account(group, &client).await?;
    nodes::create(&client, options.nodes).await?;
    ready::nodes(group, &client, options.nodes).await?;
    Ok(server)
}

fn client(kubeconfig: &Path) -> Result<Transport, SandboxError> {
    client_of(kubeconfig, None)
}

/// A client that acts as the administrator, or as a user by the context of that name.
fn client_of(kubeconfig: &Path, user: Option<&str>) -> Result<Transport, SandboxError> {
    Ok(Transport::new(&Target::of_sandbox(kubeconfig, user), PATIENCE)?)
}

/// Makes a folder that only its owner can read.
fn private_folder(path: &Path) -> Result<(), SandboxError> {
    std::fs::DirBuilder::new().mode(0o700).create(path).map_err(SandboxError::file(path))
}
