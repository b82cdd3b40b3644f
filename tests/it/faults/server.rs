//! A control plane of the test's own, whose API server is started again and whose etcd stands still during an apply.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Client;
use kube::api::{Api, ListParams};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};
use weft::sandbox::{self, Options, Sandbox};

use super::all;
use crate::cases::code;
use crate::cli::program::Run;
use crate::cli::site::Site;
use crate::sandbox::{client, places, shared, tell};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("faults", "a_real_server_restarts", || Own::start()?.restarts()),
        code("faults", "a_real_etcd_stands_still", || Own::start()?.stands_still()),
    ]
}

/// How many objects are applied.
const OBJECTS: usize = 300;
const CHART: &str = "{% for at in range(values.count) %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: map-{{ at }}}
data: {version: '{{ values.version }}'}
{% endfor %}
";

/// A control plane that no other test has, with a project in it.
struct Own {
    site: Site,
    client: Client,
    folder: PathBuf,
    /// An API server that took the place of the first one.
    second: Option<Child>,
    /// Ends all processes when it goes.
    _sandbox: Sandbox,
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(mut child) = self.second.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Own {
    fn start() -> Result<Self, Failed> {
        let options = Options { places: places(), nodes: 0, controllers: false, users: Vec::new() };
        let sandbox = shared().block_on(sandbox::start(&options, &tell)).map_err(|error| error.to_string())?;
        let client = shared().block_on(client(sandbox.kubeconfig(), None));
        let mut site = Site::new("own");
        site.chart("maps", &format!("count: {OBJECTS}\nversion: 1\n"), CHART);
        site.releases(&["{name: maps, chart: maps}"]);
        site.kubeconfig(&fs::read_to_string(sandbox.kubeconfig())?);
        let folder = sandbox.kubeconfig().parent().expect("a folder").canonicalize()?;
        Ok(Self { site, client, folder, second: None, _sandbox: sandbox })
    }

    /// The objects, by name and UID.
    fn maps(&self) -> Vec<(String, String)> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.site.namespace);
        let maps = shared().block_on(api.list(&ListParams::default())).map(|it| it.items).unwrap_or_default();
        let named =
            maps.into_iter().map(|it| (it.metadata.name.unwrap_or_default(), it.metadata.uid.unwrap_or_default()));
        named.filter(|(name, _)| name.starts_with("map-")).collect()
    }

    /// Begins an apply, and waits until some of its objects are there.
    fn begin(&self, arguments: &str) -> Result<(Child, Vec<(String, String)>), Failed> {
        let mut command = self.site.command(&format!("apply dev --yes --concurrency 2 {arguments}"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let began = Instant::now();
        loop {
            let maps = self.maps();
            if maps.len() > 20 || began.elapsed() > Duration::from_secs(300) {
                return Ok((child, maps));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All is there, what was there before is the same, and the next run has nothing to do.
    fn is_whole(&self, before: &[(String, String)], run: &Run) -> Result<(), Failed> {
        let now = self.maps();
        if now.len() != OBJECTS {
            return Err(format!("{} of {OBJECTS} objects: {run:?}", now.len()).into());
        }
        if before.len() >= OBJECTS {
            return Err("the apply was over before the fault came".into());
        }
        if let Some(again) = before.iter().find(|it| !now.contains(it)) {
            return Err(format!("{again:?} was made again: {run:?}").into());
        }
        self.site.expect("plan dev --exit-code", 0)?.says("nothing to change").map(drop)
    }

    fn process(&self, program: &str) -> Result<(Pid, Vec<String>), Failed> {
        let found = fs::read_dir("/proc")?.flatten().find_map(|entry| process(&entry.path(), &self.folder, program));
        found.ok_or_else(|| format!("there is no {program}").into())
    }

    /// Ends the API server, by force or in order, and starts it again a moment later.
    fn restart(&mut self, signal: Signal, more: &str) -> Result<(), Failed> {
        let (pid, arguments) = self.process("kube-apiserver")?;
        kill_process(pid, signal)?;
        if let Some(mut second) = self.second.take() {
            second.wait()?;
        }
        let began = Instant::now();
        // It ends by itself when it has answered what it was asked.
        while is_alive(pid) && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(500));
        let mut command = Command::new(&arguments[0]);
        command.args(&arguments[1..]).args(more.split_whitespace()).current_dir(&self.folder);
        self.second = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        Ok(())
    }

    /// Waits until the API server answers.
    fn answers(&self) -> Result<(), Failed> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let began = Instant::now();
        while shared().block_on(api.get("kube-system")).is_err() {
            if began.elapsed() > Duration::from_secs(60) {
                return Err("the API server does not come back".into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn ended(&self, child: Child) -> Result<Run, Failed> {
        Ok(self.site.desk.read(&child.wait_with_output()?))
    }

    fn restarts(mut self) -> Result<(), Failed> {
        let (child, before) = self.begin("-o json")?;
        self.restart(Signal::KILL, "")?;
        let run = self.ended(child)?;
        run.ends_with(0)?;
        self.is_whole(&before, &run)?;
        if !all() {
            return Ok(());
        }
        // In order: it answers what it was asked, and says goodbye to connections.
        self.site.chart("maps", &format!("count: {OBJECTS}\nversion: 2\n"), CHART);
        let mut command = self.site.command("apply dev --yes --concurrency 2 -o json");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        std::thread::sleep(Duration::from_millis(1500));
        self.restart(Signal::TERM, "")?;
        let run = self.ended(child)?;
        run.ends_with(0)?;
        self.is_whole(&before, &run)
    }

    /// The API server gives up requests after 3 s, and says 504: whether they are done is not known.
    fn stands_still(mut self) -> Result<(), Failed> {
        self.restart(Signal::KILL, "--request-timeout=3s")?;
        self.answers()?;
        let (etcd, _) = self.process("etcd")?;
        let (child, before) = self.begin("-o json")?;
        kill_process(etcd, Signal::STOP)?;
        std::thread::sleep(Duration::from_secs(8));
        kill_process(etcd, Signal::CONT)?;
        let run = self.ended(child)?;
        run.ends_with(0)?;
        self.is_whole(&before, &run)?;
        if !all() {
            return Ok(());
        }
        // For longer than the program is patient.
        self.site.chart("maps", &format!("count: {OBJECTS}\nversion: 2\n"), CHART);
        let mut command = self.site.command("apply dev --yes --concurrency 2 --patience 2s -o json");
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        std::thread::sleep(Duration::from_millis(1500));
        kill_process(etcd, Signal::STOP)?;
        let run = self.ended(child);
        kill_process(etcd, Signal::CONT)?;
        run?.ends_with(3)?;
        let run = self.site.expect("apply dev --yes -o json", 0)?;
        self.is_whole(&before, &run)
    }
}

/// The process of this folder that runs a program, with its arguments.
fn process(entry: &Path, folder: &Path, program: &str) -> Option<(Pid, Vec<String>)> {
    let pid = Pid::from_raw(entry.file_name()?.to_str()?.parse().ok()?)?;
    let arguments = String::from_utf8(fs::read(entry.join("cmdline")).ok()?).ok()?;
    let arguments: Vec<String> = arguments.split_terminator('\0').map(str::to_owned).collect();
    let is_it = Path::new(arguments.first()?).file_name()?.to_str()? == program;
    (is_it && fs::read_link(entry.join("cwd")).ok()? == folder).then_some((pid, arguments))
}

/// Whether a process runs; one that ended and was not waited for does not.
fn is_alive(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
