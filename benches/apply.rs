//! Ten thousand objects applied for the first time: beside `kubectl apply --server-side`, and beside a bare load of the
//! same bodies on the same server; then once more, with nothing to change.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]
#![allow(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod support;

use std::process::{Command, ExitCode};

use support::cluster::ControlPlane;
use support::judged::judge;
use support::load::{self, Load};
use support::peer;
use support::process::{self, Series};
use support::project::{KINDS, NAMESPACES, Project};
use support::{Arguments, Failure, Targets};

/// Objects of each kind in a release.
const COPIES: usize = 10;
/// The releases: ten thousand objects; and to try it.
const RELEASES: usize = 100;
const QUICK: usize = 5;
/// The namespaces of kubectl's objects, and of those of the bare load.
const THEIRS: &str = "theirs";
const BARE: &str = "bare";

fn main() -> ExitCode {
    support::main(run)
}

fn run(arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
    let releases = if arguments.quick { QUICK } else { RELEASES };
    let plane = ControlPlane::start()?;
    for prefix in [THEIRS, BARE] {
        plane.namespaces(prefix, NAMESPACES)?;
    }
    let first = First { project: Project::fleet(releases, COPIES)?, plane: &plane, releases };
    println!("\n{} objects, {KINDS} kinds; {} cores", first.objects(), support::cores());
    process::head();
    first.all(arguments, targets)?;
    plane.stop()
}

/// Objects that nobody has applied yet.
struct First<'a> {
    project: Project,
    plane: &'a ControlPlane,
    releases: usize,
}

impl First<'_> {
    fn weft(&self, verb: &str) -> Command {
        let mut command = self.project.weft(verb);
        command.arg("--kubeconfig").arg(self.plane.kubeconfig());
        command
    }

    fn apply(&self) -> Command {
        let mut command = self.weft("apply");
        command.args(["--yes", "--no-wait"]);
        command
    }

    fn objects(&self) -> usize {
        self.releases * COPIES * KINDS
    }

    fn all(&self, arguments: &Arguments, targets: &mut Targets) -> Result<(), Failure> {
        // The server is fastest when it has nothing yet: that is theirs.
        let (theirs, theirs_again, scale) = self.kubectl(arguments)?;
        let planned = self.plane.runtime().block_on(judge(&self.project, self.plane.kubeconfig()))?.planned;
        let load = Load::of(&planned, "fleet", BARE)?;
        // One half of the bare load before ours and one behind, since every object makes the server slower.
        let (before, behind) = load.halves();
        let before = self.plane.runtime().block_on(load::send(self.plane.kubeconfig(), before))?;
        let plan = Series::measure("weft plan, everything is new", 1, || self.weft("plan"))?;
        let ours = Series::measure("weft apply, everything is new", 1, || self.apply())?;
        let behind = self.plane.runtime().block_on(load::send(self.plane.kubeconfig(), behind))?;
        let ratio = theirs.ratio(&ours) * scale;
        targets.hold(ratio >= 3.0, &format!("{ratio:.1} times as fast as kubectl"), "at least 3 times");
        let bare = self.objects() as f64 / (before + behind).as_secs_f64();
        let rate = self.objects() as f64 / (ours.median() - plan.median());
        println!("  the bare load writes {bare:.0} objects a second, and we {rate:.0}");
        let measured = format!("{:.0} % of the bare load's rate", 100.0 * rate / bare);
        targets.hold(rate >= 0.85 * bare, &measured, "at least 85 %");
        let again = Series::measure("weft apply, nothing to change", arguments.runs, || self.apply())?;
        let ratio = theirs_again.ratio(&again) * scale;
        targets.hold(ratio >= 30.0, &format!("{ratio:.0} times as fast as kubectl"), "at least 30 times");
        Ok(())
    }

    /// kubectl's first apply, its next one, and by how much its objects are fewer.
    fn kubectl(&self, arguments: &Arguments) -> Result<(Series, Series, f64), Failure> {
        let kubectl = arguments.peer("kubectl")?;
        let release = COPIES * KINDS;
        let releases = arguments.peer_objects.unwrap_or(self.objects()).clamp(release, self.objects()) / release;
        let (objects, all) = (releases * release, self.objects());
        let manifests = self.project.fleet_manifests_in(THEIRS, releases, COPIES)?;
        let command = || peer::kubectl(&kubectl, "apply", self.plane.kubeconfig(), &manifests);
        let first = Series::measure(&format!("kubectl apply, {objects} new objects"), 1, command)?;
        let again = Series::measure(&format!("kubectl apply, {objects} unchanged objects"), 1, command)?;
        Ok((first, again, all as f64 / objects as f64))
    }
}
