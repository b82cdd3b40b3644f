//! What a run does not do, whatever the server says to it.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use libtest_mimic::{Failed, Trial};
use serde_json::json;
use weft::apply::End;
use weft::report::Outcome;

use super::applying::World;
use crate::cases::code;
use crate::sandbox::shared;

pub fn trials() -> Vec<Trial> {
    vec![code("apply", "a_field_that_is_unexpectedly_fixed_leads_to_no_delete", unexpectedly_fixed)]
}

/// The map becomes immutable between the plan and its run: no rule and no word makes that a reason to delete it.
fn unexpectedly_fixed() -> Result<(), Failed> {
    shared().block_on(async {
        let mut world = World::new("apply-fixed").await;
        world.release("base", &[], None);
        let map = |value: &str| {
            let body =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": value}});
            world.object("base", body)
        };
        world.apply(vec![world.namespace(), map("one")]).await?;
        let plan = world.plan(vec![world.namespace(), map("two")]).await?;
        let api: Api<ConfigMap> = Api::namespaced(shared().client(), &world.namespace);
        let fixed = Patch::Merge(json!({"immutable": true}));
        let before = api.patch("a", &PatchParams::default(), &fixed).await?;
        let ran = world.run(&world.cluster, &plan, |_| {}).await?;
        assert_eq!(ran.conclusion.end, End::Failed, "{:?}", ran.events);
        let said = |outcome: &Outcome| matches!(outcome, Outcome::Failed(why) if why.contains("immutable"));
        assert!(ran.events.iter().any(|event| said(&event.outcome)), "{:?}", ran.events);
        let after = api.get("a").await?;
        assert_eq!((before.metadata.uid, before.data), (after.metadata.uid, after.data));
        Ok(())
    })
}
