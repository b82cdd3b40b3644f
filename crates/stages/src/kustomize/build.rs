//! Building: resources, then generators, components, transformers, and in the end names, references and variables.

use std::borrow::Cow;
use std::sync::Arc;

use super::config::{self, Config};
use super::files::{Files, Root, is_web};
use super::generate::{GeneratedKind, generate};
use super::provenance::{self, Provenance};
use super::read::Target;
use super::remote::Remote;
use super::resource::{Resource, map_under};
use super::resources::Resources;
use super::scopes::Scopes;
use super::spec::Patch;
use super::transform::{self, Affix, Subjects};
use super::variables::{self, Variables};
use super::{Build, KustomizeError, Options, charts, objects, plugins, references, sort};
use crate::chart::LookupRequest;
use weft_base::value::{Origin, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::MergeKeys;

/// The annotation of resources that are for tools alone.
const LOCAL: &str = "config.kubernetes.io/local-config";
/// The label of `--enable-managedby-label` and `managedByLabel`.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kustomize-(devel)");
/// The one OpenAPI document that kustomize 5.8 has built in.
const OPENAPI_VERSION: &str = "v1.21.2";

/// What a kustomization came to so far.
#[derive(Default)]
pub struct Accumulated {
    /// The resources.
    pub resources: Resources,
    config: Option<Arc<Config>>,
    variables: Variables,
}

impl Accumulated {
    fn merge_config(&mut self, other: &Arc<Config>) -> Result<(), KustomizeError> {
        self.config = Some(match &self.config {
            None if Arc::ptr_eq(other, &Config::builtin()) => Config::builtin(),
            None => config::merged(&Arc::default(), other)?,
            Some(own) => config::merged(own, other)?,
        });
        Ok(())
    }

    /// The same after kustomize's way through a component: resources are added again, so that names which became equal
    /// are refused, and so are the fields, where one for all kinds counts as there already if one for a kind is.
    fn merged_into_nothing(mut self) -> Result<Self, KustomizeError> {
        self.resources.check_unique()?;
        if let Some(config) = self.config.take() {
            self.merge_config(&config)?;
        }
        Ok(self)
    }

    fn merge(&mut self, other: Self) -> Result<(), KustomizeError> {
        self.resources.append_all(other.resources.into_vec())?;
        if let Some(config) = &other.config {
            self.merge_config(config)?;
        }
        variables::merge(&mut self.variables, other.variables)
    }
}

/// One build.
pub struct Builder<'o> {
    options: &'o Options,
    /// The merge keys of `openapi`; the first kustomization that names some says it for all.
    keys: Option<Cow<'static, MergeKeys>>,
    scopes: Scopes,
    traced: bool,
    /// Whether a resource of a kind was read that is not built in: then kustomize keeps its own types beside those of
    /// an `openapi` that comes later.
    met_unknown: bool,
    /// What is suspicious but not wrong, each a full sentence.
    pub warnings: Vec<String>,
    /// Whether placeholders stand where charts make something up.
    pub placeholders: bool,
    /// The live objects that charts asked for.
    pub lookups: Vec<LookupRequest>,
}

/// Builds the kustomization of a folder.
#[allow(clippy::needless_pass_by_value, reason = "the files are shared with all that is built of them")]
pub fn build(files: Arc<dyn Files>, folder: &str, options: &Options) -> Result<Build, KustomizeError> {
    built(Arc::clone(&files), folder, options).map_err(|error| error.shown(|file| plain_text(&*files, file)))
}

/// The text of a file that can be shown: not of one with Secrets.
fn plain_text(files: &dyn Files, file: &str) -> Option<String> {
    let text = String::from_utf8(files.of_shown(file)?.into_owned()).ok()?;
    (!text.contains("kind: Secret")).then_some(text)
}

fn built(files: Arc<dyn Files>, folder: &str, options: &Options) -> Result<Build, KustomizeError> {
    let unrestricted = options.unrestricted;
    let folder = files.resolved(folder);
    let root = Arc::new(Root { files, folder, remote: None, unrestricted, parent: None });
    let mut target = Target::load(root, &Origin::default())?;
    let mut builder = Builder::new(options);
    builder.set_schema(&target)?;
    builder.traced = !target.spec.build_metadata.is_empty();
    target.provenance = builder.traced.then(Provenance::default);
    let mut done = builder.accumulate(&target, builder.nothing())?;
    let config = done.config.take().unwrap_or_default();
    plugins::add_hashes(&mut done.resources);
    references::fix(&mut done.resources, &config)?;
    variables::resolve(&mut done.resources, &done.variables, &config)?;
    let resources = builder.finish(&target, done.resources)?;
    let Builder { warnings, placeholders, lookups, .. } = builder;
    Ok(Build { resources, warnings, placeholders, lookups })
}

impl<'o> Builder<'o> {
    fn new(options: &'o Options) -> Self {
        Self {
            options,
            keys: None,
            scopes: Scopes::of_build(),
            traced: false,
            met_unknown: false,
            warnings: Vec::new(),
            placeholders: false,
            lookups: Vec::new(),
        }
    }

    /// How it is built.
    pub fn options(&self) -> &'o Options {
        self.options
    }
}

impl Builder<'_> {
    /// The merge keys of this build.
    pub fn keys(&self) -> &MergeKeys {
        self.keys.as_deref().unwrap_or_else(|| MergeKeys::builtin())
    }

    /// What nothing came to.
    fn nothing(&self) -> Accumulated {
        Accumulated { resources: Resources::of_build(self.scopes.clone()), ..Accumulated::default() }
    }

    fn set_schema(&mut self, target: &Target) -> Result<(), KustomizeError> {
        let openapi = &target.spec.openapi;
        let origin = target.origin("openapi", 0);
        if self.keys.is_some() || openapi.is_empty() {
            return Ok(());
        }
        let version = openapi.get("version").map(String::as_str).unwrap_or_default();
        let Some(path) = openapi.get("path") else {
            if !matches!(version, "" | OPENAPI_VERSION) {
                return Err(KustomizeError::OpenApi { found: version.to_owned(), origin });
            }
            self.keys = Some(Cow::Borrowed(MergeKeys::builtin()));
            return Ok(());
        };
        if !version.is_empty() {
            return Err(KustomizeError::Contradiction { what: "`openapi` has both `path` and `version`", origin });
        }
        let loaded = target.root.load(path, &origin)?;
        let document = yaml::document(loaded.text()?, &loaded.file, Rules::Kubernetes)?;
        let base = if self.met_unknown { MergeKeys::builtin().clone() } else { MergeKeys::default() };
        self.scopes.learn(&document);
        self.keys = Some(Cow::Owned(MergeKeys::of_openapi(&document, base)));
        Ok(())
    }

    fn accumulate(&mut self, target: &Target, mut done: Accumulated) -> Result<Accumulated, KustomizeError> {
        let named = |field| move |(at, path): (usize, &String)| (path.clone(), target.origin(field, at));
        let paths = target.spec.resources.iter().enumerate().map(named("resources")).collect();
        self.add_resources(target, paths, &mut done)?;
        let origin = target.origin("configurations", 0);
        done.merge_config(&Config::load(&target.root, &target.spec.configurations, &origin)?)?;
        if !target.spec.crds.is_empty() {
            let found = config::of_crds(&target.root, &target.spec.crds, &target.origin("crds", 0))?;
            done.merge_config(&Arc::new(found))?;
        }
        self.generate(target, &mut done)?;
        for (path, origin) in target.spec.components.iter().enumerate().map(named("components")) {
            let below = self.enter(target, &path, &origin, true)?;
            done = self.accumulate(&below, done)?.merged_into_nothing()?;
        }
        self.transform(target, &mut done)?;
        self.validate(target, &mut done)?;
        let vars = target.spec.vars.iter().enumerate().map(|(at, var)| (var.clone(), target.origin("vars", at)));
        variables::declare(&mut done.variables, &mut done.resources, vars)?;
        Ok(done)
    }

    /// The resources that paths lead to, by themselves.
    pub fn resources(&mut self, target: &Target, paths: Vec<(String, Origin)>) -> Result<Accumulated, KustomizeError> {
        let mut done = self.nothing();
        self.add_resources(target, paths, &mut done)?;
        Ok(done)
    }

    fn add_resources(
        &mut self,
        target: &Target,
        paths: Vec<(String, Origin)>,
        done: &mut Accumulated,
    ) -> Result<(), KustomizeError> {
        for (path, origin) in paths {
            if is_base(target, &path) {
                let below = self.enter(target, &path, &origin, false)?;
                done.merge(self.accumulate(&below, self.nothing())?)?;
                continue;
            }
            let loaded = target.root.load(&path, &origin)?;
            for mut resource in objects::read(loaded.text()?, &loaded.file)? {
                resource.provenance = target.provenance.as_ref().map(|it| it.below(&path));
                self.met_unknown = self.met_unknown || MergeKeys::builtin().of(&resource.body).is_none();
                done.resources.append(resource)?;
            }
        }
        Ok(())
    }

    /// The kustomization that a path leads to.
    fn enter(
        &mut self,
        target: &Target,
        path: &str,
        origin: &Origin,
        component: bool,
    ) -> Result<Target, KustomizeError> {
        let mut below = Target::load(target.root.enter(path, origin)?, origin)?;
        below.provenance = target.provenance.as_ref().map(|it| it.below(path));
        target.namespace().clone_into(&mut below.chart_namespace);
        self.set_schema(&below)?;
        if below.spec.is_component() != component {
            let (found, field) = if component { ("no component", "components") } else { ("a component", "resources") };
            return Err(KustomizeError::WrongField { path: path.to_owned(), found, field, origin: origin.clone() });
        }
        Ok(below)
    }

    fn generate(&mut self, target: &Target, done: &mut Accumulated) -> Result<(), KustomizeError> {
        let spec = &target.spec;
        let global = spec.generator_options.as_ref();
        let own = [
            (GeneratedKind::ConfigMap, "configMapGenerator", "ConfigMapGenerator", &spec.config_map_generator),
            (GeneratedKind::Secret, "secretGenerator", "SecretGenerator", &spec.secret_generator),
        ];
        for (made, field, kind, generators) in own {
            for (at, generator) in generators.iter().enumerate() {
                let mut resource = generate(&target.root, made, generator, global, &target.origin(field, at))?;
                resource.provenance = target.configured_in().map(|it| it.by("builtin", kind, "", ""));
                done.resources.absorb(resource)?;
            }
        }
        for (at, chart) in spec.helm_charts.iter().enumerate() {
            let origin = target.origin("helmCharts", at);
            let settings = (target.chart_home(), target.namespace());
            for mut resource in charts::render(self, &target.root, chart, settings, &origin)? {
                resource.provenance =
                    target.configured_in().map(|it| it.by("builtin", "HelmChartInflationGenerator", "", ""));
                done.resources.absorb(resource)?;
            }
        }
        for config in plugins::configurations(self, target, "generators", &spec.generators)? {
            for mut resource in plugins::run_generator(self, target, &config)? {
                resource.provenance = plugins::provenance(&config);
                done.resources.absorb(resource)?;
            }
        }
        Ok(())
    }

    fn transform(&mut self, target: &Target, done: &mut Accumulated) -> Result<(), KustomizeError> {
        let config = done.config.clone().unwrap_or_default();
        let resources = &mut done.resources;
        self.merge_patches(target, resources)?;
        let spec = &target.spec;
        if !spec.namespace.is_empty() {
            let origin = target.origin("namespace", 0);
            transform::namespace(resources, &spec.namespace, &config.namespace, false, Subjects::Default, &origin)?;
            trace(target, resources, "NamespaceTransformer");
        }
        if !spec.name_prefix.is_empty() {
            let origin = target.origin("namePrefix", 0);
            transform::affix(resources, Affix::Prefix(&spec.name_prefix), &config.name_prefix, &origin)?;
            trace(target, resources, "PrefixTransformer");
        }
        if !spec.name_suffix.is_empty() {
            let origin = target.origin("nameSuffix", 0);
            transform::affix(resources, Affix::Suffix(&spec.name_suffix), &config.name_suffix, &origin)?;
            trace(target, resources, "SuffixTransformer");
        }
        for (at, label) in spec.labels.iter().enumerate() {
            let (pairs, specs) = transform::labels(label, &config)?;
            transform::set_entries(resources, pairs, &specs, &target.origin("labels", at))?;
            trace(target, resources, "LabelTransformer");
        }
        if !spec.labels.is_empty() || !spec.common_labels.is_empty() {
            let origin = target.origin("commonLabels", 0);
            transform::set_entries(resources, &spec.common_labels, &config.common_labels, &origin)?;
            trace(target, resources, "LabelTransformer");
        }
        if !spec.common_annotations.is_empty() {
            let origin = target.origin("commonAnnotations", 0);
            transform::set_entries(resources, &spec.common_annotations, &config.common_annotations, &origin)?;
            trace(target, resources, "AnnotationsTransformer");
        }
        Self::change_fields(target, &config, resources)?;
        for transformer in plugins::configurations(self, target, "transformers", &spec.transformers)? {
            plugins::run_transformer(self, target, &transformer, resources)?;
            record(resources, plugins::provenance(&transformer));
            resources.drop_empty();
        }
        Ok(())
    }

    fn merge_patches(&mut self, target: &Target, resources: &mut Resources) -> Result<(), KustomizeError> {
        let (spec, root) = (&target.spec, &target.root);
        let mut found = 0;
        for (at, entry) in spec.patches_strategic_merge.iter().enumerate() {
            let source = plugins::strategic_source(root, entry, &target.origin("patchesStrategicMerge", at))?;
            found += transform::strategic(resources, &source, self.keys())?;
        }
        if !spec.patches_strategic_merge.is_empty() {
            if found == 0 {
                return Err(KustomizeError::EmptyPatch { origin: target.origin("patchesStrategicMerge", 0) });
            }
            trace(target, resources, "PatchStrategicMergeTransformer");
        }
        for (at, patch) in spec.patches.iter().enumerate() {
            let source = plugins::of_patch(root, patch, &target.origin("patches", at))?;
            let options = patch.options.unwrap_or_default();
            let warning = transform::patches(resources, &source, patch.target.as_ref(), options, self.keys())?;
            self.warnings.extend(warning);
            trace(target, resources, "PatchTransformer");
        }
        Ok(())
    }

    fn change_fields(target: &Target, config: &Config, resources: &mut Resources) -> Result<(), KustomizeError> {
        let (spec, root) = (&target.spec, &target.root);
        for (at, patch) in spec.patches_json6902.iter().enumerate() {
            let origin = target.origin("patchesJson6902", at);
            let source = plugins::of_patch(root, patch, &origin)?;
            let Patch { target: Some(selector), .. } = patch else {
                return Err(KustomizeError::NoTarget { origin });
            };
            transform::json_patch(resources, &source, selector)?;
            trace(target, resources, "PatchJson6902Transformer");
        }
        for (at, replica) in spec.replicas.iter().enumerate() {
            transform::replicas(resources, replica, &config.replicas, &target.origin("replicas", at))?;
            trace(target, resources, "ReplicaCountTransformer");
        }
        for (at, image) in spec.images.iter().enumerate() {
            transform::images(resources, image, &config.images, &target.origin("images", at))?;
            trace(target, resources, "ImageTagTransformer");
        }
        for (at, replacement) in spec.replacements.iter().enumerate() {
            let origin = target.origin("replacements", at);
            let all = plugins::replacements(root, std::slice::from_ref(replacement), &origin)?;
            transform::replacements(resources, &all, &origin)?;
        }
        if !spec.replacements.is_empty() {
            trace(target, resources, "ReplacementTransformer");
        }
        Ok(())
    }

    fn validate(&mut self, target: &Target, done: &mut Accumulated) -> Result<(), KustomizeError> {
        let validators = plugins::configurations(self, target, "validators", &target.spec.validators)?;
        for validator in validators {
            let before: Vec<Value> = done.resources.iter().map(|it| it.body.clone()).collect();
            plugins::run_transformer(self, target, &validator, &mut done.resources)?;
            let changed = done.resources.iter().zip(&before).find(|(now, before)| now.body != **before);
            if let Some((changed, _)) = changed {
                let origin = target.origin("validators", 0);
                return Err(KustomizeError::Validator { id: changed.id().into(), origin });
            }
        }
        Ok(())
    }

    /// What is done once, with the resources of all kustomizations.
    fn finish(&mut self, target: &Target, mut resources: Resources) -> Result<Vec<Value>, KustomizeError> {
        let local = |it: &Resource| it.annotation(LOCAL).is_some_and(|value| value != "false");
        resources.rename().retain(|it| !local(it));
        if let Some(options) = &target.spec.sort_options {
            sort::by_options(&mut resources, options, &target.origin("sortOptions", 0))?;
        } else if self.options.legacy_order {
            sort::by_kind(&mut resources, &sort::builtin());
        }
        let metadata = |option: &str| target.spec.build_metadata.iter().any(|it| it == option);
        let managed = self.options.managed_by || metadata("managedByLabel");
        let (origins, transformations) = (metadata("originAnnotations"), metadata("transformerAnnotations"));
        let finished = resources.into_vec().into_iter().map(|mut resource| {
            if managed && let Some(labels) = resource.metadata().and_then(|it| map_under(it, "labels")) {
                labels.insert(MANAGED_BY.0, MANAGED_BY.1);
            }
            resource.note(origins, transformations);
            resource.tidy_annotations();
            resource.body
        });
        Ok(finished.collect())
    }
}

/// Whether a path leads to a kustomization: a folder, or a repository elsewhere.
fn is_base(target: &Target, path: &str) -> bool {
    let file = path.split('?').next().unwrap_or_default();
    let manifest = [".yaml", ".yml", ".json"].iter().any(|ending| file.ends_with(ending));
    if is_web(path) && manifest {
        return false;
    }
    Remote::parse(path).is_some() || target.root.files.is_folder(&target.root.join(path))
}

/// Notes at all resources that a built-in transformer of a kustomization changed them.
fn trace(target: &Target, resources: &mut Resources, kind: &str) {
    record(resources, target.configured_in().map(|it| it.by("builtin", kind, "", "")));
    resources.drop_empty();
}

fn record(resources: &mut Resources, by: Option<Provenance>) {
    let Some(by) = by else { return };
    for resource in resources.iter_mut() {
        match &resource.provenance {
            None => resource.provenance = Some(by.clone()),
            Some(_) => resource.transformations.push(by.clone()),
        }
    }
}

impl Resource {
    /// Writes the annotations that tell where it came from; those that are not asked for go.
    fn note(&mut self, origins: bool, transformations: bool) {
        let origin = self.provenance.as_ref().filter(|_| origins).map(Provenance::text);
        let changes =
            (transformations && !self.transformations.is_empty()).then(|| provenance::texts(&self.transformations));
        for (key, text) in [(provenance::ORIGIN, origin), (provenance::TRANSFORMATIONS, changes)] {
            match text {
                Some(text) => self.annotate(key, &text),
                None => self.remove_annotation(key),
            }
        }
    }

    fn remove_annotation(&mut self, key: &str) {
        let metadata = self.body.as_map_mut().and_then(|map| map.get_mut("metadata"));
        let annotations = metadata.and_then(|it| it.as_map_mut()?.get_mut("annotations"));
        if let Some(annotations) = annotations.and_then(Value::as_map_mut) {
            annotations.remove(key);
        }
    }
}
