//! `semver` and `semverCompare`.

use std::cmp::Ordering;
use std::rc::Rc;

use super::arguments::{any, text};
use super::semver::{Constraints, SemverError, Version};
use crate::{Fault, Function, Kind, Object, Str, Type, Value, downcast};

/// The functions of this module.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("semver", &[Type::Str], |_, args| {
        let version = Version::parse(&text(args, 0)?.lossy())?;
        Ok(Value::Object(Rc::new(version)))
    }),
    Function::new("semverCompare", &[Type::Str, Type::Str], |_, args| {
        let range = Constraints::parse(&text(args, 0)?.lossy())?;
        Ok(range.check(&Version::parse(&text(args, 1)?.lossy())?).into())
    }),
];

const OTHER: &[Type] = &[Type::Named("*semver.Version")];

/// The methods of a version. The fields of the Go type cannot be seen.
static METHODS: &[Function] = &[
    Function::new("Major", &[], |_, args| Ok(Value::Uint64(version(args, 0)?.major))),
    Function::new("Minor", &[], |_, args| Ok(Value::Uint64(version(args, 0)?.minor))),
    Function::new("Patch", &[], |_, args| Ok(Value::Uint64(version(args, 0)?.patch))),
    Function::new("Prerelease", &[], |_, args| Ok(version(args, 0)?.prerelease.clone().into())),
    Function::new("Metadata", &[], |_, args| Ok(version(args, 0)?.metadata.clone().into())),
    Function::new("Original", &[], |_, args| Ok(version(args, 0)?.original.clone().into())),
    Function::new("String", &[], |_, args| Ok(version(args, 0)?.to_string().into())),
    Function::new("IncMajor", &[], |_, args| Ok(by_value(version(args, 0)?.next_major()))),
    Function::new("IncMinor", &[], |_, args| Ok(by_value(version(args, 0)?.next_minor()))),
    Function::new("IncPatch", &[], |_, args| Ok(by_value(version(args, 0)?.next_patch()))),
    Function::new("Compare", OTHER, |_, args| Ok(Value::Int(order(args)? as i64))),
    Function::new("Equal", OTHER, |_, args| Ok(order(args)?.is_eq().into())),
    Function::new("LessThan", OTHER, |_, args| Ok(order(args)?.is_lt().into())),
    Function::new("LessThanEqual", OTHER, |_, args| Ok(order(args)?.is_le().into())),
    Function::new("GreaterThan", OTHER, |_, args| Ok(order(args)?.is_gt().into())),
    Function::new("GreaterThanEqual", OTHER, |_, args| Ok(order(args)?.is_ge().into())),
];

/// The methods that only a pointer has.
const OF_POINTERS: &[&str] =
    &["Original", "Compare", "Equal", "LessThan", "LessThanEqual", "GreaterThan", "GreaterThanEqual"];

/// A version that is no pointer: what `IncMajor` and its kin give.
struct Plain(Version);

fn by_value(version: Version) -> Value {
    Value::Object(Rc::new(Plain(version)))
}

fn version(args: &[Value], at: usize) -> Result<&Version, Fault> {
    let value = any(args, at)?;
    downcast(value).or_else(|| downcast::<Plain>(value).map(|it| &it.0)).ok_or_else(Fault::signature)
}

fn order(args: &[Value]) -> Result<Ordering, Fault> {
    Ok(version(args, 0)?.cmp(version(args, 1)?))
}

impl From<SemverError> for Fault {
    fn from(error: SemverError) -> Self {
        Self::new(error.to_string())
    }
}

impl Object for Version {
    fn type_name(&self) -> &'static str {
        "*semver.Version"
    }

    fn kind(&self) -> Kind {
        Kind::Pointer
    }

    fn methods(&self) -> &'static [Function] {
        METHODS
    }

    fn text(&self) -> Option<Str> {
        Some(self.to_string().into())
    }
}

impl Object for Plain {
    fn type_name(&self) -> &'static str {
        "semver.Version"
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        self.0.method(name).filter(|method| !OF_POINTERS.contains(&method.name))
    }

    fn names(&self) -> Vec<&'static str> {
        self.0.names().into_iter().filter(|name| !OF_POINTERS.contains(name)).collect()
    }

    fn text(&self) -> Option<Str> {
        self.0.text()
    }
}
