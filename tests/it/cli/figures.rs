//! What a run costs the server: how many requests, of which sort.

use std::fmt::Write as _;

use libtest_mimic::{Failed, Trial};

use super::judging::{asked, dry_runs};
use super::site::Site;
use crate::cases::code;
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![code("cli", "figures_a_hundred_changes_among_a_thousand_objects", a_hundred_changes)]
}

const KINDS: [(&str, &str); 4] = [
    ("v1, kind: ConfigMap", "data: {text: TEXT}"),
    ("v1, kind: Secret", "stringData: {text: TEXT}"),
    ("v1, kind: ServiceAccount", "imagePullSecrets: [{name: TEXT}]"),
    ("rbac.authorization.k8s.io/v1, kind: Role", "rules: [{apiGroups: [TEXT], resources: [pods], verbs: [get]}]"),
];
const COUNT: usize = 1000;
const CHANGED: usize = 100;

/// A thousand objects of four kinds in two namespaces, the first of them with another text.
fn many(site: &Site, namespaces: &[&str], changed: usize) {
    let mut manifests = String::new();
    for at in 0..COUNT {
        let ((kind, body), namespace) = (KINDS[at % KINDS.len()], namespaces[at / KINDS.len() % namespaces.len()]);
        let body = body.replace("TEXT", if at < changed { "new" } else { "old" });
        let _ = writeln!(
            manifests,
            "---\n{{apiVersion: {kind}, metadata: {{name: m{at}, namespace: {namespace}}}, {body}}}"
        );
    }
    site.desk.write("many/all.yaml", manifests);
    site.releases(&["{name: many, manifests: many}"]);
}

/// One LIST for each kind and namespace, and ten requests for all the rest; for what changed at most a dry run each,
/// and before the first one in a namespace the question what we may.
fn a_hundred_changes() -> Result<(), Failed> {
    let mut site = Site::new("figures");
    let (one, two) = (site.namespace.clone(), shared().namespace("cli-figures-two"));
    let namespaces = [&*one, &*two];
    many(&site, &namespaces, 0);
    site.expect("apply dev --yes --no-wait", 0)?;
    let lists = KINDS.len() * namespaces.len();
    for (changed, code) in [(0, 0), (CHANGED, 2)] {
        many(&site, &namespaces, changed);
        let seen = asked(&mut site, "diff dev --exit-code", code)?;
        let reviews = seen.iter().filter(|it| it.path.contains("/selfsubject")).count();
        let dry_runs = dry_runs(&seen);
        let others = seen.len() - dry_runs - reviews;
        let most = (changed, namespaces.len().min(changed), lists + 10);
        if dry_runs > most.0 || reviews > most.1 || others > most.2 {
            return Err(format!("{:?} instead of at most {most:?}", (dry_runs, reviews, others)).into());
        }
    }
    Ok(())
}
