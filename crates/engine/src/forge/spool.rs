//! Accepted events, kept in a folder until their command has run, and what is remembered of them for a day.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use super::listen::ForgeEvent;

/// For how long an event is not accepted a second time.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How many events may wait.
const MOST: usize = 1000;
/// The file with the marks of accepted events.
const MARKS: &str = "accepted";
/// How the names of waiting events end.
const WAITING: &str = ".event";

/// What became of an event that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// It waits for its turn.
    Accepted,
    /// It was accepted before.
    Repeated,
    /// Too many wait.
    Full,
}

/// The folder. It is its owner's alone: events may name what is not public.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    marks: Mutex<HashMap<String, u64>>,
    arrived: Notify,
}

impl Spool {
    /// Opens a folder, with what an earlier run left in it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let text = match fs::read_to_string(folder.join(MARKS)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mark =
            |line: &str| line.split_once(' ').and_then(|(time, mark)| Some((mark.to_owned(), time.parse().ok()?)));
        let marks = Mutex::new(text.lines().filter_map(mark).collect());
        Ok(Self { folder: folder.to_path_buf(), marks, arrived: Notify::new() })
    }

    /// Keeps an event that has these marks. When this returns, it is on the disk.
    pub fn put(&self, event: &ForgeEvent, marks: &[String]) -> io::Result<Intake> {
        let mut known = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        known.retain(|_, time| Duration::from_secs(*time) + REMEMBERED > now);
        if marks.iter().any(|mark| known.contains_key(mark)) {
            return Ok(Intake::Repeated);
        }
        if self.waiting()?.len() >= MOST {
            return Ok(Intake::Full);
        }
        let name = format!("{:039}{WAITING}", now.as_nanos());
        self.write(&name, &[event.name.as_bytes(), b"\n", &event.text].concat())?;
        known.extend(marks.iter().map(|mark| (mark.clone(), now.as_secs())));
        let mut lines = String::new();
        for (mark, time) in known.iter() {
            lines.extend([&time.to_string(), " ", mark.as_str(), "\n"]);
        }
        self.write(MARKS, lines.as_bytes())?;
        self.arrived.notify_one();
        Ok(Intake::Accepted)
    }

    /// The event that waits longest, with the file that it is in; waits for one.
    pub async fn next(&self) -> io::Result<(PathBuf, ForgeEvent)> {
        loop {
            let arrived = self.arrived.notified();
            if let Some(path) = self.waiting()?.into_iter().next() {
                let mut text = fs::read(&path)?;
                let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(0);
                let name = String::from_utf8_lossy(&text[..end]).into_owned();
                text.drain(..=end.min(text.len().saturating_sub(1)));
                return Ok((path, ForgeEvent { name, text }));
            }
            arrived.await;
        }
    }

    /// The files of events, the oldest first.
    fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with(WAITING) {
                all.push(path);
            }
        }
        all.sort();
        Ok(all)
    }

    /// Writes a whole file or none.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.folder.join(name))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_a_restart_and_is_accepted_once() {
        let folder = tempfile::tempdir().unwrap();
        let event = ForgeEvent { name: "push".into(), text: b"{\"a\":\n1}".to_vec() };
        let marks = ["one".to_owned(), "two".to_owned()];
        assert_eq!(Spool::open(folder.path()).unwrap().put(&event, &marks).unwrap(), Intake::Accepted);
        let spool = Spool::open(folder.path()).unwrap();
        assert_eq!(spool.put(&event, &marks[1..]).unwrap(), Intake::Repeated);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (path, found) = runtime.block_on(spool.next()).unwrap();
        assert_eq!(found, event);
        fs::remove_file(path).unwrap();
        assert_eq!(spool.put(&event, &["three".to_owned()]).unwrap(), Intake::Accepted);
    }
}
