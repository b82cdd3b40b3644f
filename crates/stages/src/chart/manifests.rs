//! Folders of plain manifests.

use std::sync::Arc;

use super::load::{Plain, is_manifest, plain_files};
use super::{ChartError, Rendered};
use crate::project::Release;
use weft_base::tree::Tree;
use weft_base::yaml::Rules;

/// The manifests of a folder and the folders below it, by path, or of one file, as they are.
pub fn manifests(tree: &Tree, folder: &str, release: &Release) -> Result<Rendered, ChartError> {
    let plain = if tree.contains(folder) {
        if !is_manifest(folder) {
            return Err(ChartError::NotManifest { path: folder.to_owned() });
        }
        vec![Plain::read(tree.text(folder)?, folder.to_owned(), Rules::Strict)?]
    } else {
        plain_files(tree, folder)?
    };
    if plain.is_empty() {
        return Err(ChartError::NoManifests { folder: folder.to_owned(), origin: release.origin.clone() });
    }
    let files = plain.iter().map(Plain::rendered).collect();
    Ok(Rendered { release: Arc::clone(&release.name), files, ..Rendered::default() })
}
