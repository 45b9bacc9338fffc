//! Those who wait.

use std::sync::Arc;

use encke_core::Since;
use tokio::task::JoinSet;

use super::{EngineUnderTest, Place, node::wait_for};

/// D5: a hundred wait, fall behind and catch up, and each gets everything that it follows.
pub async fn d5_a_hundred_subscribers_get_everything<E: EngineUnderTest>() {
    const MESSAGES: u32 = 120;
    let node = Arc::new(Place::<E>::new().await.open().await);
    let mut readers = JoinSet::new();
    for reader in 0..100 {
        let (texts, count) = [(&["a"][..], 1), (&["a", "b"], 2), (&["*"], 3), (&["c", "*"], 3)][reader % 4];
        let mut subscription = node.subscribe(texts, Since::Latest).await;
        readers.spawn(async move {
            let read = wait_for(&mut subscription, count * 120).await;
            assert!(read.gaps.is_empty(), "{:?}", read.gaps);
        });
    }
    let mut publishers = JoinSet::new();
    for channel in ["a", "b", "c"] {
        let node = Arc::clone(&node);
        publishers.spawn(async move { node.publish_all(channel, 0..MESSAGES).await });
    }
    publishers.join_all().await;
    readers.join_all().await;
}
