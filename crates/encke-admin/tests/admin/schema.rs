//! Whether JSON is what a schema says. It knows the words that our schemas use, and fails at any other.

use http::{Method, StatusCode};
use serde_json::{Map, Value};

/// Words that say something to people only.
const SILENT: &[&str] = &["$schema", "title", "description", "examples", "default", "format"];

/// Checks an answer against what the document says of it.
pub(crate) fn check_answer(
    document: &Value,
    method: &Method,
    target: &str,
    status: StatusCode,
    answer: &Value,
) {
    let problem = &document["components"]["responses"]["problem"]["content"]["application/problem+json"];
    let Some((_, operation)) = find(document, method, target) else {
        assert!(status.is_client_error(), "{method} {target}: {answer}");
        return check(document, &problem["schema"], answer).unwrap();
    };
    let responses = &operation["responses"];
    let told = &responses[status.as_str()];
    let schema =
        if told.is_null() { &problem["schema"] } else { &told["content"]["application/json"]["schema"] };
    assert!(!told.is_null() || !status.is_success(), "{method} {target}: {status} is not told");
    if schema.is_null() {
        assert!(answer.is_null(), "{method} {target}: {answer}");
    } else {
        check(document, schema, answer)
            .unwrap_or_else(|wrong| panic!("{method} {target}: {wrong} in {answer}"));
    }
}

/// The operation of a method on a path, and the path as the document has it.
fn find<'a>(document: &'a Value, method: &Method, target: &str) -> Option<(&'a str, &'a Value)> {
    let path = target.split('?').next().unwrap_or_default();
    let method = method.as_str().to_ascii_lowercase();
    let fits = |template: &str| {
        let (own, asked): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        own.len() == asked.len()
            && own.iter().zip(asked).all(|(own, asked)| own.starts_with('{') || *own == asked)
    };
    let paths = document["paths"].as_object()?;
    let found = paths.iter().find(|(template, path)| fits(template) && path.get(&method).is_some())?;
    Some((found.0, &found.1[&method]))
}

pub(crate) fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Object(schema) => schema,
        _ => return Err(format!("{schema} is no schema")),
    };
    schema.iter().try_for_each(|(word, says)| check_word(document, schema, word, says, value))
}

fn check_word(
    document: &Value,
    schema: &Map<String, Value>,
    word: &str,
    says: &Value,
    value: &Value,
) -> Result<(), String> {
    let fits = |schema: &Value| check(document, schema, value);
    let count = || says.as_array().into_iter().flatten().filter(|schema| fits(schema).is_ok()).count();
    let length = || value.as_str().map(|text| text.chars().count() as u64);
    let right = match word {
        "$ref" => {
            let pointer = says.as_str().and_then(|text| text.strip_prefix('#')).unwrap_or_default();
            return fits(document.pointer(pointer).ok_or_else(|| format!("{says} leads nowhere"))?);
        }
        "type" => match says {
            Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
            kind => is_of(kind, value),
        },
        "const" => says == value,
        "enum" => says.as_array().is_some_and(|all| all.contains(value)),
        "anyOf" => count() > 0,
        "oneOf" => count() == 1,
        "allOf" => says.as_array().is_some_and(|all| count() == all.len()),
        "minimum" => value.as_f64() >= says.as_f64(),
        "maximum" => value.as_f64() <= says.as_f64(),
        "minLength" => length() >= says.as_u64(),
        "maxLength" => length() <= says.as_u64(),
        "required" => {
            says.as_array().into_iter().flatten().all(|name| value.get(name.as_str().unwrap()).is_some())
        }
        "items" => {
            return value.as_array().into_iter().flatten().try_for_each(|item| check(document, says, item));
        }
        "properties" => {
            let known = says.as_object().into_iter().flatten();
            return known
                .filter_map(|(name, schema)| Some((schema, value.get(name)?)))
                .try_for_each(|(schema, value)| check(document, schema, value));
        }
        "additionalProperties" => {
            let known = |name: &str| schema.get("properties").is_some_and(|known| known.get(name).is_some());
            let mut others = value.as_object().into_iter().flatten().filter(|(name, _)| !known(name));
            return match says {
                Value::Bool(false) => others.try_for_each(|(name, _)| Err(format!("{name} is too much"))),
                says => others.try_for_each(|(_, value)| check(document, says, value)),
            };
        }
        _ => SILENT.contains(&word),
    };
    if right { Ok(()) } else { Err(format!("{value} against {word}: {says}")) }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap_or_default() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}
