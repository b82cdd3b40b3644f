//! The registry of the CNCF on this machine, built once from `tests/registry` by the `go` tool.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

/// A registry that is there until it is dropped.
pub struct Registry {
    /// `127.0.0.1:PORT`.
    pub host: String,
    process: Child,
    _folder: tempfile::TempDir,
}

/// The program; none where there is no `go` to build it.
pub fn program() -> Option<&'static Path> {
    static PROGRAM: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registry-v3.0.0");
        let program = folder.join("registry");
        if program.is_file() {
            return Some(program);
        }
        fs::create_dir_all(&folder).expect("a folder");
        let unfinished = folder.join(format!("registry-{}", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry");
        let mut go = Command::new("go");
        go.args(["build", "-trimpath", "-ldflags=-s -w", "-o"]).arg(&unfinished).arg(".");
        go.current_dir(source).env("CGO_ENABLED", "0").env("GOWORK", "off").env("GOFLAGS", "-mod=readonly");
        go.status().is_ok_and(|it| it.success()).then(|| {
            fs::rename(&unfinished, &program).expect("the finished program");
            program
        })
    });
    PROGRAM.as_deref()
}

impl Registry {
    /// Starts one that lets only those in who are listed, each as htpasswd has it; all, where there is no list.
    pub fn start(people: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port");
        let auth = people.map_or(String::new(), |people| {
            let path = folder.path().join("htpasswd");
            fs::write(&path, people).expect("a file");
            format!("auth:\n  htpasswd: {{realm: tests, path: {}}}\n", path.display())
        });
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nstorage: {{inmemory: {{}}}}\nhttp: {{addr: '{free}', secret: tests}}\nlog: {{level: error}}\n{auth}"
        );
        fs::write(&config, text).expect("a file");
        let mut command = Command::new(program().expect("the registry"));
        command.arg("serve").arg(&config).env_clear().stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("the registry");
        let registry = Self { host: free.to_string(), process, _folder: folder };
        for _ in 0..200 {
            if TcpStream::connect(free).is_ok() {
                return registry;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("the registry does not listen");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
