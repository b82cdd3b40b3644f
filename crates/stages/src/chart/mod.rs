//! A chart or a folder of plain manifests + values -> [`Rendered`].
//!
//! A chart is a folder: `Chart.yaml`, the defaults in `values.yaml`, a schema for values in `values.schema.json`,
//! `crds/` as they are, and `templates/`. A template `*.j2` is Jinja; a name that begins with `_` holds macros and parts
//! for the others and renders nothing of its own. Library charts, which are dependencies of `type: library`, lend their
//! templates under their name: `{% import "common/_labels.j2" as labels %}`.
//!
//! A release with secrets is rendered twice, with them and with stand-ins; see [`RenderedFile::stand_in`].

mod advice;
mod capabilities;
mod coalesce;
mod cores;
mod error;
mod files;
mod glob;
mod go;
mod ignore;
mod jinja;
mod load;
mod lookups;
mod manifests;
mod member;
mod metadata;
mod names;
mod output;
mod pack;
mod package;
mod public;
mod render;
mod schema;
mod secrecy;
mod table;
mod template;
mod unread;
mod version;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use self::advice::advice;
pub use self::capabilities::Capabilities;
pub use self::cores::Cores;
pub use self::error::ChartError;
pub use self::load::Chart;
pub use self::lookups::Lookups;
pub use self::manifests::manifests;
pub use self::output::documents;
pub use self::pack::{Packed, packed};
pub use self::package::{Package, values};
pub use self::public::Public;
pub use self::render::{render, trace};
pub use self::schema::Failure;
pub use self::secrecy::{SecretKey, mask, mask_all};
pub use self::template::{Named, Templated, name_of, notes, template, templated};
use crate::project::Release;
use crate::values::Values;
use weft_base::masked::Masked;
use weft_base::tree::reads::Reads;
use weft_base::value::{Path, Value};
pub use weft_gotemplate::functions::{Chance, LookupRequest};
use weft_schema::Discovery;
use weft_schema::patch::Targeted;

/// What the templates of a chart see.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The release: `release.name` and `release.namespace`.
    pub release: &'a Release,
    /// The environment's name: `environment`.
    pub environment: &'a str,
    /// The merged values: `values`.
    pub values: &'a Values,
    /// The declared inputs: `inputs`.
    pub inputs: &'a BTreeMap<String, String>,
    /// What the server has: `capabilities.kube_version`, `capabilities.has("apps/v1")` and
    /// `capabilities.has_kind("apps/v1", "Deployment")`.
    pub capabilities: &'a Arc<Discovery>,
    /// Where what Go templates make up comes from.
    pub making: &'a RenderOptions,
}

/// Where what Go templates make up comes from.
#[derive(Clone)]
pub struct RenderOptions {
    /// The time that `now` gives, in seconds since 1970: that of the commit.
    pub now: i64,
    /// Where passwords, keys and certificates come from.
    pub chance: Chance,
    /// The live objects that releases with `lookup: true` may see; `None` where no cluster can be asked.
    pub live: Option<Arc<Lookups>>,
    /// Whether it is recorded what the templates look at.
    pub records: bool,
}

/// What the templates of a release really looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    /// Files, helpers and functions.
    pub of_chart: Reads,
    /// The leaves of its values.
    pub values: Vec<Path>,
}

impl Default for RenderOptions {
    /// Placeholders, in 1970, and no cluster.
    fn default() -> Self {
        Self { now: 0, chance: Chance::Placeholder, live: None, records: false }
    }
}

impl fmt::Debug for RenderOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "made at {}", self.now)
    }
}

/// What the templates of a release came to.
#[derive(Debug, Default)]
pub struct Rendered {
    /// The release.
    pub release: Arc<str>,
    /// The files, CRDs first, then templates by path. A file that came to nothing is left out.
    pub files: Vec<RenderedFile>,
    /// Of the leaves that a user set, those that no template read.
    pub unread: Vec<Path>,
    /// What the chart's `NOTES.txt` came to, with secrets masked.
    pub notes: Option<String>,
    /// Whether passwords, keys or certificates were asked for, and only placeholders stand there.
    pub placeholders: bool,
    /// The live objects that templates asked for and may not see.
    pub lookups: Vec<LookupRequest>,
    /// What was looked at, where that was asked for: see [`RenderOptions::records`].
    pub reads: Option<Read>,
    /// What is changed in the objects before they are read.
    pub patches: Vec<Targeted>,
}

/// One rendered file. Its text and its stand-in are known to be YAML.
#[derive(Debug, Default)]
pub struct RenderedFile {
    /// The template's or manifest's path, relative to the root.
    pub path: Arc<String>,
    /// The text as it is. Behind a mask, since it may hold secrets.
    pub text: Masked<String>,
    /// The text rendered with stand-ins in place of secrets; `None` where the release has none. Every leaf that
    /// differs between the two came from a secret. Excerpts in errors come from this text.
    pub stand_in: Option<String>,
    /// Whether the stand-ins could not be rendered, or made other objects: then every leaf of the file's objects is a
    /// secret, and there is no `stand_in`.
    pub opaque: bool,
    /// What keys and names are held against that no stand-in vouches for; nothing where there are no secrets.
    pub public: Arc<Public>,
    /// Whether it is read as Helm reads it, and not as our own files are.
    pub lenient: bool,
    /// The documents of the text that can be shown: the stand-in or, where there is none, the text itself. Empty for
    /// an opaque file.
    pub documents: Vec<Value>,
}
