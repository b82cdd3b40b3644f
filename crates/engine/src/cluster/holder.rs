//! Who holds a lease: named so that people know it, and so that a later run on the same machine sees that it is gone.

use std::fs;

use data_encoding::HEXLOWER;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use sha2::{Digest as _, Sha256};

/// The variables by which CI services name who started a job, and the job.
const JOBS: [(&str, &str); 4] = [
    ("GITHUB_ACTOR", "GITHUB_RUN_ID"),
    ("GITLAB_USER_LOGIN", "CI_JOB_ID"),
    ("BUILDKITE_BUILD_CREATOR", "BUILDKITE_BUILD_NUMBER"),
    ("CIRCLE_USERNAME", "CIRCLE_BUILD_NUM"),
];

/// This process: user, host, process and machine.
pub fn name() -> String {
    process_of(&person())
}

/// This process of somebody or something, with its number and its machine.
pub fn process_of(whom: &str) -> String {
    format!("{whom} (process {}{})", std::process::id(), machine().unwrap_or_default())
}

/// Who applies, for those who look later: user and host, or in a job of CI who started it, and its number.
pub fn who() -> String {
    let job = |(user, number)| Some(format!("{} (job {})", variable(user)?, variable(number)?));
    JOBS.into_iter().find_map(job).unwrap_or_else(person)
}

fn person() -> String {
    let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    format!("{user}@{}", rustix::system::uname().nodename().to_string_lossy())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

/// Whether a holder was a process of this machine, and has ended. Where that cannot be told, it may live.
pub fn is_gone(holder: &str) -> bool {
    let process = machine().and_then(|machine| {
        let (_, rest) = holder.strip_suffix(')')?.rsplit_once("(process ")?;
        Pid::from_raw(rest.strip_suffix(&machine)?.parse().ok()?)
    });
    process.is_some_and(|process| test_kill_process(process) == Err(Errno::SRCH))
}

/// What tells this machine, since it was started, and this space of process numbers from all others. Linux alone has it.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    let digest = Sha256::digest(format!("{} {}", boot.trim(), space.display()));
    Some(format!(", machine {}", HEXLOWER.encode(&digest[..4])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_is_known_to_be_gone() {
        assert!(!is_gone(&name()));
        assert!(!is_gone("me@laptop (process 1, machine 00000000)"));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let other = name().replace(&format!("process {}", std::process::id()), &format!("process {}", child.id()));
        child.wait().unwrap();
        assert_eq!(is_gone(&other), machine().is_some());
    }
}
