//! The document: what it says is what there is.

use std::collections::BTreeSet;

use crate::{desk::Desk, schema};
use encke_admin::{Admin, AdminConfig};
use encke_core::LogConfig;
use encke_hub::HubConfig;
use serde_json::{Value, json};

#[tokio::test]
async fn each_operation_stands_in_the_document_once_with_its_schemas() {
    let document = Desk::new().get("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut told = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            told.insert((method.to_ascii_uppercase(), path.clone()));
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            assert!(!operation["summary"].as_str().unwrap().is_empty());
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path: BTreeSet<_> = parameters.iter().filter(|it| it["in"] == "path").map(named).collect();
            let braces = path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'));
            assert_eq!(in_path, braces.collect(), "{method} {path}");
            for parameter in parameters {
                assert!(
                    !parameter["description"].as_str().unwrap().is_empty(),
                    "{method} {path}: {parameter}"
                );
                assert!(
                    parameter["schema"].get("type").is_some() || parameter["schema"].get("oneOf").is_some()
                );
            }
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(!body.is_null(), method == "post", "{method} {path}");
            let done = operation["responses"].as_object().unwrap();
            let schema = &done.get("200").unwrap_or(&Value::Null)["content"]["application/json"]["schema"];
            assert_eq!(schema.is_null(), method == "delete", "{method} {path}");
            assert!(done.contains_key("default"));
        }
    }
    let operations = Admin::operations();
    let all: BTreeSet<_> = operations.iter().map(|(it, path)| (it.to_string(), path.clone())).collect();
    assert_eq!((all.len(), &all), (operations.len(), &told));
    println!("{} operations", operations.len());
}

#[test]
fn the_page_for_people_has_the_same_operations() {
    let page = include_str!("../../../../docs/spec/admin.md");
    let rows =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).map(|(first, _)| first);
    let methods = ["GET ", "POST ", "DELETE "];
    let told: Vec<_> = rows.filter(|row| methods.iter().any(|method| row.starts_with(method))).collect();
    let operations = Admin::operations();
    let mut all: Vec<_> =
        operations.iter().map(|(method, path)| format!("{method} {}", &path[1..])).collect();
    let mut told: Vec<_> = told.into_iter().map(str::to_owned).collect();
    all.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, all);
}

fn named(parameter: &Value) -> &str {
    parameter["name"].as_str().unwrap()
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = Desk::new().get("/openapi.json").await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/components/schemas/{name}")), "{name}");
        assert!(name.chars().all(char::is_alphabetic), "{name}: two types of one name");
    }
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| name == "$ref") {
                    Some(reference) => drop(found.insert(reference.to_owned())),
                    None => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_prefix_is_the_server_and_stands_before_each_path() {
    let config = AdminConfig::default().prefix("/admin/api");
    let desk = Desk::with(config, HubConfig::default(), LogConfig::default());
    let ask = |target: &'static str| desk.answer(Some("key"), http::Method::GET, target, b"");
    let (status, document) = ask("/admin/api/openapi.json").await;
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!((status.as_u16(), &document["servers"]), (200, &json!([{ "url": "/admin/api" }])));
    assert_eq!(ask("/admin/api/channels").await.0, 200);
    assert_eq!(ask("/admin/api").await.0, 404);
    assert_eq!(ask("/admin/apichannels").await.0, 404);
}

#[test]
fn the_check_of_answers_finds_what_is_wrong() {
    let schema = json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {
            "a": { "type": ["integer", "null"], "minimum": 1 },
            "b": { "type": "array", "items": { "$ref": "#/text" } },
        },
    });
    let document = json!({ "text": { "oneOf": [{ "type": "string", "maxLength": 2 }, { "const": 7 }] } });
    for (value, right) in [
        (json!({ "a": 1, "b": ["xx", 7] }), true),
        (json!({ "a": 0 }), false),
        (json!({ "a": "1" }), false),
        (json!({ "b": [] }), false),
        (json!({ "a": 1, "c": 1 }), false),
        (json!({ "a": 1, "b": ["xxx"] }), false),
        (json!({ "a": 1, "b": [8] }), false),
        (json!([]), false),
    ] {
        assert_eq!(schema::check(&document, &schema, &value).is_ok(), right, "{value}");
    }
    assert!(schema::check(&document, &json!({ "patternProperties": {} }), &json!({})).is_err());
}
