//! Charts for Helm in an environment: live objects that they look up, tests, notes, made passwords, definitions.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service};
use kube::api::{Api, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::hooks::Worker;
use super::program::Desk;
use super::site::Site;
use crate::cases::{code, same};
use crate::sandbox::shared;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "charts_are_rendered_alone", rendered_alone),
        code("cli", "charts_are_patched_by_an_environment", patched),
        code("cli", "charts_look_up_what_they_may_see", look_up),
        code("cli", "charts_are_tested", are_tested),
        code("cli", "charts_hooks_stay_for_those_behind_them", stay_for_those_behind),
        code("cli", "charts_tell_people_without_secrets", tell_people),
        code("cli", "charts_have_made_passwords_once_a_key_is_kept", made_passwords),
        code("cli", "charts_bring_new_definitions_under_guard", definitions),
    ]
}

/// A project with the release `web` of a chart for Helm.
fn site(prefix: &str, template: &str) -> Site {
    let site = Site::new(prefix);
    site.desk.write("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
    site.desk.write("charts/web/templates/all.yaml", template);
    site.releases(&["{name: web, chart: web}"]);
    site
}

const LOOKS: &str = r#"{{- $ns := .Release.Namespace }}
{{- $secret := lookup "v1" "Secret" $ns "given" }}
{{- $seen := lookup "v1" "ConfigMap" $ns "seen" }}
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  {{- if $seen }}
  of: {{ $seen.data.of | quote }}
  next: {{ (lookup "v1" "ConfigMap" $ns $seen.data.of).data.of | quote }}
  {{- end }}
  all: {{ range (lookup "v1" "Secret" $ns "").items }}{{ .metadata.name }} {{ .kind }}{{ end }}
  none: {{ lookup "nothing.example.com/v1" "Nothing" "" "a" | toJson | quote }}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData:
  password: {{ if $secret }}{{ $secret.data.password | b64dec | quote }}{{ else }}{{ "made" }}{{ end }}
"#;

const PATCHED: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {a: chart, b: chart}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: metrics, port: 90}
";

/// A strategic merge patch in a file that merges a list by its key, and a JSON patch in place.
fn patched() -> Result<(), Failed> {
    let site = site("patched", PATCHED);
    let fields = "kind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80, targetPort: 9090}]}\n";
    site.desk.write("environments/dev/patches/service.yaml", fields);
    let json = "{target: {kind: ConfigMap}, patch: [{op: replace, path: /data/a, value: patch}]}";
    let release = format!("{{name: web, chart: web, patches: [{{path: patches/service.yaml}}, {json}]}}");
    site.releases(&[&release]);
    site.expect("apply dev --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?;
    same("the ConfigMap", r#"{"a":"patch","b":"chart"}"#, &site.data("web").unwrap_or_default())?;
    let service = site.get::<Service>("web").and_then(|it| it.spec).and_then(|it| it.ports).unwrap_or_default();
    let ports: Vec<String> = service.iter().map(|it| format!("{}:{:?}", it.port, it.target_port)).collect();
    same("the ports", "80:Some(Int(9090)) 90:Some(Int(90))", &ports.join(" "))
}

fn look_up() -> Result<(), Failed> {
    let site = site("lookup", LOOKS);
    site.create("seen", "other")?;
    site.create("other", "end")?;
    let secrets: Api<Secret> = Api::namespaced(shared().client(), &site.namespace);
    let given = json!({"metadata": {"name": "given"}, "stringData": {"password": "canary-0815"}});
    shared().block_on(secrets.create(&PostParams::default(), &serde_json::from_value(given)?))?;
    let blind = site.expect("plan dev", 0)?;
    blind.says("is told that there are none, as `lookup` is not true")?;
    blind.says(&format!("`Secret {}/given`", site.namespace))?;

    site.releases(&["{name: web, chart: web, lookup: true}"]);
    let run = site.expect("apply dev --yes", 0)?;
    run.keeps_quiet_about("is told")?.keeps_quiet_about("canary")?;
    let data = r#"{"all":"given Secret","next":"end","none":"{}","of":"other"}"#;
    assert_eq!(site.data("web").as_deref(), Some(data));
    let password = site.get::<Secret>("web").and_then(|it| it.data?.remove("password"));
    assert_eq!(password.map(|it| it.0).as_deref(), Some(&b"canary-0815"[..]));
    // Its own Secret is one of those that are listed now.
    site.expect("plan dev", 0)?.says("given Secretweb Secret")?;
    site.expect("apply dev --yes", 0)?.keeps_quiet_about("canary")?;
    site.expect("plan dev --exit-code", 0)?;
    site.expect("drift dev", 0)?;

    // A saved plan holds what was found when it was made.
    site.meddle("seen", "other", &json!({"data": {"of": "seen"}}));
    site.expect("plan dev -o web.plan --exit-code", 2)?.keeps_quiet_about("canary")?;
    site.meddle("seen", "other", &json!({"data": {"of": "other"}}));
    site.expect("apply --plan web.plan --yes", 4)?;
    site.expect("plan dev --exit-code", 0).map(drop)
}

/// A pod that tests, which no node takes.
fn test(name: &str, more: &str, labels: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  labels: {labels}\n  annotations: {{helm.sh/hook: test{more}}}\n\
         spec:\n  restartPolicy: Never\n  nodeSelector: {{nowhere: 'true'}}\n  containers: [{{name: main, image: 'registry.example.com/a:1'}}]\n"
    )
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n";

fn are_tested() -> Result<(), Failed> {
    let goes = ", helm.sh/hook-delete-policy: hook-succeeded";
    let well = [MAP, &test("stays", "", "{}"), &test("goes", goes, "{}")].concat();
    let site = site("tests", &well);
    let _worker = Worker::of(&site);
    site.expect("test dev", 1)?.says("the release `web` is not applied")?;
    site.expect("plan dev", 0)?.keeps_quiet_about("stays")?;
    site.expect("apply dev --yes", 0)?;
    assert!(site.get::<Pod>("stays").is_none(), "an apply runs no tests");
    let run = site.expect("test dev", 0)?;
    run.says("passed   web")?.says("/stays")?.says("2 tests, 0 not passed")?;
    let first = site.get::<Pod>("stays").and_then(|it| it.metadata.uid);
    assert!(first.is_some() && site.get::<Pod>("goes").is_none(), "what its annotations say is deleted");
    site.expect("plan dev --exit-code", 0)?;

    // Behind one that failed no other is run; what was there from before is made anew.
    let fails = test("fails", ", helm.sh/hook-weight: '1'", "{fails: 'yes'}");
    let late = test("late", ", helm.sh/hook-weight: '2'", "{}");
    site.desk.write("charts/web/templates/all.yaml", [&well, &fails, &late].map(String::as_str).concat());
    let run = site.expect("test dev web -o json", 1)?;
    run.says("4 tests, 2 not passed")?;
    let found: Json = serde_json::from_str(&run.stdout)?;
    let schema = serde_json::from_str(include_str!("../../../docs/schema/test-v1.json"))?;
    jsonschema::validate(&schema, &found).map_err(|error| error.to_string())?;
    let words =
        |it: &Json| format!("{} {}", it["object"]["name"].as_str().unwrap_or(""), it["outcome"].as_str().unwrap_or(""));
    let outcomes: Vec<String> = found["tests"].as_array().into_iter().flatten().map(words).collect();
    assert_eq!(outcomes, ["goes passed", "stays passed", "fails failed", "late skipped"]);
    assert_eq!(found["tests"][1]["logs"][0]["container"], "main");
    assert!(site.get::<Pod>("stays").and_then(|it| it.metadata.uid) != first, "it is made anew");
    site.expect("test dev", 1)?.says("fails/main wrote nothing")?;
    site.expect("destroy dev --yes", 0).map(drop)
}

/// What a hook made is there for those that run behind it, as an account for a Job, and goes when all have ended.
fn stay_for_those_behind() -> Result<(), Failed> {
    let hook = |weight: &str| {
        format!(
            "name: check, annotations: {{helm.sh/hook: 'post-install,post-upgrade', helm.sh/hook-weight: '{weight}', \
             helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'}}"
        )
    };
    let map = format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{{}}}\n", hook("-5"));
    let pod = format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{{}}}\nspec: {{restartPolicy: Never, \
         nodeSelector: {{nowhere: 'true'}}, containers: [{{name: main, image: 'registry.example.com/a:1'}}]}}\n",
        hook("1")
    );
    let site = site("behind", &[MAP, &map, &pod].concat());
    std::thread::scope(|scope| {
        let apply = scope.spawn(|| site.expect("apply dev --yes", 0).map(drop));
        let began = Instant::now();
        while site.get::<Pod>("check").is_none() && began.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(site.get::<ConfigMap>("check").is_some(), "it is there as long as the pod behind it runs");
        let _worker = Worker::of(&site);
        apply.join().expect("an apply")
    })?;
    assert!(site.get::<Pod>("check").is_none() && site.get::<ConfigMap>("check").is_none(), "both went");
    site.expect("plan dev --exit-code", 0)?;
    site.expect("destroy dev --yes", 0).map(drop)
}

fn tell_people() -> Result<(), Failed> {
    let site = site("notes", MAP);
    site.secret();
    site.desk.write(
        "charts/web/templates/NOTES.txt",
        "Look at {{ .Release.Name }}.\nLog in with {{ .Values.database.password }} there.\n",
    );
    site.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    site.expect("plan dev", 0)?.keeps_quiet_about("Look at")?;
    let run = site.expect("apply dev --yes", 0)?;
    run.says("notes of web:\n  Look at web.\n  Log in with")?
        .says(" there.")?
        .keeps_quiet_about(super::site::CANARY)?;
    site.expect("apply dev --yes", 0)?.keeps_quiet_about("Look at").map(drop)
}

fn made_passwords() -> Result<(), Failed> {
    let made = format!(
        "{MAP}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: made}}\nstringData: {{it: '{{{{ randAlphaNum 12 }}}}'}}\n"
    );
    let site = site("made", &made);
    site.secret();
    site.releases(&["{name: web, chart: web, secrets: [web.yaml]}"]);
    let said = "Placeholders stand there until the cluster keeps the key";
    site.expect("plan dev -o web.plan", 0)?.says(said)?;
    site.expect("apply --plan web.plan --yes", 4)?.says("has placeholders in place of passwords")?;
    assert!(site.get::<ConfigMap>("web").is_none(), "nothing of a plan with placeholders is applied");
    site.expect("apply dev --yes", 0)?;
    let password = || site.get::<Secret>("made").and_then(|it| it.data?.remove("it")).map(|it| it.0);
    let first = password().ok_or("no Secret")?;
    assert!(first.len() == 12 && first.iter().all(u8::is_ascii_alphanumeric), "{first:?}");
    let plan = site.expect("plan dev --exit-code", 0)?;
    plan.keeps_quiet_about(said)?.keeps_quiet_about(std::str::from_utf8(&first)?)?;
    site.expect("apply dev --yes", 0)?;
    assert_eq!(password(), Some(first));
    Ok(())
}

/// Definitions of a chart are upgraded with it, which Helm does not do; what would lose objects is refused.
fn definitions() -> Result<(), Failed> {
    let site = site("crds", MAP);
    let group = format!("{}.example.com", site.namespace);
    let write = |version: &str, fields: &str| {
        let text = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: looms.{group}}}\n\
             spec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Loom, plural: looms, singular: loom, listKind: LoomList}}\n  \
             versions:\n  - name: {version}\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        \
             type: object\n        properties: {{spec: {{type: object, properties: {{{fields}}}}}}}\n"
        );
        site.desk.write("charts/web/crds/loom.yaml", text);
    };
    let template = |spec: &str| {
        let loom = format!("apiVersion: {group}/v1\nkind: Loom\nmetadata: {{name: loom}}\nspec: {{{spec}}}\n");
        site.desk.write("charts/web/templates/loom.yaml", loom);
    };
    write("v1", "size: {type: integer}");
    template("size: 1");
    site.expect("apply dev --yes", 0)?;
    write("v1", "size: {type: integer}, colour: {type: string}");
    template("size: 1, colour: red");
    site.expect("plan dev", 0)?
        .says(&format!("CustomResourceDefinition.apiextensions.k8s.io looms.{group}"))?
        .says("colour")?;
    site.expect("apply dev --yes", 0)?;
    site.expect("plan dev --exit-code", 0)?;
    // The definition leaves the chart, and with it all objects of its kind would go.
    std::fs::remove_file(site.desk.project().join("charts/web/crds/loom.yaml"))?;
    std::fs::remove_file(site.desk.project().join("charts/web/templates/loom.yaml"))?;
    let kept = site.expect("apply dev --yes --prune-cap 9", 0)?;
    kept.says(&format!("= keep CustomResourceDefinition.apiextensions.k8s.io looms.{group}"))?;
    kept.says("--delete-kind CustomResourceDefinition")?;
    site.expect("destroy dev --yes --prune-cap 9 --delete-kind CustomResourceDefinition", 0).map(drop)
}

/// A chart alone, without an environment and a cluster: every option of `weft chart render`.
fn rendered_alone() -> Result<(), Failed> {
    let desk = Desk::new();
    let object = |name: &str, more: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{more}");
    let hook = |event: &str| object(event, &format!("  annotations:\n    helm.sh/hook: {event}\n"));
    desk.write("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n");
    desk.write("web/values.yaml", "a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\n");
    desk.write("web/crds/kind.yaml", "kind: Definition\n");
    desk.write("web/templates/NOTES.txt", "{{ .Release.Name }} at {{ .Values.a }}\n");
    desk.write("web/templates/hooks.yaml", hook("pre-install") + "---\n" + &hook("test"));
    let data = "data:\n  values: {{ .Values | toJson }}\n  server: {{ .Capabilities.KubeVersion }} {{ .Capabilities.APIVersions.Has \"x/v1\" }}\n  \
                release: {{ .Release.Namespace }} {{ .Release.IsUpgrade }}\n";
    desk.write("web/templates/map.yaml", object("{{ .Release.Name }}", data));
    desk.write("values.yaml", "b: file\n");
    desk.write("text", "from a file");
    let render = |arguments: &str| {
        let run = desk.run(format!("chart render web {arguments}").split_whitespace());
        run.ends_with(0)?;
        Ok::<_, Failed>(run.stdout)
    };
    let map = |name: &str, values: &str, server: &str, release: &str| {
        let data = format!("data:\n  values: {values}\n  server: {server}\n  release: {release}\n");
        format!("---\n# Source: web/templates/map.yaml\n{}", object(name, &data))
    };
    let source = |text: String| format!("---\n# Source: web/templates/hooks.yaml\n{text}\n");
    let (before, test) = (source(hook("pre-install")), source(hook("test")));
    let plain = map("release-name", r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}"#, "v1.37.0 false", "default false");
    same("as it is", &(plain.clone() + &before + &test), &render("")?)?;
    same("without tests", &(plain.clone() + &before), &render("--skip-tests")?)?;
    same("without hooks", &plain, &render("--no-hooks")?)?;
    let crd = "---\n# Source: web/crds/kind.yaml\nkind: Definition\n\n";
    same("with definitions", &(crd.to_owned() + &plain), &render("--no-hooks --include-crds")?)?;
    let values = r#"{"a":1,"b":"file","c":"2","d":[3],"e":"from a file","f":"a,b"}"#;
    let set = "-f values.yaml --set-string c=2 --set-json d=[3] --set-file e=text --set-literal f=a,b";
    let about = "--name n --namespace ns --is-upgrade --kube-version 1.20.1 --api-versions x/v1";
    let wanted = map("n", values, "v1.20.1 true", "ns true");
    same("with options", &wanted, &render(&format!("--no-hooks {set} {about}"))?)?;
    same("notes", "n at 2\n", &render("--name n --notes --set a=2")?)?;
    desk.run(["chart", "package", "web"]).ends_with(0)?;
    let packed = desk.run(["chart", "render", "web-0.1.0.tgz", "--no-hooks"]).stdout;
    same("packed", &plain, &packed)?;
    desk.run(["chart", "render", "web", "--name", "A"]).ends_with(1)?;

    desk.write("web/templates/map.yaml", "made: {{ randAlphaNum 12 }}\n");
    let wanted = "---\n# Source: web/templates/map.yaml\nmade: aB3dE6gH9jaB\n";
    same("fixed", wanted, &render("--no-hooks --fixed-functions")?)?;
    assert_ne!(render("--no-hooks --engine helm")?, render("--no-hooks --engine helm")?);
    same("placeholders", &render("--no-hooks")?, &render("--no-hooks")?)
}
