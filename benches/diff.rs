//! Ten thousand unchanged objects judged: beside the bare LISTs, beside `kubectl diff --server-side`, over a long way,
//! with some of them changed, on one core without a server, and from a hundred objects to fifty thousand.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]
#![allow(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod support;

use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::time::Duration;

use support::alone;
use support::cluster::ControlPlane;
use support::judged::{Judged, judge};
use support::lists::{Encoding, Lists, lists};
use support::peer::Kubectl;
use support::process::{self, Series, megabytes};
use support::project::{KINDS, NAMESPACES, Project};
use support::relay::Relay;
use support::{Arguments, Failure, Targets};

/// Objects of each kind in a release.
const COPIES: usize = 10;
/// The releases of which most figures are: ten thousand objects.
const RELEASES: usize = 100;
/// The releases with which growth is measured: from a hundred objects to fifty thousand.
const GROWTH: [usize; 4] = [1, 10, 100, 500];
/// The releases of both, to try it.
const QUICK: (usize, &[usize]) = (10, &[1, 10]);
/// What a long way adds to each request.
const WAY: Duration = Duration::from_millis(20);
/// How many of the objects are changed.
const CHANGED: usize = 100;
/// In bytes.
const MEMORY: u64 = 200_000_000;

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let (releases, growth) = if arguments.quick { QUICK } else { (RELEASES, &GROWTH[..]) };
    let plane = ControlPlane::start()?;
    let mut grown = Vec::new();
    for &size in growth {
        let fleet = Fleet { project: Project::fleet(size, COPIES)?, plane: &plane, releases: size };
        process::run(fleet.weft("apply").args(["--yes", "--no-wait"]))?;
        let objects = size * COPIES * KINDS;
        println!("\n{objects} unchanged objects, {KINDS} kinds; {} cores", support::cores());
        process::head();
        let ours = fleet.diff(2 * arguments.runs)?;
        grown.push((objects, ours.median()));
        if size == releases {
            fleet.all(arguments, targets, &ours)?;
        }
    }
    growth_of(&grown, targets);
    plane.stop()
}

/// Objects that are applied.
struct Fleet<'a> {
    project: Project,
    plane: &'a ControlPlane,
    releases: usize,
}

impl Fleet<'_> {
    fn weft(&self, verb: &str) -> Command {
        let mut command = self.project.weft(verb);
        command.arg("--kubeconfig").arg(self.plane.kubeconfig());
        command
    }

    fn diff(&self, runs: usize) -> Result<Series, Failure> {
        Series::measure("weft diff", runs, || {
            let mut command = self.weft("diff");
            command.arg("--exit-code");
            command
        })
    }

    fn objects(&self) -> usize {
        self.releases * COPIES * KINDS
    }

    fn all(&self, arguments: &Arguments, targets: &mut Targets, ours: &Series) -> Result<(), Failure> {
        let measured = format!("{:.0} MB resident at most", megabytes(ours.peak));
        targets.hold(ours.peak < MEMORY, &measured, "below 200 MB");
        self.beside_lists(None, arguments.runs, targets)?;
        self.requests(arguments, targets)?;
        let far = Relay::start(self.plane.runtime(), self.plane.address()?, WAY)?;
        println!("over a relay that adds {} ms to each request", WAY.as_millis());
        self.beside_lists(Some(far.address), arguments.runs, targets)?;
        alone::compare(self.plane, &self.judge(None)?, targets)?;
        self.changed(targets)?;
        Kubectl { plane: self.plane, project: &self.project, objects: self.objects() }.beside(arguments, targets, ours)
    }

    fn judge(&self, relay: Option<SocketAddr>) -> Result<Judged, Failure> {
        let kubeconfig = self.plane.kubeconfig_through(relay.map(|it| format!("https://{it}")))?;
        self.plane.runtime().block_on(judge(&self.project, kubeconfig.path()))
    }

    /// Bare LISTs and the judging of the same objects, by turns.
    fn beside_lists(&self, relay: Option<SocketAddr>, runs: usize, targets: &mut Targets) -> Result<(), Failure> {
        let encoding = if relay.is_some() { Encoding::Packed } else { Encoding::Plain };
        let asked = self.plane.dry_runs()?;
        let (mut bare, mut judged): (Vec<Lists>, Vec<Judged>) = (Vec::new(), Vec::new());
        for _ in 0..runs.max(1) {
            let run = lists(self.plane.kubeconfig(), relay, self.releases, encoding);
            bare.push(self.plane.runtime().block_on(run)?);
            judged.push(self.judge(relay)?);
        }
        bare.sort_by_key(|it| it.took);
        judged.sort_by_key(|it| it.took);
        let (bare, judged) = (bare[bare.len() / 2], &judged[judged.len() / 2]);
        println!("  bare LISTs {:.3} s, {:.1} MB of JSON", bare.took.as_secs_f64(), bare.bytes as f64 / 1e6);
        for (what, took, cpu) in &judged.parts {
            println!("  {:.3} s, {:.2} s of processor time: {what}", took.as_secs_f64(), cpu.as_secs_f64());
        }
        let ratio = judged.took.as_secs_f64() / bare.took.as_secs_f64();
        let measured = format!("judged in {:.3} s, {ratio:.2} times the bare LISTs", judged.took.as_secs_f64());
        targets.hold(ratio <= 2.0, &measured, "at most twice");
        let asked = self.plane.dry_runs()? - asked;
        targets.hold(asked == 0, &format!("{asked} dry runs"), "none");
        Ok(())
    }

    /// Counts requests where they can be read: between us and `kubectl proxy`, which speaks plain HTTP.
    fn requests(&self, arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
        let proxy = self.plane.plain(&arguments.peer("kubectl")?)?;
        let relay = Relay::start(self.plane.runtime(), proxy.address, Duration::ZERO)?;
        let kubeconfig = self.plane.kubeconfig_through(Some(format!("http://{}", relay.address)))?;
        let mut command = self.project.weft("diff");
        process::run(command.arg("--exit-code").arg("--kubeconfig").arg(kubeconfig.path()))?;
        let (asked, most) = (relay.requests(), KINDS * self.releases.min(NAMESPACES) + 10);
        targets.hold(asked > 0 && asked <= most, &format!("{asked} requests"), &format!("at most {most}"));
        Ok(())
    }

    /// Somebody else changes some of the objects.
    fn changed(&self, targets: &mut Targets) -> Result<(), Failure> {
        let changed = CHANGED.min(self.objects() / KINDS);
        self.plane.change(changed, COPIES)?;
        let asked = self.plane.dry_runs()?;
        let series = Series::measure(&format!("weft diff, {changed} changed"), 1, || self.weft("diff"))?;
        let asked = self.plane.dry_runs()? - asked;
        let measured = format!("{asked} dry runs for {changed} changed objects, {:.3} s", series.median());
        targets.hold(asked > 0 && asked <= changed as u64, &measured, &format!("at most {changed}"));
        process::run(self.weft("apply").args(["--yes", "--no-wait", "--take", "somebody"]))?;
        Ok(())
    }
}

/// The time of whole runs against the number of objects.
fn growth_of(grown: &[(usize, f64)], targets: &mut Targets) {
    let ([(few, short), ..], [.., (many, long)]) = (grown, grown) else { return };
    for pair in grown.windows(2) {
        let (objects, time) = (pair[1].0 as f64 / pair[0].0 as f64, pair[1].1 / pair[0].1);
        println!("  {} objects beside {}: {objects:.0} times as many, {time:.1} times the time", pair[1].0, pair[0].0);
    }
    let exponent = (long / short).ln() / (*many as f64 / *few as f64).ln();
    let measured = format!("from {few} to {many} objects the time grows by the exponent {exponent:.2}");
    targets.hold(exponent <= 1.05, &measured, "at most 1.05");
    if let [.., (before, time), _] = grown {
        let last = (long / time) / (*many as f64 / *before as f64);
        targets.hold(last <= 1.25, &format!("{last:.2} times the time an object in the last step"), "at most 1.25");
    }
}
