//! `weft validate --sandbox`: what a real API server says about an environment that has no cluster.

use libtest_mimic::{Failed, Trial};

use super::program::Run;
use super::site::{Site, WEB};
use crate::cases::code;
use crate::sandbox::places;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![code("cli", "validate_in_a_sandbox", in_a_sandbox)]
}

/// Only the programs of the control plane come from this machine.
fn validate(site: &Site) -> Run {
    let mut command = site.desk.command(["validate", "dev", "--sandbox"]);
    site.desk.output(
        command.env("WEFT_SANDBOX_CACHE", places().cache).env("PATH", std::env::var_os("PATH").unwrap_or_default()),
    )
}

fn in_a_sandbox() -> Result<(), Failed> {
    let site = Site::with_web("validate");
    let wrong = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80, prot: TCP}]}\n\
                 ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web2, labels: {bad: 'not a label!'}}\n";
    site.chart("bad", "greeting: Hello\nport: 80\n", &format!("{WEB}{wrong}"));
    site.releases(&["{name: web, chart: web}", "{name: bad, chart: bad}"]);
    let run = validate(&site);
    run.ends_with(1)?.says("spec.ports[0].prot")?.says("metadata.labels")?.says("objections")?;
    site.releases(&["{name: web, chart: web}"]);
    validate(&site).ends_with(0)?.says("a real API server takes it, and a second plan is empty").map(drop)
}
