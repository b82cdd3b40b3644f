//! The same twelve services as a chart, as a kustomization and as plain files come to the same objects.

use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use weft::value::Value;
use weft::yaml::{self, Rules};

use super::program::Desk;
use crate::cases::{code, same};

/// The services of the shop with their ports.
const SERVICES: [(&str, u16); 12] = [
    ("frontend", 8080),
    ("cart", 7070),
    ("catalog", 3550),
    ("currency", 7000),
    ("payment", 50051),
    ("shipping", 50052),
    ("email", 5000),
    ("checkout", 5050),
    ("recommendation", 8081),
    ("ads", 9555),
    ("loadgenerator", 8089),
    ("redis", 6379),
];

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![code("cli", "forms_of_twelve_services_are_the_same_objects", twelve)]
}

/// A service as its author writes it, without what an environment adds.
fn bare(name: &str, port: u16) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {name}}}}}\n  \
         template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: server\n        image: \
         r.example.com/{name}\n        ports: [{{containerPort: {port}}}]\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec:\n  \
         selector: {{app: {name}}}\n  ports: [{{name: grpc, port: {port}, targetPort: {port}}}]\n"
    )
}

/// The same as it is in production.
fn finished(name: &str, port: u16) -> String {
    let labelled = bare(name, port).replace(
        &format!("metadata: {{name: {name}}}"),
        &format!("metadata: {{name: {name}, namespace: shop, labels: {{team: shop}}}}"),
    );
    let image = format!("r.example.com/{name}");
    labelled
        .replace("replicas: 1", "replicas: 2")
        .replace(&format!("image: {image}\n"), &format!("image: {image}:v1.2\n"))
}

fn project() -> Desk {
    let desk = Desk::new();
    for (form, source) in
        [("plain", "manifests: plain"), ("chart", "chart: shop"), ("overlay", "kustomization: overlays/shop")]
    {
        let text = format!("cluster: {{}}\nreleases:\n- name: shop\n  namespace: shop\n  {source}\n");
        desk.write(&format!("environments/{form}/environment.yaml"), text);
    }
    let mut values = "services:\n".to_owned();
    let mut images = String::new();
    for (name, port) in SERVICES {
        desk.write(&format!("plain/{name}.yaml"), finished(name, port));
        desk.write(&format!("base/{name}.yaml"), bare(name, port));
        writeln!(values, "- {{name: {name}, port: {port}}}").expect("written");
        writeln!(images, "- {{name: r.example.com/{name}, newTag: v1.2}}").expect("written");
    }
    let template = finished("NAME", 1)
        .replace("NAME", "{{ .name }}")
        .replace(": 1,", ": {{ .port }},")
        .replace("Port: 1}", "Port: {{ .port }}}");
    desk.write("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\n");
    desk.write("charts/shop/values.yaml", values);
    desk.write(
        "charts/shop/templates/all.yaml",
        format!("{{{{- range .Values.services }}}}\n---\n{template}{{{{- end }}}}\n"),
    );
    let names: Vec<String> = SERVICES.iter().map(|(name, _)| format!("{name}.yaml")).collect();
    desk.write("base/kustomization.yaml", format!("resources: [{}]\n", names.join(", ")));
    let overlay = "resources: [../../base]\nnamespace: shop\nlabels: [{pairs: {team: shop}}]\npatches:\n- target: {kind: Deployment}\n  patch: |\n    \
                   - {op: replace, path: /spec/replicas, value: 2}\nimages:\n";
    desk.write("overlays/shop/kustomization.yaml", format!("{overlay}{images}"));
    desk
}

fn twelve() -> Result<(), Failed> {
    let desk = project();
    let plain = objects(&desk, "plain")?;
    assert_eq!(plain.matches("kind: ").count(), 25, "two of each, and the namespace: {plain}");
    same("as a chart", &plain, &objects(&desk, "chart")?)?;
    same("as a kustomization", &plain, &objects(&desk, "overlay")?)
}

/// The objects that an environment comes to, in the order of their names, without the mark of its set.
fn objects(desk: &Desk, environment: &str) -> Result<String, Failed> {
    let run = desk.run(["render", environment]);
    run.ends_with(0)?;
    let mut objects = yaml::documents(&run.stdout, &Arc::default(), Rules::Kubernetes)?;
    for object in &mut objects {
        let labels =
            object.as_map_mut().and_then(|it| it.get_mut("metadata")?.as_map_mut()?.get_mut("labels")?.as_map_mut());
        labels.map(|it| it.remove("applyset.kubernetes.io/part-of"));
    }
    let key = |it: &Value| {
        let text = |keys: &[&str]| it.dig(keys).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text(&["kind"]), text(&["metadata", "name"]))
    };
    objects.sort_by_key(key);
    Ok(objects.iter().map(yaml::write).collect::<Vec<_>>().join("---\n"))
}
