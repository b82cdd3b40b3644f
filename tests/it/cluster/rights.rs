//! Narrow rights: what is missing is named, with the Role that gives it.

use libtest_mimic::{Failed, Trial};
use serde_json::json;
use weft::cluster::{ApplyOptions, Cluster, Refusal, Wanted, WriteError};
use weft::diff::LiveObject;
use weft::project::ClusterRef;

use super::{admin, cluster, object, target};
use crate::cases::{code, same};
use crate::sandbox::{NOBODY, shared};

pub fn trials() -> Vec<Trial> {
    vec![code("cluster", "who_may_not_list_reads_by_name", who_may_not_list_reads_by_name)]
}

fn who_may_not_list_reads_by_name() -> Result<(), Failed> {
    let shared = shared();
    let namespace = shared.namespace("cluster-rights");
    shared.block_on(async {
        let admin_s = cluster().await;
        let discovery = admin_s.discover().await?;
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": NOBODY}],
        });
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        let objects = [role, binding, map, secret].map(|body| object("r", Some(&namespace), body, &discovery));
        for it in &objects {
            let resource = discovery.resource(&it.gvk).expect("a kind");
            admin_s.apply(&it.id, resource, &it.body, ApplyOptions::default()).await?;
        }
        let nobody = ClusterRef { context: Some(NOBODY.into()), ..admin() };
        let nobody = Cluster::connect(&target(&nobody)).await?;
        let wanted = objects[2..].iter().map(|it| Wanted {
            id: it.id.clone(),
            resource: discovery.resource(&it.gvk).expect("a kind").clone(),
        });
        let mut found = Vec::new();
        let unread = nobody.read(wanted, &mut |it: LiveObject| found.push(it.id.name)).await?;
        same("found", "a", &found.join(" "))?;
        let reasons: Vec<String> = unread.reasons.iter().map(|(id, reason)| format!("{id}: {reason}\n")).collect();
        let expected = format!("Secret {namespace}/s: not allowed to list secrets in namespace {namespace}, nor to get\n");
        same("reasons", &expected, &reasons.concat())?;
        let role = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: weft\n  namespace: {namespace}\nrules:\n\
             - apiGroups: [\"\"]\n  resources: [secrets]\n  verbs: [get, list]\n"
        );
        same("role", &role, &unread.roles().unwrap_or_default())?;
        let map = &objects[2];
        let resource = discovery.resource(&map.gvk).expect("a kind");
        match nobody.apply(&map.id, resource, &map.body, ApplyOptions::default()).await {
            Err(WriteError::Refused { refusal: Refusal::Forbidden(right), .. }) if right.verb == "patch" => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    })
}
