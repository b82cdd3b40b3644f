//! The words that whoever may read a chart and its plain values knows.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::Context;
use super::member::Member;
use super::package::Package;
use weft_base::value::{Data, Value};

/// So many digits are an index of a loop.
const INDEX: usize = 2;

/// What is known of a release without its secrets. A name or a key that is made of these words alone can be shown where
/// no stand-in tells whether it came from a secret.
#[derive(Default)]
pub struct Public {
    files: Vec<Arc<[u8]>>,
    texts: Vec<String>,
    words: OnceLock<HashSet<String>>,
}

impl Public {
    /// What the files of the charts and the plain values of a release say.
    pub(super) fn new<'t>(root: &Member, values: &Value, names: impl IntoIterator<Item = &'t str>) -> Self {
        let mut public = Self::default();
        public.add_package(root.package);
        public.add_value(values);
        public.texts.extend(names.into_iter().map(str::to_owned));
        public
    }

    /// The same, with the names of the release.
    pub(super) fn of_release(root: &Member, values: &Value, context: &Context) -> Self {
        let release = context.release;
        Self::new(root, values, [&*release.name, &release.namespace, context.environment])
    }

    /// Whether a text is made of public words alone.
    pub fn vouches(&self, text: &str) -> bool {
        let mut words = words(text).peekable();
        words.peek().is_some() && words.all(|word| is_index(word) || self.words().contains(&word.to_lowercase()))
    }

    fn words(&self) -> &HashSet<String> {
        self.words.get_or_init(|| {
            let mut all = HashSet::new();
            for file in &self.files {
                all.extend(words(&String::from_utf8_lossy(file)).map(str::to_lowercase));
            }
            for text in &self.texts {
                all.extend(words(text).map(str::to_lowercase));
            }
            all
        })
    }

    fn add_package(&mut self, package: &Package) {
        self.files.extend(package.templates.iter().chain(&package.files).map(|it| Arc::clone(&it.data)));
        self.texts.extend([package.metadata.name.clone(), package.metadata.version.clone()]);
        self.add_value(&package.values);
        package.dependencies.iter().for_each(|it| self.add_package(it));
    }

    fn add_value(&mut self, value: &Value) {
        match &value.data {
            Data::Text(text) => self.texts.push(text.clone()),
            Data::List(items) => items.iter().for_each(|item| self.add_value(item)),
            Data::Map(map) => {
                for entry in map {
                    self.texts.push(entry.key.to_string());
                    self.add_value(&entry.value);
                }
            }
            Data::Int(_) | Data::Uint(_) | Data::Float(_) => self.texts.push(format!("{:?}", value.data)),
            Data::Null | Data::Bool(_) | Data::Masked(_) => {}
        }
    }

    /// What a text says.
    pub fn of_text(text: &str) -> Self {
        Self { texts: vec![text.to_owned()], ..Self::default() }
    }
}

impl fmt::Debug for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Public of {} files", self.files.len())
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_index(word: &str) -> bool {
    word.len() <= INDEX && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_made_of_public_words_is_vouched_for() {
        let public = Public::of_text("name: {{ release.name }}-config\nweb apps/v1");
        for text in ["web-config", "apps/v1", "Web-Config-0", "name"] {
            assert!(public.vouches(text), "{text}");
        }
        for text in ["n-swordfish", "web-config-123", "webconfig", "", "--", "go-kn3w64temzuxg2bnhe4q"] {
            assert!(!public.vouches(text), "{text}");
        }
    }
}
