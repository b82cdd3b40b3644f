//! What a repository may not make the program do on the machine of whoever runs it, unless its owner allows it by name.

use std::fs;

use libtest_mimic::{Failed, Trial};

use super::program::Desk;
use crate::cases::code;
use crate::source::server::Server;

/// All of them.
pub fn trials() -> Vec<Trial> {
    vec![
        code("cli", "a_kubeconfig_of_the_repository_runs_no_program", programs),
        code("cli", "a_kubeconfig_of_the_repository_reaches_nothing_of_this_machine", reach),
        code("cli", "credentials_of_this_machine_go_to_no_server_of_the_repository", servers),
        code("cli", "credentials_never_go_over_plain_http", plain_http),
    ]
}

fn desk(cluster: &str) -> Desk {
    let desk = Desk::new();
    desk.write("environments/dev/environment.yaml", format!("cluster: {cluster}\nreleases: []\n"));
    desk
}

fn kubeconfig(server: &str, cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- {{name: a, context: {{cluster: a, user: a}}}}\n\
         clusters:\n- name: a\n  cluster: {{server: '{server}'{cluster}}}\nusers:\n- name: a\n  user: {{{user}}}\n"
    )
}

/// Where nobody listens.
const NOWHERE: &str = "https://127.0.0.1:1";

fn programs() -> Result<(), Failed> {
    let desk = desk("{kubeconfig: clusters/dev.yaml}");
    let mark = desk.root().join("mark");
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: [-c, 'echo > {}']}}",
        mark.display()
    );
    desk.write("clusters/dev.yaml", kubeconfig(NOWHERE, "", &exec));
    for verb in ["plan", "diff", "status", "drift"] {
        let run = desk.run([verb, "dev"]);
        run.ends_with(4)?.says("runs a program (`exec`)")?.says("--allow-cluster exec")?;
        assert!(!mark.exists(), "{verb}");
    }
    let run = desk.run(["plan", "dev", "--patience", "1s", "--allow-cluster", "exec"]);
    assert!(mark.exists(), "{run:?}");
    fs::remove_file(&mark)?;
    let mut command = desk.command(["plan", "dev", "--patience", "1s"]);
    let run = desk.output(command.env("WEFT_ALLOW_CLUSTER", "files, exec"));
    assert!(mark.exists(), "{run:?}");
    let mut command = desk.command(["plan", "dev"]);
    desk.output(command.env("WEFT_ALLOW_CLUSTER", "everything")).ends_with(1)?.says("`everything` is none of")?;
    Ok(())
}

fn reach() -> Result<(), Failed> {
    let desk = desk("{kubeconfig: clusters/dev.yaml}");
    for (cluster, user, said) in [
        ("", "tokenFile: /etc/hostname", "`tokenFile`"),
        ("", "client-certificate: /etc/hostname", "`client-certificate`"),
        ("", "client-key: /etc/hostname", "`client-key`"),
        ("", "auth-provider: {name: oidc, config: {}}", "`auth-provider`"),
        (", certificate-authority: /etc/hostname", "token: abc", "`certificate-authority`"),
        (", insecure-skip-tls-verify: true", "token: abc", "`insecure-skip-tls-verify`"),
    ] {
        desk.write("clusters/dev.yaml", kubeconfig(NOWHERE, cluster, user));
        desk.run(["plan", "dev"]).ends_with(4)?.says(said)?;
        // The user's own may.
        let run = desk.run(["plan", "dev", "--kubeconfig", "clusters/dev.yaml", "--patience", "1s"]);
        assert_ne!(run.code, Some(4), "{run:?}");
    }
    let elsewhere = desk.root().join("home/config");
    fs::write(&elsewhere, kubeconfig(NOWHERE, "", "token: abc"))?;
    fs::remove_file(desk.project().join("clusters/dev.yaml"))?;
    std::os::unix::fs::symlink(&elsewhere, desk.project().join("clusters/dev.yaml"))?;
    desk.run(["plan", "dev"]).ends_with(4)?.says("outside of the project")?;
    Ok(())
}

fn servers() -> Result<(), Failed> {
    let server = Server::new(|_| (200, Vec::new(), b"{}".to_vec()));
    let address = format!("http://{}", server.host);
    let desk = desk(&format!("{{server: '{address}'}}"));
    let own = desk.root().join("home/config");
    fs::write(&own, kubeconfig(NOWHERE, "", "token: the-token"))?;
    let run = |more: &[&str]| {
        let mut command = desk.command(["plan", "dev", "--patience", "1s"].iter().chain(more));
        desk.output(command.env("KUBECONFIG", &own))
    };
    run(&[]).ends_with(4)?.says("would get credentials from elsewhere")?.says(&format!("server={address}"))?;
    assert!(server.asked().is_empty(), "{:?}", server.asked());
    for (cluster, said) in [
        ("{proxy: 'http://127.0.0.1:1'}", "`proxy` of the repository"),
        ("{tlsServerName: example.com}", "`tlsServerName` of the repository"),
        ("{insecure: true}", "`insecure` of the repository"),
    ] {
        desk.write("environments/dev/environment.yaml", format!("cluster: {cluster}\nreleases: []\n"));
        run(&[]).ends_with(4)?.says(said)?;
    }
    desk.write("environments/dev/environment.yaml", format!("cluster: {{server: '{address}'}}\nreleases: []\n"));
    run(&["--allow-cluster", &format!("server={address}")]);
    assert!(!server.asked().is_empty(), "what is allowed is done");
    Ok(())
}

fn plain_http() -> Result<(), Failed> {
    let desk = desk("{kubeconfig: clusters/dev.yaml}");
    desk.write("clusters/dev.yaml", kubeconfig("http://192.0.2.1:8080", "", "token: abc"));
    desk.run(["plan", "dev", "--patience", "1s"]).ends_with(4)?.says("credentials over plain HTTP")?;
    desk.write("clusters/dev.yaml", kubeconfig("http://127.0.0.1:1", "", "token: abc"));
    let run = desk.run(["plan", "dev", "--patience", "1s"]);
    assert_ne!(run.code, Some(4), "{run:?}");
    Ok(())
}
