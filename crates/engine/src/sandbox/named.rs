//! Sandboxes with a name, which outlive the process that started them, and commands that run in one.
//!
//! A named sandbox lives in the folder `up/<name>` of the cache. It is up for as long as its supervisor holds the
//! folder's lock, so what a crash of the machine left behind is told from what runs.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use crate::sandbox::group::ProcessGroup;
use crate::sandbox::{Options, Places, Progress, SandboxError, private_folder, start, start_in};

/// Starts a sandbox that runs until [`down`]; the path of its kubeconfig.
pub async fn up(name: &str, options: &Options, progress: Progress<'_>) -> Result<PathBuf, SandboxError> {
    let group = claimed(name, &options.places)?;
    let sandbox = start_in(group, options, progress).await?;
    sandbox.group.detach()?;
    Ok(sandbox.kubeconfig)
}

/// The group of a new sandbox, in its folder.
fn claimed(name: &str, places: &Places) -> Result<ProcessGroup, SandboxError> {
    let folder = folder(places, name)?;
    let parent = places.cache.join("up");
    fs::create_dir_all(&parent).map_err(SandboxError::file(&parent))?;
    // One at a time, so that nobody takes a folder that is not locked yet for one that is left over.
    let path = places.cache.join("up.lock");
    let turn = File::create(&path).map_err(SandboxError::file(&path))?;
    turn.lock().map_err(SandboxError::file(&path))?;
    if is_alive(&folder)? {
        return Err(SandboxError::Up { name: name.to_owned() });
    }
    remove(&folder)?;
    private_folder(&folder)?;
    ProcessGroup::new(&folder)
}

/// Ends a sandbox, and returns when its processes and its folder are gone.
pub async fn down(name: &str, places: &Places) -> Result<(), SandboxError> {
    let folder = folder(places, name)?;
    env(name, places)?;
    let pipe = folder.join("control");
    let control = OpenOptions::new().write(true).open(&pipe);
    control.and_then(|mut control| control.write_all(b"end\n")).map_err(SandboxError::file(&pipe))?;
    while is_alive(&folder)? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    remove(&folder)
}

/// The path of the kubeconfig of a sandbox that is up.
pub fn env(name: &str, places: &Places) -> Result<PathBuf, SandboxError> {
    let folder = folder(places, name)?;
    let name = || name.to_owned();
    if !is_alive(&folder)? {
        return Err(SandboxError::Down { name: name() });
    }
    if !folder.join("control").exists() {
        return Err(SandboxError::Starting { name: name() });
    }
    Ok(folder.join("kubeconfig"))
}

/// Starts a sandbox, runs a command with `KUBECONFIG` set to its kubeconfig, and ends the sandbox; how the command ended.
pub async fn run(
    program: &str,
    arguments: &[String],
    options: &Options,
    progress: Progress<'_>,
) -> Result<ExitStatus, SandboxError> {
    let sandbox = start(options, progress).await?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).env("KUBECONFIG", sandbox.kubeconfig()).kill_on_drop(true);
    let status = command.status().await.map_err(SandboxError::program(program));
    sandbox.stop().await?;
    status
}

fn folder(places: &Places, name: &str) -> Result<PathBuf, SandboxError> {
    let fits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits { Ok(places.cache.join("up").join(name)) } else { Err(SandboxError::Name { name: name.to_owned() }) }
}

/// Whether the supervisor of a folder lives: it holds the lock until its end.
fn is_alive(folder: &Path) -> Result<bool, SandboxError> {
    let path = folder.join("lock");
    let lock = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        opened => opened.map_err(SandboxError::file(&path))?,
    };
    match lock.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(SandboxError::file(&path)(error)),
    }
}

fn remove(folder: &Path) -> Result<(), SandboxError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(SandboxError::file(folder)(error)),
        _ => Ok(()),
    }
}
