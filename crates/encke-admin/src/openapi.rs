//! The document that describes the table (OpenAPI 3.1).

use schemars::JsonSchema;
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    AdminConfig,
    table::{Operation, Table},
};

/// What is wrong, and what to do (RFC 9457).
#[derive(JsonSchema)]
#[schemars(rename = "Problem")]
#[expect(dead_code, reason = "a schema: problems are those of all routes")]
pub(crate) struct ProblemSchema {
    /// `urn:encke:problem:` and the problem's name.
    r#type: String,
    /// The problem in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What was wrong here, and what would be right.
    detail: String,
    /// What to do: `retry`, `reauthenticate`, `give-up`, `come-back-later`.
    remedy: String,
    /// Seconds after which to come back.
    #[schemars(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

pub(crate) fn document(table: &mut Table, config: &AdminConfig) -> Box<RawValue> {
    let problem = table.output::<ProblemSchema>();
    let mut paths: Map<String, Value> = Map::new();
    for operation in &table.operations {
        let path = paths.entry(format!("/{}", operation.path)).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = describe(operation);
    }
    let server = if config.prefix.is_empty() { "." } else { &config.prefix };
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "encke administration",
            "description": "What there is on a node, why it is so, and what can be done about it.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{ "url": server }],
        "security": [{ "key": [] }, {}],
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            "responses": {
                "problem": {
                    "description": "What is wrong.",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
            "schemas": table.definitions(),
        },
    });
    serde_json::value::to_raw_value(&document).unwrap_or_default()
}

fn describe(operation: &Operation) -> Value {
    let parameters = operation.args.properties().map(|(name, schema)| {
        let in_path = operation.has_in_path(name);
        let mut schema = schema.clone();
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        // What is not there is no null in a query.
        if let Some([kind, _]) = schema["type"].as_array().map(Vec::as_slice) {
            schema["type"] = kind.clone();
        }
        json!({
            "name": name,
            "in": if in_path { "path" } else { "query" },
            "required": in_path || operation.args.is_required(name),
            "description": about.unwrap_or_default(),
            "schema": schema,
        })
    });
    let done = match &operation.answer {
        Some(schema) => json!({
            "description": "Done.",
            "content": { "application/json": { "schema": schema } },
        }),
        None => json!({ "description": "Done." }),
    };
    let status = if operation.answer.is_some() { "200" } else { "204" };
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.about,
        "parameters": parameters.collect::<Vec<_>>(),
        "responses": { status: done, "default": { "$ref": "#/components/responses/problem" } },
    });
    if let Some(schema) = &operation.body {
        described["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
    }
    described
}
