//! What is kept in the cluster, and single writes.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use weft::cluster::{
    ApplyOptions, ClusterError, Holder, KeptInventory, Precondition, Propagation, Refusal, WriteError,
};
use weft::diff::{self, Recorded};
use weft::manifest::ObjectId;
use weft::masked::FingerprintKey;
use weft::project::SecretRef;
use weft::schema::GroupKind;
use weft::state::{Inventory, Member};
use weft::value::Value;

use super::{cluster, object};
use crate::cases::{code, same};
use crate::sandbox::shared;

pub fn trials() -> Vec<Trial> {
    vec![
        code("cluster", "an_applied_object_is_proven_and_not_written_again", an_applied_object_is_proven),
        code("cluster", "a_delete_of_another_uid_is_refused", a_delete_of_another_uid_is_refused),
        code("cluster", "an_unknown_field_is_refused_with_its_name", an_unknown_field_is_refused_with_its_name),
        code("cluster", "a_large_inventory_comes_back", a_large_inventory_comes_back),
        code("cluster", "other_inventories_are_read_by_their_heads", other_inventories_are_read_by_their_heads),
        code("cluster", "the_key_is_made_once", the_key_is_made_once),
        code("cluster", "one_lease_at_a_time", one_lease_at_a_time),
        code("cluster", "a_kubeconfig_in_a_secret", a_kubeconfig_in_a_secret),
    ]
}

fn an_applied_object_is_proven() -> Result<(), Failed> {
    let namespace = shared().namespace("cluster-proof");
    shared().block_on(async {
        let cluster = cluster().await;
        let discovery = cluster.discover().await?;
        let key = FingerprintKey::new([7; 32]);
        let bodies = [
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
                "spec": {"selector": {"app": "a"}, "ports": [{"port": 80, "targetPort": "http"}]}}),
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "a"}, "spec": {
                "replicas": 0, "serviceName": "a", "selector": {"matchLabels": {"app": "a"}},
                "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{
                    "name": "a", "image": "registry.example.com/a:1", "env": [{"name": "EMPTY", "value": ""}],
                    "resources": {"requests": {"cpu": "1000m"}, "limits": {"cpu": "1"}}}]}}}}),
        ];
        for body in bodies {
            let wanted = object("r", Some(&namespace), body, &discovery);
            let resource = discovery.resource(&wanted.gvk).expect("a kind");
            let first = cluster.apply(&wanted.id, resource, &wanted.body, ApplyOptions::default()).await?;
            let recorded = diff::record(&wanted, &first, &key);
            let live = cluster.get(&wanted.id, resource).await?.expect("it is there");
            assert!(diff::proven(&wanted, &live, &recorded, None, &key), "{}", wanted.id);
            // A controller may write the status in between, which is no new generation.
            let version = |it: &diff::LiveObject| {
                let of = |key: &str| it.body.dig(&["metadata", key]).cloned();
                of("generation").or_else(|| of("resourceVersion"))
            };
            let again = cluster.apply(&wanted.id, resource, &wanted.body, ApplyOptions::default()).await?;
            assert_eq!(version(&again), version(&live), "{} was written again", wanted.id);
            let dry = ApplyOptions { dry_run: true, force: false };
            cluster.apply(&wanted.id, resource, &wanted.body, dry).await?;
        }
        Ok(())
    })
}

fn a_delete_of_another_uid_is_refused() -> Result<(), Failed> {
    let namespace = shared().namespace("cluster-delete");
    shared().block_on(async {
        let cluster = cluster().await;
        let discovery = cluster.discover().await?;
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let wanted = object("r", Some(&namespace), body, &discovery);
        let resource = discovery.resource(&wanted.gvk).expect("a kind");
        let live = cluster.apply(&wanted.id, resource, &wanted.body, ApplyOptions::default()).await?;
        let uid = live.body.dig(&["metadata", "uid"]).and_then(Value::as_str).expect("a UID");
        let of = |uid, version| Precondition { uid, version };
        for other in [of("00000000-0000-0000-0000-000000000000", None), of(uid, Some("1"))] {
            match cluster.delete(&wanted.id, resource, other, Propagation::Background).await {
                Err(WriteError::Refused { refusal: Refusal::Conflict, .. }) => {}
                other => return Err(format!("{other:?}").into()),
            }
        }
        let version = live.body.dig(&["metadata", "resourceVersion"]).and_then(Value::as_str);
        cluster.delete(&wanted.id, resource, of(uid, version), Propagation::Background).await?;
        assert!(cluster.get(&wanted.id, resource).await?.is_none());
        cluster.delete(&wanted.id, resource, of(uid, None), Propagation::Orphan).await?;
        Ok(())
    })
}

fn an_unknown_field_is_refused_with_its_name() -> Result<(), Failed> {
    let namespace = shared().namespace("cluster-field");
    shared().block_on(async {
        let cluster = cluster().await;
        let discovery = cluster.discover().await?;
        let body = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}});
        let wanted = object("r", Some(&namespace), body, &discovery);
        let resource = discovery.resource(&wanted.gvk).expect("a kind");
        match cluster.apply(&wanted.id, resource, &wanted.body, ApplyOptions::default()).await {
            Err(WriteError::Refused { refusal: Refusal::Invalid, message }) if message.contains(".spec.prots") => {
                Ok(())
            }
            other => Err(format!("{other:?}").into()),
        }
    })
}

/// An inventory whose records do not compress.
fn inventory(objects: usize) -> Inventory {
    let noise = |seed: usize| {
        let mut state = seed as u64 + 1;
        (0..3000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                char::from(b'!' + u8::try_from(state >> 40 & 63).expect("six bits"))
            })
            .collect::<String>()
    };
    let member = |at: usize| {
        let applied = serde_json::from_value::<Value>(json!({"data": {"k": noise(at)}})).expect("a value").into();
        let (uid, hash) = (format!("uid-{at}"), "0".repeat(64));
        let recorded = Recorded { uid, desired: hash.clone(), owned: hash.clone(), projection: hash, applied };
        let kind = GroupKind { group: String::new(), kind: "ConfigMap".into() };
        let id = ObjectId { kind, namespace: Some("a".into()), name: format!("n{at}") };
        (id, Member { api_version: "v1".into(), recorded: Some(Arc::new(recorded)) })
    };
    let objects = (0..objects).map(member).collect();
    Inventory {
        environment: "dev".into(),
        release: "big".into(),
        commit: Some("c0ffee".into()),
        objects,
        ..Inventory::default()
    }
}

async fn secrets(namespace: &str) -> Result<Api<Secret>, Failed> {
    let kubeconfig = Kubeconfig::read_from(shared().kubeconfig())?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Api::namespaced(kube::Client::try_from(config)?, namespace))
}

fn a_large_inventory_comes_back() -> Result<(), Failed> {
    // Not there yet: it is created by the first save.
    let namespace = format!("{}-new", shared().namespace("cluster-state"));
    shared().block_on(async {
        let cluster = cluster().await;
        assert!(cluster.inventories(&namespace, "dev").await?.is_empty());
        let secrets = secrets(&namespace).await?;
        let count = async || secrets.list(&kube::api::ListParams::default()).await.map(|it| it.items.len());
        for objects in [800, 900, 3] {
            let saved = inventory(objects);
            cluster.save(&namespace, &saved).await?;
            let back = cluster.inventories(&namespace, "dev").await?;
            assert!(back == [saved], "{objects} objects come back");
            assert_eq!(count().await? > 1, objects > 3, "{objects} objects: no Secret is left over");
        }
        assert!(cluster.inventories(&namespace, "production").await?.is_empty());
        cluster.save(&namespace, &inventory(0)).await?;
        assert_eq!(count().await?, 0);
        Ok(())
    })
}

fn other_inventories_are_read_by_their_heads() -> Result<(), Failed> {
    let namespace = shared().namespace("cluster-outlines");
    shared().block_on(async {
        let cluster = cluster().await;
        for (at, release) in ["a", "b", "c", "d"].into_iter().enumerate() {
            cluster.save(&namespace, &Inventory { release: release.into(), ..inventory(at + 1) }).await?;
        }
        let read = async |about: &[&str]| {
            let own = cluster.inventories_of(&namespace, "dev", about.iter().copied()).await?;
            let about = about.iter().map(|it| Arc::from(*it)).collect();
            let others = cluster.inventories_beside(&namespace, "dev", &about).await?;
            let whole = own.iter().chain(&others.whole);
            let whole = whole.map(|it| Ok(format!("{}={}", it.release(), it.read()?.objects.len())));
            let whole = whole.collect::<Result<Vec<_>, ClusterError>>()?;
            let outlines = others.outlines.iter().map(|(release, it)| format!("{release}~{}", it.objects.len()));
            assert!(others.left_out.iter().eq(own.iter().map(KeptInventory::release)), "{:?}", others.left_out);
            Ok::<_, Failed>(whole.into_iter().chain(outlines).collect::<Vec<_>>().join(" "))
        };
        same("one", "b=2 a~1 c~3 d~4", &read(&["b"]).await?)?;
        same("none that is there", "a~1 b~2 c~3 d~4", &read(&["z"]).await?)?;
        same("most", "a=1 b=2 c=3 d~4", &read(&["a", "b", "c"]).await?)?;
        // What a head does not say is read from its document.
        let unsaid = json!({"metadata": {"annotations": {"weft.example.com/objects": null}}});
        secrets(&namespace).await?.patch("weft.dev.c", &PatchParams::default(), &Patch::Merge(&unsaid)).await?;
        same("one that does not say it", "b=2 c=3 a~1 d~4", &read(&["b"]).await?)?;
        for name in ["weft.dev.a", "weft.dev.d"] {
            secrets(&namespace).await?.patch(name, &PatchParams::default(), &Patch::Merge(&unsaid)).await?;
        }
        same("most do not say it", "b=2 a=1 c=3 d=4", &read(&["b"]).await?)?;
        Ok(())
    })
}

fn the_key_is_made_once() -> Result<(), Failed> {
    let namespace = shared().namespace("cluster-key");
    shared().block_on(async {
        let cluster = cluster().await;
        assert!(cluster.fingerprint_key(&namespace, false).await?.is_none());
        let (one, two) =
            tokio::join!(cluster.fingerprint_key(&namespace, true), cluster.fingerprint_key(&namespace, true));
        let print = |key: Option<FingerprintKey>| key.expect("a key").fingerprint(b"a");
        assert_eq!(print(one?), print(two?));
        Ok(())
    })
}

fn holder(name: &str) -> Holder<'_> {
    Holder { name, is_gone: &|_| false, watching: &|_| () }
}

fn one_lease_at_a_time() -> Result<(), Failed> {
    let namespace = shared().namespace("cluster-lease");
    shared().block_on(async {
        let cluster = cluster().await;
        let held = cluster.lease(&namespace, "dev", holder("me on laptop")).await?;
        match cluster.lease(&namespace, "dev", holder("ci")).await {
            Err(ClusterError::Held { holder, .. }) => same("holder", "me on laptop", &holder)?,
            other => return Err(format!("{other:?}").into()),
        }
        cluster.lease(&namespace, "production", holder("ci")).await?;
        held.release().await?;
        cluster.lease(&namespace, "dev", holder("ci")).await?.release().await?;
        Ok(())
    })
}

fn a_kubeconfig_in_a_secret() -> Result<(), Failed> {
    let namespace = shared().namespace("cluster-secret");
    shared().block_on(async {
        let cluster = cluster().await;
        let discovery = cluster.discover().await?;
        let text = std::fs::read_to_string(shared().kubeconfig())?;
        let body = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x-kubeconfig"},
            "data": {"value": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text)}});
        let wanted = object("r", Some(&namespace), body, &discovery);
        let resource = discovery.resource(&wanted.gvk).expect("a kind");
        cluster.apply(&wanted.id, resource, &wanted.body, ApplyOptions::default()).await?;
        let reference = |key: &str| SecretRef {
            environment: "management".into(),
            namespace: namespace.clone(),
            name: "x-kubeconfig".into(),
            key: key.into(),
        };
        let found = cluster.kubeconfig_from_secret(&reference("value")).await?;
        let target = super::target(&weft::project::ClusterRef::default()).with_kubeconfig("the Secret", found);
        weft::cluster::Cluster::connect(&target).await?;
        let error = cluster.kubeconfig_from_secret(&reference("kubeconfig")).await.expect_err("no such key");
        let expected = format!("the Secret `{namespace}/x-kubeconfig` holds no kubeconfig: it has no key `kubeconfig`");
        same("the error", &expected, &error.to_string())
    })
}
