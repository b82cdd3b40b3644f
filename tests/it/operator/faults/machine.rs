//! Faults of the machine, and of the files that the operator is started with.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value as Json, json};

use crate::cli::program::Desk;
use crate::cli::proxy::Proxy;
use crate::operator::stage::{operators, until};
use crate::sandbox::shared;

/// A user that nobody has, as in the image.
const NOBODY: u32 = 65_532;

/// Whoever writes a kubeconfig would have a program run with the operator's rights.
pub fn no_programs() -> Result<(), Failed> {
    let marker = "ran";
    let exec = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [marker],
        "interactiveMode": "Never"}});
    let provider = json!({"auth-provider": {"name": "gcp", "config": {"cmd-path": "/bin/touch", "cmd-args": marker}}});
    for (user, program) in [(exec, "touch"), (provider, "/bin/touch")] {
        let desk = Desk::new();
        let config = desk.root().join("kubeconfig");
        fs::write(&config, kubeconfig("https://127.0.0.1:1", &user, &json!({})))?;
        let run = desk.run(["operator", "--kubeconfig", &config.display().to_string()]);
        run.ends_with(1)?.says(&format!(
            "error: the kubeconfig gets its credentials from the program `{program}`, and the operator runs none"
        ))?;
        run.says("Give it a token")?;
        assert!(!desk.project().join(marker).exists());
    }
    Ok(())
}

/// A server whose certificate does not hold is waited for, and its log says why.
pub fn wrong_certificate() -> Result<(), Failed> {
    let desk = Desk::new();
    let text = fs::read_to_string(shared().kubeconfig())?;
    let mut config: Json = serde_json::to_value(serde_yaml::from_str::<serde_yaml::Value>(&text)?)?;
    config["clusters"][0]["cluster"]["tls-server-name"] = json!("elsewhere.example.com");
    let path = desk.root().join("kubeconfig");
    fs::write(&path, config.to_string())?;
    let mut command = desk.command(["operator", "--kubeconfig"]);
    let mut child = command.arg(&path).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(child.stderr.take().ok_or("a pipe")?).lines();
    let line = said.next().ok_or("it says something")??;
    assert!(child.try_wait()?.is_none(), "it waits");
    end(child)?;
    let wanted = "is not for `elsewhere.example.com`";
    if line.starts_with("warning: ") && line.contains(wanted) { Ok(()) } else { Err(line.into()) }
}

/// It runs without a home, as a user without a name, where it may write nothing, and has no file open for writing.
pub fn writes_no_file() -> Result<(), Failed> {
    super::super::defined();
    let door = Proxy::of(operators());
    let desk = Desk::new();
    let config = desk.root().join("kubeconfig");
    fs::write(&config, kubeconfig(door.address(), &json!({}), &json!({})))?;
    for (path, mode) in [(desk.root(), 0o755), (desk.project(), 0o555), (config.clone(), 0o444)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    let mut command = desk.command(["operator", "--selector", "of=nobody", "--health", "127.0.0.1:0", "--kubeconfig"]);
    command.arg(&config).env_remove("HOME").stdout(Stdio::null()).stderr(Stdio::piped());
    // Only the superuser may become somebody else.
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut child = command.spawn()?;
    let mut said = BufReader::new(child.stderr.take().ok_or("a pipe")?).lines();
    let filled = said.by_ref().map_while(Result::ok).any(|line| line == "the caches are filled");
    assert!(filled && child.try_wait()?.is_none(), "it runs");
    std::thread::sleep(Duration::from_millis(200));
    let open = writable(child.id())?;
    end(child)?;
    assert_eq!(open, [""; 0], "open for writing");
    until("it is gone", || Ok(()))
}

/// The regular files that a process has open for writing.
fn writable(pid: u32) -> Result<Vec<String>, Failed> {
    let mut open = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let path = entry?.path();
        let Ok(target) = fs::read_link(&path) else { continue };
        let info = fs::read_to_string(path.to_string_lossy().replace("/fd/", "/fdinfo/")).unwrap_or_default();
        let flags = info.lines().find_map(|it| it.strip_prefix("flags:")).unwrap_or_default().trim().to_owned();
        let writes = u32::from_str_radix(&flags, 8).is_ok_and(|it| it & 0o3 != 0);
        if writes && target.is_file() {
            open.push(target.display().to_string());
        }
    }
    Ok(open)
}

fn kubeconfig(server: &str, user: &Json, cluster: &Json) -> String {
    let mut cluster = cluster.clone();
    cluster["server"] = json!(server);
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": cluster}],
        "users": [{"name": "a", "user": user}],
    })
    .to_string()
}

fn end(mut child: Child) -> Result<(), Failed> {
    child.kill()?;
    child.wait()?;
    Ok(())
}
