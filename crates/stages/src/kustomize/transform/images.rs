//! `images`.

use regex::Regex;

use crate::kustomize::KustomizeError;
use crate::kustomize::fields::{Create, FieldSpec, visit};
use crate::kustomize::resources::Resources;
use crate::kustomize::spec::Image;
use weft_base::value::{Data, Origin, Value};

/// Changes names, tags and digests of an image wherever containers, or the fields of `specs`, name it.
pub fn images(
    resources: &mut Resources,
    image: &Image,
    specs: &[FieldSpec],
    origin: &Origin,
) -> Result<(), KustomizeError> {
    let pattern =
        format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{{}}-]*)?$", image.name);
    // A name that is no pattern is that of no image.
    let Ok(pattern) = Regex::new(&pattern) else { return Ok(()) };
    let change = Change { image, pattern, origin };
    for resource in resources.iter_mut().filter(|it| it.text(&["kind"]) != "CustomResourceDefinition") {
        change.in_containers(&mut resource.body);
        for spec in specs {
            visit(resource, spec, Create::Never, &mut |node| match node.data {
                Data::List(_) | Data::Map(_) => Err(KustomizeError::NoMap { found: node.kind() }),
                _ => {
                    change.set(node);
                    Ok(())
                }
            })?;
        }
    }
    Ok(())
}

struct Change<'i> {
    image: &'i Image,
    pattern: Regex,
    origin: &'i Origin,
}

impl Change<'_> {
    /// Changes the images of all lists `containers` and `initContainers`, wherever they are.
    fn in_containers(&self, node: &mut Value) {
        match &mut node.data {
            Data::Map(map) => {
                for entry in map {
                    self.in_containers(&mut entry.value);
                    if matches!(entry.key.as_str(), "containers" | "initContainers")
                        && let Data::List(items) = &mut entry.value.data
                    {
                        items.iter_mut().filter_map(|it| it.as_map_mut()?.get_mut("image")).for_each(|it| self.set(it));
                    }
                }
            }
            Data::List(items) => items.iter_mut().for_each(|item| self.in_containers(item)),
            _ => {}
        }
    }

    fn set(&self, node: &mut Value) {
        let Some(text) = node.as_str().filter(|text| self.pattern.is_match(text)) else { return };
        let (mut name, mut tag, mut digest) = split(text);
        let Image { new_name, new_tag, digest: new_digest, tag_suffix, .. } = self.image;
        if !new_name.is_empty() {
            name.clone_from(new_name);
        }
        if !new_tag.is_empty() || !new_digest.is_empty() {
            tag.clone_from(new_tag);
            digest.clone_from(new_digest);
        } else if !tag_suffix.is_empty() {
            tag.push_str(tag_suffix);
            digest.clear();
        }
        if !tag.is_empty() {
            name = format!("{name}:{tag}");
        }
        if !digest.is_empty() {
            name = format!("{name}@{digest}");
        }
        *node = Value::from(name).at(self.origin.clone());
    }
}

/// Name, tag and digest of an image. A colon before the first slash is that of a port.
fn split(image: &str) -> (String, String, String) {
    let start = image.find('/').unwrap_or(0);
    let at = image[start..].find('@').map(|it| it + start);
    let colon = image[start..].find(':').map(|it| it + start);
    match (colon, at) {
        (None, None) => (image.to_owned(), String::new(), String::new()),
        (Some(colon), Some(at)) if colon < at => {
            (image[..colon].to_owned(), image[colon + 1..at].to_owned(), image[at + 1..].to_owned())
        }
        (_, Some(at)) => (image[..at].to_owned(), String::new(), image[at + 1..].to_owned()),
        (Some(colon), None) => (image[..colon].to_owned(), image[colon + 1..].to_owned(), String::new()),
    }
}
