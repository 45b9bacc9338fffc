//! Reading arguments and bodies strictly: what is not known is an error, which names the nearest that is.

use std::sync::Arc;

use encke_wire::Problem;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Parameters by which credentials come: whoever decides about access has read them.
const CREDENTIALS: &[&str] = &["token", "key", "expires"];

/// What an input looks like: its schema, without references.
#[derive(Clone)]
pub(crate) struct Shape(Arc<Value>);

/// The texts of a path and a query, each with its name.
pub(crate) type Texts = Vec<(String, String)>;

impl Shape {
    pub(crate) fn of<T: JsonSchema>() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|it| it.inline_subschemas = true);
        Self(Arc::new(settings.into_generator().into_root_schema_for::<T>().to_value()))
    }

    /// The names of what may stand in it, each with its schema.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&str, &Value)> {
        properties(&self.0).map(|(name, schema)| (name.as_str(), schema))
    }

    pub(crate) fn is_required(&self, name: &str) -> bool {
        let required = self.0.get("required").and_then(Value::as_array);
        required.is_some_and(|required| required.iter().any(|known| known == name))
    }

    /// Reads the arguments of an operation.
    pub(crate) fn args<T: DeserializeOwned>(&self, texts: Texts) -> Result<T, Problem> {
        let mut args = Map::new();
        for (name, text) in texts {
            let Some((_, schema)) = self.properties().find(|(known, _)| *known == name) else {
                if CREDENTIALS.contains(&name.as_str()) {
                    continue;
                }
                let names = self.properties().map(|(name, _)| name);
                return Err(Problem::bad_request(unknown("parameter", &name, names)));
            };
            let value = value_of(&name, text, schema)?;
            if args.insert(name.clone(), value).is_some() {
                return Err(Problem::bad_request(format!("the parameter `{name}` comes twice")));
            }
        }
        serde_json::from_value(Value::Object(args)).map_err(|error| Problem::bad_request(error.to_string()))
    }

    /// Reads a body; an empty one has no fields.
    pub(crate) fn body<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Problem> {
        let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
        serde_json::from_slice(body).map_err(|error| {
            let unknown = self.check(body).err();
            unknown.unwrap_or_else(|| Problem::bad_request(format!("the body: {error}")))
        })
    }

    /// Finds fields that there are not.
    pub(crate) fn check(&self, json: &[u8]) -> Result<(), Problem> {
        let value: Value = serde_json::from_slice(json)
            .map_err(|error| Problem::bad_request(format!("no JSON: {error}")))?;
        match unknown_field(&value, &[&self.0]) {
            Some(detail) => Err(Problem::bad_request(detail)),
            None => Ok(()),
        }
    }
}

/// What a text of a path or a query stands for.
fn value_of(name: &str, text: String, schema: &Value) -> Result<Value, Problem> {
    let is = |kind: &str| match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|known| known == kind),
        Some(known) => known == kind,
        None => false,
    };
    if !is("integer") {
        return Ok(Value::String(text));
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|_| digits);
    number.map(Value::from).ok_or_else(|| Problem::bad_request(format!("{name} is a whole number")))
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// The first field that none of the alternatives `schemas` has.
fn unknown_field(value: &Value, schemas: &[&Value]) -> Option<String> {
    let mut all = schemas.to_vec();
    let mut at = 0;
    while let Some(schema) = all.get(at) {
        let several = ["anyOf", "oneOf", "allOf"].map(|key| schema.get(key).and_then(Value::as_array));
        let more: Vec<_> = several.into_iter().flatten().flatten().collect();
        all.extend(more);
        at += 1;
    }
    match value {
        Value::Object(fields) => {
            let names: Vec<_> = all.iter().flat_map(|schema| properties(schema)).collect();
            let closed = |schema: &&Value| schema.get("additionalProperties") == Some(&Value::Bool(false));
            if !all.iter().any(closed) {
                return None;
            }
            fields.iter().find_map(|(name, value)| {
                let own: Vec<_> =
                    names.iter().filter(|(known, _)| *known == name).map(|(_, it)| *it).collect();
                if own.is_empty() {
                    return Some(unknown("field", name, names.iter().map(|(name, _)| name.as_str())));
                }
                unknown_field(value, &own)
            })
        }
        Value::Array(items) => {
            let own: Vec<_> = all.iter().filter_map(|schema| schema.get("items")).collect();
            items.iter().find_map(|item| unknown_field(item, &own))
        }
        _ => None,
    }
}

fn unknown<'a>(kind: &str, name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let name: String = name.chars().take(64).collect();
    match names.min_by_key(|known| strsim::osa_distance(known, &name)) {
        Some(nearest) => format!("there is no {kind} {name:?} here; did you mean `{nearest}`?"),
        None => format!("there is no {kind} {name:?} here: it takes none"),
    }
}
