//! Every way to name a cluster, and what is said where it fails.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use weft::cluster::{Cluster, Target};
use weft::diagnostic::Diagnostic;
use weft::project::ClusterRef;

use super::relay::Relay;
use super::{admin, server, target};
use crate::cases::{code, own, same};
use crate::sandbox::{NOBODY, shared};

pub fn trials() -> Vec<Trial> {
    vec![
        code("cluster", "a_client_certificate_and_a_token_connect", a_client_certificate_and_a_token_connect),
        code("cluster", "kubeconfig_lists_are_merged", kubeconfig_lists_are_merged),
        code("cluster", "an_unknown_context_names_those_there_are", an_unknown_context_names_those_there_are),
        code("cluster", "no_kubeconfig", no_kubeconfig),
        code("cluster", "a_broken_kubeconfig_is_not_quoted", a_broken_kubeconfig_is_not_quoted),
        code("cluster", "a_wrong_name_lists_the_right_ones", a_wrong_name_lists_the_right_ones),
        code("cluster", "an_unknown_authority", an_unknown_authority),
        code("cluster", "insecure_is_refused_beside_an_authority", insecure_is_refused_beside_an_authority),
        code("cluster", "insecure_connects_and_warns", insecure_connects_and_warns),
        code("cluster", "an_expired_token_says_when_it_ended", an_expired_token_says_when_it_ended),
        code("cluster", "an_expired_certificate_says_when_it_ended", an_expired_certificate_says_when_it_ended),
        code("cluster", "a_port_where_nobody_listens", a_port_where_nobody_listens),
        code("cluster", "not_a_kubernetes_server", not_a_kubernetes_server),
        code("cluster", "a_plugin_gives_a_token_or_says_why_not", a_plugin_gives_a_token_or_says_why_not),
        code("cluster", "a_proxy_is_used", a_proxy_is_used),
        code("cluster", "requests_share_a_connection", requests_share_a_connection),
    ]
}

/// Tries to connect, and returns what is said about it, with what differs from run to run replaced.
fn failure(target: &Target) -> String {
    let error = shared().block_on(Cluster::connect(target)).expect_err("it must not connect");
    let server = server();
    let port = server.rsplit(':').next().unwrap_or_default();
    Diagnostic::of(&error)
        .to_string()
        .replace(&shared().kubeconfig().display().to_string(), "KUBECONFIG")
        .replace(port, "PORT")
}

fn holds(said: &str, part: &str) -> Result<(), Failed> {
    if said.contains(part) { Ok(()) } else { Err(format!("`{part}` is not in:\n{said}").into()) }
}

fn connects(target: &Target) -> Result<Cluster, Failed> {
    shared().block_on(Cluster::connect(target)).map_err(|error| Diagnostic::of(&error).to_string().into())
}

/// The administrator's kubeconfig, changed.
fn changed(change: impl Fn(String) -> String) -> Result<tempfile::TempPath, Failed> {
    let file = tempfile::NamedTempFile::new()?.into_temp_path();
    std::fs::write(&file, change(std::fs::read_to_string(shared().kubeconfig())?))?;
    Ok(file)
}

/// A kubeconfig for the shared server, with another user.
fn with_user(user: &str) -> Result<tempfile::TempPath, Failed> {
    let admin = kube::config::Kubeconfig::read_from(shared().kubeconfig())?;
    let cluster = admin.clusters[0].cluster.clone().expect("a cluster");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\ncontexts:\n- name: it\n  context: {{cluster: it, user: it}}\n\
         clusters:\n- name: it\n  cluster: {}\nusers:\n- name: it\n  user: {user}\n",
        serde_json::to_string(&cluster)?
    );
    changed(|_| text.clone())
}

fn of(path: &Path) -> ClusterRef {
    ClusterRef { kubeconfig: Some(path.display().to_string()), ..ClusterRef::default() }
}

fn a_client_certificate_and_a_token_connect() -> Result<(), Failed> {
    assert!(connects(&target(&admin()))?.server_version().starts_with("v1."));
    let nobody = ClusterRef { context: Some(NOBODY.into()), ..admin() };
    assert!(connects(&target(&nobody))?.warnings().is_empty());
    Ok(())
}

fn kubeconfig_lists_are_merged() -> Result<(), Failed> {
    let list = format!("/nowhere/config:{}", shared().kubeconfig().display());
    let trust = own([("KUBECONFIG", &*list)]);
    connects(&Target::new(&ClusterRef::default(), Path::new("/"), trust.cluster()?)).map(drop)
}

fn an_unknown_context_names_those_there_are() -> Result<(), Failed> {
    let reference = ClusterRef { context: Some("nobdy".into()), ..admin() };
    let said = failure(&target(&reference));
    holds(&said, "error: the kubeconfig `KUBECONFIG` has no context `nobdy`\n")?;
    holds(&said, "= hint: Did you mean `nobody`? Its contexts are ")
}

fn no_kubeconfig() -> Result<(), Failed> {
    let expected = "error: there is no kubeconfig: looked for `/nowhere/.kube/config`\n  \
        = hint: Name a kubeconfig: `cluster: {kubeconfig: ...}` in the environment, or the variable `KUBECONFIG`.\n";
    let trust = own([("HOME", "/nowhere")]);
    same("usual", expected, &failure(&Target::new(&ClusterRef::default(), Path::new("/"), trust.cluster()?)))?;
    let expected = "error: there is no kubeconfig `/nowhere/config`\n  \
        = hint: Paths in an environment are relative to the root of the repository, `--kubeconfig` to the current folder.\n";
    same("named", expected, &failure(&target(&of(Path::new("/nowhere/config")))))
}

fn a_broken_kubeconfig_is_not_quoted() -> Result<(), Failed> {
    let file = changed(|_| "users:\n- name: a\n  user: {token: [hunter2]}\n".into())?;
    let said = failure(&target(&of(&file)));
    assert!(said.contains("is not a kubeconfig: line 3") && !said.contains("hunter2"), "{said}");
    Ok(())
}

fn a_wrong_name_lists_the_right_ones() -> Result<(), Failed> {
    let reference = ClusterRef { tls_server_name: Some("api.example.com".into()), ..admin() };
    let said = failure(&target(&reference));
    assert!(said.contains("is not for `api.example.com`; it holds "), "{said}");
    assert!(
        said.contains("127.0.0.1") && said.contains("localhost") && said.contains("hint: Set `tlsServerName: "),
        "{said}"
    );
    let right = ClusterRef { tls_server_name: Some("localhost".into()), ..admin() };
    connects(&target(&right)).map(drop)
}

fn an_unknown_authority() -> Result<(), Failed> {
    let key = rcgen::KeyPair::generate()?;
    let other = rcgen::CertificateParams::new(vec!["other".to_owned()])?.self_signed(&key)?.pem();
    let mut kubeconfig = kube::config::Kubeconfig::read_from(shared().kubeconfig())?;
    let cluster = kubeconfig.clusters[0].cluster.as_mut().expect("a cluster");
    cluster.certificate_authority = None;
    cluster.certificate_authority_data = Some(base64(&other));
    let file = changed(|_| serde_json::to_string(&kubeconfig).expect("JSON"))?;
    let expected = "error: the certificate of https://127.0.0.1:PORT was issued by an authority that the kubeconfig does not name\n  \
        = hint: Put the cluster's own CA into `certificate-authority-data` of the kubeconfig; a cluster that was made again has a new one.\n";
    same("the error", expected, &failure(&target(&of(&file))))
}

fn insecure_is_refused_beside_an_authority() -> Result<(), Failed> {
    let said = failure(&target(&ClusterRef { insecure: true, ..admin() }));
    holds(&said, "has a certificate authority, and its certificate is not to be checked (`insecure`)")
}

fn insecure_connects_and_warns() -> Result<(), Failed> {
    let mut kubeconfig = kube::config::Kubeconfig::read_from(shared().kubeconfig())?;
    let cluster = kubeconfig.clusters[0].cluster.as_mut().expect("a cluster");
    (cluster.certificate_authority, cluster.certificate_authority_data) = (None, None);
    let file = changed(|_| serde_json::to_string(&kubeconfig).expect("JSON"))?;
    let cluster = connects(&target(&ClusterRef { insecure: true, ..of(&file) }))?;
    assert!(cluster.warnings()[0].contains("is not checked (`insecure`)"), "{:?}", cluster.warnings());
    Ok(())
}

fn an_expired_token_says_when_it_ended() -> Result<(), Failed> {
    let claims = base64(r#"{"exp":1700000000}"#).trim_end_matches('=').to_owned();
    let file = with_user(&format!("{{token: h.{claims}.s}}"))?;
    let expected = "error: https://127.0.0.1:PORT does not accept our credentials: the token ended at 2023-11-14T22:13:20Z\n  \
        = hint: Log in again, or fetch a new kubeconfig.\n";
    same("the error", expected, &failure(&target(&of(&file))))
}

fn an_expired_certificate_says_when_it_ended() -> Result<(), Failed> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::new(vec!["me".to_owned()])?;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let (pem, key) = (params.self_signed(&key)?.pem(), key.serialize_pem());
    let (pem, key) = (base64(&pem), base64(&key));
    let file = with_user(&format!("{{client-certificate-data: {pem}, client-key-data: {key}}}"))?;
    let expected = "error: https://127.0.0.1:PORT does not accept our credentials: the client certificate ended at 2021-01-01T00:00:00Z\n  \
        = hint: Log in again, or fetch a new kubeconfig.\n";
    same("the error", expected, &failure(&target(&of(&file))))
}

fn a_port_where_nobody_listens() -> Result<(), Failed> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let reference = ClusterRef { server: Some(format!("https://0.0.0.0:{port}")), ..admin() };
    let said = failure(&target(&reference)).replace(&port.to_string(), "FREE");
    let expected = "error: no answer from https://0.0.0.0:FREE: Connection refused (os error 111)\n  \
        = hint: 0.0.0.0 is an address to listen on, not one to connect to. Set `server: https://127.0.0.1:FREE`, or the name of the machine.\n";
    same("the error", expected, &said)
}

fn not_a_kubernetes_server() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\n<h1>Hello</h1>");
        }
    });
    let bare = |server: String| ClusterRef { server: Some(server), ..ClusterRef::default() };
    let said = failure(&target(&bare(format!("http://{address}")))).replace(&address.to_string(), "ADDRESS");
    let expected = "error: what answers at http://ADDRESS is not a Kubernetes API server: status 200, <h1>Hello</h1>\n  \
        = hint: Check host, port and scheme of the address.\n";
    same("HTTP", expected, &said)?;
    let reference = ClusterRef { server: Some(format!("https://{address}")), ..admin() };
    let said = failure(&target(&reference)).replace(&address.to_string(), "ADDRESS");
    assert!(said.contains("is not a Kubernetes API server: it does not speak TLS"), "{said}");
    Ok(())
}

fn a_plugin_gives_a_token_or_says_why_not() -> Result<(), Failed> {
    let credential = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"nobody-s-token"}}"#;
    let user = |script: &str| {
        let args = serde_json::json!(["-c", script]);
        with_user(&format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never, args: {args}}}}}"
        ))
    };
    connects(&target(&of(&user(&format!("echo '{credential}'"))?)))?;
    let expected = "error: the credential plugin `sh` failed: exit status: 7\n  no session, log in first\n  \
        = hint: Run the plugin by hand; it usually wants a login.\n";
    same("the error", expected, &failure(&target(&of(&user("echo no session, log in first >&2; exit 7")?))))
}

/// An HTTP proxy that lets one connection through, and a wrong one.
fn a_proxy_is_used() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let seen = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 1024];
        let length = stream.read(&mut request).expect("a request");
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let reference = ClusterRef { proxy: Some(format!("http://{address}")), ..admin() };
    failure(&target(&reference));
    let said = seen.join().expect("a proxy");
    assert!(said.starts_with("CONNECT 127.0.0.1:"), "{said}");
    let wrong = failure(&target(&ClusterRef { proxy: Some("ftp://proxy".into()), ..admin() }));
    assert!(wrong.contains("the proxy `ftp://proxy` cannot be used"), "{wrong}");
    Ok(())
}

/// By HTTP/2, as the server offers it.
fn requests_share_a_connection() -> Result<(), Failed> {
    shared().block_on(async {
        let relay = Relay::open().await?;
        let cluster = Cluster::connect(&target(&relay.reference())).await?;
        futures::future::try_join_all((0..40).map(|_| cluster.discover())).await?;
        assert_eq!(relay.connections(), 1);
        Ok(())
    })
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
