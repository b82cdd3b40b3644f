//! YAML, through the one reader and writer.

use std::sync::Arc;

use minijinja::{Error, Value as Dynamic};

use crate::convert::{self, invalid};
use crate::node::{self, Secrets};
use crate::trace::unmarked;

/// `x | toyaml`: as Kubernetes' own library writes it, without the newline at the end.
pub fn toyaml(value: &Dynamic) -> Result<String, Error> {
    let mut text = weft_base::yaml::write(&convert::value(value)?);
    text.truncate(text.trim_end_matches('\n').len());
    Ok(text)
}

/// `text | fromyaml`: the one document of a text.
pub fn fromyaml(text: &str) -> Result<Dynamic, Error> {
    let file = Arc::new("the text".to_owned());
    let value = weft_base::yaml::document(&unmarked(text), &file, weft_base::yaml::Rules::Kubernetes)
        .map_err(|error| invalid(error.to_string()))?;
    Ok(node::dynamic(&value, Secrets::Refused))
}
