//! The rules by which OpenAPI becomes shapes, one row each.

use super::*;

fn at<'s>(gvk: (&str, &str), path: &[&str]) -> crate::Type<'s> {
    let root = builtin_schemas().of(&Gvk::new(gvk.0, gvk.1)).unwrap();
    path.iter().fold(root, |at, step| match *step {
        "[]" => at.list().unwrap().item,
        field => at.map().unwrap().field(field).unwrap(),
    })
}

#[test]
fn built_in_lists_merge_as_the_server_merges_them() {
    let keyed = |keys: &[&str]| Strategy::Keyed(keys.iter().map(|&key| key.to_owned()).collect());
    let pod = ["spec", "template", "spec"];
    for (path, expected) in [
        (&["containers"][..], keyed(&["name"])),
        (&["containers", "[]", "ports"], keyed(&["containerPort", "protocol"])),
        (&["containers", "[]", "env"], keyed(&["name"])),
        (&["containers", "[]", "volumeMounts"], keyed(&["mountPath"])),
        (&["containers", "[]", "args"], Strategy::Atomic),
        (&["tolerations"], Strategy::Atomic),
        (&["topologySpreadConstraints"], keyed(&["topologyKey", "whenUnsatisfiable"])),
        (&["imagePullSecrets"], keyed(&["name"])),
    ] {
        let whole: Vec<&str> = pod.iter().chain(path).copied().collect();
        assert_eq!(*at(("apps/v1", "Deployment"), &whole).list().unwrap().strategy, expected, "{path:?}");
    }
    let finalizers = at(("v1", "ConfigMap"), &["metadata", "finalizers"]);
    assert_eq!(*finalizers.list().unwrap().strategy, Strategy::Set);
}

#[test]
fn maps_may_be_one_whole() {
    let container = ["spec", "containers", "[]"];
    let at = |rest: &[&str]| at(("v1", "Pod"), &container.iter().chain(rest).copied().collect::<Vec<_>>());
    assert!(at(&["env", "[]", "valueFrom", "configMapKeyRef"]).map().unwrap().atomic);
    assert!(!at(&["resources", "limits"]).map().unwrap().atomic);
    assert_eq!(at(&["resources", "limits", "cpu"]).scalar(), Some(Scalar::Quantity));
    assert_eq!(at(&["livenessProbe", "httpGet", "port"]).scalar(), Some(Scalar::IntOrString));
    assert_eq!(at(&["ports", "[]"]).map().unwrap().default("protocol").and_then(Value::as_str), Some("TCP"));
    assert!(at(&["ports", "[]"]).map().unwrap().field("nope").is_none());
}

#[test]
fn a_definition_of_the_plan_has_shapes_too() {
    let crd = r#"{"spec": {"group": "g.example.com", "names": {"kind": "Loom"}, "versions": [{"name": "v1", "schema":
        {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "threads": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
            "items": {"type": "object", "properties": {"id": {"type": "string"}}}},
        "size": {"x-kubernetes-int-or-string": true}}}}}}}]}}"#;
    let mut schemas = Schemas::new();
    schemas.add_crd(&serde_json::from_str(crd).unwrap());
    let spec = schemas.of(&Gvk::new("g.example.com/v1", "Loom")).unwrap().map().unwrap().field("spec").unwrap();
    let field = |name: &str| spec.map().unwrap().field(name);
    assert_eq!(*field("threads").unwrap().list().unwrap().strategy, Strategy::Keyed(vec!["id".into()]));
    assert_eq!(field("size").unwrap().scalar(), Some(Scalar::IntOrString));
    assert!(field("other").is_none());
    let root = schemas.of(&Gvk::new("g.example.com/v1", "Loom")).unwrap().map().unwrap();
    assert!(root.field("metadata").unwrap().map().unwrap().field("labels").is_some());
}

/// A shape in short: `!` is one whole, `*` are keys that are not declared, `any` is one whole whatever it is, and `free`
/// divides its maps.
fn short(at: crate::Type<'_>) -> String {
    let map = at.map().map(|map| {
        let mut fields: Vec<&str> = map.fields().collect();
        fields.sort_unstable();
        let nothing = fields.is_empty();
        let declared = fields.into_iter().map(|name| format!("{name}: {}", short(map.field(name).unwrap())));
        match at.scalar() {
            Some(Scalar::Any) if nothing && map.atomic => return "any".to_owned(),
            Some(Scalar::Any)
                if nothing && map.is_deduced() && at.list().is_some_and(|list| short(list.item) == "any") =>
            {
                return "free".to_owned();
            }
            _ => {}
        }
        let all: Vec<String> = declared.chain(map.rest().map(|rest| format!("*: {}", short(rest)))).collect();
        format!("{}{{{}}}", if map.atomic { "!" } else { "" }, all.join(", "))
    });
    if let Some(word) = map.as_ref().filter(|it| *it == "any" || *it == "free") {
        return word.clone();
    }
    let list = at.list().map(|list| match list.strategy {
        Strategy::Keyed(keys) => format!("[{} -> {}]", keys.join("+"), short(list.item)),
        Strategy::Set => format!("[{} set]", short(list.item)),
        Strategy::Atomic => format!("![{}]", short(list.item)),
    });
    let scalar = at.scalar().map(|it| format!("{it:?}").to_lowercase());
    [map, scalar, list].into_iter().flatten().collect::<Vec<_>>().join(" | ")
}

/// The shape of a schema in short, as the field `it` of a kind.
fn of(schema: &str) -> String {
    let document = format!(
        r#"{{"components": {{"schemas": {{"whole": {{"type": "object", "x-kubernetes-map-type": "atomic", "properties":
        {{"a": {{"type": "string"}}}}}}, "parts": {{"type": "object", "properties": {{"a": {{"type": "string"}}}}}},
        "list": {{"type": "array", "items": {{"type": "string"}}, "x-kubernetes-list-type": "set"}},
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {{"type": "string"}},
        "io.k8s.apimachinery.pkg.runtime.RawExtension": {{"type": "object"}},
        "Kind": {{"type": "object", "properties": {{"it": {schema}}},
        "x-kubernetes-group-version-kind": [{{"group": "", "version": "v1", "kind": "Kind"}}]}}}}}}}}"#
    );
    let document: Value = serde_json::from_str(&document).unwrap();
    let [full, slimmed] = [document.clone(), super::slim(document)].map(|document| {
        let mut schemas = Schemas::new();
        schemas.add_document(&document);
        short(schemas.of(&Gvk::new("v1", "Kind")).unwrap().map().unwrap().field("it").unwrap())
    });
    assert_eq!(slimmed, full, "what is left out of a document says nothing");
    full
}

#[test]
fn every_rule_of_the_server_holds() {
    for row in include_str!("rules.tsv").lines().filter(|line| !line.starts_with('#')) {
        let (schema, expected) = row.split_once('\t').unwrap();
        assert_eq!(of(schema), expected, "{schema}");
    }
}

fn loom(version: &str) -> Schemas {
    let crd = format!(
        r#"{{"spec": {{"group": "g.example.com", "names": {{"kind": "Loom"}}, "versions": [{{"name": "v1", {version}}}]}}}}"#
    );
    let mut schemas = Schemas::new();
    schemas.add_crd(&serde_json::from_str(&crd).unwrap());
    schemas
}

#[test]
fn an_object_within_another_has_what_every_object_has() {
    let schemas = loom(
        r#""schema": {"openAPIV3Schema": {"type": "object", "properties": {"template": {"type": "object",
        "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}}}}}"#,
    );
    let root = schemas.of(&Gvk::new("g.example.com/v1", "Loom")).unwrap().map().unwrap();
    let template = root.field("template").unwrap().map().unwrap();
    for object in [root, template] {
        assert!(["apiVersion", "kind", "metadata"].iter().all(|key| object.declares(key)));
        let labels = object.field("metadata").unwrap().map().unwrap().field("labels");
        assert_eq!(short(labels.unwrap()), "{*: text}");
        assert!(object.field("other").is_none());
    }
}

#[test]
fn a_definition_has_no_rules_of_strategic_merges() {
    let schemas = loom(
        r#""schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "array",
        "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"}}}}"#,
    );
    let root = schemas.of(&Gvk::new("g.example.com/v1", "Loom")).unwrap().map().unwrap();
    assert_eq!(short(root.field("spec").unwrap()), "![text]");
}

#[test]
fn a_kind_whose_schema_says_nothing_has_what_every_object_has_alone() {
    let empty = loom(r#""schema": {"openAPIV3Schema": {"type": "object"}}"#);
    assert!(empty.of(&Gvk::new("g.example.com/v1", "Loom")).unwrap().map().unwrap().field("spec").is_none());
    let none = loom(r#""served": true"#);
    assert_eq!(short(none.of(&Gvk::new("g.example.com/v1", "Loom")).unwrap()), "free");
}

#[test]
fn a_status_that_is_a_subresource_is_not_written_with_its_object() {
    let schema = r#""schema": {"openAPIV3Schema": {"type": "object", "properties": {"status": {"type": "object"}}}}"#;
    let resets = |schemas: &Schemas, version: &str, kind: &str| {
        schemas.of(&Gvk::new(version, kind)).unwrap().map().unwrap().resets_status()
    };
    assert!(!resets(&loom(schema), "g.example.com/v1", "Loom"));
    assert!(resets(&loom(&format!(r#"{schema}, "subresources": {{"status": {{}}}}"#)), "g.example.com/v1", "Loom"));
    assert!(resets(builtin_schemas(), "apps/v1", "Deployment"));
    assert!(!resets(builtin_schemas(), "v1", "ConfigMap"));
    // The document of a server says it by its paths; a kind may be in the document of another group too.
    let component = r#""components": {"schemas": {"Kind": {"properties": {"status": {"type": "object"}},
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Kind"}]}}}"#;
    let own = format!(
        r#"{{{component}, "paths": {{"/api/v1/kinds/{{name}}/status": {{"patch":
        {{"x-kubernetes-group-version-kind": {{"group": "", "version": "v1", "kind": "Kind"}}}}}}}}}}"#
    );
    let foreign = format!(r#"{{{component}, "paths": {{}}}}"#);
    for order in [[&own, &foreign], [&foreign, &own]] {
        let mut schemas = Schemas::new();
        for text in order {
            schemas.add_document(&serde_json::from_str(text).unwrap());
        }
        assert!(resets(&schemas, "v1", "Kind"));
    }
    let mut schemas = Schemas::new();
    schemas.add_document(&serde_json::from_str(&foreign).unwrap());
    assert!(!resets(&schemas, "v1", "Kind"));
}

#[test]
fn a_null_of_a_field_without_a_type_is_not_kept() {
    let fields = r#"{"any": {"x-kubernetes-preserve-unknown-fields": true}, "typed": {"type": "object"},
        "nullable": {"x-kubernetes-preserve-unknown-fields": true, "nullable": true},
        "default": {"x-kubernetes-int-or-string": true, "default": 1}}"#;
    let crd = format!(
        r#"{{"spec": {{"group": "g.example.com", "names": {{"kind": "Loom"}}, "versions": [{{"name": "v1", "schema":
        {{"openAPIV3Schema": {{"type": "object", "properties": {fields}}}}}}}]}}}}"#
    );
    let mut schemas = Schemas::new();
    schemas.add_crd(&serde_json::from_str(&crd).unwrap());
    let root = schemas.of(&Gvk::new("g.example.com/v1", "Loom")).unwrap().map().unwrap();
    let drops = ["any", "typed", "nullable", "default", "other"].map(|key| root.drops_null(key));
    assert_eq!(drops, [true, false, false, false, false]);
}
