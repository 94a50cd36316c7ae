//! Lua scripts, run by a real Lua, with `redis.call` on the store.

use std::{
    cell::RefCell,
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use bus::reply::Value;
use mlua::{Function, Lua, MultiValue, Table, Value as LuaValue};

use super::{commands, store::Store};

/// The scripts of one server.
#[derive(Debug)]
pub(super) struct Scripts {
    lua: Lua,
    /// By the name under which they were loaded.
    loaded: HashMap<String, Function>,
    /// What every script has replaced, and how often that was found.
    pub(super) sabotage: Option<(&'static str, &'static str)>,
    pub(super) sabotaged: u64,
}

impl Default for Scripts {
    fn default() -> Self {
        Self { lua: Lua::new(), loaded: HashMap::new(), sabotage: None, sabotaged: 0 }
    }
}

impl Scripts {
    /// Loads a script under the name that clients will call it by.
    pub(super) fn load(&mut self, name: &str, code: &[u8]) -> Result<(), String> {
        let mut code = String::from_utf8_lossy(code).into_owned();
        if let Some((text, other)) = self.sabotage.filter(|(text, _)| code.contains(text)) {
            code = code.replace(text, other);
            self.sabotaged += 1;
        }
        let function =
            self.lua.load(code).set_name("script").into_function().map_err(|error| format!("ERR {error}"))?;
        self.loaded.insert(name.to_owned(), function);
        Ok(())
    }

    /// A name for a script, where the client does not tell it.
    pub(super) fn name(code: &[u8]) -> String {
        let mut hasher = DefaultHasher::new();
        code.hash(&mut hasher);
        format!("{:040x}", hasher.finish())
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.loaded.contains_key(name)
    }

    /// Runs a script. Redis stops at an error and keeps what was done before it; so does this.
    pub(super) fn run(
        &self,
        name: &str,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
        store: &mut Store,
    ) -> Result<Value, String> {
        let Some(function) = self.loaded.get(name) else {
            return Err("NOSCRIPT No matching script. Please use EVAL.".into());
        };
        let lua = &self.lua;
        let store = RefCell::new(store);
        // A refused command ends the script, and the client gets that command's error.
        let refused = RefCell::new(None);
        let ran = lua.scope(|scope| {
            let call = scope.create_function(|lua, parts: MultiValue| {
                let parts: Vec<Vec<u8>> = parts.into_iter().map(|part| text(&part)).collect::<mlua::Result<_>>()?;
                match commands::run(&mut store.borrow_mut(), &parts) {
                    Ok(value) => from_redis(lua, value),
                    Err(error) => {
                        refused.replace(Some(error.clone()));
                        Err(mlua::Error::runtime(error))
                    }
                }
            })?;
            let redis = lua.create_table()?;
            redis.set("call", call)?;
            let globals = lua.globals();
            globals.set("redis", redis)?;
            globals.set("KEYS", texts(lua, keys)?)?;
            globals.set("ARGV", texts(lua, arguments)?)?;
            to_redis(&function.call::<LuaValue>(())?)
        });
        ran.map_err(|error| refused.take().unwrap_or_else(|| format!("ERR {error}")))
    }
}

fn texts(lua: &Lua, all: &[Vec<u8>]) -> mlua::Result<Table> {
    let strings = all.iter().map(|text| lua.create_string(text)).collect::<mlua::Result<Vec<_>>>()?;
    lua.create_sequence_from(strings)
}

/// An argument of `redis.call`. Numbers are written as Redis does: whole ones without a point.
fn text(value: &LuaValue) -> mlua::Result<Vec<u8>> {
    match value {
        LuaValue::String(text) => Ok(text.as_bytes().to_vec()),
        LuaValue::Integer(number) => Ok(number.to_string().into_bytes()),
        LuaValue::Number(number) => Ok(format_number(*number).into_bytes()),
        other => Err(mlua::Error::runtime(format!(
            "Lua redis lib command arguments must be strings or integers, not {}",
            other.type_name()
        ))),
    }
}

/// `%.17g`, as far as our scripts need it.
fn format_number(number: f64) -> String {
    if number.trunc() == number && number.abs() < 1e17 { format!("{number:.0}") } else { format!("{number}") }
}

fn from_redis(lua: &Lua, value: Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Nil => LuaValue::Boolean(false),
        Value::Int(number) => LuaValue::Number(number as f64),
        Value::BulkString(bytes) => LuaValue::String(lua.create_string(bytes)?),
        Value::Okay => status(lua, "OK")?,
        Value::SimpleString(text) => status(lua, &text)?,
        Value::Array(items) => {
            let items = items.into_iter().map(|item| from_redis(lua, item)).collect::<mlua::Result<Vec<_>>>()?;
            LuaValue::Table(lua.create_sequence_from(items)?)
        }
        other => return Err(mlua::Error::runtime(format!("no command answers {other:?}"))),
    })
}

fn status(lua: &Lua, text: &str) -> mlua::Result<LuaValue> {
    let table = lua.create_table()?;
    table.set("ok", text)?;
    Ok(LuaValue::Table(table))
}

fn to_redis(value: &LuaValue) -> mlua::Result<Value> {
    Ok(match value {
        LuaValue::Nil | LuaValue::Boolean(false) => Value::Nil,
        LuaValue::Boolean(true) => Value::Int(1),
        LuaValue::Integer(number) => Value::Int(*number),
        // Cut, not rounded.
        LuaValue::Number(number) => Value::Int(*number as i64),
        LuaValue::String(text) => Value::BulkString(text.as_bytes().to_vec()),
        LuaValue::Table(table) => {
            if let Ok(text) = table.raw_get::<String>("ok") {
                return Ok(Value::SimpleString(text));
            }
            let mut items = Vec::new();
            // Up to the first hole.
            for item in table.sequence_values::<LuaValue>() {
                items.push(to_redis(&item?)?);
            }
            Value::Array(items)
        }
        other => return Err(mlua::Error::runtime(format!("a script answered a {}", other.type_name()))),
    })
}
