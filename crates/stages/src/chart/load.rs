//! Reading and compiling a chart: once, for all its releases.

use std::sync::Arc;

use super::capabilities::CapabilitiesCache;
use super::cores::{self, Cores};
use super::jinja::Jinja;
use super::package::{File, Package};
use super::{ChartError, RenderedFile, go};
use weft_base::masked::Masked;
use weft_base::tree::{self, Tree};
use weft_base::value::{Mark, Origin, Value};
use weft_base::yaml::{self, Rules};

/// How deeply charts in folders beside each other may use one another.
const DEEPEST: usize = 16;

/// A chart, ready to be rendered any number of times, from any thread.
#[derive(Debug)]
pub struct Chart {
    pub(super) package: Package,
    /// Its Jinja templates, and those that library charts lend it.
    pub(super) jinja: Jinja,
    /// Its Go templates, parsed as far as releases use them.
    pub(super) go: go::Sets,
    /// What Go templates are told of the server.
    pub(super) known: CapabilitiesCache,
    /// What its renderings are parted between.
    pub(super) cores: Cores,
}

/// A plain manifest and its documents.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    pub path: Arc<String>,
    pub text: String,
    pub documents: Vec<Value>,
}

impl Chart {
    /// Reads the chart in `folder` of a project's tree, with the charts that it uses, and compiles its templates. A
    /// dependency that is not in its `charts/` and has a repository `file://...` is read from there.
    pub fn load(tree: &Tree, folder: &str) -> Result<Self, ChartError> {
        match tree.bytes(folder) {
            // An archive is there as a file and, for those who look at its files, as a folder.
            Some(bytes) => Self::of_archive(bytes, folder),
            None => Self::of_package(read(tree, folder, 0)?),
        }
    }

    /// Reads a packed chart.
    pub fn of_archive(bytes: &[u8], name: &str) -> Result<Self, ChartError> {
        Self::of_package(Package::of_archive(bytes, name)?)
    }

    fn of_package(package: Package) -> Result<Self, ChartError> {
        if package.metadata.is_library() {
            return Err(ChartError::Library { folder: package.folder });
        }
        let version = &package.metadata.api_version;
        if !matches!(version.as_str(), "v1" | "v2") {
            let file = Arc::new(format!("{}/Chart.yaml", package.folder));
            let reason = format!("its `apiVersion` is `{version}`, and must be `v1` or `v2`");
            return Err(ChartError::metadata(&file, reason));
        }
        check_dependencies(&package)?;
        let go = go::Sets::default();
        let known = CapabilitiesCache::default();
        let cores = cores::in_turn;
        Ok(Self { jinja: Jinja::load(&package)?, go, known, cores, package })
    }

    /// The same chart, each rendering of which is parted between these cores. It is for one rendering at a time: many have
    /// the cores among them.
    #[must_use]
    pub fn on(self, cores: Cores) -> Self {
        Self { cores, ..self }
    }

    /// The values of its `values.yaml`; a map.
    pub fn defaults(&self) -> &Value {
        &self.package.values
    }

    /// Whether it is rendered as Helm renders it, and not only by Jinja.
    pub(super) fn is_helm(&self) -> bool {
        !self.package.has_jinja() || self.package.has_go()
    }

    /// The name, as its `Chart.yaml` has it.
    pub fn name(&self) -> &str {
        &self.package.metadata.name
    }
}

fn read(tree: &Tree, folder: &str, depth: usize) -> Result<Package, ChartError> {
    let mut package = Package::of_folder(tree, folder)?;
    for dependency in package.metadata.dependencies.clone().into_iter().flatten() {
        let Some(path) = dependency.repository.strip_prefix("file://") else { continue };
        if package.dependencies.iter().any(|it| it.metadata.name == dependency.name) {
            continue;
        }
        let place = tree::join(folder, path)?;
        if depth == DEEPEST {
            return Err(ChartError::dependency(&package, &dependency.name, "charts use each other in a circle"));
        }
        if !tree.contains(&format!("{place}/Chart.yaml")) {
            return Err(ChartError::dependency(&package, &dependency.name, "its folder holds no `Chart.yaml`"));
        }
        package.dependencies.push(Arc::new(read(tree, &place, depth + 1)?));
    }
    Ok(package)
}

/// Refuses a chart that lacks one that it wants, as Helm does.
pub(super) fn check_dependencies(package: &Package) -> Result<(), ChartError> {
    let there = |name: &str| package.dependencies.iter().any(|it| it.metadata.name == name);
    match package.metadata.dependencies.iter().flatten().find(|it| !there(&it.name)) {
        None => Ok(()),
        Some(missing) => Err(ChartError::dependency(package, &missing.name, "it is not in `charts/`")),
    }
}

/// Whether the name of a file has this ending behind its last dot.
pub(super) fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, it)| it == ending)
}

/// Whether a file name is that of a manifest.
pub(super) fn is_manifest(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ["yaml", "yml", "json"].iter().any(|it| ending.eq_ignore_ascii_case(it))
}

/// The manifests below a folder, by path.
pub(super) fn plain_files(tree: &Tree, folder: &str) -> Result<Vec<Plain>, ChartError> {
    let below = tree.below(folder);
    let manifests = below.paths().filter(|path| is_manifest(path));
    manifests
        .map(|path| {
            let path = format!("{folder}/{path}");
            Plain::read(tree.text(&path)?, path, Rules::Strict)
        })
        .collect()
}

impl Plain {
    /// Reads a manifest.
    pub fn read(text: &str, path: String, rules: Rules) -> Result<Self, ChartError> {
        let path = Arc::new(path);
        let documents = yaml::documents(text, &path, rules)?;
        Ok(Self { path, text: text.to_owned(), documents })
    }

    /// The same as a rendered file.
    pub fn rendered(&self) -> RenderedFile {
        RenderedFile {
            path: Arc::clone(&self.path),
            text: Masked::new(self.text.clone()),
            documents: self.documents.clone(),
            ..RenderedFile::default()
        }
    }
}

impl Package {
    /// How strictly its YAML is read: a chart with Jinja templates is our own.
    pub(super) fn rules(&self) -> Rules {
        if self.has_jinja() { Rules::Strict } else { Rules::Kubernetes }
    }

    /// Its definitions of kinds, read once.
    pub(super) fn definitions(&self) -> Result<&[Plain], ChartError> {
        if let Some(read) = self.crds.get() {
            return Ok(read);
        }
        let plain =
            |it: &File| Plain::read(it.text(&self.folder)?, format!("{}/{}", self.folder, it.name), self.rules());
        let read = self.crd_files().map(plain).collect::<Result<Vec<_>, _>>()?;
        Ok(self.crds.get_or_init(|| read))
    }
}

impl ChartError {
    /// The error about a dependency of a chart.
    pub(super) fn dependency(package: &Package, name: &str, reason: &'static str) -> Self {
        let file = Arc::new(format!("{}/Chart.yaml", package.folder));
        Self::Dependency { name: name.to_owned(), reason, origin: Origin::new(&file, Mark::default()) }
    }
}
