//! A chart as `helm template` prints it, without an environment.

use std::sync::Arc;

use super::capabilities::Capabilities;
use super::cores::Cores;
use super::go::{self, Facts};
use super::render::Prepared;
use super::{Chance, Chart, ChartError, LookupRequest, Public, RenderOptions, output};
use weft_base::value::{Origin, Value};
use weft_gotemplate::functions::{self, Host, Time};
use weft_gotemplate::{Limits, Missing, Run, Templates, Value as GoValue};
use weft_jinja::Secrets;

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

/// What `helm template` would print, and what else is known of it.
#[derive(Debug, Default)]
pub struct Templated {
    /// The text. Secrets are not masked.
    pub text: Vec<u8>,
    /// The same with stand-ins for the passwords and keys that were derived; `None` where there are none.
    pub stand_in: Option<Vec<u8>>,
    /// What is known without them.
    pub public: Public,
    /// Whether placeholders stand where passwords, keys or certificates belong.
    pub placeholders: bool,
    /// The live objects that templates asked for.
    pub lookups: Vec<LookupRequest>,
}

/// What a chart comes to with these values of a user, as `helm template` prints it. Secrets are not masked.
pub fn template(chart: &Chart, by_user: &Value, named: &Named) -> Result<Vec<u8>, ChartError> {
    Ok(templated(chart, by_user, named)?.text)
}

/// The same, with what tells its secrets.
pub fn templated(chart: &Chart, by_user: &Value, named: &Named) -> Result<Templated, ChartError> {
    let prepared = Prepared::of(chart, by_user)?;
    let facts = facts(&prepared, named)?;
    let rendered = go::run(chart, &prepared, &facts, Secrets::Exposed)?;
    let stand_in = match facts.chance {
        Chance::Derived(_) if rendered.made > 0 => {
            Some(printed(&go::run(chart, &prepared, &facts, Secrets::StandIn)?, &prepared, named, chart.cores)?)
        }
        _ => None,
    };
    let text = printed(&rendered, &prepared, named, chart.cores)?;
    let words = [named.name.as_str(), named.namespace.as_str()];
    let public = stand_in.as_ref().map(|_| Public::new(&prepared.root, by_user, words)).unwrap_or_default();
    Ok(Templated { text, stand_in, public, placeholders: rendered.placeholders, lookups: rendered.asked })
}

/// What the `NOTES.txt` of a chart comes to with these values of a user. Secrets are not masked.
pub fn notes(chart: &Chart, by_user: &Value, named: &Named) -> Result<String, ChartError> {
    let prepared = Prepared::of(chart, by_user)?;
    let facts = facts(&prepared, named)?;
    Ok(go::run(chart, &prepared, &facts, Secrets::Exposed)?.notes.unwrap_or_default())
}

/// What templates are told, where the release has a name that can be one, and the chart is for such a server.
fn facts(prepared: &Prepared, named: &Named) -> Result<Facts, ChartError> {
    check_name(&named.name)?;
    prepared.check_version(&named.capabilities.normalized)?;
    Ok(Facts {
        name: named.name.clone(),
        namespace: named.namespace.clone(),
        is_upgrade: named.is_upgrade,
        capabilities: Arc::new(named.capabilities.clone()),
        now: named.now,
        chance: named.chance.clone(),
        live: None,
    })
}

fn printed<'r>(
    rendered: &'r go::Output,
    prepared: &Prepared,
    named: &Named,
    cores: Cores,
) -> Result<Vec<u8>, ChartError> {
    let text = |it: &'r go::Rendered| Ok((&*it.name, it.text()?));
    let texts = rendered.files.iter().map(text).collect::<Result<Vec<_>, ChartError>>()?;
    let mut sorted = output::sort(&texts, cores)?;
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

/// The name that a template of names (`--name-template`) gives a release.
pub fn name_of(template: &str, origin: &Origin, making: &RenderOptions) -> Result<String, ChartError> {
    const NAME: &str = "name-template";
    let path = origin.file.clone().unwrap_or_default();
    let mut set = Templates::new(functions::all().clone());
    set.add(NAME, &path, template).map_err(ChartError::go)?;
    let host = Host::new(NAME, Time::utc(making.now, 0), making.chance.clone());
    let made = Run::new(&set, &host, Missing::Zero, Limits::default()).execute(NAME, &GoValue::Nil);
    Ok(String::from_utf8_lossy(&made.map_err(ChartError::go)?).into_owned())
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
