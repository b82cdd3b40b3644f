//! A chart as `helm template` prints it, without an environment.

use std::rc::Rc;
use std::sync::Arc;

use super::capabilities::Capabilities;
use super::go::{self, Facts};
use super::render::Prepared;
use super::{Chance, Chart, ChartError, output};
use crate::jinja::Secrets;
use crate::value::Value;

/// What `helm template` is told beside the chart and its values.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of `helm template`")]
pub struct Named {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether to say that the release is there already.
    pub is_upgrade: bool,
    /// Whether the definitions of kinds are printed as well.
    pub include_crds: bool,
    /// Whether hooks are left out.
    pub no_hooks: bool,
    /// Whether hooks that are tests are left out.
    pub skip_tests: bool,
    /// What the server offers.
    pub capabilities: Capabilities,
    /// The time that `now` gives, in seconds since 1970.
    pub now: i64,
    /// Where passwords, keys and certificates come from.
    pub chance: Chance,
}

/// What the `NOTES.txt` of a chart comes to with these values of a user. Secrets are not masked.
pub fn notes(chart: &Chart, by_user: &Value, named: &Named) -> Result<String, ChartError> {
    let prepared = Prepared::of(chart, by_user)?;
    Ok(executed(chart, &prepared, named)?.notes.unwrap_or_default())
}

/// Executes the templates of a chart.
fn executed(chart: &Chart, prepared: &Prepared, named: &Named) -> Result<go::Output, ChartError> {
    check_name(&named.name)?;
    prepared.check_version(&named.capabilities.normalized)?;
    let facts = Facts {
        name: named.name.clone(),
        namespace: named.namespace.clone(),
        is_upgrade: named.is_upgrade,
        capabilities: Rc::new(named.capabilities.clone()),
        now: named.now,
        chance: named.chance.clone(),
        live: None,
    };
    go::run(chart, prepared, &facts, Secrets::Exposed)
}

/// What a chart comes to with these values of a user, as `helm template` prints it. Secrets are not masked.
pub fn template(chart: &Chart, by_user: &Value, named: &Named) -> Result<Vec<u8>, ChartError> {
    let prepared = Prepared::of(chart, by_user)?;
    let rendered = executed(chart, &prepared, named)?;
    let text = |it: &go::Rendered| Ok((Arc::clone(&it.name), it.text()?.to_owned()));
    let texts = rendered.files.iter().map(text).collect::<Result<Vec<_>, ChartError>>()?;
    let mut sorted = output::sort(&texts)?;
    sorted.hooks.retain(|it| {
        let is_test = it.hook.iter().flatten().any(|event| event == "test" || event == "test-success");
        !(named.no_hooks || named.skip_tests && is_test)
    });
    let mut crds = Vec::new();
    if named.include_crds {
        prepared.root.each(&mut |member, path| {
            let full = go::full_path(&prepared.root, path);
            crds.extend(member.package.crd_files().map(|it| (format!("{full}/{}", it.name), &*it.data)));
            Ok(())
        })?;
    }
    Ok(output::text(&crds, &sorted))
}

/// Refuses what Helm does not take for a release's name.
fn check_name(name: &str) -> Result<(), ChartError> {
    let part = |it: &str| {
        let inner = it.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        !it.is_empty() && inner && !it.starts_with('-') && !it.ends_with('-')
    };
    if name.len() <= 53 && name.split('.').all(part) {
        return Ok(());
    }
    Err(ChartError::ReleaseName { name: name.to_owned() })
}
