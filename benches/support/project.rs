//! Projects of any size, each a git repository as a project is.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Failure, process};

/// The environment of every project.
pub const ENVIRONMENT: &str = "bench";

/// How many encrypted files a release has.
pub const SECRETS_EACH: usize = 10;

/// The kinds of a fleet.
pub const KINDS: usize = 10;

/// The namespaces over which a fleet is spread.
pub const NAMESPACES: usize = 10;

/// A project in a temporary folder, which goes with it.
pub struct Project(TempDir);

impl Project {
    /// Releases of a web application in a Jinja chart, each of 6 to 10 objects with values of its own; beside it the
    /// same as a Helm chart and a `helmfile.yaml`, with the same values files.
    pub fn web(releases: usize) -> Result<Self, Failure> {
        Self::web_of("web", releases)
    }

    /// The same releases of the Helm chart, for us as well.
    pub fn web_of_helm(releases: usize) -> Result<Self, Failure> {
        Self::web_of("helm/web", releases)
    }

    fn web_of(chart: &str, releases: usize) -> Result<Self, Failure> {
        let project = Self(tempfile::tempdir()?);
        let source = sources().join("web");
        for (from, to) in [("jinja", "charts/web"), ("helm", "helm/web")] {
            copy(&source.join(from).join("templates"), &project.path().join(to).join("templates"))?;
            for file in ["Chart.yaml", "values.yaml"] {
                fs::copy(source.join(file), project.path().join(to).join(file))?;
            }
        }
        let (mut weft, mut helmfile) = ("releases:\n".to_owned(), "releases:\n".to_owned());
        for at in 0..releases {
            let name = format!("web-{at:04}");
            writeln!(weft, "- {{name: {name}, namespace: web, createNamespace: false, chart: {chart}}}")?;
            let values = format!("environments/{ENVIRONMENT}/values/{name}.yaml");
            writeln!(helmfile, "- {{name: {name}, namespace: web, chart: ./helm/web, values: [{values}]}}")?;
            project.write(&values, &web_values(at))?;
        }
        project.write("helmfile.yaml", &helmfile)?;
        project.finish(&weft)
    }

    /// Objects of ten kinds in ten namespaces: releases of a Jinja chart, each with `copies` objects of each kind.
    pub fn fleet(releases: usize, copies: usize) -> Result<Self, Failure> {
        let project = Self(tempfile::tempdir()?);
        project.write("charts/fleet/Chart.yaml", "apiVersion: v2\nname: fleet\nversion: 1.0.0\n")?;
        project.write("charts/fleet/values.yaml", &format!("copies: {copies}\n"))?;
        for (kind, text) in fleet_objects()? {
            let text = named(&text, "{{ release.name }}-{{ copy }}", "{{ release.namespace }}");
            let template = format!("{{% for copy in range(values.copies) %}}\n---\n{text}{{% endfor %}}\n");
            project.write(&format!("charts/fleet/templates/{kind}.j2"), &template)?;
        }
        let mut weft = "releases:\n".to_owned();
        for at in 0..releases {
            writeln!(weft, "- {{name: fleet-{at:04}, namespace: {}, chart: fleet}}", namespace(at))?;
        }
        project.finish(&weft)
    }

    /// The objects of such a fleet as plain manifests in one file, as other programs read them.
    pub fn fleet_manifests(&self, releases: usize, copies: usize) -> Result<PathBuf, Failure> {
        self.fleet_manifests_in(FLEET, releases, copies)
    }

    /// The same in namespaces whose names begin otherwise.
    pub fn fleet_manifests_in(&self, prefix: &str, releases: usize, copies: usize) -> Result<PathBuf, Failure> {
        let mut out = String::new();
        for (_, text) in fleet_objects()? {
            for (at, copy) in (0..releases).flat_map(|at| (0..copies).map(move |copy| (at, copy))) {
                write!(out, "---\n{}", named(&text, &format!("fleet-{at:04}-{copy}"), &namespace_in(prefix, at)))?;
            }
        }
        self.write("fleet.yaml", &out)?;
        Ok(self.path().join("fleet.yaml"))
    }

    /// Releases with encrypted files of their own, all for one key, and the file of that key.
    pub fn secrets(releases: usize) -> Result<(Self, PathBuf), Failure> {
        let project = Self(tempfile::tempdir()?);
        let key = project.path().join("keys.txt");
        let mut keygen = process::weft();
        let recipient = process::output(keygen.args(["secrets", "keygen", "--output"]).arg(&key))?;
        project.write("environments/defaults.yaml", "")?;
        project.write(".sops.yaml", &format!("creation_rules:\n- age: {recipient}"))?;
        project.write("charts/secret/Chart.yaml", "apiVersion: v2\nname: secret\nversion: 1.0.0\n")?;
        let template = "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ release.name }}}\nstringData:\n\
                        {% for file, secrets in values | dictsort %}{% for key, secret in secrets | dictsort %}\
                        \u{20} {{ file }}.{{ key }}: {{ secret | quote }}\n{% endfor %}{% endfor %}";
        project.write("charts/secret/templates/secret.yaml.j2", template)?;
        for path in secret_files(releases) {
            let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches(".yaml");
            let values = (0..10).map(|at| format!("  value{at}: the value {at} of {name}, such as a password\n"));
            project.write(&path, &format!("{name}:\n{}", values.collect::<String>()))?;
            let mut encrypt = process::weft();
            encrypt.current_dir(project.path()).args(["secrets", "encrypt", "--in-place"]).arg(&path);
            process::run(&mut encrypt)?;
        }
        let mut weft = "releases:\n".to_owned();
        for at in 0..releases {
            let files: Vec<String> = (0..SECRETS_EACH).map(|file| format!("r{at:04}-f{file}.yaml")).collect();
            let files = files.join(", ");
            writeln!(weft, "- {{name: r{at:04}, namespace: web, chart: secret, secrets: [{files}]}}")?;
        }
        Ok((project.finish(&weft)?, key))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A verb of ours on this project.
    pub fn weft(&self, verb: &str) -> Command {
        let mut command = process::weft();
        command.current_dir(self.path()).args([verb, ENVIRONMENT]);
        if verb == "render" {
            // What is measured is rendering, not what an earlier run left.
            command.arg("--no-cache");
        }
        command
    }

    fn write(&self, path: &str, text: &str) -> Result<(), Failure> {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(self.path()))?;
        Ok(fs::write(path, text)?)
    }

    fn finish(self, environment: &str) -> Result<Self, Failure> {
        self.write(&format!("environments/{ENVIRONMENT}/environment.yaml"), environment)?;
        let git = git2::Repository::init(self.path())?;
        let mut index = git.index()?;
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None)?;
        index.write()?;
        let tree = git.find_tree(index.write_tree()?)?;
        let who = git2::Signature::now("bench", "bench@example.com")?;
        git.commit(Some("HEAD"), &who, &who, "The project", &tree, &[])?;
        drop(tree);
        Ok(self)
    }
}

/// The paths of the encrypted files of [`Project::secrets`].
pub fn secret_files(releases: usize) -> Vec<String> {
    let files = (0..releases).flat_map(|at| (0..SECRETS_EACH).map(move |file| (at, file)));
    files.map(|(at, file)| format!("secrets/{ENVIRONMENT}/r{at:04}-f{file}.yaml")).collect()
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches")
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Values that differ from release to release, and with them the number of objects: 6, and up to 4 more.
fn web_values(at: usize) -> String {
    let host = if at.is_multiple_of(2) { format!("web-{at}.example.com") } else { String::new() };
    let mut text = format!(
        "image: {{tag: 1.{at}.0}}\nreplicas: {}\nhost: {host:?}\nautoscale: {{enabled: {}}}\nrights: {{enabled: {}}}\n\
         environment:\n",
        2 + at % 3,
        at.is_multiple_of(3),
        at.is_multiple_of(5),
    );
    text.extend((0..12).map(|setting| format!("  SETTING_{setting:02}: value {setting} of release {at}\n")));
    text
}

/// The namespace of a release of a fleet.
pub fn namespace(release: usize) -> String {
    namespace_in(FLEET, release)
}

/// What the names of a fleet's namespaces begin with.
const FLEET: &str = "fleet";

fn namespace_in(prefix: &str, release: usize) -> String {
    format!("{prefix}-{}", release % NAMESPACES)
}

/// The objects of a fleet by kind, with `$NAME` and `$NAMESPACE` to fill in.
fn fleet_objects() -> Result<Vec<(String, String)>, Failure> {
    let mut objects = Vec::new();
    for entry in fs::read_dir(sources().join("fleet"))? {
        let entry = entry?;
        objects.push((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?));
    }
    objects.sort();
    Ok(objects)
}

fn named(text: &str, name: &str, namespace: &str) -> String {
    text.replace("$NAMESPACE", namespace).replace("$NAME", name)
}
