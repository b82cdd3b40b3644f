//! `weft drift`: what it remembers, corrects, and tells, and that a failure to look is neither clean nor drift.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Event, Secret, ServiceAccount};
use kube::api::{Api, ListParams, PostParams};
use libtest_mimic::{Failed, Trial};
use serde_json::{Value as Json, json};

use super::program::{Run, copy};
use super::site::{Site, WEB};
use crate::cases::{code, same};
use crate::sandbox::{NOBODY, shared};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "drift_remembers_what_it_found", remembers),
        code("cli", "drift_of_many_at_once_is_counted_once_each", many_at_once),
        code("cli", "drift_that_cannot_look_is_neither_clean_nor_drift", cannot_look),
        code("cli", "drift_corrects_only_what_others_did", corrects),
        code("cli", "drift_finds_unmanaged_objects_on_request", unmanaged),
        code("cli", "drift_rules_end_on_a_day", rules_end),
        code("cli", "drift_tells_others", tells),
        code("cli", "drift_watches", watches),
        code("cli", "drift_chart_looks_and_can_do_nothing_else", chart),
    ]
}

/// The document of a run, which must be valid.
fn document(run: &Run) -> Result<Json, Failed> {
    let document = serde_json::from_str(&run.stdout)?;
    valid(&document)?;
    Ok(document)
}

/// Fails where the document is not what its schema describes.
pub fn valid(document: &Json) -> Result<(), Failed> {
    let schema = serde_json::from_str(include_str!("../../../docs/schema/drift-v1.json"))?;
    let validator = jsonschema::validator_for(&schema)?;
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    same("the schema's verdict", "", &errors.join("\n"))
}

fn look(site: &Site, more: &str, code: i32) -> Result<Json, Failed> {
    Ok(document(&site.expect(&format!("drift dev -o json {more}"), code)?)?["environments"][0].clone())
}

fn applied(prefix: &str) -> Result<Site, Failed> {
    let site = Site::with_web(prefix);
    site.expect("apply dev --yes", 0)?;
    Ok(site)
}

fn edit(site: &Site, greeting: &str) {
    site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": greeting}}));
}

fn kept(site: &Site) -> Option<Secret> {
    site.kept().into_iter().find(|it| it.metadata.name.as_deref() == Some("weft-drift.dev"))
}

fn remembers() -> Result<(), Failed> {
    let site = applied("remember")?;
    assert_eq!(look(&site, "", 0)?["verdict"], "clean");
    assert!(kept(&site).is_none(), "nothing was found, so nothing is kept");
    edit(&site, "Hacked");
    let before = site.versions();
    look(&site, "--no-record", 2)?;
    same("what is there", &before.join("\n"), &site.versions().join("\n"))?;
    let first = look(&site, "", 2)?;
    let finding = &first["findings"][0];
    assert_eq!(first["history"], json!({"kept": true}));
    assert_eq!(
        finding["object"],
        json!({"group": "", "kind": "ConfigMap", "namespace": site.namespace, "name": "web"})
    );
    for (key, value) in [
        ("sort", "changed"),
        ("release", "web"),
        ("field", "data.greeting"),
        ("expected", "Hello"),
        ("found", "Hacked"),
        ("manager", "kubectl-edit"),
    ] {
        assert_eq!(finding[key], value, "{key}: {finding:#}");
    }
    assert!(finding["since"].is_string() && finding["new"] == true && finding["before"] == 0, "{finding:#}");
    edit(&site, "Hacked again");
    let run = site.expect("drift dev", 2)?;
    run.says("seen before in `dev`:")?.says("data.greeting: since ")?.says("in 2 looks")?.says("changed again")?;
    let history = kept(&site).and_then(|it| it.data).unwrap_or_default().remove("history").ok_or("no history")?;
    assert!(!format!("{:?}", weft::drift::decode(&history.0)?).contains("Hacked"), "no value is kept");
    site.expect("apply dev --yes", 0)?;
    let back = look(&site, "", 0)?;
    assert_eq!((&back["verdict"], &back["gone"][0]["field"]), (&json!("clean"), &json!("data.greeting")));
    assert_eq!(look(&site, "", 0)?["gone"], json!([]), "it is gone once");
    edit(&site, "Hacked");
    assert_eq!(look(&site, "", 2)?["findings"][0]["before"], 1);
    site.expect("drift dev", 2)?.says("once before").map(drop)
}

fn many_at_once() -> Result<(), Failed> {
    let site = applied("race")?;
    edit(&site, "Hacked");
    look(&site, "", 2)?;
    let running: Vec<_> = (0..3)
        .map(|_| site.command("drift dev").stdout(Stdio::null()).stderr(Stdio::piped()).spawn())
        .collect::<Result<_, _>>()?;
    for child in running {
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
    assert_eq!(look(&site, "", 2)?["findings"][0]["seen"], 5);
    Ok(())
}

fn cannot_look() -> Result<(), Failed> {
    let mut site = applied("blind")?;
    edit(&site, "Hacked");
    look(&site, "", 2)?;
    let metrics = site.desk.root().join("weft.prom");
    let file = metrics.display().to_string();
    Site::allow(&site.state(), &json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]));
    site.by(NOBODY);
    let blind = look(&site, &format!("--metrics {file}"), 5)?;
    assert_eq!((&blind["verdict"], &blind["findings"], &blind["gone"]), (&json!("unknown"), &json!([]), &json!([])));
    assert!(blind["unknown"][0]["reason"].as_str().is_some_and(|it| it.contains("not allowed")), "{blind:#}");
    assert!(std::fs::read_to_string(&metrics)?.contains("weft_drift_up{environment=\"dev\"} 0"));
    site.as_before();
    assert_eq!(look(&site, "", 2)?["findings"][0]["seen"], 2, "it was not forgotten, and did not come back");
    let dead = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    site.kubeconfig(&super::site::kubeconfig(&format!("http://{dead}"), "{token: t}"));
    let failed = look(&site, &format!("--patience 1s --metrics {file}"), 1)?;
    assert_eq!(failed["verdict"], "failed");
    assert!(failed["errors"][0].is_string() && failed.get("findings").is_none(), "{failed:#}");
    let text = std::fs::read_to_string(&metrics)?;
    assert!(text.contains("weft_drift_up{environment=\"dev\"} 0") && !text.contains("weft_drift_findings{"), "{text}");
    Ok(())
}

fn corrects() -> Result<(), Failed> {
    let site = Site::with_web("correct");
    site.releases(&["{name: web, chart: web}", "{name: lost, chart: web}", "{name: both, chart: web}"]);
    site.expect("apply dev --yes", 0)?;
    let revisions = site.expect("history dev", 0)?.stdout;
    site.meddle("web", "kubectl-edit", &json!({"data": {"greeting": "Hacked", "foreign": "theirs"}}));
    site.meddle("both", "kubectl-edit", &json!({"data": {"greeting": "Hacked"}}));
    site.delete("lost");
    site.create("stray", "kubectl-create")?;
    site.desk.write("environments/dev/values/both.yaml", "port: 81\n");
    site.expect("drift dev --correct", 4)?.says("there is no terminal to ask on")?;
    let run = site.expect("drift dev --correct --yes", 2)?;
    run.says("2 applied")?
        .says(&format!("ConfigMap {}/both is not put back: the repository changes it too", site.namespace))?;
    same("web", r#"{"foreign":"theirs","greeting":"Hello","port":"80"}"#, &site.data("web").unwrap_or_default())?;
    same("lost", r#"{"greeting":"Hello","port":"80"}"#, &site.data("lost").unwrap_or_default())?;
    same("both", r#"{"greeting":"Hacked","port":"80"}"#, &site.data("both").unwrap_or_default())?;
    assert!(site.data("stray").is_some(), "nothing is deleted");
    same("the history", &revisions, &site.expect("history dev", 0)?.stdout)?;
    site.expect("apply dev --yes", 0)?;
    site.expect("drift dev --correct --yes", 0)?.says("nothing to change")?;
    site.expect("plan dev --exit-code", 0).map(drop)
}

fn unmanaged() -> Result<(), Failed> {
    let site = applied("stray")?;
    site.create("stray", "kubectl-create")?;
    look(&site, "", 0)?;
    let found = look(&site, "--unmanaged", 2)?;
    let names: Vec<&str> =
        found["findings"].as_array().into_iter().flatten().filter_map(|it| it["object"]["name"].as_str()).collect();
    assert_eq!(names, ["stray"], "{found:#}");
    assert_eq!(
        (&found["findings"][0]["sort"], &found["findings"][0]["manager"]),
        (&json!("unmanaged"), &json!("kubectl-create"))
    );
    let stray = format!("ConfigMap {}/stray, made by kubectl-create at ", site.namespace);
    site.expect("drift dev --unmanaged", 2)?.says("1 unmanaged")?.says(&stray)?;
    assert_eq!(look(&site, "", 0)?["gone"], json!([]), "nobody looked for it");
    site.delete("stray");
    assert_eq!(look(&site, "--unmanaged", 0)?["gone"][0]["object"]["name"], "stray");
    Ok(())
}

fn rules_end() -> Result<(), Failed> {
    let site = applied("until")?;
    edit(&site, "Hacked");
    let rule = |until: &str| {
        format!(
            "{{name: web, chart: web, ignore: [{{paths: [data.greeting], do: hide, reason: a test, until: {until}}}]}}"
        )
    };
    site.releases(&[&rule("9999-12-31")]);
    site.expect("drift dev", 0)?.keeps_quiet_about("is ignored itself")?;
    site.releases(&[&rule("2026-01-01")]);
    site.expect("drift dev", 2)?
        .says("An ignore rule held until 2026-01-01, and is ignored itself since then (a test).")?;
    site.releases(&[&rule("soon")]);
    site.expect("drift dev", 1)?.says("`until` of an ignore rule must be a day")?.says("until: 2026-12-31").map(drop)
}

/// The head and the body of a request.
type Asked = (String, Vec<u8>);

/// A server that answers with 200, and hands over what it was asked.
fn receiver() -> Result<(String, mpsc::Receiver<Asked>), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    let (sender, receiver) = mpsc::channel();
    // It ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut head, mut line) = (String::new(), String::new());
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                head.push_str(&line.to_lowercase());
                line.clear();
            }
            let length = head.lines().find_map(|it| it.strip_prefix("content-length: ")?.trim().parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            let _ = reader.read_exact(&mut body);
            let _ = reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = sender.send((head, body));
        }
    });
    Ok((address, receiver))
}

fn tells() -> Result<(), Failed> {
    let site = applied("tell")?;
    edit(&site, "Hacked");
    let ((hook, hooked), (gateway, pushed)) = (receiver()?, receiver()?);
    let arguments = format!("drift dev --events --webhook {hook}/secret-path --push {gateway}");
    let mut command = site.command(&arguments);
    command.env("WEFT_WEBHOOK_SECRET", "Jefe");
    site.desk.output(&mut command).ends_with(2)?.keeps_quiet_about("Not everybody")?;
    let (head, body) = hooked.recv()?;
    assert!(
        head.starts_with("post /secret-path ") && head.contains("content-type: application/cloudevents+json"),
        "{head}"
    );
    assert!(head.contains("x-weft-signature: sha256="), "{head}");
    let event: Json = serde_json::from_slice(&body)?;
    assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!("com.example.weft.drift.found")));
    valid(&json!({"formatVersion": 1, "verdict": "drift", "exitCode": 2, "environments": [event["data"]]}))?;
    let (head, body) = pushed.recv()?;
    assert!(head.starts_with("put /metrics/job/weft-drift/environment/dev "), "{head}");
    let text = String::from_utf8(body)?;
    assert!(text.contains("weft_drift_findings{environment=\"dev\",sort=\"changed\"} 1"), "{text}");
    let events: Api<Event> = Api::namespaced(shared().client(), &site.state());
    let events = shared().block_on(events.list(&ListParams::default()))?.items;
    let said: Vec<&str> = events.iter().filter_map(|it| it.message.as_deref()).collect();
    assert_eq!(said, [format!("1 new: ConfigMap {}/web data.greeting", site.namespace)]);
    // What is known is no news.
    site.expect(&arguments, 2)?;
    assert!(hooked.try_recv().is_err() && pushed.recv().is_ok());
    site.expect("apply dev --yes", 0)?;
    site.expect(&arguments, 0)?;
    let (head, body) = hooked.recv()?;
    let event: Json = serde_json::from_slice(&body)?;
    assert!(event["type"] == "com.example.weft.drift.gone" && !head.contains("x-weft-signature"), "{event:#}");
    let dead = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let run = site.expect(&format!("drift dev --push http://{dead}/hunter2"), 1)?;
    run.says("the Pushgateway at 127.0.0.1:")?.says("does not answer")?.keeps_quiet_about("hunter2").map(drop)
}

fn watches() -> Result<(), Failed> {
    let site = applied("watch")?;
    edit(&site, "Hacked");
    let mut command = site.command("drift dev --watch 1s --listen 127.0.0.1:0");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let errors = child.stderr.take().ok_or("no standard error")?;
    let listening = |line: String| line.split_once("listening on http://").map(|(_, address)| address.to_owned());
    let address = BufReader::new(errors).lines().map_while(Result::ok).find_map(listening).ok_or("no address")?;
    let mut last = String::new();
    for _ in 0..100 {
        last = page(&address, "/metrics")?;
        if last.contains("weft_drift_findings{environment=\"dev\",sort=\"changed\"} 1") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(last.contains("weft_drift_up{environment=\"dev\"} 1"), "{last}");
    assert!(page(&address, "/readyz")?.contains("200") && page(&address, "/healthz")?.contains("200"));
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
    assert_eq!(child.wait()?.code(), Some(143));
    Ok(())
}

fn page(address: &str, path: &str) -> Result<String, Failed> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn chart() -> Result<(), Failed> {
    let mut site = Site::with_web("cron");
    copy(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/drift"),
        &site.desk.project().join("charts/drift"),
    );
    let values = format!(
        "environments: [dev]\nnamespaces: [{}]\nstateNamespace: {}\ngit: {{url: https://git.example.com/shop.git}}\n",
        site.namespace,
        site.state()
    );
    site.desk.write("environments/dev/values/watcher.yaml", values);
    site.chart("web", "greeting: Hello\nport: 80\n", WEB);
    site.releases(&["{name: web, chart: web}", "{name: watcher, chart: drift}"]);
    site.expect("apply dev --yes --no-wait", 0)?;
    site.expect("plan dev --exit-code", 0)?;
    edit(&site, "Hacked");
    let text = std::fs::read_to_string(shared().kubeconfig())?.replace("nobody-s-token", &token(&site)?);
    site.kubeconfig(&text);
    site.by(NOBODY);
    let found = look(&site, "--events", 2)?;
    assert_eq!((&found["history"], &found["verdict"]), (&json!({"kept": true}), &json!("drift")), "{found:#}");
    assert_eq!(look(&site, "--events", 2)?["findings"][0]["seen"], 2);
    let events: Api<Event> = Api::namespaced(shared().client(), &site.state());
    assert_eq!(shared().block_on(events.list(&ListParams::default()))?.items.len(), 1);
    // It can do nothing else.
    site.expect("apply dev --yes", 1)?.says("not allowed")?;
    site.expect("drift dev --correct --yes", 1)?;
    let config = kube::config::Kubeconfig::from_yaml(&text)?;
    let options = kube::config::KubeConfigOptions { context: Some(NOBODY.to_owned()), ..Default::default() };
    let refused = shared().block_on(async {
        let client = kube::Client::try_from(kube::Config::from_custom_kubeconfig(config, &options).await?)?;
        let (maps, secrets): (Api<ConfigMap>, Api<Secret>) =
            (Api::namespaced(client.clone(), &site.namespace), Api::namespaced(client, &site.state()));
        let named = |name: &str| json!({"metadata": {"name": name}});
        let mut refused = Vec::new();
        refused.push(maps.create(&PostParams::default(), &serde_json::from_value(named("new"))?).await.is_err());
        refused.push(maps.delete("web", &kube::api::DeleteParams::default()).await.is_err());
        refused.push(secrets.create(&PostParams::default(), &serde_json::from_value(named("new"))?).await.is_err());
        let other = kube::api::Patch::Merge(named("weft.dev.web"));
        refused.push(secrets.patch("weft.dev.web", &kube::api::PatchParams::default(), &other).await.is_err());
        refused.push(secrets.delete("weft-drift.dev", &kube::api::DeleteParams::default()).await.is_err());
        Ok::<_, Failed>(refused)
    })?;
    assert_eq!(refused, [true; 5]);
    site.as_before();
    site.expect("apply dev --yes --no-wait", 0)?;
    look(&site, "", 0).map(drop)
}

/// A token of the chart's account.
fn token(site: &Site) -> Result<String, Failed> {
    let accounts: Api<ServiceAccount> = Api::namespaced(shared().client(), &site.namespace);
    let request = TokenRequest { spec: Some(TokenRequestSpec::default()), ..Default::default() };
    let made = shared().block_on(accounts.create_token_request("watcher", &PostParams::default(), &request))?;
    Ok(made.status.and_then(|it| it.token).ok_or("no token")?)
}
