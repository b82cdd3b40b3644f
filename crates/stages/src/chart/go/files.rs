//! `.Files`: what is in a chart beside its templates.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::chart::glob;
use crate::chart::package::File;
use weft_base::tree::reads;
use weft_gotemplate::{Body, Fault, Function, Kind, List, Map, Object, Run, Str, Type, Value, downcast};

/// The files of a chart, or those of them that a pattern chose.
pub struct Files {
    files: Vec<File>,
    /// The same as a map, made when it is asked for.
    map: OnceCell<Map>,
}

impl Files {
    /// These files as templates see them.
    pub fn value(files: Vec<File>) -> Value {
        Value::Object(Rc::new(Self { files, map: OnceCell::new() }))
    }

    fn get(&self, name: &[u8]) -> Str {
        reads::file(&String::from_utf8_lossy(name));
        let found = self.files.iter().rfind(|it| it.name.as_bytes() == name);
        found.map(|it| Arc::clone(&it.data).into()).unwrap_or_default()
    }

    /// `name: text` for each file, without its folders, as YAML.
    fn entries(&self, text: impl Fn(&File) -> String) -> Value {
        let pair = |it: &File| (it.name.rsplit('/').next().unwrap_or_default().to_owned(), text(it));
        let map: weft_base::value::Map = self.files.iter().map(pair).collect();
        Value::from(weft_base::yaml::write(&map.into()).trim_end_matches('\n').to_owned())
    }
}

static METHODS: [Function; 6] = [
    Function::new("Get", &[Type::Str], get as Body),
    Function::new("GetBytes", &[Type::Str], get_bytes as Body),
    Function::new("Glob", &[Type::Str], chosen as Body),
    Function::new("Lines", &[Type::Str], lines as Body),
    Function::new("AsConfig", &[], as_config as Body),
    Function::new("AsSecrets", &[], as_secrets as Body),
];

/// The files, and the argument of a method.
fn named(args: &[Value]) -> Result<(&Files, &Str), Fault> {
    match args {
        [object, Value::Str(name)] => Ok((files(Some(object))?, name)),
        _ => Err(Fault::signature()),
    }
}

fn files(object: Option<&Value>) -> Result<&Files, Fault> {
    object.and_then(downcast::<Files>).ok_or_else(Fault::signature)
}

fn get(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let (files, name) = named(args)?;
    Ok(Value::Str(files.get(name)))
}

fn get_bytes(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let (files, name) = named(args)?;
    Ok(Value::Bytes(files.get(name)))
}

/// A pattern that cannot be read chooses every file, as in Helm.
fn chosen(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let (files, pattern) = named(args)?;
    let pattern = glob::compile(&pattern.lossy());
    let chosen = files.files.iter().filter(|it| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&it.name)));
    let chosen = chosen.inspect(|it| reads::file(&it.name));
    Ok(Files::value(chosen.cloned().collect()))
}

fn lines(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    let (files, name) = named(args)?;
    let data = files.get(name);
    let lines = data.strip_suffix(b"\n").unwrap_or(&data).split(|byte| *byte == b'\n');
    let lines = lines.map(Str::from).filter(|_| !data.is_empty());
    Ok(List::strings(lines).into())
}

fn as_config(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(files(args.first())?.entries(|it| String::from_utf8_lossy(&it.data).into_owned()))
}

fn as_secrets(_: &mut Run<'_>, args: &[Value]) -> Result<Value, Fault> {
    Ok(files(args.first())?.entries(|it| STANDARD.encode(&it.data)))
}

impl Object for Files {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind(&self) -> Kind {
        Kind::Map
    }

    fn methods(&self) -> &'static [Function] {
        &METHODS
    }

    fn underlying(&self) -> Option<Value> {
        let entry = |it: &File| (Str::from(it.name.as_str()), Value::Bytes(Arc::clone(&it.data).into()));
        self.files.iter().for_each(|it| reads::file(&it.name));
        let map = || Map::typed_of(Type::BYTES, self.files.iter().map(entry));
        Some(self.map.get_or_init(map).clone().into())
    }
}
