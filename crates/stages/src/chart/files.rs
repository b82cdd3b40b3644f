//! `files`: the other files of a chart, for its templates.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Enumerator, Object, from_args};
use minijinja::{Error, ErrorKind, State, Value as Dynamic};

use super::glob;
use weft_base::diagnostic::nearest;
use weft_base::tree::{Tree, reads};
use weft_base::value::Value;

/// A chart's files, or those of them that a pattern chose. As a map it is path -> text.
pub struct Files(Tree);

impl Files {
    /// These files, as templates see them.
    pub fn dynamic(tree: Tree) -> Dynamic {
        Dynamic::from_object(Self(tree))
    }

    fn get(&self, path: &str) -> Result<String, Error> {
        reads::file(path);
        if !self.0.contains(path) {
            let near = nearest(path, self.0.paths()).map(|near| format!("; did you mean `{near}`?"));
            return Err(invalid(format!("the chart has no file `{path}`{}", near.unwrap_or_default())));
        }
        self.0.text(path).map(str::to_owned).map_err(|error| invalid(error.to_string()))
    }

    fn glob(&self, pattern: &str) -> Result<Self, Error> {
        let pattern = glob::compile(pattern).ok_or_else(|| invalid("the pattern is wrong"))?;
        let chosen = self.0.paths().filter(|path| pattern.is_match(path)).inspect(|path| reads::file(path));
        Ok(Self(Tree::new(chosen.filter_map(|path| Some((path.to_owned(), self.0.bytes(path)?.to_vec()))))))
    }

    /// `name: text` for each file, without its folders, as YAML.
    fn entries(&self, text: impl Fn(&Self, &str) -> Result<String, Error>) -> Result<Dynamic, Error> {
        let mut map = weft_base::value::Map::new();
        for path in self.0.paths() {
            map.insert(path.rsplit('/').next().unwrap_or(path), Value::from(text(self, path)?));
        }
        Ok(Dynamic::from(weft_base::yaml::write(&map.into()).trim_end().to_owned()))
    }
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.paths()).finish()
    }
}

impl Object for Files {
    fn get_value(self: &Arc<Self>, key: &Dynamic) -> Option<Dynamic> {
        Some(self.get(key.as_str()?).ok()?.into())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.paths().map(Dynamic::from).collect())
    }

    fn call_method(self: &Arc<Self>, _: &mut State<'_, '_>, method: &str, args: &[Dynamic]) -> Result<Dynamic, Error> {
        match method {
            "get" => Ok(self.get(from_args::<(&str,)>(args)?.0)?.into()),
            "glob" => Ok(Dynamic::from_object(self.glob(from_args::<(&str,)>(args)?.0)?)),
            "as_config" => self.entries(Self::get),
            "as_secrets" => self.entries(|files, path| Ok(STANDARD.encode(files.0.bytes(path).unwrap_or_default()))),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}
