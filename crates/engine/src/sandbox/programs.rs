//! The programs of a control plane: found in a folder, kept in the cache, or built.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sandbox::download::DownloadSource;
use crate::sandbox::{Places, Progress, SandboxError, build, download};

/// A project whose programs are built from one Go module of ours, which pins the version.
#[derive(Debug)]
pub(super) struct Project {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The files of the module that builds it: name and text.
    pub module: [(&'static str, &'static str); 3],
    /// Its programs with their package paths.
    pub programs: &'static [(&'static str, &'static str)],
    /// What the linker is told.
    pub linker: &'static str,
    /// Its official releases, where they come with checksums.
    pub published: Option<DownloadSource>,
}

macro_rules! module {
    ($folder:literal) => {
        [
            ("go.mod", include_str!(concat!("modules/", $folder, "/go.mod"))),
            ("go.sum", include_str!(concat!("modules/", $folder, "/go.sum"))),
            ("tools.go", include_str!(concat!("modules/", $folder, "/tools.go"))),
        ]
    };
}

/// Kubernetes itself. A server that is not told its version at link time calls itself `v0.0.0`.
pub(super) static KUBERNETES: Project = Project {
    name: "kubernetes",
    version: "v1.36.3",
    module: module!("kubernetes"),
    programs: &[
        ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
        ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
        ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
        ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
    ],
    linker: "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
             -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
    published: Some(DownloadSource {
        home: "https://dl.k8s.io/release",
        file: "{version}/bin/{os}/{arch}/{program}",
        sums: "{version}/bin/{os}/{arch}/{program}.sha256",
        inside: None,
    }),
};

/// The store behind the API server.
static ETCD: Project = Project {
    name: "etcd",
    version: "v3.7.3",
    module: module!("etcd"),
    programs: &[("etcd", "go.etcd.io/etcd/server/v3")],
    linker: "-s -w",
    published: Some(DownloadSource {
        home: "https://github.com/etcd-io/etcd/releases/download",
        file: "{version}/etcd-{version}-{os}-{arch}.tar.gz",
        sums: "{version}/SHA256SUMS",
        inside: Some("etcd-{version}-{os}-{arch}/etcd"),
    }),
};

/// What answers for faked nodes.
static KWOK: Project = Project {
    name: "kwok",
    version: "v0.8.0",
    module: module!("kwok"),
    programs: &[("kwok", "sigs.k8s.io/kwok/cmd/kwok")],
    linker: "-s -w",
    published: None,
};

/// Programs that were found, by name.
#[derive(Debug, Default)]
pub(super) struct Programs(BTreeMap<&'static str, PathBuf>);

impl Programs {
    /// The path of a program that was asked for.
    pub fn path(&self, name: &str) -> Result<&Path, SandboxError> {
        let missing = || SandboxError::NoPrograms { program: format!("`{name}`"), places: Vec::new() };
        self.0.get(name).map(PathBuf::as_path).ok_or_else(missing)
    }
}

/// Finds or builds the programs of these names. The programs of one project come from one place, so that their versions
/// fit together.
pub(super) async fn find(places: &Places, names: &[&str], progress: Progress<'_>) -> Result<Programs, SandboxError> {
    let mut found = Programs::default();
    for project in [&ETCD, &KUBERNETES, &KWOK] {
        let wanted: Vec<_> = project.programs.iter().copied().filter(|(name, _)| names.contains(name)).collect();
        if !wanted.is_empty() {
            let folder = folder_of(project, &wanted, places, progress).await?;
            found.0.extend(wanted.iter().map(|(name, _)| (*name, folder.join(name))));
        }
    }
    Ok(found)
}

/// The folder that has all wanted programs of a project.
async fn folder_of(
    project: &Project,
    wanted: &[(&'static str, &'static str)],
    places: &Places,
    progress: Progress<'_>,
) -> Result<PathBuf, SandboxError> {
    let mut passed = Vec::new();
    for (name, folder) in &places.folders {
        match lacking(folder, wanted) {
            None => return Ok(folder.clone()),
            Some(why) => passed.push(format!("{name}, `{}`: {why}", folder.display())),
        }
    }
    let home = places.cache.join(format!("{}-{}", project.name, project.version));
    let kept = home.join("bin");
    let Some(why) = lacking(&kept, wanted) else { return Ok(kept) };
    passed.push(format!("the cache, `{}`: {why}", kept.display()));
    fs::create_dir_all(&kept).map_err(SandboxError::file(&kept))?;
    let _lock = locked(&home.join("lock"), project, progress).await?;
    for program in wanted {
        // Another process may have made it while we waited.
        if !is_program(&kept.join(program.0)) {
            obtain(project, *program, places, &home, &passed, progress).await?;
        }
    }
    Ok(kept)
}

/// Downloads a program into the cache or, where that is not possible, builds it.
async fn obtain(
    project: &Project,
    program: (&'static str, &'static str),
    places: &Places,
    home: &Path,
    passed: &[String],
    progress: Progress<'_>,
) -> Result<(), SandboxError> {
    let Err(reason) = download::download(project, program.0, places, home, progress).await? else {
        return Ok(());
    };
    let Some(go) = &places.go else {
        let last =
            [format!("the releases of {}: {reason}", project.name), "`go`, which would build it: not in `PATH`".into()];
        let program = format!("`{}` {}", program.0, project.version);
        return Err(SandboxError::NoPrograms { program, places: passed.iter().cloned().chain(last).collect() });
    };
    progress(&format!("no download of {} {}: {reason}", program.0, project.version));
    build::build(go, project, program.0, program.1, home, progress).await
}

/// Why a folder is not the one, if it is not.
fn lacking(folder: &Path, wanted: &[(&str, &str)]) -> Option<String> {
    if !folder.is_dir() {
        return Some("there is no such folder".into());
    }
    let missing: Vec<String> = wanted
        .iter()
        .filter(|(name, _)| !is_program(&folder.join(name)))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    (!missing.is_empty()).then(|| format!("it has no {}", missing.join(", ")))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Takes the lock of a project's folder in the cache. It is free again when the file is closed, at the latest by the end
/// of this process.
async fn locked(path: &Path, project: &Project, progress: Progress<'_>) -> Result<File, SandboxError> {
    let file = File::create(path).map_err(SandboxError::file(path))?;
    let mut waiting = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(SandboxError::file(path)(error)),
            Err(TryLockError::WouldBlock) if !waiting => {
                waiting = true;
                progress(&format!("waiting for another process that prepares {} {}", project.name, project.version));
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}
