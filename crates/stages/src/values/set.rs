//! `--set` and its kin: Helm's little language for values on the command line.

use std::iter::Peekable;
use std::str::CharIndices;
use std::sync::Arc;

use super::{Layer, ValuesError, placed};
use weft_base::value::{Data, Map, Mark, Origin, Path, Step, Value};

/// How the values of an argument are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// `--set`: `true`, `false`, `null` and integers are that, the rest is text; `{a,b}` is a list.
    Typed,
    /// `--set-string`: everything is text; `{a,b}` is a list.
    Text,
    /// `--set-json`: JSON.
    Json,
    /// `--set-literal`: everything behind the `=` is text in which no character is special.
    Literal,
}

/// Helm's limits.
const MAX_INDEX: usize = 65_536;
const MAX_DEPTH: usize = 30;

impl SetKind {
    /// The option as users write it.
    pub fn option(self) -> &'static str {
        match self {
            Self::Typed => "--set",
            Self::Text => "--set-string",
            Self::Json => "--set-json",
            Self::Literal => "--set-literal",
        }
    }
}

/// Reads an argument: `a.b=1,c[0].d=x,e={x,y}`. Dots part keys, `\` takes the next character as it is. Each node is set
/// whole; a list that is reached into keeps its other items. `--set-json` also takes one JSON object, which merges.
pub fn parse_set(text: &str, kind: SetKind) -> Result<Layer, ValuesError> {
    let origin = Origin::new(&Arc::new(kind.option().to_owned()), Mark::default());
    let mut reader = Reader { text, chars: text.char_indices().peekable(), kind, origin };
    let mut layer = Layer::of_user(kind.option(), Value::from(Map::new()).at(reader.origin.clone()));
    if kind == SetKind::Json && text.trim_start().starts_with('{') {
        layer.values = reader.json(&Path::root())?;
    } else {
        while reader.chars.peek().is_some() {
            layer.nodes.push(reader.pair()?);
        }
    }
    Ok(layer)
}

struct Reader<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
    kind: SetKind,
    origin: Origin,
}

impl Reader<'_> {
    fn wrong<T>(&self, problem: String) -> Result<T, ValuesError> {
        Err(ValuesError::Set { option: self.kind.option(), problem })
    }

    /// `key=value` and the comma behind it.
    fn pair(&mut self) -> Result<(Path, Value), ValuesError> {
        let path = self.path()?;
        let value = match (self.kind, self.chars.peek()) {
            (SetKind::Json, _) => self.json(&path)?,
            (SetKind::Literal, _) => {
                let text: String = std::iter::from_fn(|| self.chars.next()).map(|(_, c)| c).collect();
                self.typed(&text)
            }
            (_, Some((_, '{'))) => self.list(&path)?,
            _ => {
                let (value, _) = self.until(&[',']);
                self.typed(&value)
            }
        };
        Ok((path, value))
    }

    /// The keys and places up to the `=`.
    fn path(&mut self) -> Result<Path, ValuesError> {
        let mut path = Path::root();
        loop {
            let (key, mut stop) = self.until(&['=', '[', ',', '.']);
            if key.is_empty() {
                let below = if path.0.is_empty() { String::new() } else { format!(" below `{path}`") };
                return self.wrong(format!("a key{below} is empty"));
            }
            path.0.push(Step::Field(key.into()));
            while stop == Some('[') && path.0.len() < MAX_DEPTH {
                path.0.push(self.index(&path)?);
                stop = self.chars.next().map(|(_, c)| c);
            }
            match stop {
                Some('=') => return Ok(path),
                Some('.') if path.0.len() < MAX_DEPTH => {}
                Some('.' | '[') => return self.wrong(format!("`{path}` is deeper than {MAX_DEPTH} levels")),
                None | Some(',') => return self.wrong(format!("`{path}` has no value")),
                Some(_) => return self.wrong(format!("`{path}` must be followed by `=`, `.` or `[`")),
            }
        }
    }

    /// The number in brackets.
    fn index(&mut self, path: &Path) -> Result<Step, ValuesError> {
        let (digits, stop) = self.until(&[']']);
        if stop.is_none() {
            return self.wrong(format!("the `[` behind `{path}` is not closed"));
        }
        let Some(index) = digits.parse().ok().filter(|index| *index <= MAX_INDEX) else {
            return self.wrong(format!("`{path}[{digits}]` names no place of a list; the largest is {MAX_INDEX}"));
        };
        Ok(Step::Index(index))
    }

    fn list(&mut self, path: &Path) -> Result<Value, ValuesError> {
        self.chars.next();
        let mut items = Vec::new();
        loop {
            let (item, stop) = self.until(&[',', '}']);
            items.push(self.typed(&item));
            match stop {
                Some(',') => {}
                Some(_) => break,
                None => return self.wrong(format!("the `{{` of `{path}` is not closed")),
            }
        }
        match self.chars.next() {
            None | Some((_, ',')) => Ok(Value::from(items).at(self.origin.clone())),
            Some(_) => self.wrong(format!("there is more behind the `}}` of `{path}`")),
        }
    }

    /// A JSON value and the comma behind it; nothing is null.
    fn json(&mut self, path: &Path) -> Result<Value, ValuesError> {
        let start = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        let rest = &self.text[start..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let empty = rest.trim_start().is_empty() || rest.trim_start().starts_with(',');
        let value = match if empty { None } else { stream.next() } {
            None => Value::default(),
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                return self.wrong(format!("the value of `{path}` is not JSON (column {})", error.column()));
            }
        };
        let end = start + if empty { 0 } else { stream.byte_offset() };
        while self.chars.next_if(|(at, c)| *at < end || c.is_whitespace()).is_some() {}
        match self.chars.next() {
            None | Some((_, ',')) => Ok(placed(value, &self.origin)),
            Some(_) => self.wrong(format!("there is more behind the JSON of `{path}`")),
        }
    }

    /// The characters up to one of `stops`, which is taken too.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut read = String::new();
        while let Some((_, c)) = self.chars.next() {
            match c {
                c if stops.contains(&c) => return (read, Some(c)),
                '\\' => read.extend(self.chars.next().map(|(_, c)| c)),
                c => read.push(c),
            }
        }
        (read, None)
    }

    fn typed(&self, text: &str) -> Value {
        let data = match self.kind {
            SetKind::Typed => typed(text),
            SetKind::Text | SetKind::Json | SetKind::Literal => Data::Text(text.to_owned()),
        };
        Value::from(data).at(self.origin.clone())
    }
}

/// What `--set` makes of a text: floats and numbers with a leading zero stay text.
fn typed(text: &str) -> Data {
    match text.to_ascii_lowercase().as_str() {
        "true" => Data::Bool(true),
        "false" => Data::Bool(false),
        "null" => Data::Null,
        "0" => Data::Int(0),
        lower if lower.starts_with('0') => Data::Text(text.to_owned()),
        lower => lower.parse().map_or_else(|_| Data::Text(text.to_owned()), Data::Int),
    }
}
