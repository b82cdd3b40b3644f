//! The texts of leaves as they were written: `1.0` and `0x10` are numbers whose texts are lost when they are read.

use weft_base::value::{Data, Mark, Origin, Value};
use weft_base::yaml::{self, Rules};
use weft_schema::patch::scalar_text;

/// The maps whose values kustomize may take for texts.
const FIELDS: [&[&str]; 3] = [&["metadata", "annotations"], &["metadata", "labels"], &["data"]];

/// The texts of an object that differ from what its values are written as.
#[derive(Clone, Debug, Default)]
pub struct Texts(Vec<SourceText>);

#[derive(Clone, Debug)]
struct SourceText {
    origin: Origin,
    text: String,
}

impl Texts {
    /// The texts of an object that was read from `source`.
    pub fn of_object(object: &Value, source: &str) -> Self {
        let mut texts = Vec::new();
        for entry in FIELDS.iter().filter_map(|path| object.dig(path)?.as_map()).flatten() {
            let value = &entry.value;
            if let Some(text) = source_text(value, source)
                && text != scalar_text(value)
            {
                texts.push(SourceText { origin: value.origin.clone(), text: text.to_owned() });
            }
        }
        Self(texts)
    }

    /// The text of a leaf: as it was written, if that is known.
    pub fn text(&self, value: &Value) -> String {
        let written = self.0.iter().find(|it| it.origin == value.origin);
        written.map_or_else(|| scalar_text(value).into_owned(), |it| it.text.clone())
    }
}

/// What stands in the source for a leaf without quotes.
fn source_text<'s>(value: &Value, source: &'s str) -> Option<&'s str> {
    if matches!(value.data, Data::Null | Data::List(_) | Data::Map(_) | Data::Masked(_)) {
        return None;
    }
    let rest = line_from(source, value.origin.mark)?;
    let block = rest.split(" #").next().unwrap_or(rest).trim_end();
    let flow = rest.split([',', '}', ']']).next().unwrap_or(rest).trim_end();
    [block, flow].into_iter().find(|text| yaml::scalar(text, Rules::Kustomize) == value.data)
}

/// The rest of the line behind a place.
fn line_from(source: &str, mark: Mark) -> Option<&str> {
    let line = source.lines().nth(usize::try_from(mark.line.checked_sub(1)?).ok()?)?;
    let column = usize::try_from(mark.column.checked_sub(1)?).ok()?;
    let start = line.char_indices().nth(column)?.0;
    line.get(start..)
}
