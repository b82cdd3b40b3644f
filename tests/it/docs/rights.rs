//! `docs/cluster.md`: the rights that it lists are those that `weft rights` prints, and they suffice.

use std::process::Command;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::api::{Api, PostParams};
use kube::config::Kubeconfig;
use libtest_mimic::{Failed, Trial};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use weft::yaml::{self, Rules};

use crate::cases::{code, same};
use crate::machine::{Machine, in_order, seen, succeeded};
use crate::markdown::{self, blocks};
use crate::sandbox::shared;

/// The environment of the document.
const ENVIRONMENT: &str = "\
stateNamespace: STATE
releases:
- {name: shop, namespace: SHOP, chart: shop}
";

const DEPLOYMENT: &str = "\
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: not-a-real-one}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example.com/web:1}]}
";

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![code("docs", "the_rights_suffice", the_rights_suffice)]
}

/// A project, and the two users who have nothing but the rights of the document.
struct Stage {
    machine: Machine,
    shop: String,
    state: String,
}

fn the_rights_suffice() -> Result<(), Failed> {
    let stage = Stage::new()?;
    stage.write("first")?;
    stage.runs("nobody-at-all", "diff", 5, &["secrets in namespace", "kind: Role", "resources: [secrets]"])?;
    stage.prints("read", &[])?;
    stage.prints("read-without-secrets", &["--without-secrets"])?;
    stage.prints("apply", &["--for", "apply"])?;
    stage.grant("read")?;
    stage.runs("weft-read", "diff", 0, &["only predicted: not allowed to patch", "demo: 3 to create"])?;
    stage.grant("apply")?;
    stage.runs("weft-apply", "apply", 0, &["demo: 3 to create", "demo: 3 applied, 3 healthy"])?;
    stage.runs("weft-read", "drift", 0, &["demo: no drift (3 objects)"])?;
    stage.runs("weft-read", "status", 0, &["shop 3 0 0 0 0"])?;

    stage.write("second")?;
    stage.machine.write("charts/shop/templates/web.yaml", b"")?;
    let plan =
        ["data.text: pending \"first\" -> \"second\"", "- delete Deployment.apps", "demo: 1 to change, 2 to delete"];
    stage.runs("weft-read", "plan", 0, &plan)?;
    stage.runs("weft-apply", "apply", 0, &["demo: 1 applied, 2 deleted"])?;
    stage.runs("weft-apply", "plan", 0, &["demo: nothing to change (1 object)"])
}

impl Stage {
    fn new() -> Result<Self, Failed> {
        let (shop, state) = (shared().namespace("docs-shop"), shared().namespace("docs-state"));
        Ok(Self { machine: Machine::new()?, shop, state })
    }

    /// The text of the document, or of a file, for the namespaces of the test.
    fn here(&self, text: &str) -> String {
        text.replace("SHOP", &self.shop).replace("STATE", &self.state)
    }

    fn write(&self, text: &str) -> Result<(), Failed> {
        let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config}}\ndata: {{text: {text}}}\n");
        self.machine.write("environments/defaults.yaml", b"")?;
        self.machine.write("environments/demo/environment.yaml", self.here(ENVIRONMENT).as_bytes())?;
        self.machine.write("charts/shop/Chart.yaml", b"name: shop\nversion: 1.0.0\n")?;
        self.machine.write("charts/shop/templates/config.yaml", map.as_bytes())?;
        self.machine.write("charts/shop/templates/web.yaml", DEPLOYMENT.as_bytes())
    }

    /// A block of the document, for the namespaces of the test.
    fn block(&self, which: &str) -> Result<String, Failed> {
        let document = blocks(&markdown::read("docs/cluster.md"));
        let block = document.iter().find(|it| it.info == format!("yaml {which}")).ok_or("no such block")?;
        let text = block.text.replace("namespace: shop", &format!("namespace: {}", self.shop));
        Ok(text.replace("namespace: weft-system", &format!("namespace: {}", self.state)))
    }

    /// Holds what the program prints to a block of the document.
    fn prints(&self, which: &str, arguments: &[&str]) -> Result<(), Failed> {
        let output = self.machine.weft(&[&["rights", "demo"], arguments].concat()).output()?;
        same(which, &self.block(which)?, &succeeded("weft rights", &output)?)
    }

    /// Creates the roles of the document's block, and binds them to a user of their name.
    fn grant(&self, which: &str) -> Result<(), Failed> {
        let file = std::sync::Arc::new("docs/cluster.md".to_owned());
        let text = self.block(which)?;
        for document in yaml::documents(&text, &file, Rules::Kubernetes)? {
            let role = serde_json::to_value(&document)?;
            let (kind, name) = (role["kind"].clone(), role["metadata"]["name"].clone());
            let binding = json!({
                "metadata": role["metadata"],
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}],
            });
            let (client, namespace) = (shared().client(), role["metadata"]["namespace"].as_str().map(str::to_owned));
            if let Some(namespace) = namespace {
                create(&Api::<Role>::namespaced(client.clone(), &namespace), role)?;
                create(&Api::<RoleBinding>::namespaced(client, &namespace), binding)?;
            } else {
                create(&Api::<ClusterRole>::all(client.clone()), role)?;
                create(&Api::<ClusterRoleBinding>::all(client), binding)?;
            }
        }
        Ok(())
    }

    /// Runs a verb as a user, and holds what it prints and its exit code to what is expected.
    fn runs(&self, user: &str, verb: &str, expected: i32, lines: &[&str]) -> Result<(), Failed> {
        let mut command: Command = self.machine.weft(&[verb, "demo", "--kubeconfig", "kubeconfig"]);
        if verb == "apply" {
            command.arg("--yes");
        }
        self.machine.write("kubeconfig", kubeconfig(user)?.as_bytes())?;
        let output = command.output()?;
        let text = seen(&output);
        let found = output.status.code();
        in_order(lines.iter().copied(), &text).map_err(|error| format!("{verb} as {user}: {error}"))?;
        if found == Some(expected) { Ok(()) } else { Err(format!("{verb} as {user}: {found:?}\n{text}").into()) }
    }
}

/// The administrator's kubeconfig, who acts as this user.
fn kubeconfig(user: &str) -> Result<String, Failed> {
    let mut kubeconfig = Kubeconfig::read_from(shared().kubeconfig())?;
    let current = kubeconfig.current_context.clone().unwrap_or_default();
    let context = kubeconfig.contexts.iter().find(|it| it.name == current).and_then(|it| it.context.clone());
    let administrator = context.and_then(|it| it.user).ok_or("a user")?;
    let found = kubeconfig.auth_infos.iter_mut().find(|it| it.name == administrator);
    found.and_then(|it| it.auth_info.as_mut()).ok_or("a user")?.impersonate = Some(user.to_owned());
    Ok(serde_json::to_string(&kubeconfig)?)
}

fn create<K>(api: &Api<K>, object: Json) -> Result<(), Failed>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + serde::Serialize,
{
    let object: K = serde_json::from_value(object)?;
    shared().block_on(api.create(&PostParams::default(), &object))?;
    Ok(())
}
