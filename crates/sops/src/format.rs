//! The formats of encrypted files.

/// A format in which a file is encrypted leaf by leaf, or as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Maps and lists, in one or several documents.
    Yaml,
    /// One map.
    Json,
    /// Lines `KEY=value`.
    Dotenv,
    /// Any bytes, encrypted as one leaf.
    Binary,
}

impl Format {
    /// The format of a file by the ending of its path, as the Go program chooses.
    pub fn of(path: &str) -> Self {
        let ends = |ending: &str| path.ends_with(ending);
        match () {
            () if ends(".yaml") || ends(".yml") => Self::Yaml,
            () if ends(".json") => Self::Json,
            () if ends(".env") => Self::Dotenv,
            () => Self::Binary,
        }
    }
}
