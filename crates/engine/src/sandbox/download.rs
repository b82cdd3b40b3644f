//! Downloading a program of an official release, against the checksum that is published with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::network::Network;
use crate::sandbox::build::minutes;
use crate::sandbox::programs::Project;
use crate::sandbox::{Places, Progress, Releases, SandboxError};

/// Where a project publishes its releases: addresses with `{version}`, `{os}`, `{arch}` and `{program}`.
#[derive(Debug)]
pub(super) struct DownloadSource {
    /// The host and the folder of all releases.
    pub home: &'static str,
    /// The file below it.
    pub file: &'static str,
    /// The file with its SHA-256, alone or in a list with names.
    pub sums: &'static str,
    /// Where the program is in the file, if that is a `.tar.gz`.
    pub inside: Option<&'static str>,
}

/// Why a program cannot be had from a release; the next source is tried.
pub(super) type FallbackReason = String;

/// Between two lines of progress.
const TELL: Duration = Duration::from_secs(15);

/// How large a program may be, packed, in bytes.
const LARGEST: usize = 1 << 30;

/// Downloads a program into `home/bin`. A download that is not possible is a reason to go on with the next source; one
/// whose checksum differs is an error.
pub(super) async fn download(
    project: &Project,
    program: &str,
    places: &Places,
    home: &Path,
    progress: Progress<'_>,
) -> Result<Result<(), FallbackReason>, SandboxError> {
    let Some(published) = &project.published else { return Ok(Err("it publishes no checksums".into())) };
    let base = match &places.releases {
        Releases::Off => return Ok(Err("`WEFT_SANDBOX_RELEASES` is `off`".into())),
        Releases::Official => published.home.to_owned(),
        Releases::Mirror(base) => format!("{}/{}", base.trim_end_matches('/'), project.name),
    };
    let address = |file: &str| filled(&format!("{base}/{file}"), project, program);
    let file = address(published.file);
    let sums = address(published.sums);
    let what = format!("{program} {}", project.version);
    progress(&format!("downloading {what} from {file}"));
    let tell = |elapsed: &str| progress(&format!("downloading {what}: {elapsed}"));
    let (bytes, sums) = match both(&file, &sums, &Network::new(&places.network), &tell).await {
        Ok(got) => got,
        Err(reason) => return Ok(Err(reason)),
    };
    let name = file.rsplit('/').next().unwrap_or_default();
    let Some(expected) = sum_of(&sums, name) else { return Ok(Err(format!("no checksum for `{name}` is published"))) };
    let actual = sha256(&bytes);
    if actual != expected {
        return Err(SandboxError::Checksum { address: file, expected, actual });
    }
    kept(&bytes, program, published, project, home)?;
    Ok(Ok(()))
}

/// Puts a program, finished and executable, into `home/bin`.
fn kept(
    bytes: &[u8],
    program: &str,
    published: &DownloadSource,
    project: &Project,
    home: &Path,
) -> Result<(), SandboxError> {
    let folder = tempfile::Builder::new().prefix("download-").tempdir_in(home).map_err(SandboxError::file(home))?;
    let path = folder.path().join(program);
    match published.inside {
        None => fs::write(&path, bytes).map_err(SandboxError::file(&path))?,
        Some(inside) => unpack(bytes, &filled(inside, project, program), &path)?,
    }
    let finished = home.join("bin").join(program);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(SandboxError::file(&path))?;
    fs::rename(&path, &finished).map_err(SandboxError::file(&finished))
}

/// Unpacks one file of a `.tar.gz` with the machine's `tar`.
fn unpack(archive: &[u8], inside: &str, path: &Path) -> Result<(), SandboxError> {
    let packed = path.with_extension("tar.gz");
    fs::write(&packed, archive).map_err(SandboxError::file(&packed))?;
    let out = fs::File::create(path).map_err(SandboxError::file(path))?;
    let mut tar = std::process::Command::new("tar");
    let status =
        tar.arg("-xzOf").arg(&packed).arg(inside).stdout(out).status().map_err(SandboxError::program("tar"))?;
    if status.success() { Ok(()) } else { Err(SandboxError::Archive { file: inside.to_owned(), status }) }
}

/// The file and its checksums.
async fn both(
    file: &str,
    sums: &str,
    network: &Network,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<(Vec<u8>, String), FallbackReason> {
    let sums = String::from_utf8(get(sums, network).await?).map_err(|_| format!("{sums} is no text"))?;
    let began = Instant::now();
    let mut got = std::pin::pin!(get(file, network));
    loop {
        tokio::select! {
            bytes = &mut got => return Ok((bytes?, sums)),
            () = tokio::time::sleep(TELL) => tell(&minutes(began.elapsed())),
        }
    }
}

async fn get(address: &str, network: &Network) -> Result<Vec<u8>, FallbackReason> {
    network.get(address, LARGEST).await.map(|answer| answer.bytes).map_err(|error| error.to_string())
}

fn filled(pattern: &str, project: &Project, program: &str) -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let os = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    let pairs = [("{version}", project.version), ("{os}", os), ("{arch}", arch), ("{program}", program)];
    pairs.iter().fold(pattern.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// The checksum of a file in a list of `sum  name` lines, or one that stands alone.
fn sum_of(sums: &str, name: &str) -> Option<String> {
    let mut lines = sums.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.find_map(|words| match words[..] {
        [sum] => Some(sum),
        [sum, file] if file.trim_start_matches('*') == name => Some(sum),
        _ => None,
    });
    found.filter(|sum| sum.len() == 64).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_stand_alone_or_in_a_list() {
        let sum = "a".repeat(64);
        assert_eq!(sum_of(&format!("{sum}\n"), "x"), Some(sum.clone()));
        assert_eq!(sum_of(&format!("bad  y\n{sum}  x\n"), "x"), Some(sum.clone()));
        assert_eq!(sum_of(&format!("{sum}  other\n"), "x"), None);
        assert_eq!(sum_of("<html>", "x"), None);
    }
}
