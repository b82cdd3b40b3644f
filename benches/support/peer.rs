//! `kubectl diff --server-side` on the same objects.

use std::path::Path;
use std::process::Command;

use super::cluster::ControlPlane;
use super::process::{self, Series};
use super::project::{KINDS, Project};
use super::{Arguments, Failure, Targets};

/// How often `kubectl diff` is tried until controllers are done with new objects.
const TRIES: usize = 10;
/// Objects of each kind in a release.
const COPIES: usize = 10;
/// By how many dry runs at once, how many times as fast we have to be.
const TARGETS: [(&str, f64); 2] = [("1", 50.0), ("16", 15.0)];

/// Objects for kubectl.
pub struct Kubectl<'a> {
    /// Where they are applied.
    pub plane: &'a ControlPlane,
    /// The project that they come from.
    pub project: &'a Project,
    /// How many there are.
    pub objects: usize,
}

impl Kubectl<'_> {
    /// Compares as many of the objects as the arguments say, and takes the time for all to be in proportion.
    pub fn beside(&self, arguments: &Arguments, targets: &mut Targets, ours: &Series) -> Result<(), Failure> {
        let kubectl = arguments.peer("kubectl")?;
        let release = COPIES * KINDS;
        let releases = arguments.peer_objects.unwrap_or(self.objects).clamp(release, self.objects) / release;
        let objects = releases * release;
        let manifests = self.project.fleet_manifests(releases, COPIES)?;
        let command = |verb: &str| self::kubectl(&kubectl, verb, self.plane.kubeconfig(), &manifests);
        process::run(&mut command("apply"))?;
        // To `kubectl diff`, a status that a controller writes meanwhile is a difference, too.
        (1..TRIES).find(|_| process::run(&mut command("diff")).is_ok()).ok_or("the objects do not come to rest")?;
        let scale = self.objects as f64 / objects as f64;
        for (concurrency, target) in TARGETS {
            let name = format!("kubectl diff, concurrency {concurrency}, {objects} objects");
            let theirs = Series::measure(&name, 1, || {
                let mut command = command("diff");
                command.args(["--concurrency", concurrency]);
                command
            })?;
            let ratio = theirs.ratio(ours) * scale;
            let scaled = if objects < self.objects { format!(", {scale:.0} times its time") } else { String::new() };
            let measured = format!("{ratio:.0} times as fast as with `--concurrency={concurrency}`{scaled}");
            targets.hold(ratio >= target, &measured, &format!("at least {target:.0} times"));
        }
        Ok(())
    }
}

/// A verb of kubectl on the same objects.
pub fn kubectl(kubectl: &Path, verb: &str, kubeconfig: &Path, manifests: &Path) -> Command {
    let mut command = Command::new(kubectl);
    command.args([verb, "--server-side", "--filename"]).arg(manifests).arg("--kubeconfig").arg(kubeconfig);
    command
}
