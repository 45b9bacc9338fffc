//! Refusals.

use encke_core::{AppendError, Retention, Since};

use super::{
    EngineUnderTest, Place,
    node::{keyed, message},
};

/// L7: each by its name, and nothing is stored.
pub async fn l7_each_limit_refuses_by_its_name<E: EngineUnderTest>() {
    let place = Place::<E>::with(|limits| {
        limits.bytes = 4_000;
        limits.retention.bytes = 2_000;
        limits.channels = 4;
        limits.places = 2;
        limits.keys = 2;
    });
    let place = place.await;
    let node = place.open().await;
    let large = |bytes: usize| "x".repeat(bytes - Retention::OVERHEAD);
    node.store(keyed(&["a"], "one", "first")).await.expect("room");
    node.store(keyed(&["a"], "two", "second")).await.expect("room");
    assert_eq!(node.refusal(keyed(&["a"], "three", "third")).await, AppendError::TooManyKeys);
    assert_eq!(node.refusal(keyed(&["a"], "three", "first")).await, AppendError::KeyConflict);
    assert_eq!(node.refusal(message(&["a", "b", "c"], "x")).await, AppendError::TooManyPlaces);
    assert_eq!(node.refusal(message(&["a"], &large(2_001))).await, AppendError::TooLarge);
    assert_eq!(node.read(&["**"], Since::Earliest).await.texts(), ["one", "two"], "nothing was stored");
    node.publish(&["b"], &large(1_500)).await;
    assert_eq!(node.refusal(message(&["c", "d"], &large(1_100))).await, AppendError::Full);
    node.publish(&["c", "d"], "x").await;
    assert_eq!(node.refusal(message(&["e"], "x")).await, AppendError::TooManyChannels);
    assert!(node.delete("d").await && node.delete("b").await);
    node.publish(&["e"], &large(1_900)).await;
}
