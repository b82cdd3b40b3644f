//! Values with fields and methods: times, versions, `.Files`, `.Capabilities`.

use std::any::Any;

use super::call::Function;
use super::text::Str;
use super::types::Kind;
use super::value::Value;

/// A value of a Go type with fields or methods. Code that knows the type gets it back by
/// `(&*object as &dyn Any).downcast_ref::<T>()`, or [`downcast`].
pub trait Object: Any {
    /// Go's name for the type, such as `time.Time` or `*semver.Version`.
    fn type_name(&self) -> &'static str;

    /// Whether it is a struct, a pointer to one, or a named map, list or number.
    fn kind(&self) -> Kind {
        Kind::Struct
    }

    /// The value of a field.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// Its methods. They are called with the object as their first argument, which the signature does not count.
    fn methods(&self) -> &'static [Function] {
        &[]
    }

    /// A method by its name.
    fn method(&self, name: &str) -> Option<&'static Function> {
        self.methods().iter().find(|method| method.name == name)
    }

    /// The names of its fields and methods, for hints.
    fn names(&self) -> Vec<&'static str> {
        self.methods().iter().map(|method| method.name).collect()
    }

    /// What its `String()` or `Error()` gives; `None` where it has neither, and its fields are printed.
    fn text(&self) -> Option<Str> {
        None
    }

    /// The fields in order, as printing walks them.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// The value below a named type: a number, a map or a list.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// Whether two are equal, as `==` is in Go: never, for what cannot be compared.
    fn same(&self, _other: &dyn Object) -> bool {
        false
    }
}

/// The object of type `T` that a value is.
pub fn downcast<T: Object>(value: &Value) -> Option<&T> {
    match value {
        Value::Object(object) => (&**object as &dyn Any).downcast_ref(),
        _ => None,
    }
}
