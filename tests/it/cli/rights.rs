//! Rights that are missing, and servers that are none.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use libtest_mimic::{Failed, Trial};
use serde_json::json;

use super::site::{Site, kubeconfig};
use crate::cases::{code, same};
use crate::sandbox::{NOBODY, shared};

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "rights_reader_sees_that_nothing_changed", reader_sees_that_nothing_changed),
        code("cli", "rights_reader_gets_a_whole_prediction", reader_gets_a_whole_prediction),
        code("cli", "rights_kind_that_cannot_be_listed", kind_that_cannot_be_listed),
        code("cli", "rights_reader_cannot_apply", reader_cannot_apply),
        code("cli", "rights_expired_token", expired_token),
        code("cli", "rights_server_is_no_api_server", server_is_no_api_server),
        code("cli", "rights_server_does_not_speak_tls", server_does_not_speak_tls),
        code("cli", "rights_server_hangs_up", server_hangs_up),
    ]
}

fn reads() -> serde_json::Value {
    json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}])
}

/// A project that is applied, and that somebody with read-only rights looks at.
fn read_only(prefix: &str) -> Result<Site, Failed> {
    let mut site = Site::with_web(prefix);
    site.expect("apply dev --yes", 0)?;
    Site::allow(&site.namespace, &reads());
    Site::allow(&site.state(), &reads());
    site.by(NOBODY);
    Ok(site)
}

fn reader_sees_that_nothing_changed() -> Result<(), Failed> {
    let site = read_only("reader")?;
    let run = site.expect("plan dev --exit-code", 0)?;
    run.says("nothing to change")?.keeps_quiet_about("predicted")?;
    site.expect("apply dev --yes", 0)?;
    site.expect("drift dev", 0)?;
    site.expect("status dev", 0).map(drop)
}

fn reader_gets_a_whole_prediction() -> Result<(), Failed> {
    let site = read_only("predict")?;
    site.desk.write("environments/dev/values/web.yaml", "greeting: Bye\nport: null\n");
    site.releases(&["{name: web, chart: web}", "{name: new, chart: web}"]);
    let run = site.expect("diff dev --exit-code", 2)?;
    run.says("data.greeting")?.says("\"Hello\" -> \"Bye\"")?.says("data.port")?;
    run.says(&format!("create ConfigMap {}/new", site.namespace))?;
    run.says("only predicted: not allowed to patch configmaps")?;
    site.expect("diff dev -o json", 0)?.says("predicted").map(drop)
}

fn kind_that_cannot_be_listed() -> Result<(), Failed> {
    let mut site = Site::with_web("list");
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";
    site.chart("web", "greeting: Hello\nport: 80\n", &format!("{}{service}", super::site::WEB));
    site.expect("apply dev --yes", 0)?;
    Site::allow(&site.namespace, &json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]));
    Site::allow(&site.state(), &reads());
    site.by(NOBODY);
    for verb in ["plan", "diff", "drift"] {
        let run = site.expect(&format!("{verb} dev"), 5)?;
        run.says(&format!("Service {}/web", site.namespace))?.says("kind: Role")?.says("resources: [services]")?;
        run.keeps_quiet_about("configmaps")?.keeps_quiet_about("ClusterRole")?;
    }
    site.expect("status dev", 5)?;
    site.expect("apply dev --yes", 5)?.says("the plan was not applied").map(drop)
}

fn reader_cannot_apply() -> Result<(), Failed> {
    let site = read_only("write")?;
    let before = site.versions();
    site.desk.write("environments/dev/values/web.yaml", "greeting: Bye\n");
    let run = site.expect("apply dev --yes", 1)?;
    run.says("leases")?.says("kind: Role")?;
    same("the objects", &before.join("\n"), &site.versions().join("\n"))
}

fn expired_token() -> Result<(), Failed> {
    let mut site = Site::with_web("expired");
    let text = std::fs::read_to_string(shared().kubeconfig())?.replace("nobody-s-token", "a-token-of-yesterday");
    site.kubeconfig(&text);
    site.by(NOBODY);
    let run = site.expect("plan dev", 1)?;
    run.says("does not accept our credentials")?.keeps_quiet_about("a-token-of-yesterday").map(drop)
}

/// A server that answers every connection with these bytes; its address without a scheme.
fn server(answer: &'static [u8]) -> Result<String, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    // It ends with the process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    Ok(address)
}

const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 20\r\nconnection: close\r\n\r\n<html>hello</html>\r\n";

fn fails(scheme: &str, answer: &'static [u8], expected: &str) -> Result<(), Failed> {
    let mut site = Site::with_web("wrong");
    let address = server(answer)?;
    site.kubeconfig(&kubeconfig(&format!("{scheme}://{address}"), "{token: canary-token}"));
    for verb in ["plan dev", "apply dev --yes", "drift dev"] {
        let run = site.expect(verb, 1)?;
        run.keeps_quiet_about("canary")?;
        same("the error", expected, &run.stderr.replace(&address, "ADDRESS"))?;
    }
    Ok(())
}

fn server_is_no_api_server() -> Result<(), Failed> {
    let expected = "error: what answers at http://ADDRESS is not a Kubernetes API server: status 200, <html>hello</html>\n  \
        = hint: Check host, port and scheme of the address.\n";
    fails("http", PAGE, expected)
}

fn server_does_not_speak_tls() -> Result<(), Failed> {
    let expected = "error: what answers at https://ADDRESS is not a Kubernetes API server: it does not speak TLS\n  \
        = hint: Check host, port and scheme of the address.\n";
    fails("https", PAGE, expected)
}

fn server_hangs_up() -> Result<(), Failed> {
    let expected = "error: no answer from http://ADDRESS: connection closed before message completed\n  \
        = hint: Check that the cluster runs and that this machine reaches it (VPN, proxy, firewall).\n";
    fails("http", b"", expected)
}
