//! Tests of `sandbox`, and the control plane that all tests share.

mod mirror;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use tokio::runtime::Runtime;
use weft::diagnostic::Diagnostic;

use weft::sandbox::{self, Options, Places, Releases, Sandbox, SandboxError, User};
use weft::trust::{NetworkAccess, ProcessEnvironment, Trust};

use self::mirror::Mirror;
use crate::cases::{code, same};

/// The user of the shared control plane who has no rights but those that a test gives; also the name of the context.
pub const NOBODY: &str = "nobody";

/// A test binary that finds this variable starts a sandbox, prints its kubeconfig and waits to be killed.
const CHILD: &str = "WEFT_TEST_SANDBOX_CHILD";

static SHARED: OnceLock<Shared> = OnceLock::new();

/// All of them.
pub fn trials() -> Vec<Trial> {
    if std::env::var_os(CHILD).is_some() {
        child();
    }
    vec![
        code("sandbox", "a_deployment_becomes_available", a_deployment_becomes_available),
        code("sandbox", "a_killed_parent_leaves_nothing", a_killed_parent_leaves_nothing),
        code("sandbox", "a_program_that_ends_is_shown_with_its_log", a_program_that_ends_is_shown_with_its_log),
        code("sandbox", "a_user_has_a_context_and_no_rights", a_user_has_a_context_and_no_rights),
        code("sandbox", "no_programs", no_programs),
        code("sandbox", "a_failed_build_names_its_log", a_failed_build_names_its_log),
        code("sandbox", "a_folder_has_all_or_is_passed", a_folder_has_all_or_is_passed),
        code("sandbox", "releases_are_downloaded_and_checked", releases_are_downloaded_and_checked),
        code("sandbox", "run_passes_the_exit_code_on", run_passes_the_exit_code_on),
        code("sandbox", "two_at_once_and_nothing_after_stop", two_at_once_and_nothing_after_stop),
        code("sandbox", "up_env_down", up_env_down),
    ]
}

/// The control plane that the tests share. It has one faked node, and is started by the first test that needs it.
pub struct Shared {
    runtime: Runtime,
    client: Client,
    kubeconfig: PathBuf,
    sandbox: Mutex<Option<Sandbox>>,
    namespaces: AtomicUsize,
}

/// The shared control plane.
pub fn shared() -> &'static Shared {
    SHARED.get_or_init(|| {
        let runtime = Runtime::new().expect("a runtime");
        let sandbox = runtime
            .block_on(sandbox::start(&options(1), &tell))
            .unwrap_or_else(|error| panic!("{}", Diagnostic::of(&error)));
        Shared {
            client: runtime.block_on(client(sandbox.kubeconfig(), None)),
            runtime,
            kubeconfig: sandbox.kubeconfig().to_owned(),
            sandbox: Mutex::new(Some(sandbox)),
            namespaces: AtomicUsize::new(0),
        }
    })
}

/// Stops the control plane that the tests share.
pub fn stop() {
    let Some(shared) = SHARED.get() else { return };
    if let Some(sandbox) = shared.sandbox.lock().expect("no test panics here").take() {
        shared.runtime.block_on(sandbox.stop()).unwrap_or_else(|error| panic!("{}", Diagnostic::of(&error)));
    }
}

impl Shared {
    /// The kubeconfig of the administrator; its context [`NOBODY`] is a user without rights.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs something asynchronous to its end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The administrator's client, for use within [`Shared::block_on`].
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client that shows no credentials of its own, for use within [`Shared::block_on`].
    pub fn anonymous(&self) -> Client {
        static ANONYMOUS: OnceLock<Client> = OnceLock::new();
        let make = || {
            self.block_on(async {
                let file = kube::config::Kubeconfig::read_from(&self.kubeconfig).expect("a kubeconfig");
                let options = kube::config::KubeConfigOptions::default();
                let config = kube::Config::from_custom_kubeconfig(file, &options).await;
                let mut config = config.expect("a context");
                config.auth_info = kube::config::AuthInfo::default();
                Client::try_from(config).expect("a client")
            })
        };
        ANONYMOUS.get_or_init(make).clone()
    }

    /// Creates a namespace of its own for a test; its name.
    pub fn namespace(&self, prefix: &str) -> String {
        let name = format!("{prefix}-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        let namespace = Namespace {
            metadata: kube::core::ObjectMeta { name: Some(name.clone()), ..Default::default() },
            ..Default::default()
        };
        let api: Api<Namespace> = Api::all(self.client());
        self.block_on(api.create(&PostParams::default(), &namespace)).expect("a new namespace");
        name
    }
}

/// Runs something asynchronous that needs no shared control plane.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().expect("a runtime").block_on(future)
}

/// A client by a context of a kubeconfig, the current one by default.
pub async fn client(kubeconfig: &Path, context: Option<&str>) -> Client {
    let file = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let options = kube::config::KubeConfigOptions { context: context.map(str::to_owned), ..Default::default() };
    Client::try_from(kube::Config::from_custom_kubeconfig(file, &options).await.expect("a context")).expect("a client")
}

/// The right to download, with these variables.
fn network(environment: ProcessEnvironment) -> NetworkAccess {
    Trust::own(environment, Vec::new()).network().expect("the network").clone()
}

/// The machine's own programs and cache: the one thing that tests take from the environment.
pub fn places() -> Places {
    Places::new(&network(ProcessEnvironment::read())).expect("a folder for the cache")
}

/// A control plane of the machine's own programs, with the user [`NOBODY`].
pub fn options(nodes: usize) -> Options {
    let nobody = User { token: "nobody-s-token".into(), name: NOBODY.into(), groups: Vec::new() };
    Options { places: places(), nodes, controllers: true, users: vec![nobody] }
}

/// Shows progress.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "sandbox: {line}");
}

fn a_deployment_becomes_available() -> Result<(), Failed> {
    let shared = shared();
    let namespace = shared.namespace("sandbox-deployment");
    let deployment: Deployment = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "registry.example.com/web:1"}]},
            },
        },
    }))?;
    let api: Api<Deployment> = Api::namespaced(shared.client(), &namespace);
    shared.block_on(async {
        api.create(&PostParams::default(), &deployment).await?;
        let began = Instant::now();
        loop {
            let available = api.get("web").await?.status.and_then(|status| status.available_replicas);
            match available {
                Some(3) => return Ok(()),
                _ if began.elapsed() > Duration::from_secs(30) => return Err(format!("{available:?} of 3").into()),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
}

fn a_user_has_a_context_and_no_rights() -> Result<(), Failed> {
    let shared = shared();
    shared.block_on(async {
        let api: Api<Namespace> = Api::all(client(shared.kubeconfig(), Some(NOBODY)).await);
        match api.list(&kube::api::ListParams::default()).await {
            Err(kube::Error::Api(status)) if status.is_forbidden() && status.message.contains("\"nobody\"") => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    })
}

fn no_programs() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().to_str().expect("UTF-8");
    let environment = [
        ("KUBEBUILDER_ASSETS", format!("{root}/assets")),
        ("HOME", root.into()),
        ("PATH", root.into()),
        ("WEFT_SANDBOX_RELEASES", "off".into()),
    ];
    let environment = environment.map(|(name, value): (&str, String)| (name.to_owned(), value)).into_iter();
    let mut places = Places::new(&network(environment.collect()))?;
    places.folders.truncate(1);
    let expected = "error: no `etcd` v3.7.3 to be had; looked at:\n  \
        `KUBEBUILDER_ASSETS`, `ROOT/assets`: there is no such folder\n  \
        the cache, `ROOT/.cache/weft/sandbox/etcd-v3.7.3/bin`: there is no such folder\n  \
        the releases of etcd: `WEFT_SANDBOX_RELEASES` is `off`\n  \
        `go`, which would build it: not in `PATH`\n  \
        = hint: Install Go 1.26 or later (https://go.dev/dl), with which the programs are built once, or set \
        `KUBEBUILDER_ASSETS` to a folder that has them.\n";
    same("the error", expected, &refused(places).replace(root, "ROOT"))
}

fn a_folder_has_all_or_is_passed() -> Result<(), Failed> {
    let folder = fakes(&["etcd", "kube-apiserver"])?;
    let text = refused(only(folder.path(), Releases::Off)).replace(folder.path().to_str().expect("UTF-8"), "ROOT");
    assert!(text.contains("assets, `ROOT`: it has no `kube-controller-manager`\n"), "{text}");
    Ok(())
}

fn a_program_that_ends_is_shown_with_its_log() -> Result<(), Failed> {
    let folder = fakes(&["etcd", "kube-apiserver", "kube-controller-manager"])?;
    let text = refused(only(folder.path(), Releases::Off));
    same("the error", "error: `etcd` ended with exit status: 3\n  = cause: no etcd today\n", &text)
}

fn a_failed_build_names_its_log() -> Result<(), Failed> {
    let folder = fakes(&["go"])?;
    let root = folder.path().to_str().expect("UTF-8");
    let text = refused(Places { go: Some(folder.path().join("go")), ..only(folder.path(), Releases::Off) });
    let expected = "error: `etcd` could not be built: `go` ended with exit status: 3\n  \
        = cause: no go today\n  \
        = hint: The whole output of `go` is in `ROOT/c/etcd-v3.7.3/etcd.log`.\n";
    same("the error", expected, &text.replace(root, "ROOT"))?;
    same("the log", "no go today\n", &std::fs::read_to_string(folder.path().join("c/etcd-v3.7.3/etcd.log"))?)
}

/// Releases are downloaded over redirects, unpacked and run; what differs from its checksum is refused, and what is not
/// there is looked for elsewhere.
fn releases_are_downloaded_and_checked() -> Result<(), Failed> {
    let published = fakes(&["etcd", "kube-apiserver", "kube-controller-manager"])?;
    let server = Mirror::of(published.path())?;
    let cache = tempfile::tempdir()?;
    let text = refused(only(cache.path(), Releases::Mirror(server.address())));
    same("the error", "error: `etcd` ended with exit status: 3\n  = cause: no etcd today\n", &text)?;

    server.change("kube-apiserver", b"something else");
    let cache = tempfile::tempdir()?;
    let text = refused(only(cache.path(), Releases::Mirror(server.address())));
    assert!(text.contains("kube-apiserver is not what was published: its SHA-256 is "), "{text}");
    assert!(!cache.path().join("c/kubernetes-v1.36.3/bin/kube-apiserver").exists(), "it is not kept");

    let cache = tempfile::tempdir()?;
    let text = refused(only(cache.path(), Releases::Mirror(format!("{}/elsewhere", server.address()))));
    assert!(text.contains("the releases of etcd: `http://") && text.contains(" answers 404 Not Found\n"), "{text}");
    Ok(())
}

/// What a start says that does not work.
fn refused(places: Places) -> String {
    let options = Options { places, nodes: 0, controllers: true, users: Vec::new() };
    let error = block_on(sandbox::start(&options, &|_| {})).expect_err("there is nothing to start");
    Diagnostic::of(&error).to_string()
}

/// This folder, a cache in it, and these releases.
fn only(folder: &Path, releases: Releases) -> Places {
    let folders = vec![("assets".to_owned(), folder.to_owned())];
    Places { folders, cache: folder.join("c"), releases, network: network(ProcessEnvironment::default()), go: None }
}

/// A folder with programs that end at once.
fn fakes(names: &[&str]) -> Result<tempfile::TempDir, Failed> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir()?;
    for name in names {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho no {name} today\nexit 3\n"))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder)
}

fn two_at_once_and_nothing_after_stop() -> Result<(), Failed> {
    use std::os::unix::fs::PermissionsExt;
    let options = options(0);
    block_on(async {
        let (one, two) = tokio::join!(sandbox::start(&options, &tell), sandbox::start(&options, &tell));
        let (one, two) = (one?, two?);
        assert_ne!(one.server(), two.server());
        for sandbox in [one, two] {
            let kubeconfig = sandbox.kubeconfig().to_owned();
            assert_eq!(std::fs::metadata(&kubeconfig)?.permissions().mode() & 0o777, 0o600);
            let server = sandbox.server().to_owned();
            sandbox.stop().await?;
            nothing_left(&kubeconfig, &server)?;
        }
        Ok(())
    })
}

fn a_killed_parent_leaves_nothing() -> Result<(), Failed> {
    let mut parent = Command::new(std::env::current_exe()?).env(CHILD, "1").stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(parent.stdout.take().expect("a pipe")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    let (kubeconfig, server) = (PathBuf::from(line()), line());
    assert!(kubeconfig.exists() && is_open(&server), "the sandbox is up");
    parent.kill()?;
    parent.wait()?;
    let began = Instant::now();
    while nothing_left(&kubeconfig, &server).is_err() && began.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    nothing_left(&kubeconfig, &server)
}

/// What the process does that is killed.
fn child() -> ! {
    let _sandbox = block_on(async {
        let sandbox =
            sandbox::start(&options(0), &tell).await.unwrap_or_else(|error| panic!("{}", Diagnostic::of(&error)));
        let _ = writeln!(std::io::stdout(), "{}\n{}", sandbox.kubeconfig().display(), sandbox.server());
        sandbox
    });
    loop {
        std::thread::park();
    }
}

fn up_env_down() -> Result<(), Failed> {
    let name = format!("test-{}", std::process::id());
    let options = options(0);
    let text = |error: SandboxError| Diagnostic::of(&error).to_string();
    block_on(async {
        assert!(text(sandbox::env(&name, &options.places).expect_err("not up")).contains("is not up"));
        let kubeconfig = sandbox::up(&name, &options, &tell).await?;
        let server = client(&kubeconfig, None).await;
        assert!(server.apiserver_version().await?.git_version.starts_with('v'));
        assert_eq!(sandbox::env(&name, &options.places)?, kubeconfig);
        let again = sandbox::up(&name, &options, &|_| {}).await.expect_err("up already");
        assert!(text(again).contains("is up already"));
        sandbox::down(&name, &options.places).await?;
        assert!(server.apiserver_version().await.is_err());
        assert!(processes_in(kubeconfig.parent().expect("a folder")).is_empty() && !kubeconfig.exists());
        assert!(text(sandbox::down(&name, &options.places).await.expect_err("gone")).contains("is not up"));
        Ok(())
    })
}

fn run_passes_the_exit_code_on() -> Result<(), Failed> {
    let script = ["-c".to_owned(), "test -s \"$KUBECONFIG\" && exit 7".to_owned()];
    let status = block_on(sandbox::run("sh", &script, &options(0), &|_| {}))?;
    if status.code() == Some(7) { Ok(()) } else { Err(format!("{status}").into()) }
}

/// Fails where a sandbox left its folder, a process or its port behind.
fn nothing_left(kubeconfig: &Path, server: &str) -> Result<(), Failed> {
    let folder = kubeconfig.parent().expect("a folder");
    let processes = processes_in(folder);
    if folder.exists() || is_open(server) || !processes.is_empty() {
        return Err(format!("left: {} {server} {processes:?}", folder.display()).into());
    }
    Ok(())
}

fn is_open(server: &str) -> bool {
    TcpStream::connect(server.trim_start_matches("https://")).is_ok()
}

/// The processes that work in a folder, also when it is deleted. Found on Linux only.
pub fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let works_there = |process: &PathBuf| {
        let place = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        place.to_string_lossy().starts_with(&*folder.to_string_lossy())
    };
    entries.map(|entry| entry.path()).filter(works_there).collect()
}
