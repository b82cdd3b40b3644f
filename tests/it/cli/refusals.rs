//! Plans that are refused: exit code 4, and nothing changed.

use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::program::Run;
use super::site::{Site, WEB};
use crate::cases::{code, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "refused_without_terminal_and_yes", without_terminal_and_yes),
        code("cli", "refused_prune_over_the_cap", prune_over_the_cap),
        code("cli", "refused_field_of_a_controller", field_of_a_controller),
        code("cli", "refused_object_of_another_set", object_of_another_set),
        code("cli", "refused_by_the_server", by_the_server),
        code("cli", "refused_while_somebody_applies", while_somebody_applies),
    ]
}

/// Runs a command that is refused, and sees that nothing changed.
fn refused(site: &Site, command: &str, code: i32) -> Result<Run, Failed> {
    let before = site.versions();
    let run = site.expect(command, code)?;
    same("the objects", &before.join("\n"), &site.versions().join("\n"))?;
    Ok(run)
}

fn without_terminal_and_yes() -> Result<(), Failed> {
    let site = Site::with_web("yes");
    let run = refused(&site, "apply dev", 4)?;
    run.says("create ConfigMap")?.says("there is no terminal to ask on")?.says("--yes").map(drop)
}

fn prune_over_the_cap() -> Result<(), Failed> {
    let site = Site::new("cap");
    let many = "{% for i in range(values.count) %}---\n".to_owned()
        + &WEB.replace("{{ release.name }}", "{{ release.name }}-{{ i }}")
        + "{% endfor %}\n";
    site.chart("web", "greeting: Hello\nport: 80\ncount: 10\n", &many);
    site.releases(&["{name: web, chart: web}"]);
    site.expect("apply dev --yes", 0)?.says("10 applied")?;
    let run = refused(&site, "apply dev --yes --set count=2", 4)?;
    run.says("would lose 8 objects")?.says("at most 5")?;
    let word = run.stdout.split("--confirm-prune ").nth(1).and_then(|rest| rest.split('`').next());
    let word = word.ok_or("the refusal names no word")?.to_owned();
    // The word is for these deletions alone.
    refused(&site, &format!("apply dev --yes --set count=1 --confirm-prune {word}"), 4)?;
    refused(&site, "apply dev --yes --set count=0 --prune-cap 10", 4)?.says("renders nothing")?;
    site.expect(&format!("apply dev --yes --set count=2 --confirm-prune {word}"), 0)?.says("8 deleted")?;
    site.expect("apply dev --yes --set count=0 --prune-cap 10 --allow-empty web", 0)?.says("2 deleted").map(drop)
}

fn field_of_a_controller() -> Result<(), Failed> {
    let site = Site::with_web("conflict");
    site.expect("apply dev --yes", 0)?;
    site.meddle("web", "greeting-controller", &json!({"data": {"greeting": "Mine"}}));
    let run = refused(&site, "apply dev --yes", 4)?;
    run.says("`greeting-controller` owns the field `data.greeting`")?.says("--take greeting-controller")?;
    refused(&site, "plan dev", 4)?;
    // What others changed is told, whoever may decide it.
    site.expect("drift dev", 2)?.says("greeting-controller")?;
    site.expect("apply dev --yes --take greeting-controller", 0)?;
    same("the data", r#"{"greeting":"Hello","port":"80"}"#, &site.data("web").unwrap_or_default())?;
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn object_of_another_set() -> Result<(), Failed> {
    let site = Site::with_web("foreign");
    site.expect("apply dev --yes", 0)?;
    let other = Site::with_web("other");
    other.expect("apply dev --yes", 0)?;
    let set = json!({"metadata": {"labels": {"applyset.kubernetes.io/part-of": "applyset-of-somebody-v1"}}});
    site.meddle("web", "kubectl-edit", &set);
    let run = refused(&site, "apply dev --yes", 4)?;
    run.says("belongs to the apply set `applyset-of-somebody-v1`")?;
    site.releases(&[]);
    let run = site.expect("apply dev --yes", 0)?;
    run.says("applyset-of-somebody-v1")?;
    site.data("web").map(drop).ok_or_else(|| "an object of somebody else was deleted".into())
}

fn by_the_server() -> Result<(), Failed> {
    let site = Site::with_web("invalid");
    site.expect("apply dev --yes", 0)?;
    site.chart("bad", "{}\n", "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 99999}]}\n");
    site.releases(&["{name: web, chart: web}", "{name: bad, chart: bad}"]);
    let run = refused(&site, "apply dev --yes --set greeting=Bye", 4)?;
    run.says(&format!("the server refuses `Service {}/bad`", site.namespace))?.says("spec.ports[0].port")?;
    run.says(" --> charts/bad/templates/all.yaml.j2:1:1").map(drop)
}

fn while_somebody_applies() -> Result<(), Failed> {
    use k8s_openapi::api::coordination::v1::Lease;
    use kube::api::{Api, PostParams};
    let site = Site::with_web("lease");
    site.expect("apply dev --yes", 0)?;
    let now = jiff::Timestamp::now();
    let lease: Lease = serde_json::from_value(json!({
        "metadata": {"name": "weft.dev"},
        "spec": {
            "holderIdentity": "somebody@elsewhere (process 1)", "leaseDurationSeconds": 60,
            "acquireTime": format!("{now:.6}"), "renewTime": format!("{now:.6}"),
        },
    }))?;
    let shared = crate::sandbox::shared();
    let leases: Api<Lease> = Api::namespaced(shared.client(), &site.state());
    shared.block_on(leases.create(&PostParams::default(), &lease))?;
    let run = refused(&site, "apply dev --yes --set greeting=Bye", 4)?;
    run.says("somebody@elsewhere (process 1)").map(drop)
}
