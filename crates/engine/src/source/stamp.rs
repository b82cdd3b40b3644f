//! What the file system says of a file: enough to know that it was not written since, without reading it.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file whose times are younger may be written once more without getting other ones: those of FAT count by two seconds.
const COARSEST: Duration = Duration::from_secs(2);

/// A file as the file system knows it. Whoever writes to a file, puts another in its place, or sets its times gives it
/// another stamp; this is what git's index goes by, too (`gitformat-index(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// When its content was written, in seconds and nanoseconds since 1970. Programs may set it at will.
    modified: (i64, i64),
    /// When anything of it was changed; only the kernel sets that.
    changed: (i64, i64),
}

impl Stamp {
    /// Whether the file was last changed so long before `now` that a later change would show.
    pub fn is_settled(&self, now: SystemTime) -> bool {
        let Ok(now) = now.duration_since(SystemTime::UNIX_EPOCH) else { return false };
        let latest = now.saturating_sub(COARSEST);
        let latest = (i64::try_from(latest.as_secs()).unwrap_or(i64::MAX), i64::from(latest.subsec_nanos()));
        self.modified.max(self.changed) < latest
    }

    /// All of it, for a digest.
    pub fn bytes(&self) -> [u8; 56] {
        let signed = [self.modified.0, self.modified.1, self.changed.0, self.changed.1];
        let signed = signed.map(i64::cast_unsigned);
        let mut bytes = [0; 56];
        let words = [self.device, self.inode, self.bytes].into_iter().chain(signed);
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

/// The stamp of a file, links followed. A file server is asked, whatever this machine remembers of its files.
#[cfg(target_os = "linux")]
pub(super) fn of(place: &Path) -> io::Result<Stamp> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
    let about = statx(CWD, place, AtFlags::STATX_FORCE_SYNC, StatxFlags::BASIC_STATS)?;
    let time = |it: rustix::fs::StatxTimestamp| (it.tv_sec, i64::from(it.tv_nsec));
    Ok(Stamp {
        device: makedev(about.stx_dev_major, about.stx_dev_minor),
        inode: about.stx_ino,
        bytes: about.stx_size,
        modified: time(about.stx_mtime),
        changed: time(about.stx_ctime),
    })
}

/// The stamp of a file, links followed.
#[cfg(not(target_os = "linux"))]
pub(super) fn of(place: &Path) -> io::Result<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let about = std::fs::metadata(place)?;
    Ok(Stamp {
        device: about.dev(),
        inode: about.ino(),
        bytes: about.len(),
        modified: (about.mtime(), about.mtime_nsec()),
        changed: (about.ctime(), about.ctime_nsec()),
    })
}
