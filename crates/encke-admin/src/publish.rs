//! Publishing, many messages at a time and each to many channels.

use std::{collections::BTreeMap, sync::LazyLock};

use encke_core::Publish;
use encke_http::store_all;
use encke_wire::{Problem, PublishCommand, Receipt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    call::{Answer, Call, Nothing},
    input::Shape,
    openapi::ProblemSchema,
    table::Table,
    values::Channel,
};

pub(crate) fn operations(table: Table) -> Table {
    table.post(
        ("publish", "publish"),
        "Publishes messages, one after the other, each with its own result",
        publish,
    )
}

/// Messages to publish.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Publish")]
struct Messages {
    /// What each is comes with its own result; one that is malformed leaves the others as they are.
    #[schemars(with = "Vec<MessageSchema>")]
    messages: Vec<Box<RawValue>>,
}

/// A message to publish.
#[derive(JsonSchema)]
#[schemars(rename = "Message", deny_unknown_fields)]
#[expect(dead_code, reason = "a schema: a message is read where all messages are")]
struct MessageSchema {
    /// Its channel,
    channel: Option<Channel>,
    /// or its channels.
    #[schemars(default)]
    channels: Vec<Channel>,
    /// The data, any JSON value,
    data: Option<Value>,
    /// or binary data in base64.
    base64: Option<String>,
    /// Its name.
    name: Option<String>,
    /// The key that makes a repetition safe.
    key: Option<String>,
}

/// What a message is checked by.
static MESSAGE: LazyLock<Shape> = LazyLock::new(Shape::of::<MessageSchema>);

/// What came of the messages.
#[derive(Serialize, JsonSchema)]
struct Published {
    /// Of each, in order.
    results: Vec<PublishResult>,
}

/// What came of a message.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum PublishResult {
    Stored(#[schemars(with = "ReceiptSchema")] Receipt),
    Refused(#[schemars(with = "ProblemSchema")] Problem),
}

/// A message that is stored.
#[derive(JsonSchema)]
#[schemars(rename = "Receipt")]
#[expect(dead_code, reason = "a schema: the receipt is that of all who publish")]
struct ReceiptSchema {
    /// Its place.
    cursor: String,
    /// Its number.
    seq: u64,
    /// How many subscribers its channels had.
    subscribers: usize,
    /// Of each subject whose own channel it went to, whether he was there.
    #[schemars(skip_serializing_if = "BTreeMap::is_empty")]
    present: BTreeMap<String, bool>,
    /// Whether this repeats the answer to an earlier publish with the same key.
    #[schemars(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
    /// `relaxed` where the answer does not wait until a loss of power cannot take the message away.
    #[schemars(skip_serializing_if = "Option::is_none")]
    durability: Option<String>,
}

async fn publish(call: Call, _: Nothing, Messages { messages }: Messages) -> Answer<Published> {
    let limit = call.shared.config.batch;
    if messages.is_empty() || messages.len() > limit {
        return Err(Problem::bad_request(format!("messages has 1 to {limit} items")));
    }
    let publishes = messages.iter().map(|message| read(message.get().as_bytes())).collect();
    let results = store_all(call.hub(), &call.asker, publishes).await.into_iter();
    let results = results.map(|result| result.map_or_else(PublishResult::Refused, PublishResult::Stored));
    Ok(Published { results: results.collect() })
}

fn read(message: &[u8]) -> Answer<Publish> {
    MESSAGE.check(message)?;
    PublishCommand::parse(message)?.into_publish(&[])
}
