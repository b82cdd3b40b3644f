//! Why an import is not possible.

use thiserror::Error;

use crate::chart::ChartError;
use crate::values::ValuesError;
use weft_base::diagnostic::{Diagnose, Excerpt, Kind};
use weft_base::tree::TreeError;
use weft_base::value::Origin;
use weft_base::yaml::YamlError;
use weft_gotemplate::GoTemplateError;
use weft_jinja::JinjaError;
use weft_sops::{RULES, SecretsError};

/// Why an import is not possible. Nothing is written then.
#[derive(Debug, Error)]
pub enum ImportError {
    /// Values look secret, and nothing says who may read them.
    #[error("values look secret, and no rule of `{RULES}` is for `{path}`: {}", .values.join(", "))]
    NoRule {
        /// The file that they would be in.
        path: String,
        /// Their paths.
        values: Vec<String>,
    },
    /// An environment that cannot be added to.
    #[error("`{path}` has no list `releases` at its end, to which `{release}` could be added")]
    NoPlace {
        /// The environment's file.
        path: String,
        /// The release.
        release: String,
    },
    /// An environment that has the release already.
    #[error("`{path}` has a release `{release}` already")]
    Declared {
        /// The environment's file.
        path: String,
        /// The release.
        release: String,
    },
    /// A helmfile without an environment that was asked for.
    #[error("`{file}` has no environment `{environment}`")]
    NoEnvironment {
        /// The helmfile.
        file: String,
        /// The environment.
        environment: String,
    },
    /// A helmfile without releases.
    #[error("`{file}` has no releases for the environment `{environment}`")]
    NoReleases {
        /// The helmfile.
        file: String,
        /// The environment.
        environment: String,
    },
    /// A file that includes itself.
    #[error("`{file}` is a base of itself")]
    Circle {
        /// The file.
        file: String,
    },
    /// Templates read variables of the machine that they run on.
    #[error("templates of `{file}` read variables of the machine: {}", listed(.variables))]
    Variables {
        /// The file.
        file: String,
        /// The variables that have no value.
        variables: Vec<String>,
    },
    /// A chart of a repository that is not declared.
    #[error("the repository `{repository}` of the chart `{chart}` is not declared")]
    NoRepository {
        /// The repository.
        repository: String,
        /// The chart.
        chart: String,
    },
    /// A chart that is neither a folder nor of a repository.
    #[error("the chart `{chart}` of the release `{release}` is neither a folder nor of a repository")]
    WrongChart {
        /// The chart.
        chart: String,
        /// The release.
        release: String,
    },
    /// A chart that no environment can name.
    #[error("the chart `{chart}` of the release `{release}` is outside of the repository")]
    ChartOutside {
        /// The chart.
        chart: String,
        /// The release.
        release: String,
    },
    /// A chart that is not there.
    #[error("the chart `{chart}` of the release `{release}` is not there")]
    NoChart {
        /// The chart.
        chart: String,
        /// The release.
        release: String,
    },
    /// A file of values that is not there.
    #[error("the values `{path}` of {owner} are not there")]
    NoValues {
        /// The file.
        path: String,
        /// Who names it.
        owner: String,
    },
    /// A secret in clear.
    #[error("`{path}`, a secret of the release `{release}`, is not encrypted")]
    NotEncrypted {
        /// The file.
        path: String,
        /// The release.
        release: String,
    },
    /// A kluctl project without deployments.
    #[error("`{folder}` has no deployments for the target `{target}`")]
    NoDeployments {
        /// The project's folder.
        folder: String,
        /// The target.
        target: String,
    },
    /// A folder of kluctl without its file.
    #[error("there is no `deployment.yaml` in `{folder}`")]
    NoDeploymentFile {
        /// The folder.
        folder: String,
    },
    /// A folder that a kluctl deployment names and that is not there.
    #[error("there is no folder `{folder}`, which `{file}` names")]
    NoFolder {
        /// The folder.
        folder: String,
        /// The file that names it.
        file: String,
    },
    /// A folder without kustomizations.
    #[error("there is no kustomization in `{folder}`")]
    NoKustomization {
        /// The folder.
        folder: String,
    },
    /// None of the kustomizations can be built.
    #[error("no kustomization in `{folder}` can be built")]
    NothingBuilt {
        /// The folder.
        folder: String,
        /// Why, for each.
        reasons: Vec<String>,
    },
    /// Helm knows no such release.
    #[error("there is no Helm release `{release}` in `{namespace}`")]
    NoHelmRelease {
        /// The release.
        release: String,
        /// The namespace.
        namespace: String,
    },
    /// Helm is changing the release.
    #[error("Helm is at work on `{release}`: revision {revision} is `{status}`")]
    HelmAtWork {
        /// The release.
        release: String,
        /// The revision.
        revision: i64,
        /// What Helm calls its state.
        status: String,
    },
    /// No revision of the release is live.
    #[error("no revision of the Helm release `{release}` is deployed: the last is `{status}`")]
    NotDeployed {
        /// The release.
        release: String,
        /// What Helm calls the state of the last revision.
        status: String,
    },
    /// Helm's record is in no known form.
    #[error("the record of `{release}` cannot be read")]
    UnreadableRecord {
        /// The release.
        release: String,
    },
    /// A namespace without objects.
    #[error("nothing lives in the namespace `{namespace}`")]
    EmptyNamespace {
        /// The namespace.
        namespace: String,
    },
    /// A file is not YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A file is not in the tree, or no text.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A Go template fails.
    #[error(transparent)]
    GoTemplate(#[from] Box<GoTemplateError>),
    /// A Jinja template fails.
    #[error(transparent)]
    Jinja(#[from] JinjaError),
    /// Secrets cannot be encrypted.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A value that is set cannot be read.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// A chart or its values cannot be read.
    #[error(transparent)]
    Chart(#[from] ChartError),
}

fn listed(names: &[String]) -> String {
    names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}

impl ImportError {
    /// The error of another module that it stands for.
    fn cause(&self) -> Option<&dyn Diagnose> {
        Some(match self {
            Self::Yaml(error) => error,
            Self::Tree(error) => error,
            Self::GoTemplate(error) => &**error,
            Self::Jinja(error) => error,
            Self::Secrets(error) => error,
            Self::Values(error) => error,
            Self::Chart(error) => error,
            _ => return None,
        })
    }

    /// What to do about an error of this module.
    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoRule { .. } => {
                "Make a key with `weft secrets keygen`, name it in `.sops.yaml`, and run this again; or use \
                 `--without-secrets`, or `--plain PATH` for what is no secret. Nothing was written."
            }
            Self::NoPlace { .. } => "Move `releases` to the end of the file, or import into another environment.",
            Self::Declared { .. } => "Take the release out first, or import it into another environment.",
            Self::NoEnvironment { .. } => "See `environments:` of the file.",
            Self::NoReleases { .. } => "Name another file, or look at the conditions around its releases.",
            Self::Circle { .. } => "Take it out of `bases:`.",
            Self::Variables { .. } => {
                "Give each a value by `--variable NAME=VALUE`; the value is written into the environment as it is. \
                 `--variable NAME=` leaves it empty."
            }
            Self::NoRepository { .. } => "Add it to `repositories:` of the helmfile.",
            Self::WrongChart { .. } => "Write it as `./FOLDER` or `REPOSITORY/CHART`.",
            Self::ChartOutside { .. } => "Copy it into the repository, or name the repository's root by `-C`.",
            Self::NoChart { .. } | Self::NoValues { .. } => "Correct the path: it counts from the folder of the file.",
            Self::NotEncrypted { .. } => "Encrypt it with `weft secrets encrypt`, or list it under `values`.",
            Self::NoDeployments { .. } => "Name the folder with `deployment.yaml`, or look at its conditions.",
            Self::NoDeploymentFile { .. } => "Add `deployment.yaml` or `deployment.yml`, or name another folder.",
            Self::NoFolder { .. } => "Correct the path: it counts from the folder of `deployment.yaml`.",
            Self::NoKustomization { folder } if folder.starts_with("..") || folder.starts_with('/') => {
                "An environment names folders of its own repository: copy it there, or give the root above it by `--project`."
            }
            Self::NoKustomization { .. } => "Add a `kustomization.yaml`, or name another folder.",
            Self::NoHelmRelease { .. } => {
                "`helm list -A` shows the releases with their namespaces; name the namespace by `--namespace`."
            }
            Self::HelmAtWork { .. } => "Wait for Helm to end, or roll the release back by `helm rollback`.",
            Self::NotDeployed { .. } => "Bring the release into order first, by `helm upgrade` or `helm rollback`.",
            Self::UnreadableRecord { .. } => "It is no release of Helm 3 or 4; look at it by `helm get all`.",
            Self::EmptyNamespace { .. } => "Name one that `kubectl get namespaces` shows.",
            _ => return None,
        })
    }
}

impl Diagnose for ImportError {
    fn kind(&self) -> Kind {
        self.cause().map_or(Kind::Input, Diagnose::kind)
    }

    fn origin(&self) -> Option<&Origin> {
        self.cause().and_then(Diagnose::origin)
    }

    fn excerpt(&self) -> Option<&Excerpt> {
        self.cause().and_then(Diagnose::excerpt)
    }

    fn hint(&self) -> Option<String> {
        if let Self::NothingBuilt { reasons, .. } = self {
            return Some(reasons.join("\n"));
        }
        self.cause().map_or_else(|| self.advice().map(str::to_owned), Diagnose::hint)
    }
}
