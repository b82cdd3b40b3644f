//! Tests of `manifest`.
//!
//! A case is a folder with `rendered/<release>/<file>`, and where the release has secrets `stand-in/<release>/<file>`
//! (the text with stand-ins) or `opaque` (there is none); `public` has the words that are known anyway. A release's namespace is its name with `-ns`.
//! `desired.txt` or `error.txt` is what comes out.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::chart::{Public, Rendered, RenderedFile};
use weft::diagnostic::Diagnostic;
use weft::manifest::{Desired, Object, read};
use weft::masked::Masked;
use weft::project::{ClusterRef, Environment, Prune, Release, ReleaseSource};
use weft::schema::builtin;
use weft::tree::Tree;
use weft::value::{Mark, Origin, Value};
use weft::yaml;

use crate::cases::{self, Case};

/// All of them.
pub fn trials() -> Vec<Trial> {
    let mut trials = cases::of("manifest", run);
    trials.push(cases::code("manifest", "data_of_secrets_is_standard_base64", secret_data));
    trials.push(cases::code("manifest", "an_empty_environment_has_no_objects", nothing));
    trials
}

fn run(case: &Case) -> Result<(), Failed> {
    let (real, stand_in) = (case.tree("rendered"), case.tree("stand-in"));
    let opaque = case.read_if_there("opaque").is_some();
    let mut rendered = rendered(&real, &stand_in, opaque);
    let public = Arc::new(Public::of_text(&case.read_if_there("public").unwrap_or_default()));
    for file in rendered.iter_mut().flat_map(|it| &mut it.files) {
        file.public = Arc::clone(&public);
    }
    let environment = environment(&rendered);
    let mut discovery = builtin();
    discovery.unavailable.insert("metrics.k8s.io".into(), "503 Service Unavailable".into());
    match read(rendered, &environment, &discovery) {
        Ok(desired) => case.expect("desired.txt", &told(&desired)),
        Err(error) => case.expect("error.txt", &Diagnostic::of(&error).to_string()),
    }
}

fn nothing() -> Result<(), Failed> {
    let desired = read(Vec::new(), &environment(&[]), &builtin()).map_err(|error| error.to_string())?;
    assert!(desired.objects.is_empty() && desired.warnings.is_empty());
    Ok(())
}

fn secret_data() -> Result<(), Failed> {
    let text = "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {kept: \"aGVs\\nbG8=\", none: null, two: b2xk}, \
                stringData: {two: new}}";
    let tree = Tree::new([("app/a.yaml".to_owned(), text.as_bytes().to_vec())]);
    let rendered = rendered(&tree, &Tree::new([]), false);
    let environment = environment(&rendered);
    let desired = read(rendered, &environment, &builtin()).map_err(|error| error.to_string())?;
    let body = &desired.objects[1].body;
    let data = serde_json::to_string(&body.get("data").unwrap().exposed()).unwrap();
    assert_eq!(data, r#"{"kept":"aGVsbG8=","none":"","two":"bmV3"}"#);
    assert_eq!(body.get("stringData"), None);
    Ok(())
}

fn rendered(real: &Tree, stand_in: &Tree, opaque: bool) -> Vec<Rendered> {
    let text = |tree: &Tree, path: &str| tree.text(path).ok().map(str::to_owned);
    let mut releases: Vec<Rendered> = Vec::new();
    for path in real.paths() {
        let (release, _) = path.split_once('/').unwrap();
        if releases.last().is_none_or(|last| &*last.release != release) {
            releases.push(Rendered { release: release.into(), ..Rendered::default() });
        }
        let whole = text(real, path).unwrap();
        let stand_in = text(stand_in, path);
        let path = Arc::new(path.to_owned());
        let shown = if opaque { None } else { Some(stand_in.as_ref().unwrap_or(&whole)) };
        let documents = shown.map(|text| yaml::documents(text, &path, yaml::Rules::Strict).unwrap());
        releases.last_mut().unwrap().files.push(RenderedFile {
            path,
            text: Masked::new(whole.clone()),
            stand_in,
            opaque,
            documents: documents.unwrap_or_default(),
            ..RenderedFile::default()
        });
    }
    releases
}

/// An environment with these releases.
pub fn environment(rendered: &[Rendered]) -> Environment {
    Environment {
        project: None,
        name: "dev".into(),
        lineage: vec!["dev".into()],
        cluster: ClusterRef::default(),
        values: Value::default(),
        value_layers: Vec::new(),
        inputs: std::collections::BTreeMap::default(),
        identity: None,
        state_namespace: "weft-system".into(),
        revisions: 10,
        ignore: Vec::new(),
        conflicts: Vec::new(),
        replace: Vec::new(),
        releases: rendered.iter().map(|it| release_of(&it.release)).collect(),
        remote: Vec::new(),
        lock: weft::project::Lock::default(),
        written: weft::value::Value::default(),
    }
}

/// A release of nothing in particular.
pub fn release_of(name: &Arc<str>) -> Release {
    let file = Arc::new("environments/dev/environment.yaml".to_owned());
    Release {
        name: Arc::clone(name),
        namespace: format!("{name}-ns"),
        create_namespace: true,
        source: ReleaseSource::Manifests(name.to_string()),
        load_restrictor: weft::project::LoadRestrictor::default(),
        needs: Vec::new(),
        labels: std::collections::BTreeMap::default(),
        when: None,
        values: Vec::new(),
        secrets: Vec::new(),
        wait: weft::project::Wait::default(),
        prune: Prune::Delete,
        ignore: Vec::new(),
        conflicts: Vec::new(),
        replace: Vec::new(),
        lookup: false,
        rollback: false,
        exposes: Vec::new(),
        patches: Vec::new(),
        source_origin: Origin::default(),
        entry: Arc::default(),
        origin: Origin::new(&file, Mark { line: 3, column: 3 }),
    }
}

fn told(desired: &Desired) -> String {
    let warnings = desired.warnings.iter().map(|warning| format!("warning: {warning}\n"));
    let hooks = desired.hooks.iter().map(|hook| {
        let points: Vec<String> = hook.terms.points.iter().map(ToString::to_string).collect();
        format!("--- # hook of weight {}: {}\n{}", hook.terms.weight, points.join(", "), tell(&hook.object))
    });
    warnings.chain(desired.objects.iter().map(tell)).chain(hooks).collect()
}

fn tell(object: &Object) -> String {
    let implicit = if object.implicit { ", implicit" } else { "" };
    let order = yaml::write_with(&object.body, yaml::Write { order: yaml::Order::Written, ..yaml::Write::default() });
    format!("--- # {}, release {}, {}{implicit}\n{order}", object.id, object.release, object.origin)
}
