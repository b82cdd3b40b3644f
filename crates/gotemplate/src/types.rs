//! Go's types and kinds, as far as templates can tell them apart.

use std::fmt;

/// What a parameter takes, and what a list or a map holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `reflect.Value`: a parameter that takes whatever there is, as it is.
    Value,
    /// `interface {}`.
    Any,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint8`, a byte.
    Uint8,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float,
    /// `string`.
    Str,
    /// A slice.
    List(&'static Type),
    /// A map with strings as keys.
    Map(&'static Type),
    /// A type with methods, by Go's name for it, such as `time.Time`.
    Named(&'static str),
}

impl Type {
    /// `[]interface {}`.
    pub const LIST: Self = Self::List(&Self::Any);
    /// `[]string`.
    pub const STRINGS: Self = Self::List(&Self::Str);
    /// `[]uint8`.
    pub const BYTES: Self = Self::List(&Self::Uint8);
    /// `map[string]interface {}`.
    pub const MAP: Self = Self::Map(&Self::Any);

    /// Whether Go's `nil` is a value of the type.
    pub fn can_be_nil(self) -> bool {
        match self {
            Self::Value | Self::Any | Self::List(_) | Self::Map(_) => true,
            Self::Named(name) => name.starts_with('*'),
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    /// The name that Go's `%T` prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value => f.write_str("reflect.Value"),
            Self::Any => f.write_str("interface {}"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Int64 => f.write_str("int64"),
            Self::Uint8 => f.write_str("uint8"),
            Self::Uint64 => f.write_str("uint64"),
            Self::Float => f.write_str("float64"),
            Self::Str => f.write_str("string"),
            Self::List(of) => write!(f, "[]{of}"),
            Self::Map(of) => write!(f, "map[string]{of}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// Go's `reflect.Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no value: `nil`.
    Invalid,
    /// A truth value.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint8`.
    Uint8,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float,
    /// `complex128`.
    Complex,
    /// Text.
    Str,
    /// A list.
    List,
    /// A map.
    Map,
    /// An object by value.
    Struct,
    /// An object by reference.
    Pointer,
    /// A function as a value.
    Func,
}

impl Kind {
    /// The name that Go gives it, as in sprig's `kindOf`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint64 => "uint64",
            Self::Float => "float64",
            Self::Complex => "complex128",
            Self::Str => "string",
            Self::List => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Pointer => "ptr",
            Self::Func => "func",
        }
    }
}
