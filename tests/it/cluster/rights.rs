//! Narrow rights: what is missing is named, with the Role that gives it.

use std::future::ready;
use std::sync::Mutex;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use weft::cluster::{
    ApplyOptions, Cluster, LivePage, LivePrefetch, NeighbourCounts, Refusal, ServedObject, WriteError,
};
use weft::diff::LiveObject;
use weft::manifest::Object;
use weft::project::ClusterRef;
use weft::schema::Discovery;

use super::{admin, cluster, object, target};
use crate::cases::{code, same};
use crate::sandbox::{NOBODY, shared};

pub fn trials() -> Vec<Trial> {
    vec![
        code("cluster", "who_may_not_list_reads_by_name", who_may_not_list_reads_by_name),
        code("cluster", "few_of_many_are_read_by_name", few_of_many_are_read_by_name),
    ]
}

/// What lets [`NOBODY`] do something in a namespace.
fn bound(rules: &serde_json::Value) -> [serde_json::Value; 2] {
    let group = "rbac.authorization.k8s.io";
    let role = json!({
        "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": {"name": "reader"}, "rules": rules,
    });
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": NOBODY}],
    });
    [role, binding]
}

async fn put(cluster: &Cluster, discovery: &Discovery, objects: &[Object]) -> Result<(), Failed> {
    for it in objects {
        let resource = discovery.resource(&it.gvk).expect("a kind");
        cluster.apply(&it.id, resource, &it.body, ApplyOptions::default()).await?;
    }
    Ok(())
}

fn few_of_many_are_read_by_name() -> Result<(), Failed> {
    let shared = shared();
    let namespace = shared.namespace("cluster-few");
    shared.block_on(async {
        let admin_s = cluster().await;
        let discovery = admin_s.discover().await?;
        let [role, binding] = bound(&json!([
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["a"]},
        ]));
        let map = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let objects = [role, binding, map("a"), map("b")].map(|body| object("r", Some(&namespace), body, &discovery));
        put(&admin_s, &discovery, &objects).await?;
        let nobody = Cluster::connect(&target(&ClusterRef { context: Some(NOBODY.into()), ..admin() })).await?;
        let kind = objects[2].id.kind.clone();
        let wanted = || {
            let resource = |it: &Object| discovery.resource(&it.gvk).expect("a kind").clone();
            objects[2..].iter().map(move |it| ServedObject { id: it.id.clone(), resource: resource(it) })
        };
        // The name of each page's object, a page in brackets.
        let read = async |cluster: &Cluster, ahead: LivePrefetch, beside: usize| {
            let pages = Mutex::new(Vec::new());
            let take = |page: LivePage| {
                let mut names = Vec::new();
                let read = page.read(&mut |it: LiveObject| names.push(it.id.name));
                pages.lock().expect("pages").push(format!("({})", names.join(" ")));
                ready(read)
            };
            let beside = NeighbourCounts::from([((&kind, Some(namespace.as_str())), beside)]);
            let unread = cluster.read_pages(wanted(), ahead, &beside, &take).await?;
            assert!(unread.reasons.is_empty(), "{unread:?}");
            let mut pages = pages.into_inner().expect("pages");
            pages.sort();
            Ok::<_, Failed>(pages.join(" "))
        };
        let none = LivePrefetch::default;
        same("alone", "(a b)", &read(&admin_s, none(), 0).await?)?;
        same("half of all", "(a b)", &read(&admin_s, none(), 2).await?)?;
        same("few of many", "(a) (b)", &read(&admin_s, none(), 20).await?)?;
        same("few of many, by who may get only one of them", "(a) (b)", &read(&nobody, none(), 20).await?)?;
        let ahead = nobody.read_ahead(wanted()).await?;
        same("one was read before, by who may get only that", "(a) (b)", &read(&nobody, ahead, 0).await?)?;
        let ahead = admin_s.read_ahead(wanted()).await?;
        let gone = Api::<ConfigMap>::namespaced(shared.client(), &namespace);
        gone.delete("b", &DeleteParams::default()).await?;
        same("what was read before is not read again", "(a) (b)", &read(&admin_s, ahead, 0).await?)?;
        let ahead = admin_s.read_ahead(wanted()).await?;
        put(&admin_s, &discovery, &objects[3..]).await?;
        same("nor what was not there", "(a)", &read(&admin_s, ahead, 0).await?)
    })
}

fn who_may_not_list_reads_by_name() -> Result<(), Failed> {
    let shared = shared();
    let namespace = shared.namespace("cluster-rights");
    shared.block_on(async {
        let admin_s = cluster().await;
        let discovery = admin_s.discover().await?;
        let [role, binding] = bound(&json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]));
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        let objects = [role, binding, map, secret].map(|body| object("r", Some(&namespace), body, &discovery));
        put(&admin_s, &discovery, &objects).await?;
        let nobody = ClusterRef { context: Some(NOBODY.into()), ..admin() };
        let nobody = Cluster::connect(&target(&nobody)).await?;
        let wanted = objects[2..].iter().map(|it| ServedObject {
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
