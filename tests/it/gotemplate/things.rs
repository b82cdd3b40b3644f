//! The functions and objects of the Go program.

use std::rc::Rc;

use weft::gotemplate::{Fault, Function, Kind, Map, Object, Run, Str, Type, Value, downcast, format};

type Result = std::result::Result<Value, Fault>;

struct Thing(Str);
struct Label(Str);
struct Seconds(i64);

pub fn thing(name: &str) -> Value {
    Value::Object(Rc::new(Thing(name.into())))
}

pub fn label(text: &str) -> Value {
    Value::Object(Rc::new(Label(text.into())))
}

pub fn seconds(count: i64) -> Value {
    Value::Object(Rc::new(Seconds(count)))
}

impl Object for Thing {
    fn type_name(&self) -> &'static str {
        "*main.Thing"
    }

    fn kind(&self) -> Kind {
        Kind::Pointer
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(it, _)| *it == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("V", self.0.clone().into()), ("Count", Value::Int(17))]
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        METHODS.iter().find(|it| it.name == name)
    }

    fn names(&self) -> Vec<&'static str> {
        METHODS.iter().map(|it| it.name).chain(["V", "Count"]).collect()
    }

    fn same(&self, other: &dyn Object) -> bool {
        std::ptr::addr_eq(self, other)
    }
}

impl Object for Label {
    fn type_name(&self) -> &'static str {
        "main.Label"
    }

    fn field(&self, name: &str) -> Option<Value> {
        (name == "Text").then(|| self.0.clone().into())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Text", self.0.clone().into())]
    }

    fn text(&self) -> Option<Str> {
        Some([b"<", self.0.as_bytes(), b">"].concat().into())
    }

    fn same(&self, other: &dyn Object) -> bool {
        (other as &dyn std::any::Any).downcast_ref::<Self>().is_some_and(|other| other.0 == self.0)
    }
}

impl Object for Seconds {
    fn type_name(&self) -> &'static str {
        "main.Seconds"
    }

    fn kind(&self) -> Kind {
        Kind::Int64
    }

    fn text(&self) -> Option<Str> {
        Some(format!("{}s", self.0).into())
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::Int64(self.0))
    }
}

fn ints(args: &[Value]) -> i64 {
    args.iter().map(|it| if let Value::Int(it) = it { *it } else { 0 }).sum()
}

fn strings(args: &[Value]) -> Vec<String> {
    args.iter().map(|it| format::display(it).lossy().into_owned()).collect()
}

static METHODS: &[Function] = &[
    Function::new("Method0", &[], |_, _| Ok("M0".into())),
    Function::new("Method1", &[Type::Int], |_, args| Ok(args[1].clone())),
    Function::new("Method2", &[Type::Int, Type::Str], |_, args| {
        Ok(format!("Method2: {}", strings(&args[1..]).join(" ")).into())
    }),
    Function::new("Method3", &[Type::Any], |_, args| Ok(format!("Method3: {}", strings(&args[1..])[0]).into())),
    Function::new("GetU", &[], |_, args| Ok(args[0].clone())),
    Function::new("MyError", &[Type::Bool], |_, args| {
        assert!(downcast::<Thing>(&args[0]).is_some());
        if args[1].truth() { Err("my error".into()) } else { Ok(args[1].clone()) }
    }),
    Function::variadic("Sum", &[], Type::Int, |_, args| Ok(Value::Int(ints(&args[1..])))),
];

/// The functions of the cases.
pub static FUNCTIONS: &[Function] = &[
    Function::variadic("add", &[], Type::Int, |_, args| Ok(Value::Int(ints(args)))),
    Function::new("echo", &[Type::Any], |_, args| Ok(args[0].clone())),
    Function::new("oneArg", &[Type::Str], |_, args| Ok(format!("oneArg={}", strings(args)[0]).into())),
    Function::new("twoArgs", &[Type::Str, Type::Str], |_, args| {
        Ok(format!("twoArgs={}", strings(args).concat()).into())
    }),
    Function::variadic("dddArg", &[Type::Int], Type::Str, |_, args| {
        Ok(format!("{} [{}]\n", strings(args)[0], strings(&args[1..]).join(" ")).into())
    }),
    Function::new("float", &[Type::Float], |_, args| Ok(strings(args)[0].as_str().into())),
    Function::new("long", &[Type::Int64], |_, args| Ok(strings(args)[0].as_str().into())),
    Function::new("keys", &[Type::MAP], size),
    Function::new("items", &[Type::LIST], size),
    Function::new("mapOfThree", &[], |_, _| Ok(Map::typed_of(Type::Int, [("three".into(), Value::Int(3))]).into())),
    Function::new("zeroArgs", &[], |_, _| Ok("zeroArgs".into())),
    Function::new("die", &[], |_, _| Err("die".into())),
    Function::new("typeOf", &[Type::Any], |_, args| Ok(args[0].type_name().into())),
    Function::variadic("makemap", &[], Type::Str, |_, args| {
        let pairs = args.chunks_exact(2).map(|pair| (format::display(&pair[0]), pair[1].clone()));
        Ok(Map::typed_of(Type::Str, pairs).into())
    }),
    Function::new("include", &[Type::Str, Type::Any], include),
    Function::new("tpl", &[Type::Str, Type::Any], tpl),
];

fn size(_: &mut Run<'_>, args: &[Value]) -> Result {
    let size = match &args[0] {
        Value::Map(map) => map.len(),
        Value::List(list) => list.len(),
        _ => return Err(Fault::signature()),
    };
    Ok(Value::Int(i64::try_from(size).unwrap()))
}

fn include(run: &mut Run<'_>, args: &[Value]) -> Result {
    Ok(run.include(&format::display(&args[0]), &args[1])?.into())
}

fn tpl(run: &mut Run<'_>, args: &[Value]) -> Result {
    Ok(run.tpl(&format::display(&args[0]), &args[1])?.into())
}
