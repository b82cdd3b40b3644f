//! `weft explain`: the way of a field, in both template languages, with and without a cluster.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::program::Desk;
use super::site::{CANARY, Site};
use crate::cases::{code, same};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "explain_tells_the_way_of_a_field", way_of_a_field),
        code("cli", "explain_knows_go_templates", go_templates),
        code("cli", "explain_knows_the_files_of_kustomizations", kustomizations),
        code("cli", "explain_masks_secrets", secrets),
        code("cli", "explain_works_offline_and_names_what_is_near", offline),
    ]
}

fn valid(text: &str) -> Result<Json, Failed> {
    let document: Json = serde_json::from_str(text)?;
    let schema = serde_json::from_str(include_str!("../../../docs/schema/explain-v1.json"))?;
    let validator = jsonschema::validator_for(&schema)?;
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    same("the schema's verdict", "", &errors.join("\n"))?;
    Ok(document)
}

fn way_of_a_field() -> Result<(), Failed> {
    let site = Site::with_web("explain");
    site.desk.write("environments/dev/values/web.yaml", "# ours\ngreeting: Good day\n");
    site.expect("apply dev --yes", 0)?;
    site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": "Hacked", "foreign": "theirs"}}));
    let run = site.expect("explain dev configmap/web data.greeting", 0)?;
    run.says(&format!("ConfigMap {}/web data.greeting = \"Good day\"", site.namespace))?;
    run.says("written by  charts/web/templates/all.yaml.j2:6")?.says("greeting: {{ values.greeting | quote }}")?;
    run.says("values      greeting = \"Good day\" from environments/dev/values/web.yaml:2:11")?;
    run.says("overrides \"Hello\" from charts/web/values.yaml:1:11")?.keeps_quiet_about("port")?;
    run.says("owned by    kubectl-edit (Update) at ")?;
    run.says("drift: \"Good day\" in the repository, \"Hacked\" on the server, by kubectl-edit")?;
    run.says("last apply  revision 1")?;
    let document = valid(&site.expect("explain dev ConfigMap/web data.greeting -o json", 0)?.stdout)?;
    let field = &document["fields"][0];
    assert_eq!((&field["path"], &field["change"]["drifted"]), (&json!("data.greeting"), &json!(true)), "{document:#}");
    assert_eq!(field["values"][0]["overrides"][0]["value"], "Hello");
    let run = site.expect("explain dev configmaps/web data.foreign", 0)?;
    run.says("data.foreign is not in the repository; the server has \"theirs\"")?.says("owned by    kubectl-edit")?;
    let run = site.expect("explain dev configmap/web", 0)?;
    run.says("data.port: \"80\"  # charts/web/templates/all.yaml.j2:8")?.says("data.greeting")?;
    site.expect("explain dev configmap/web metadata.name", 0)?.says("none: it stands in the template").map(drop)
}

fn go_templates() -> Result<(), Failed> {
    let site = Site::new("explaingo");
    let desk = &site.desk;
    desk.write("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    desk.write("charts/shop/values.yaml", "replicas: 1\nimage: {name: shop, tag: '1'}\nunused: x\n");
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  \
        image: {{ printf \"%s:%s\" .Values.image.name .Values.image.tag | quote }}\n  \
        replicas: {{ .Values.replicas | quote }}\n";
    desk.write("charts/shop/templates/config.yaml", template);
    desk.write("environments/dev/values/shop.yaml", "image: {tag: '2'}\n");
    site.releases(&["{name: shop, chart: shop}"]);
    let run = site.expect("explain dev configmap/shop data.image --offline", 0)?;
    run.says("data.image = \"shop:2\"")?.says("written by  charts/shop/templates/config.yaml:6")?;
    run.says("image.name = \"shop\" from charts/shop/values.yaml:2:")?;
    run.says("image.tag = \"2\" from environments/dev/values/shop.yaml:1:14")?;
    run.says("overrides \"1\" from charts/shop/values.yaml:2:")?.keeps_quiet_about("unused").map(drop)
}

fn kustomizations() -> Result<(), Failed> {
    let desk = Desk::new();
    let release = "releases:\n- {name: web, namespace: apps, kustomization: overlay}\n";
    desk.write("environments/dev/environment.yaml", release);
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n  \
        selector: {matchLabels: {app: web}}\n  paused: false\n  template:\n    metadata: {labels: {app: web}}\n    \
        spec:\n      containers:\n      - name: web\n        image: nginx:1\n        \
        envFrom: [{configMapRef: {name: web}}]\n";
    desk.write("base/web.yaml", deployment);
    desk.write(
        "base/kustomization.yaml",
        "resources: [web.yaml]\nconfigMapGenerator:\n- {name: web, literals: [A=b]}\n",
    );
    let overlay = "resources: [../base]\nnamePrefix: our-\nimages:\n- {name: nginx, newTag: '2'}\npatches:\n\
        - path: more.yaml\n- target: {kind: Deployment}\n  patch: '[{op: replace, path: /spec/paused, value: true}]'\n";
    desk.write("overlay/kustomization.yaml", overlay);
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 3\n";
    desk.write("overlay/more.yaml", patch);
    let image = "spec.template.spec.containers[name=web].image";
    for (field, place) in [
        ("spec.replicas", "overlay/more.yaml:5:13\n              replicas: 3\n"),
        (image, "overlay/kustomization.yaml:4:3\n              - {name: nginx, newTag: '2'}\n"),
        ("metadata.name", "overlay/kustomization.yaml:2:13\n              namePrefix: our-\n"),
        ("spec.paused", "overlay/kustomization.yaml:7 (patch)\n"),
        ("spec.selector", "base/web.yaml:7:13\n"),
    ] {
        let run = desk.run(["explain", "dev", "deployment/our-web", field, "--offline"]);
        run.ends_with(0)?.says(&format!("  written by  {place}"))?;
    }
    let built = desk.run(["kustomize", "build", "overlay"]).stdout;
    let name = built.lines().find_map(|it| it.strip_prefix("  name: our-web-")).ok_or("no generated name")?.to_owned();
    let config = desk.run(["explain", "dev", &format!("configmap/our-web-{name}"), "data.A", "--offline"]);
    config.ends_with(0)?.says("written by  base/kustomization.yaml:3:3\n")?;
    desk.write("overlay/more.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData:\n  key: plain\n");
    desk.write("overlay/kustomization.yaml", "resources: [more.yaml]\n");
    let secret = desk.run(["explain", "dev", "secret/web", "data.key", "--offline"]);
    secret.ends_with(0)?.says("written by  overlay/more.yaml:5:8\n")?.keeps_quiet_about("plain").map(drop)
}

fn secrets() -> Result<(), Failed> {
    let site = Site::new("explainsecret");
    let template = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData:\n  \
        password: {{ values.database.password | quote }}\n  user: {{ values.user }}\n";
    site.chart("web", "user: me\n", template);
    site.secret();
    site.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    site.expect("apply dev --yes", 0)?;
    for arguments in ["secret/web data.password", "secret/web", "secret/web data.password -o json"] {
        let run = site.expect(&format!("explain dev {arguments}"), 0)?;
        run.keeps_quiet_about(CANARY)?.says("(secret ")?;
    }
    let run = site.expect("explain dev secret/web data.password", 0)?;
    run.says("values      database.password = (secret ")?.says("from secrets/dev/web.yaml:")?;
    run.keeps_quiet_about("user = ").map(drop)
}

fn offline() -> Result<(), Failed> {
    let mut site = Site::with_web("explainoff");
    site.releases(&["{name: web, chart: web}", "{name: shop, chart: web}"]);
    site.kubeconfig(&super::site::kubeconfig("http://127.0.0.1:1", "{token: t}"));
    let run = site.expect("explain dev configmap/web data.port --offline", 0)?;
    run.says("port = 80 from charts/web/values.yaml:2:7")?
        .says("Nothing is known of the cluster, which was not asked.")?;
    let run = site.expect("explain dev configmap/web data.port --patience 1s", 0)?;
    run.says("port = 80 from charts/web/values.yaml:2:7")?.says("Nothing is known of the cluster: no answer from")?;
    site.expect("explain dev configmap/wep --offline", 1)?.says("Is `ConfigMap/web` meant?")?;
    site.expect("explain dev configmap/web data.prot --offline", 1)?.says("Is `data.port` meant?")?;
    site.expect("explain dev configmap/web a..b --offline", 1)?.says("is no field")?;
    site.expect("explain dev configmap/web -n elsewhere --offline", 1).map(drop)
}
