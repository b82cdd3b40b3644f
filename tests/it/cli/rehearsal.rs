//! `weft validate --sandbox`: what a real API server says, without a cluster.

use libtest_mimic::{Failed, Trial};

use super::program::Desk;
use crate::cases::code;
use crate::sandbox;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![code("cli", "rehearsal_finds_every_objection", finds_every_objection)]
}

const ENVIRONMENT: &str = "cluster: {}\nreleases:\n- {name: web, namespace: web, manifests: manifests}\n\
                           - {name: more, namespace: more, manifests: more, needs: [web]}\n";

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80, prot: TCP}]}\n";

const QUOTA: &str = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: more}\nspec: {hard: {pods: many}}\n";

/// One release that needs another does not hide what is wrong with it: every object is tried.
fn finds_every_objection() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("environments/dev/environment.yaml", ENVIRONMENT);
    desk.write("manifests/service.yaml", SERVICE);
    desk.write("more/quota.yaml", QUOTA);
    // With this the programs of a control plane are there, and the command finds the same ones.
    sandbox::shared();
    let programs = ["KUBEBUILDER_ASSETS", "PATH"].into_iter().filter_map(|it| Some((it, std::env::var_os(it)?)));
    let cache = ("WEFT_SANDBOX_CACHE", sandbox::places().cache.into_os_string());
    let found: Vec<_> = programs.chain([cache]).collect();
    let run = |desk: &Desk| desk.output(desk.command(["validate", "dev", "--sandbox"]).envs(found.clone()));
    let said = run(&desk);
    said.ends_with(1)?.says("Service web/web: ")?.says("prot")?.says("ResourceQuota more/more: ")?;
    said.says("dev: a real API server has 2 objections")?.keeps_quiet_about("which `more` needs")?;

    desk.write("manifests/service.yaml", SERVICE.replace("prot:", "protocol:"));
    desk.write("more/quota.yaml", QUOTA.replace("many", "'5'"));
    run(&desk).ends_with(0)?.says("dev: a real API server takes it, and a second plan is empty").map(drop)
}
