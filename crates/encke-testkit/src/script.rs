use serde_json::Value;

/// The value of an expression that stands in one of our scripts: JSON, or `JSON.parse` of a text of JSON.
///
/// # Panics
/// If it is neither, or if an HTML or JavaScript parser could see anything else in it.
pub fn script_value(expression: &str) -> Value {
    let harmful = |c| matches!(c, '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' | '\r' | '\n' | '\0');
    assert!(!expression.chars().any(harmful), "{expression:?} could be broken out of");
    let text = expression.strip_prefix("JSON.parse(").and_then(|text| text.strip_suffix(')'));
    let value = match text.map(serde_json::from_str::<String>) {
        Some(text) => text.and_then(|text| serde_json::from_str(&text)),
        None => serde_json::from_str(expression).inspect(assert_no_prototype),
    };
    value.unwrap_or_else(|error| panic!("{error}: {expression}"))
}

/// As a key of a literal it sets the prototype (ECMA-262, B.3.1), so it must not stand in one.
fn assert_no_prototype(value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(assert_no_prototype),
        Value::Object(fields) => {
            assert!(!fields.contains_key("__proto__"), "a literal sets a prototype");
            fields.values().for_each(assert_no_prototype);
        }
        _ => {}
    }
}
