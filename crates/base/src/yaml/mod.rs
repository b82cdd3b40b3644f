//! Kubernetes' YAML: a reader with positions and limits, a writer that matches Go's, typed configuration.
//!
//! Kubernetes, Helm and kubectl read and write YAML through Go's `sigs.k8s.io/yaml`, which follows YAML 1.1 where most
//! other libraries follow 1.2: `yes` is a boolean, `0755` is octal, `08` is eight. This module follows the same rules
//! both ways, so that a file means here what it means to the server.
//!
//! - [`documents`] and [`document`] read text into [`Value`]s that know where each of their nodes was written.
//! - [`write`](fn@write) and [`write_with`] write values back, byte for byte as Go does.
//! - [`config`] and [`from_value`] read typed configuration from the same nodes, so that `yes` means the same in it.
//!
//! libyaml's scanner does the syntax (`events`), and a quick one of our own that of what is written plainly (`quick`); what
//! scalars mean (`scalar`), the tree (`read`) and the writer are our own.

mod config;
mod entries;
mod error;
mod events;
mod go;
mod limits;
mod order;
mod quick;
mod read;
mod scalar;
mod stream;
mod style;
mod write;

use std::sync::Arc;

pub use self::config::{config, from_value};
pub use self::error::YamlError;
pub use self::go::format_float;
pub use self::write::{Layout, Order, Secrets, Write, write, write_with};
use crate::diagnostic::Place;
use crate::value::{Data, Mark, Origin, Value};

/// How strictly a text is read. Scalars mean the same under all but [`Rules::Kustomize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Our own files: a key that is there twice is an error.
    Strict,
    /// Manifests from elsewhere, as the server's own library reads them: of equal keys the last one wins.
    Kubernetes,
    /// Manifests and patches of a kustomization, which kustomize reads by version 3 of Go's library: `yes`, `on` and
    /// their like are texts, dates are written out as times, and keys are texts. A null that is not written (`key:`) has
    /// no column, as strategic merge patches tell it from one that is.
    Kustomize,
}

/// The documents of a text, in order. Documents that hold nothing are left out.
pub fn documents(text: &str, file: &Arc<String>, rules: Rules) -> Result<Vec<Value>, YamlError> {
    let mut documents = read::Reader::new(text, file, rules)?.collect::<Result<Vec<_>, _>>()?;
    documents.retain(|document| !document.is_null());
    Ok(documents)
}

/// The first document of a text, whatever follows it; a text without one is null. So Go's library reads a text that
/// should have one document.
pub fn first(text: &str, file: &Arc<String>, rules: Rules) -> Result<Value, YamlError> {
    read::Reader::new(text, file, rules)?.next().unwrap_or_else(|| Ok(Value::default()))
}

/// What a text without quotes means.
pub fn scalar(text: &str, rules: Rules) -> Data {
    scalar::plain(text, rules)
}

/// The one document of a text; a text without one is null.
pub fn document(text: &str, file: &Arc<String>, rules: Rules) -> Result<Value, YamlError> {
    let mut documents = documents(text, file, rules)?;
    if let Some(second) = documents.get(1) {
        return Err(YamlError::Several { at: Place::new(text, Origin::new(file, second.origin.mark), 1) });
    }
    Ok(documents.pop().unwrap_or_else(|| Value::default().at(Origin::new(file, Mark::default()))))
}
