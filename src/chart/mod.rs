//! A chart or a folder of plain manifests + values -> [`Rendered`].

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::masked::Masked;
use crate::value::Path;

/// What the templates of a release came to.
#[derive(Debug, Default)]
pub struct Rendered {
    /// The release.
    pub release: Arc<str>,
    /// The files, CRDs first, then templates by path.
    pub files: Vec<RenderedFile>,
    /// The paths of values that any template read (a map that was read whole counts with all below it).
    pub reads: BTreeSet<String>,
    /// The same for the leaves that no template read, of those that a user set.
    pub unread: Vec<Path>,
}

/// One rendered file.
#[derive(Debug)]
pub struct RenderedFile {
    /// The template's or manifest's path, relative to the root.
    pub path: Arc<String>,
    /// The text as it is. Behind a mask, since it may hold secrets.
    pub text: Masked<String>,
    /// The text rendered with stand-ins in place of secrets; `None` where the release has none. Every leaf that
    /// differs between the two came from a secret. Excerpts in errors come from this text.
    pub stand_in: Option<String>,
    /// Whether the stand-ins could not be rendered: then every leaf of the file's objects is a secret.
    pub opaque: bool,
    /// For each line of the text, the template's line that made it, from 1; 0 where it is not known.
    pub lines: Vec<u32>,
}
