//! The part of the story about the operator: a process with the operator's own rights, and a tenant who has copies made.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{DemoError, Story};
use crate::cli::files;
use crate::diagnostic::Failure;
use crate::sandbox;

const TEAM: &str = include_str!("team.yaml");
const TARGET: &str = include_str!("target.yaml");

/// The release that holds both, with a file for each namespace that is copied to.
const FOLDER: &str = "charts/team-a/manifests";
const RELEASE: &str = "\nreleases:\n- name: team-a\n  namespace: team-a\n  createNamespace: false\n  \
    manifests: charts/team-a/manifests\n  needs: [config-weaver]\n";

/// The tenant.
pub(super) const ALICE: &str = "alice";
const SYNC: &str = "/apis/weaver.example.com/v1alpha1/namespaces/team-a/configmapsyncs";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/config-weaver-system/leases/weaver-operator";

/// The longest wait for anything.
const LONGEST: Duration = Duration::from_secs(60);

/// The operator as a process. It goes with this.
struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, or there is nothing to be done about it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Story<'_> {
    pub(super) async fn of_a_tenant(&self) -> Result<(), Failure> {
        self.chapter(
            "The operator. Pods are faked here, so it runs as a process, with the rights of its service account alone.",
        )?;
        let operator = self.operator().await?;
        self.until(&operator, "it leads", None, LEASE, |lease| !lease["spec"]["holderIdentity"].is_null()).await?;

        self.chapter(
            "The platform team gives a tenant, alice, namespaces, and a service account that may copy to two of them.",
        )?;
        self.create(&format!("{FOLDER}/team.yaml"), TEAM)?;
        for namespace in ["team-b", "team-c"] {
            self.create(&format!("{FOLDER}/{namespace}.yaml"), &TARGET.replace("NAMESPACE", namespace))?;
        }
        self.append("environments/dev/environment.yaml", RELEASE)?;
        self.excerpt(&["apply", "dev", "--yes"])?;

        self.chapter(
            "Alice asks for copies of a ConfigMap, made with the rights of that account, and waits for the condition.",
        )?;
        self.does(Method::POST, CONFIG_MAPS, &source()).await?;
        self.does(Method::POST, SYNC, &sync("copier")).await?;
        self.available(&operator, "True").await?;
        self.explain()?;

        self.chapter("She may lend no account that she may not use herself: an admission policy says so.")?;
        match self.sandbox.ask(Some(ALICE), Method::POST, SYNC, Some(&sync("default"))).await {
            Err(error) => {
                let Some((_, message)) = error.refusal() else { return Err(error.into()) };
                self.terminal.print(&format!("{message}\n"))?;
            }
            Ok(_) => return Err(self.missing(&operator, "a refusal").into()),
        }

        self.chapter("She edits the source.")?;
        self.colour("green").await?;
        self.copy(&operator, "team-b", "green").await?;
        self.copy(&operator, "team-c", "green").await?;

        self.chapter("The right in team-c is taken away. The copies in team-b go on; that in team-c stays as it is, and the status says why.")?;
        self.remove(&format!("{FOLDER}/team-c.yaml"))?;
        self.weft(&["apply", "dev", "--yes"], 0)?;
        self.colour("red").await?;
        self.copy(&operator, "team-b", "red").await?;
        self.available(&operator, "False").await?;
        self.copy(&operator, "team-c", "green").await?;
        self.explain()?;

        self.chapter("Alice deletes it, and the copies that she may delete go with it. Then the operator ends, and gives its Lease back.")?;
        self.create(&format!("{FOLDER}/team-c.yaml"), &TARGET.replace("NAMESPACE", "team-c"))?;
        self.excerpt(&["apply", "dev", "--yes"])?;
        self.does(Method::DELETE, &format!("{SYNC}/settings"), &Value::Null).await?;
        self.gone(&operator, &format!("{SYNC}/settings")).await?;
        self.gone(&operator, "/api/v1/namespaces/team-c/configmaps/settings").await?;
        self.end(operator).await
    }

    /// Starts the operator with a kubeconfig of its own service account.
    async fn operator(&self) -> Result<Process, Failure> {
        let text = sandbox::account(self.sandbox.kubeconfig(), "config-weaver-system", "config-weaver").await?;
        files::create(&self.folder.join("operator.kubeconfig"), &text, true)?;
        let arguments =
            ["operator", "--kubeconfig", "operator.kubeconfig", "--lease-namespace", "config-weaver-system"];
        let (mut command, shown) = self.command(&arguments)?;
        let log = self.folder.join("operator.log");
        let failed = |source| DemoError::Run { command: shown.clone(), source };
        let file = File::create(&log).map_err(failed)?;
        let child = command.env_remove("KUBECONFIG").stdout(Stdio::null()).stderr(file).spawn().map_err(failed)?;
        Ok(Process { child, log })
    }

    async fn end(&self, mut operator: Process) -> Result<(), Failure> {
        let pid = i32::try_from(operator.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            self.terminal.print(&format!("$ kill {}\n", operator.child.id()))?;
            // One that has ended already is seen below.
            let _ = kill_process(pid, Signal::TERM);
        }
        let wait = tokio::task::spawn_blocking(move || operator.child.wait().map(|status| (status, operator)));
        let waited = wait.await.map_err(std::io::Error::other).flatten();
        let (status, operator) = waited.map_err(|source| DemoError::Run { command: "kill".into(), source })?;
        self.gone(&operator, LEASE).await?;
        self.terminal.print(&format!("the operator ended with {status}\n")).map_err(Into::into)
    }

    /// Shows what alice does, and does it.
    async fn does(&self, method: Method, path: &str, body: &Value) -> Result<(), Failure> {
        self.terminal.print(&format!("alice: {method} {path}\n"))?;
        if !body.is_null() {
            self.terminal.print(&format!("{}\n", indented(body)))?;
        }
        let body = Some(body).filter(|body| !body.is_null());
        self.sandbox.ask(Some(ALICE), method, path, body).await?;
        Ok(())
    }

    async fn colour(&self, colour: &str) -> Result<(), Failure> {
        let path = format!("{CONFIG_MAPS}/settings");
        self.does(Method::PATCH, &path, &json!({"data": {"colour": colour}})).await
    }

    /// Waits until the object is available or not, as `kubectl wait` does, and prints the condition.
    async fn available(&self, operator: &Process, status: &str) -> Result<(), Failure> {
        let path = format!("{SYNC}/settings");
        let is = |object: &Value| {
            let current = object["status"]["observedGeneration"] == object["metadata"]["generation"];
            current && condition(object).is_some_and(|it| it["status"] == status)
        };
        let object = self.until(operator, &format!("Available={status}"), Some(ALICE), &path, is).await?;
        let found = condition(&object).cloned().unwrap_or_default();
        let said = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        let line = format!("Available={} ({}): {}\n", said("status"), said("reason"), said("message"));
        Ok(self.terminal.print(&line)?)
    }

    /// Waits until a copy is as expected, and tells how long that took.
    async fn copy(&self, operator: &Process, namespace: &str, colour: &str) -> Result<(), Failure> {
        let began = Instant::now();
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/settings");
        let what = format!("the copy in {namespace} is {colour}");
        self.until(operator, &what, None, &path, |copy| copy["data"]["colour"] == colour).await?;
        Ok(self.terminal.print(&format!("{what} ({} ms)\n", began.elapsed().as_millis()))?)
    }

    fn explain(&self) -> Result<(), Failure> {
        self.weft(&["operator", "explain", "team-a/settings"], 0)
    }

    /// Waits until an object is as expected.
    async fn until(
        &self,
        operator: &Process,
        what: &str,
        user: Option<&str>,
        path: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Result<Value, Failure> {
        let began = Instant::now();
        while began.elapsed() < LONGEST {
            match self.sandbox.ask(user, Method::GET, path, None).await {
                Ok(object) if is(&object) => return Ok(object),
                Ok(_) => {}
                Err(error) if error.refusal().is_some_and(|(code, _)| code == 404) => {}
                Err(error) => return Err(error.into()),
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(self.missing(operator, what).into())
    }

    async fn gone(&self, operator: &Process, path: &str) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < LONGEST {
            match self.sandbox.ask(None, Method::GET, path, None).await {
                Err(error) if error.refusal().is_some_and(|(code, _)| code == 404) => {
                    return Ok(self.terminal.print(&format!("{path} is gone\n"))?);
                }
                Err(error) => return Err(error.into()),
                Ok(_) => sleep(Duration::from_millis(50)).await,
            }
        }
        Err(self.missing(operator, &format!("{path} is gone")).into())
    }

    fn missing(&self, operator: &Process, what: &str) -> DemoError {
        let log = std::fs::read_to_string(&operator.log).unwrap_or_default();
        self.terminal.say(log.trim_end());
        DemoError::Missing { what: what.to_owned(), seconds: LONGEST.as_secs() }
    }

    /// Writes a new file of the repository, and shows it.
    fn create(&self, path: &str, text: &str) -> Result<(), Failure> {
        self.terminal.print(&format!("$ cat > {path} <<END\n{text}END\n"))?;
        Ok(files::create(&self.folder.join(path), text, false)?)
    }
}

const CONFIG_MAPS: &str = "/api/v1/namespaces/team-a/configmaps";

fn source() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}})
}

fn sync(account: &str) -> Value {
    json!({
        "apiVersion": "weaver.example.com/v1alpha1",
        "kind": "ConfigMapSync",
        "metadata": {"name": "settings"},
        "spec": {
            "source": {"name": "settings"},
            "serviceAccount": {"name": account},
            "syncToNamespaces": ["team-b", "team-c"],
        },
    })
}

fn condition(object: &Value) -> Option<&Value> {
    object["status"]["conditions"].as_array()?.iter().find(|it| it["type"] == "Available")
}

/// An object as YAML, below what it is for.
fn indented(body: &Value) -> String {
    let value = serde_json::from_value::<crate::value::Value>(body.clone()).unwrap_or_default();
    crate::yaml::write(&value).trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
