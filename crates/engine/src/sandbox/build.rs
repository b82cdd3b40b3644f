//! Building a program from its Go modules.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::sandbox::group::ProcessGroup;
use crate::sandbox::programs::Project;
use crate::sandbox::{Progress, SandboxError};

/// Between two lines of progress.
const TELL: Duration = Duration::from_secs(15);

/// Between two looks at the build.
const PAUSE: Duration = Duration::from_millis(100);

/// Builds one program of a project and puts it, finished, into `home/bin`. The build ends with this process.
pub(super) async fn build(
    go: &Path,
    project: &Project,
    program: &'static str,
    package: &'static str,
    home: &Path,
    progress: Progress<'_>,
) -> Result<(), SandboxError> {
    let folder = tempfile::Builder::new().prefix("build-").tempdir_in(home).map_err(SandboxError::file(home))?;
    let mut group = ProcessGroup::new(folder.path())?;
    let folder = folder.keep();
    for (name, text) in project.module {
        let path = folder.join(name);
        fs::write(&path, text).map_err(SandboxError::file(&path))?;
    }
    let mut command = Command::new(go);
    command.current_dir(&folder).envs([("CGO_ENABLED", "0"), ("GOWORK", "off")]).args([
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags",
        project.linker,
        "-o",
        program,
        package,
    ]);
    let what = format!("{program} {}", project.version);
    progress(&format!("building {what} from source, once: this can take some minutes"));
    let began = Instant::now();
    group.start("go", &mut command)?;
    finished(&mut group, program, home, &|elapsed| progress(&format!("building {what}: {elapsed}")), began).await?;
    let kept = home.join("bin").join(program);
    fs::rename(folder.join(program), &kept).map_err(SandboxError::file(&kept))?;
    progress(&format!("built {what} in {}", minutes(began.elapsed())));
    group.end()
}

async fn finished(
    group: &mut ProcessGroup,
    program: &'static str,
    home: &Path,
    tell: &(dyn Fn(&str) + Sync),
    began: Instant,
) -> Result<(), SandboxError> {
    let mut told = began;
    loop {
        match group.ended("go")? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => {
                let log = home.join(format!("{program}.log"));
                fs::copy(group.folder().join("go.log"), &log).map_err(SandboxError::file(&log))?;
                return Err(SandboxError::Build { program, status, log, tail: group.tail("go") });
            }
            None if told.elapsed() >= TELL => {
                told = Instant::now();
                tell(&minutes(began.elapsed()));
            }
            None => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// `40 s`, `2 min 5 s`.
pub(super) fn minutes(elapsed: Duration) -> String {
    match (elapsed.as_secs() / 60, elapsed.as_secs() % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
