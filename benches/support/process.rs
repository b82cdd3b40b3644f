//! Whole processes: how long they take, and how much memory they need at most.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

use super::Failure;

/// The program that is measured, built as it is shipped.
pub fn weft() -> Command {
    Command::new(env!("CARGO_BIN_EXE_weft"))
}

/// Makes a command, with what it needs on the disk.
pub type Making<'m> = &'m mut dyn FnMut() -> Result<Command, Failure>;

/// The runs of one command.
pub struct Series {
    name: String,
    /// From the start of the process to its end, sorted.
    times: Vec<Duration>,
    /// The most that was resident in any run, in bytes. The kernel counts what this process held when it started the
    /// other one, too, so this one has to stay small.
    pub peak: u64,
}

impl Series {
    /// Runs a command so many times, and prints the figures.
    pub fn measure(name: &str, runs: usize, mut command: impl FnMut() -> Command) -> Result<Self, Failure> {
        let [series] = Self::in_turns(runs, [(name, &mut || Ok(command()))])?;
        Ok(series)
    }

    /// Runs commands in turns, so many times each, so that what the machine does beside them slows all of them down.
    pub fn in_turns<const N: usize>(runs: usize, mut commands: [(&str, Making<'_>); N]) -> Result<[Self; N], Failure> {
        let mut all =
            commands.each_ref().map(|(name, _)| Self { name: (*name).to_owned(), times: Vec::new(), peak: 0 });
        for _ in 0..runs.max(1) {
            for ((_, make), series) in commands.iter_mut().zip(&mut all) {
                let mut command = make()?;
                let began = Instant::now();
                let peak = run(&mut command)?;
                series.times.push(began.elapsed());
                series.peak = series.peak.max(peak);
            }
        }
        for series in &mut all {
            series.times.sort();
            println!("{series}");
        }
        Ok(all)
    }

    /// The median time in seconds.
    pub fn median(&self) -> f64 {
        self.times[self.times.len() / 2].as_secs_f64()
    }

    /// How many times as long as `other` this takes, by the medians.
    pub fn ratio(&self, other: &Self) -> f64 {
        self.median() / other.median()
    }
}

/// The head of the table of series.
pub fn head() {
    println!("{:<44} {:>4} {:>9} {:>9} {:>9} {:>8}", "", "runs", "min", "median", "max", "peak");
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, max] = [0, self.times.len() - 1].map(|at| self.times[at].as_secs_f64());
        let (name, runs, median, peak) = (&self.name, self.times.len(), self.median(), megabytes(self.peak));
        write!(f, "{name:<44} {runs:>4} {min:>7.3} s {median:>7.3} s {max:>7.3} s {peak:>5.0} MB")
    }
}

/// Bytes as millions of bytes.
#[allow(clippy::cast_precision_loss, reason = "it is shown without fractions")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Runs a command, whose output is thrown away, to a successful end; its peak resident memory in bytes.
pub fn run(command: &mut Command) -> Result<u64, Failure> {
    let mut said = tempfile::tempfile()?;
    let stderr = said.try_clone()?;
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn();
    let used = child.map_err(|error| format!("{command:?} does not start: {error}"))?.wait4()?;
    if used.status.success() { Ok(used.rusage.maxrss) } else { Err(failed(command, used.status, &mut said)) }
}

/// Runs a command to a successful end; what it prints.
pub fn output(command: &mut Command) -> Result<String, Failure> {
    let mut said = tempfile::tempfile()?;
    let done = command.stdin(Stdio::null()).stderr(said.try_clone()?).output()?;
    if done.status.success() {
        Ok(String::from_utf8(done.stdout)?)
    } else {
        Err(failed(command, done.status, &mut said))
    }
}

fn failed(command: &Command, status: ExitStatus, said: &mut File) -> Failure {
    let mut text = String::new();
    let read = said.rewind().and_then(|()| said.read_to_string(&mut text));
    format!("{command:?} failed ({status}): {}", read.map_or_else(|error| error.to_string(), |_| text)).into()
}
