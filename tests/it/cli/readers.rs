//! `weft rights`: what it prints suffices, nothing more is asked, and each part of it is needed.

use kube::api::{Api, DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};
use weft::yaml::{self, Rules};

use super::proxy::Proxy;
use super::site::{Site, WEB};
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "readers_exact_rights_suffice", exact_rights_suffice),
        code("cli", "readers_without_secrets", without_secrets),
        code("cli", "readers_each_right_is_needed", each_right_is_needed),
        code("cli", "readers_rights_to_apply_suffice", rights_to_apply_suffice),
    ]
}

const MORE: &str = "---
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: not-a-secret-at-all}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ values.replicas | default(0) }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example.com/web:1}]}
";

/// A project that is applied.
fn applied(prefix: &str) -> Result<Site, Failed> {
    let site = Site::with_web(prefix);
    site.chart("web", "greeting: Hello\nport: 80\n", &format!("{WEB}{MORE}"));
    site.expect("apply dev --yes --no-wait", 0)?;
    Ok(site)
}

/// One change of each sort, and somebody's own.
fn change(site: &Site) {
    site.desk.write("environments/dev/values/web.yaml", "greeting: Bye\nreplicas: 1\n");
    site.meddle("web", "kubectl-edit", &json!({"data": {"port": "81"}}));
}

/// The documents of YAML.
fn documents(text: &str) -> Result<Vec<Json>, Failed> {
    let file = std::sync::Arc::new("roles".to_owned());
    let documents = yaml::documents(text, &file, Rules::Kubernetes)?;
    documents.iter().map(|it| Ok(serde_json::to_value(it)?)).collect()
}

/// Creates Roles and bindings, under names of this test.
fn create(documents: &[Json]) -> Result<(), Failed> {
    for document in documents {
        let kind = document["kind"].as_str().unwrap_or_default();
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("rbac.authorization.k8s.io", "v1", kind));
        let api: Api<DynamicObject> = match document["metadata"]["namespace"].as_str() {
            Some(namespace) => Api::namespaced_with(shared().client(), namespace, &resource),
            None => Api::all_with(shared().client(), &resource),
        };
        let object: DynamicObject = serde_json::from_value(document.clone())?;
        shared().block_on(api.create(&PostParams::default(), &object))?;
    }
    Ok(())
}

/// Somebody who has what `weft rights` prints with these arguments: the door through which all of it goes.
fn somebody(site: &Site, name: &str, arguments: &str) -> Result<Proxy, Failed> {
    let printed = site.expect(&format!("rights dev --name {name} --to user:{name} {arguments}"), 0)?.stdout;
    create(&documents(&printed)?)?;
    door(name)
}

fn door(user: &str) -> Result<Proxy, Failed> {
    let kubeconfig = Kubeconfig::read_from(shared().kubeconfig())?;
    let client = shared().block_on(async {
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        config.auth_info.impersonate = Some(user.to_owned());
        Ok::<_, Failed>(Client::try_from(config)?)
    })?;
    Ok(Proxy::of(client))
}

/// Fails where something was asked for which the rights were missing, but for what `expected` knows.
fn nothing_forbidden(proxy: &Proxy, expected: impl Fn(&str) -> bool) -> Result<(), Failed> {
    let asked = proxy.forbidden().into_iter().filter(|seen| !expected(&seen.path));
    let asked: Vec<String> = asked.map(|seen| format!("{} {}\n", seen.method, seen.path)).collect();
    same("what was asked without a right", "", &asked.concat())
}

fn exact_rights_suffice() -> Result<(), Failed> {
    let mut site = applied("exact")?;
    let door = somebody(&site, &site.namespace, "")?;
    site.through(&door);
    site.expect("plan dev --exit-code", 0)?.says("nothing to change")?.keeps_quiet_about("judged")?;
    site.expect("drift dev", 0)?;
    change(&site);
    let run = site.expect("diff dev --exit-code", 2)?;
    run.says("changed since the last apply:")?.says("data.port: drift \"80\" -> \"81\"")?;
    run.says("data.greeting: pending \"Hello\" -> \"Bye\"")?;
    run.says("only predicted: not allowed to patch configmaps in namespace")?.says("2 predicted")?;
    site.expect("plan dev -o json", 0)?.says("\"predicted\": 2")?;
    site.expect("drift dev", 2)?.says("data.port")?;
    site.expect("status dev", 0)?;
    site.expect("get dev", 0)?.keeps_quiet_about("not-a-secret-at-all")?;
    nothing_forbidden(&door, |_| false)?;
    let writes = door.seen().into_iter().filter(super::proxy::Seen::is_write).count();
    same("writes and dry runs", "0", &writes.to_string())?;
    same("dry runs", "0", &door.seen().iter().filter(|it| it.path.contains("dryRun")).count().to_string())
}

fn without_secrets() -> Result<(), Failed> {
    let mut site = applied("nosecrets")?;
    let door = somebody(&site, &site.namespace, "--without-secrets")?;
    site.through(&door);
    change(&site);
    for verb in ["plan dev", "diff dev --view columns", "drift dev"] {
        let run = site.expect(verb, 5)?;
        run.says("unknown (not permitted): 1 Secret")?.says("data.port")?.says("1 unknown")?;
    }
    let run = site.expect("plan dev -o json", 5)?;
    let json: Json = serde_json::from_str(&run.stdout)?;
    assert_eq!(json["unknown"], json!([{"cause": "not-permitted", "kinds": {"Secret": 1}}]));
    assert_eq!(json["summary"]["update"], 2, "the rest is compared");
    let secrets = format!("/api/v1/namespaces/{}/secrets", site.namespace);
    nothing_forbidden(&door, |path| path.starts_with(&secrets))
}

/// Each right on its own, taken out of what is printed.
fn each_right_is_needed() -> Result<(), Failed> {
    let mut site = applied("needed")?;
    change(&site);
    let printed = site.expect(&format!("rights dev --name {}", site.namespace), 0)?.stdout;
    let roles = documents(&printed)?;
    let mut tried = Vec::new();
    for (at, role) in roles.iter().enumerate() {
        for (rule, rules) in role["rules"].as_array().into_iter().flatten().enumerate() {
            for verb in rules["verbs"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                let resource = rules["resources"][0].as_str().unwrap_or_default();
                let user = format!("{}-{}", site.namespace, tried.len());
                create(&without(&roles, (at, rule), verb, &user))?;
                site.through(&door(&user)?);
                let run = site.run("plan dev --exit-code");
                tried.push(format!("{verb} {resource}"));
                if resource == "namespaces" {
                    // A namespace that no file declares is taken to be there.
                    run.ends_with(2)?;
                    continue;
                }
                assert!([Some(5), Some(1)].contains(&run.code), "without {verb} {resource}: {run:?}");
                run.says(&format!("not allowed to {verb} {resource}"))?.says("kind: Role")?;
            }
        }
    }
    let expected = "list namespaces\nlist configmaps\nlist secrets\nlist deployments\nget secrets\nlist secrets";
    let sorted = |text: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    same("the rights", &sorted(expected), &sorted(&tried.join("\n")))
}

/// The Roles, but for one verb of one rule, and their bindings to a user.
fn without(roles: &[Json], place: (usize, usize), verb: &str, user: &str) -> Vec<Json> {
    let named = roles.iter().enumerate().flat_map(|(at, role)| {
        let mut role = role.clone();
        role["metadata"]["name"] = user.into();
        if at == place.0 {
            let verbs = role["rules"][place.1]["verbs"].as_array_mut().expect("verbs");
            verbs.retain(|it| it != verb);
            if verbs.is_empty() {
                role["rules"].as_array_mut().expect("rules").remove(place.1);
            }
        }
        let kind = role["kind"].as_str().unwrap_or_default();
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"), "metadata": role["metadata"],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": user},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        });
        [role, binding]
    });
    named.collect()
}

fn rights_to_apply_suffice() -> Result<(), Failed> {
    let mut site = applied("apply")?;
    let door = somebody(&site, &site.namespace, "--for apply")?;
    site.through(&door);
    change(&site);
    site.desk.write("environments/dev/values/web.yaml", "greeting: Bye\n");
    site.expect("plan dev --exit-code", 2)?.says("by a dry run")?.keeps_quiet_about("predicted")?;
    site.expect("apply dev --yes", 0)?;
    site.expect("destroy dev --yes", 0)?;
    nothing_forbidden(&door, |_| false)
}
