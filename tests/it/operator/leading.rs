//! Which of several operators acts: the Lease, and what the process serves and does at its end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weft::cluster::{ClusterError, Target};
use weft::operator::{LEASE, Leading, Metrics, Seat, campaign};
use weft::project::ClusterRef;

use super::install::{Installed, acting_as};
use super::stage::at_once;
use crate::cases::{code, own};
use crate::cli::proxy::{Answer, Proxy};
use crate::machine::program;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("operator", "lease_is_handed_over", handed_over),
        code("operator", "lease_not_renewed_stops_writes_before_others_begin", not_renewed),
        code("operator", "lease_stolen_stops_writes", stolen),
        code("operator", "lease_of_a_dead_leader_is_taken", of_a_dead_leader),
        code("operator", "lease_alone_leads_at_once", alone),
        code("operator", "process_serves_pages_and_gives_its_lease_back", process),
    ]
}

/// One of several operators, as far as the Lease goes.
struct Runner {
    leading: Leading,
    over: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ClusterError>>,
}

impl Runner {
    /// Starts it, at the shared server or at another address; within the runtime.
    fn start(namespace: &str, instance: &str, server: Option<&str>) -> Self {
        let kubeconfig = Some(shared().kubeconfig().display().to_string());
        let reference = ClusterRef { kubeconfig, server: server.map(str::to_owned), ..ClusterRef::default() };
        let target = Target::new(&reference, Path::new("/"), own([]).cluster().expect("clusters")).of_user();
        let seat = Seat { namespace: namespace.to_owned(), instance: instance.to_owned() };
        let (turn, leading) = Leading::contested();
        let (over, ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            campaign(&target, &seat, &turn, &Metrics::default(), ended, &|_: &ClusterError| ()).await
        });
        Self { leading, over, task }
    }

    /// Waits until it leads, or does not; how long that took.
    async fn becomes(&self, leads: bool, within: Duration) -> Result<Duration, Failed> {
        let began = Instant::now();
        while self.leading.holds() != leads {
            if began.elapsed() > within {
                return Err(format!("it does not become {leads} in {} s", within.as_secs()).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(began.elapsed())
    }

    /// Ends it as a signal does.
    async fn end(self) -> Result<(), Failed> {
        let _ = self.over.send(());
        Ok(self.task.await??)
    }
}

fn leases(namespace: &str) -> Api<Lease> {
    Api::namespaced(shared().client(), namespace)
}

const SOON: Duration = Duration::from_secs(8);

/// One of two leads; when it ends, the other one does so within seconds, since the Lease is given back.
fn handed_over() -> Result<(), Failed> {
    let namespace = shared().namespace("weaver-lease");
    shared().block_on(async {
        let first = Runner::start(&namespace, "first", None);
        first.becomes(true, SOON).await?;
        let second = Runner::start(&namespace, "second", None);
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(first.leading.holds() && !second.leading.holds());
        let spec = leases(&namespace).get(LEASE).await?.spec.ok_or("a spec")?;
        assert_eq!(spec.lease_duration_seconds, Some(15));
        assert!(spec.holder_identity.is_some_and(|it| it.starts_with("first (process ")));
        first.end().await?;
        second.becomes(true, SOON).await?;
        second.end().await?;
        assert!(leases(&namespace).get_opt(LEASE).await?.is_none(), "it is given back");
        Ok(())
    })
}

/// A leader that cannot renew its Lease stops after 10 s, and nobody else begins before 15.
fn not_renewed() -> Result<(), Failed> {
    let namespace = shared().namespace("weaver-lease");
    let shut = Arc::new(AtomicBool::new(false));
    let is_shut = Arc::clone(&shut);
    let door = Proxy::open(move |seen| {
        let closed = is_shut.load(Ordering::SeqCst) && seen.path.contains("/leases");
        if closed { Answer::Refused } else { Answer::Through }
    });
    shared().block_on(async {
        let first = Runner::start(&namespace, "first", Some(door.address()));
        first.becomes(true, SOON).await?;
        let second = Runner::start(&namespace, "second", None);
        shut.store(true, Ordering::SeqCst);
        let stopped = first.becomes(false, Duration::from_secs(11)).await?;
        assert!(stopped > Duration::from_secs(7), "{stopped:?}");
        assert!(!second.leading.holds(), "there is a gap between two leaders");
        let gap = second.becomes(true, Duration::from_secs(12)).await?;
        assert!(gap > Duration::from_secs(2), "{gap:?}");
        assert!(!first.leading.holds());
        // It runs again as soon as it can, and waits for its turn.
        shut.store(false, Ordering::SeqCst);
        second.end().await?;
        first.becomes(true, SOON).await?;
        first.end().await
    })
}

/// Who finds somebody else's name in the Lease leads no more.
fn stolen() -> Result<(), Failed> {
    let namespace = shared().namespace("weaver-lease");
    shared().block_on(async {
        let first = Runner::start(&namespace, "first", None);
        first.becomes(true, SOON).await?;
        let spec = json!({"spec": {"holderIdentity": "thief", "renewTime": format!("{:.6}", Timestamp::now())}});
        leases(&namespace).patch(LEASE, &PatchParams::default(), &Patch::Merge(&spec)).await?;
        first.becomes(false, Duration::from_secs(5)).await?;
        leases(&namespace).delete(LEASE, &DeleteParams::default()).await?;
        first.becomes(true, SOON).await?;
        first.end().await
    })
}

/// Whatever the clock of a leader said that died: its Lease is taken when it was not renewed for as long as it lasts.
fn of_a_dead_leader() -> Result<(), Failed> {
    at_once([-60, 60], |ago| {
        let namespace = shared().namespace("weaver-lease");
        shared().block_on(async {
            let renewed = format!("{:.6}", Timestamp::now() - SignedDuration::from_secs(ago));
            let lease = json!({"metadata": {"name": LEASE}, "spec": {
                "holderIdentity": "dead", "leaseDurationSeconds": 3, "acquireTime": renewed, "renewTime": renewed,
            }});
            leases(&namespace).create(&PostParams::default(), &serde_json::from_value(lease)?).await?;
            let first = Runner::start(&namespace, "first", None);
            let took = first.becomes(true, SOON).await?;
            assert!(took > Duration::from_secs(2), "it was watched for {took:?}");
            first.end().await
        })
    })
}

#[allow(clippy::unnecessary_wraps, reason = "tests that are code have one signature")]
fn alone() -> Result<(), Failed> {
    let (turn, leading) = Leading::alone();
    assert!(leading.holds());
    drop(turn);
    assert!(leading.holds());
    assert!(!Leading::contested().1.holds());
    Ok(())
}

/// What a page at an address says.
pub fn page(address: &str, path: &str) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: it\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// The program, with no rights but those of the chart: it leads, serves its pages, and ends well on SIGTERM.
fn process() -> Result<(), Failed> {
    let installed = Installed::with("{}")?;
    let client = shared().block_on(acting_as(&installed.user()))?;
    let door = Proxy::of(client);
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, crate::cli::site::kubeconfig(door.address(), "{}"))?;
    let [metrics, health] = [free()?, free()?];
    let mut child = std::process::Command::new(program())
        .env_clear()
        .args(["operator", "--kubeconfig"])
        .arg(&kubeconfig)
        .args(["--lease-namespace", &installed.namespace, "--metrics", &metrics, "--health", &health])
        .stderr(Stdio::piped())
        .spawn()?;
    let began = Instant::now();
    while !page(&metrics, "/metrics").is_ok_and(|text| text.contains("\nweaver_leader 1\n")) {
        if began.elapsed() > Duration::from_secs(20) {
            child.kill()?;
            let output = child.wait_with_output()?;
            return Err(format!("it does not lead: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(page(&health, "/healthz")?.ends_with("\r\n\r\nok\n"));
    let text = page(&metrics, "/metrics")?;
    assert!(text.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4"), "{text}");
    assert!(page(&metrics, "/healthz")?.starts_with("HTTP/1.1 404"), "metrics alone");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id())?).ok_or("a process")?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    let output = child.wait_with_output()?;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let left = shared().block_on(leases(&installed.namespace).get_opt(LEASE))?;
    assert!(left.is_none(), "the lease is given back");
    assert!(door.forbidden().is_empty(), "{:?}", door.forbidden());
    Ok(())
}

fn free() -> Result<String, Failed> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.to_string())
}
