//! Faults of the way to the server, and of those who change things there: each with what has to come of it.

mod machine;
mod people;
mod way;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, ListParams};
use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;

use super::stage::{Running, Tenant, all_faults, until};
use crate::cases::code;
use crate::cli::proxy::{Answer, Seen};
use crate::sandbox::shared;

type Run = fn() -> Result<(), Failed>;

/// All of them. The numbers are those of the list of faults.
pub fn trials() -> Vec<Trial> {
    let table: &[(&str, Run)] = &[
        ("03_a_write_whose_answer_is_lost_is_looked_at", way::answers_lost),
        ("04_a_server_that_is_away_is_waited_for", way::server_away),
        ("05_a_silent_server_ends_no_process", way::silent_server),
        ("06_errors_now_and_then_change_no_status", way::errors_now_and_then),
        ("07_a_watch_that_is_gone_prunes_nothing", way::watch_gone),
        ("08_a_stale_list_deletes_nothing", way::stale_list),
        ("09_a_lost_event_is_made_good", way::lost_event),
        ("10_two_operators_at_once_do_no_harm", way::two_operators),
        ("12_an_account_that_is_deleted_and_made_again", people::account_again),
        ("13_a_right_that_is_taken_away_concerns_one_namespace", people::right_taken_away),
        ("13_a_right_that_comes_right_after_is_seen_soon", people::right_comes_after),
        ("14_a_token_that_is_not_taken_is_asked_for_once_more", people::token_not_taken),
        ("15_the_namespace_of_the_object_is_deleted", people::own_namespace_deleted),
        ("16_a_target_namespace_is_deleted_and_made_again", people::target_namespace_again),
        ("17_an_object_is_deleted_while_nobody_watches", people::deleted_meanwhile),
        ("17_the_definition_is_deleted", people::definition_deleted),
        ("19_two_objects_for_one_target", people::two_objects),
        ("20_a_copy_is_not_copied_on", people::no_loops),
        ("22_an_immutable_source_that_is_made_again", people::immutable_source),
        ("23_what_is_too_large_is_not_sent", people::too_large),
        ("24_a_quota_and_a_policy_refuse", people::quota_and_policy),
        ("25_a_hot_source_causes_one_round_a_second", people::hot_source),
        ("26_a_selector_of_nothing_and_one_of_everything", people::selectors),
        ("27_planted_marks_delete_nothing", people::planted_marks),
        ("49_a_kubeconfig_runs_no_program", machine::no_programs),
        ("49_a_wrong_certificate_is_told", machine::wrong_certificate),
        ("50_it_needs_no_home_and_writes_no_file", machine::writes_no_file),
        ("51_a_wrong_clock_wears_no_token_out", people::wrong_clock),
        ("52_a_status_of_another_version_is_no_storm", people::other_status),
    ];
    // It takes the shortest interval that there is: a minute.
    let long: &[(&str, Run)] = &[("09_a_lost_event_is_made_good_by_the_interval", way::lost_until_the_interval)];
    let table = table.iter().chain(long.iter().filter(|_| all_faults()));
    table.map(|(name, run)| code("operator::fault", name, *run)).collect()
}

/// A tenant whose object is synced, and its operator, behind a door with a rule.
fn synced(
    targets: usize,
    spec: &Json,
    rule: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
) -> Result<(Tenant, Running), Failed> {
    let tenant = Tenant::new(targets);
    let operator = Running::start(&tenant, &[], rule);
    tenant.sync("sync", spec);
    tenant.comes_to("sync", "Available=True/Synced")?;
    Ok((tenant, operator))
}

/// Something that a rule does while it is switched on.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn on(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn off(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn accounts(tenant: &Tenant) -> Api<ServiceAccount> {
    Api::namespaced(shared().client(), &tenant.own)
}

/// Waits until an event was published in a namespace.
fn events(namespace: &str, reason: &str) -> Result<(), Failed> {
    let api: Api<Event> = Api::namespaced(shared().client(), namespace);
    until(&format!("an event {reason} in {namespace}"), || {
        let all = shared().block_on(api.list(&ListParams::default())).expect("a list");
        let reasons: Vec<_> = all.iter().filter_map(|it| it.reason.clone()).collect();
        if reasons.iter().any(|it| it == reason) { Ok(()) } else { Err(format!("{reasons:?}")) }
    })
}
