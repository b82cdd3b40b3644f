//! Plain text in an editor: in a folder that only its owner can enter, in memory where there is such storage, and gone
//! when the editor ends, when a signal ends us, or, after the hardest end, at the next start.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use super::error::SecretsVerbError;
use crate::cli::files::{self, FileError};
use crate::cli::wait;
use crate::diagnostic::Failure;
use crate::masked::Masked;

/// Names of folders with plain text begin so.
const PREFIX: &str = "weft-edit-";
/// How long an editor that got our signal may take until its file goes.
const GRACE: Duration = Duration::from_millis(300);

/// What a signal has to clear away.
struct Open {
    folder: Option<PathBuf>,
    editor: Option<Pid>,
    /// Whether a signal is ending us.
    ending: bool,
}

static OPEN: Mutex<Open> = Mutex::new(Open { folder: None, editor: None, ending: false });

/// Opens a text in the editor (`VISUAL`, `EDITOR` or `vi`) as a file of the name of `path`; what it is then.
pub(super) fn edited(path: &Path, before: &Masked<String>) -> Result<Masked<String>, Failure> {
    let bases = bases();
    for base in &bases {
        clear_stale(base);
    }
    watch_signals()?;
    let folder = Folder::new(&bases)?;
    let place = folder.path.join(path.file_name().unwrap_or_default());
    files::create(&place, before.expose(), true)?;
    let opened = open_editor(&place);
    let after = opened.and_then(|()| Ok(Masked::new(files::read(&place)?)));
    // Whatever happened, the plain text does not stay.
    let gone = folder.close();
    let after = after?;
    gone?;
    Ok(after)
}

/// A folder with plain text. It is locked for as long as we live, by which others know that it is in use.
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    fn new(bases: &[PathBuf]) -> Result<Self, FileError> {
        let base = bases.first().cloned().unwrap_or_default();
        Self::inside(&base).map_err(|source| FileError::Write { path: base, source })
    }

    /// It gets its name when it is locked: before, others would take it for a stale one.
    fn inside(base: &Path) -> io::Result<Self> {
        let mut new = tempfile::Builder::new();
        let new = new.prefix("weft-new-").permissions(fs::Permissions::from_mode(0o700)).tempdir_in(base)?;
        let lock = File::open(new.path())?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        let name = new.path().file_name().unwrap_or_default().to_string_lossy().replace("weft-new-", PREFIX);
        let path = base.join(name);
        let mut open = open();
        fs::rename(new.path(), &path)?;
        open.folder = Some(path.clone());
        // What it was called is not there any more.
        let _ = new.keep();
        Ok(Self { path, _lock: lock })
    }

    fn close(self) -> Result<(), FileError> {
        open().folder = None;
        clear(&self.path).map_err(|source| FileError::Write { path: self.path.clone(), source })
    }
}

impl Drop for Folder {
    /// After an error on the way; [`Folder::close`] leaves nothing to do.
    fn drop(&mut self) {
        open().folder = None;
        let _ = clear(&self.path);
    }
}

fn open() -> MutexGuard<'static, Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a folder may be, the best first: the user's own in memory, that of everybody, the one for temporary files.
fn bases() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let shared = PathBuf::from("/dev/shm");
    let memory = own.into_iter().chain([shared]).filter(|it| is_in_memory(it) && is_writable(it));
    memory.chain([std::env::temp_dir()]).collect()
}

fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

/// Whether a path is on a `tmpfs` or a `ramfs` (`statfs(2)`).
#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];
    rustix::fs::statfs(path).is_ok_and(|it| u32::try_from(it.f_type).is_ok_and(|found| IN_MEMORY.contains(&found)))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}

/// Removes what runs that were killed have left. Nothing is lost where it cannot be: the next run tries again.
fn clear_stale(base: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && fs::symlink_metadata(entry.path()).is_ok_and(|it| it.is_dir() && it.uid() == own);
        let Some(folder) = is_ours.then(|| File::open(entry.path()).ok()).flatten() else { continue };
        if flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = clear(&entry.path());
        }
    }
}

/// Overwrites the files of a folder, those that the editor put there too, and removes it. One that is gone is fine.
fn clear(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries.flatten().filter(|it| it.file_type().is_ok_and(|kind| kind.is_file())) {
        // What cannot be overwritten is removed all the same.
        let _ = files::wipe(&entry.path());
    }
    fs::remove_dir_all(folder)
}

/// From the first call on, a signal that ends us goes to the editor, clears the folder, and ends us.
fn watch_signals() -> Result<(), Failure> {
    static WATCHED: std::sync::Once = std::sync::Once::new();
    let mut result = Ok(());
    WATCHED.call_once(|| {
        result = wait(async {
            for (kind, sent) in [
                (SignalKind::interrupt(), Signal::INT),
                (SignalKind::terminate(), Signal::TERM),
                (SignalKind::hangup(), Signal::HUP),
            ] {
                let mut stream = signal(kind).map_err(SecretsVerbError::Signals)?;
                tokio::spawn(async move {
                    stream.recv().await;
                    end(sent).await;
                });
            }
            Ok::<_, Failure>(())
        });
    });
    result
}

async fn end(sent: Signal) {
    let editor = {
        let mut open = open();
        open.ending = true;
        open.editor
    };
    if let Some(editor) = editor {
        // It may be gone already: a terminal sends the signal to both.
        let _ = kill_process(editor, sent);
        tokio::time::sleep(GRACE).await;
    }
    // Held until the end, so that no other folder is made meanwhile.
    let open = open();
    if let Some(folder) = &open.folder {
        let _ = clear(folder);
    }
    std::process::exit(128 + sent.as_raw());
}

fn open_editor(place: &Path) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
    let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let failed = |source| SecretsVerbError::Editor { editor: editor.clone(), source };
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or("vi"));
    let mut child = command.args(words).arg(place).spawn().map_err(failed)?;
    open().editor = Pid::from_raw(child.id().cast_signed());
    let status = child.wait();
    let ending = {
        let mut open = open();
        open.editor = None;
        open.ending
    };
    // How the editor took the signal does not matter any more.
    if ending {
        loop {
            std::thread::park();
        }
    }
    let status = status.map_err(failed)?;
    if status.success() { Ok(()) } else { Err(SecretsVerbError::EditorFailed { editor, status }.into()) }
}
