use encke::{Message, http::Payload, iframe::IframeConfig};
use encke_testkit::read_event_stream;
use serde_json::Value;

use super::{
    house::House,
    judges::{argument, node, pushes, scripts},
};

/// Every Unicode scalar value.
const SCALARS: usize = 0x11_0000 - 0x800;
/// Scalars in a message.
const BATCH: usize = 4_096;
/// Scalars that a name may have: all but the control characters.
const NAMED: usize = SCALARS - 65;

fn scalars() -> Vec<char> {
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    assert_eq!(all.len(), SCALARS);
    all
}

/// Messages of text that have every scalar value between them.
async fn all_scalars() -> House {
    let mut house = House::new();
    for batch in scalars().chunks(BATCH) {
        house.publish("news", Message::text(batch.iter().collect::<String>())).await;
    }
    house
}

/// Channels and names of messages that have between them every scalar value that they may have.
async fn all_named_scalars() -> House {
    let mut house = House::new();
    let named: Vec<char> = scalars().into_iter().filter(|scalar| !scalar.is_control()).collect();
    assert_eq!(named.len(), NAMED);
    for batch in named.chunks(60) {
        let text: String = batch.iter().collect();
        // With a letter before and after it, no segment of the channel is a wildcard.
        let message = Message::text("x").with_name(&text).unwrap();
        house.publish(&format!("c{text}c"), message).await;
    }
    house
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

async fn check_batches(house: &House) {
    let batches = house.polls(Payload::Envelope, "").await;
    let found: Vec<Value> =
        batches.iter().flat_map(|batch| parse(batch)["messages"].as_array().unwrap().clone()).collect();
    assert_eq!(found.len(), house.sent.len());
    house.sent.iter().zip(&found).for_each(|(sent, envelope)| sent.check(envelope));
}

#[tokio::test]
async fn every_scalar_in_a_batch() {
    let house = all_scalars().await;
    check_batches(&house).await;
    let data = house.polls(Payload::Data, "").await;
    let found = data.iter().flat_map(|batch| parse(batch)["messages"].as_array().unwrap().clone());
    assert!(found.eq(house.sent.iter().map(|sent| sent.data.clone())));
}

#[tokio::test]
async fn every_scalar_in_the_names_of_a_batch() {
    check_batches(&all_named_scalars().await).await;
}

async fn check_stream(house: &House) {
    let events = read_event_stream(&house.stream(Payload::Envelope).await);
    assert_eq!(events.len(), house.sent.len() + 1, "the opening, and an event for each message");
    for (sent, event) in house.sent.iter().zip(&events[1..]) {
        assert_eq!(
            (&event.id, Some(&event.name)),
            (&sent.cursor.to_string(), sent.name.as_ref().or(Some(&"message".to_owned())))
        );
        sent.check(&parse(event.data.as_ref().unwrap()));
    }
}

#[tokio::test]
async fn every_scalar_in_an_event_stream() {
    let house = all_scalars().await;
    check_stream(&house).await;
}

#[tokio::test]
async fn every_scalar_in_the_names_of_an_event_stream() {
    check_stream(&all_named_scalars().await).await;
}

/// The format has no way to say CR: as data of its own, text arrives with each CR and CRLF as LF. The envelope has it.
#[tokio::test]
async fn every_scalar_as_data_of_an_event_stream_where_line_ends_are_lf() {
    let house = all_scalars().await;
    let events = read_event_stream(&house.stream(Payload::Data).await);
    assert_eq!(events.len(), house.sent.len() + 1);
    for (sent, event) in house.sent.iter().zip(&events[1..]) {
        let expected = sent.data.as_str().unwrap().replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!((event.data.as_ref(), &event.id), (Some(&expected), &sent.cursor.to_string()));
    }
}

async fn check_frame(house: &House) {
    let document = house.frame(Payload::Envelope, IframeConfig::default(), "&callback=handle").await;
    let scripts = scripts(&document);
    let pushes = pushes(&scripts);
    assert_eq!(pushes.len(), house.sent.len());
    for (sent, script) in house.sent.iter().zip(pushes) {
        let (envelope, cursor) = argument(script);
        sent.check(&envelope);
        assert_eq!(cursor, sent.cursor.to_string());
    }
    let [given] = &node(&[scripts]).await[..] else { panic!("one program") };
    assert_eq!(given.len(), house.sent.len());
    house.sent.iter().zip(given).for_each(|(sent, given)| sent.check(&given[0]));
}

#[tokio::test]
async fn every_scalar_in_a_frame() {
    check_frame(&all_scalars().await).await;
}

#[tokio::test]
async fn every_scalar_in_the_names_of_a_frame() {
    check_frame(&all_named_scalars().await).await;
}

#[tokio::test]
async fn every_scalar_as_data_of_a_frame() {
    let house = all_scalars().await;
    let document = house.frame(Payload::Data, IframeConfig::default(), "&callback=handle").await;
    let scripts = scripts(&document);
    let found = pushes(&scripts).into_iter().map(|push| argument(push).0);
    assert!(found.eq(house.sent.iter().map(|sent| sent.data.clone())));
    let [given] = &node(&[scripts]).await[..] else { panic!("one program") };
    assert!(given.iter().map(|given| &given[0]).eq(house.sent.iter().map(|sent| &sent.data)));
}

async fn check_jsonp(house: &House) {
    let answers = house.polls(Payload::Envelope, "&callback=cb").await;
    assert!(answers.iter().all(|answer| answer.starts_with("/**/cb(") && answer.ends_with(");")));
    let given = node(&answers.into_iter().map(|answer| vec![answer]).collect::<Vec<_>>()).await;
    let found: Vec<&Value> =
        given.iter().flatten().flat_map(|given| given[0]["messages"].as_array().unwrap()).collect();
    assert_eq!(found.len(), house.sent.len());
    house.sent.iter().zip(found).for_each(|(sent, envelope)| sent.check(envelope));
}

#[tokio::test]
async fn every_scalar_in_jsonp() {
    check_jsonp(&all_scalars().await).await;
}

#[tokio::test]
async fn every_scalar_in_the_names_of_jsonp() {
    check_jsonp(&all_named_scalars().await).await;
}
