//! ConfigMaps and Secrets of `configMapGenerator` and `secretGenerator`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::KustomizeError;
use super::files::Root;
use super::resource::{Behavior, Resource, map_under};
use super::spec::{Generator, GeneratorOptions};
use weft_base::digest::Parts;
use weft_base::masked::Masked;
use weft_base::value::{Data, Entry, Map, Origin, Value};

/// How long a line of base64 is.
const LINE: usize = 70;

/// What a generator makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneratedKind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl GeneratedKind {
    fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// A value that a generator takes in.
enum Content {
    /// As it is in the repository.
    Plain(Vec<u8>),
    /// From a file that was encrypted.
    Secret(Masked<Vec<u8>>),
}

/// One key with its value.
struct Pair {
    key: String,
    content: Content,
}

/// Makes the resource of a generator.
pub fn generate(
    root: &Root,
    made: GeneratedKind,
    generator: &Generator,
    global: Option<&GeneratorOptions>,
    origin: &Origin,
) -> Result<Resource, KustomizeError> {
    let reading = Reading { root, origin, made };
    let options = options(generator.options.as_ref(), global);
    let mut body = Map::new();
    body.insert("apiVersion", "v1");
    body.insert("kind", made.kind());
    body.insert("metadata", reading.metadata(generator, &options)?);
    if made == GeneratedKind::Secret {
        let secret_type = if generator.secret_type.is_empty() { "Opaque" } else { &generator.secret_type };
        body.insert("type", secret_type);
        body.insert("data", Map::new());
    }
    let mut sealed = Vec::new();
    for pair in reading.pairs(generator, &mut sealed)? {
        reading.add(&mut body, pair)?;
    }
    if options.immutable {
        body.insert("immutable", true);
    }
    let mut resource = Resource::new(placed(Value::from(body), origin));
    resource.sealed = sealed;
    resource.hashed = !options.disable_name_suffix_hash;
    resource.is_generated = true;
    resource.behavior = Behavior::of(&generator.behavior);
    Ok(resource)
}

/// The same, and all that is in it, at the place of the generator.
fn placed(value: Value, origin: &Origin) -> Value {
    let data = match value.data {
        Data::Map(map) => {
            let entries = map.into_iter().map(|it| Entry { value: placed(it.value, origin), ..it });
            Data::Map(entries.collect::<Map>())
        }
        leaf => leaf,
    };
    Value { data, origin: origin.clone() }
}

/// The options of a generator over those of all.
fn options(own: Option<&GeneratorOptions>, global: Option<&GeneratorOptions>) -> GeneratorOptions {
    let mut options = own.cloned().unwrap_or_default();
    let Some(global) = global else { return options };
    for (key, value) in &global.labels {
        options.labels.entry(key.clone()).or_insert_with(|| value.clone());
    }
    for (key, value) in &global.annotations {
        options.annotations.entry(key.clone()).or_insert_with(|| value.clone());
    }
    options.disable_name_suffix_hash |= global.disable_name_suffix_hash;
    options.immutable |= global.immutable;
    options
}

/// The sources of one generator.
struct Reading<'r> {
    root: &'r Root,
    origin: &'r Origin,
    made: GeneratedKind,
}

impl Reading<'_> {
    fn wrong(&self, source: &str, reason: &'static str) -> KustomizeError {
        KustomizeError::Source { source_text: source.to_owned(), reason, origin: self.origin.clone() }
    }

    fn metadata(&self, generator: &Generator, options: &GeneratorOptions) -> Result<Map, KustomizeError> {
        if generator.name.is_empty() {
            return Err(KustomizeError::Missing { field: "name", origin: self.origin.clone() });
        }
        let mut metadata = Map::new();
        metadata.insert("name", generator.name.as_str());
        if !generator.namespace.is_empty() {
            metadata.insert("namespace", generator.namespace.as_str());
        }
        for (field, entries) in [("labels", &options.labels), ("annotations", &options.annotations)] {
            if !entries.is_empty() {
                metadata.insert(field, entries.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Map>());
            }
        }
        Ok(metadata)
    }

    /// All pairs: of files of variables, then literals, then files.
    /// `sealed` gets the digests of those that are encrypted.
    fn pairs(&self, generator: &Generator, sealed: &mut Vec<String>) -> Result<Vec<Pair>, KustomizeError> {
        let mut pairs = Vec::new();
        for path in &generator.envs {
            self.variables(path, &mut pairs, sealed)?;
        }
        for literal in &generator.literals {
            let (key, value) = literal
                .split_once('=')
                .filter(|(key, _)| !key.is_empty())
                .ok_or_else(|| self.wrong(literal, "a literal is `key=value`"))?;
            pairs.push(Pair { key: key.to_owned(), content: Content::Plain(unquoted(value).as_bytes().to_vec()) });
        }
        for source in &generator.files {
            let (key, path) = self.file(source)?;
            pairs.push(Pair { key: key.to_owned(), content: self.content(path, sealed)? });
        }
        Ok(pairs)
    }

    /// The key and the path of an entry of `files`.
    fn file<'s>(&self, source: &'s str) -> Result<(&'s str, &'s str), KustomizeError> {
        match source.split_once('=') {
            None => {
                let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
                Ok((name, source))
            }
            Some(("", _)) => Err(self.wrong(source, "the key before `=` is missing")),
            Some((_, "")) => Err(self.wrong(source, "the path after `=` is missing")),
            Some((_, path)) if path.contains('=') => Err(self.wrong(source, "a key or a path cannot hold `=`")),
            Some(pair) => Ok(pair),
        }
    }

    /// A file's content, decrypted where it is encrypted.
    fn content(&self, path: &str, sealed: &mut Vec<String>) -> Result<Content, KustomizeError> {
        let loaded = self.root.load(path, self.origin)?;
        let decrypted = if self.made == GeneratedKind::Secret {
            let failed = |diagnostic| KustomizeError::Decrypt { diagnostic: Box::new(diagnostic) };
            self.root.files.decrypted(&loaded.file, &loaded.bytes).map_err(failed)?
        } else {
            None
        };
        Ok(match decrypted {
            Some(content) => {
                let mut digest = Parts::default();
                digest.add(&loaded.bytes);
                sealed.push(digest.hex());
                Content::Secret(content)
            }
            None => Content::Plain(loaded.bytes),
        })
    }

    /// The pairs of a file with a `KEY=value` a line.
    fn variables(&self, path: &str, pairs: &mut Vec<Pair>, sealed: &mut Vec<String>) -> Result<(), KustomizeError> {
        let content = self.content(path, sealed)?;
        let (bytes, secret) = match &content {
            Content::Plain(bytes) => (bytes, false),
            Content::Secret(bytes) => (bytes.expose(), true),
        };
        let text = std::str::from_utf8(bytes).map_err(|_| KustomizeError::NotText { path: path.to_owned() })?;
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // A line that is no variable may be a secret as a whole, and keys are shown.
            if secret && !line.split_once('=').is_some_and(|(key, _)| is_key(key)) {
                return Err(
                    self.wrong(path, "a line of an encrypted file is `NAME=value`, with a name that a Secret can have")
                );
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            if key.is_empty() {
                return Err(self.wrong(path, "a line is `NAME=value`"));
            }
            let value = value.as_bytes().to_vec();
            let content = if secret { Content::Secret(Masked::new(value)) } else { Content::Plain(value) };
            pairs.push(Pair { key: key.to_owned(), content });
        }
        Ok(())
    }

    fn add(&self, body: &mut Map, pair: Pair) -> Result<(), KustomizeError> {
        let taken =
            ["data", "binaryData"].iter().any(|it| body.get(it).is_some_and(|map| map.get(&pair.key).is_some()));
        if taken {
            return Err(self.wrong(&pair.key, "the key is there already"));
        }
        let (field, value) = match (self.made, pair.content) {
            (GeneratedKind::Secret, content) => ("data", encoded(&content)),
            (GeneratedKind::ConfigMap, Content::Plain(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => ("data", text.into()),
                Err(error) => ("binaryData", encoded(&Content::Plain(error.into_bytes()))),
            },
            (GeneratedKind::ConfigMap, content) => ("binaryData", encoded(&content)),
        };
        if let Some(map) = map_under(body, field) {
            map.insert(pair.key, value);
        }
        Ok(())
    }
}

/// Whether the data of an object may have a key.
fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|it| it.is_ascii_alphanumeric() || "-._".contains(it))
}

/// Base64 in lines of 70 characters, as kustomize writes it.
fn encoded(content: &Content) -> Value {
    let (bytes, secret) = match content {
        Content::Plain(bytes) => (bytes, false),
        Content::Secret(bytes) => (bytes.expose(), true),
    };
    let whole = STANDARD.encode(bytes);
    let mut text = String::with_capacity(whole.len() + whole.len() / LINE + 1);
    for line in whole.as_bytes().chunks(LINE).filter_map(|it| std::str::from_utf8(it).ok()) {
        text.push_str(line);
        if whole.len() >= LINE {
            text.push('\n');
        }
    }
    let value = Value::from(Data::Text(text));
    if secret { value.masked() } else { value }
}

fn unquoted(text: &str) -> &str {
    let within = |quote: char| text.strip_prefix(quote).and_then(|it| it.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(text)
}
