//! Where one begins.

use std::time::Duration;

use encke_core::{Since, Timestamp};

use super::{EngineUnderTest, Place};

/// Each `since`, of each selection, finds in what the engine keeps what it would find in memory.
pub async fn every_since_begins_where_it_does_in_memory<E: EngineUnderTest>() {
    let place = Place::<E>::with(|limits| limits.retention.count = 30).await;
    let (node, memory) = (place.open().await, place.in_memory().await);
    let begin = place.now();
    let mut random = fastrand::Rng::with_seed(3);
    for number in 0..120 {
        let channel = ["a", "a.x", "b", "b"][random.usize(..4)];
        let channels = if number % 7 == 0 { vec![channel, "all"] } else { vec![channel] };
        let text = number.to_string();
        node.publish(&channels, &text).await;
        memory.publish(&channels, &text).await;
        place.pass(Duration::from_secs(10));
    }
    let at = |seconds| Since::At(Timestamp::after(begin, Duration::from_secs(seconds)));
    let counts = [0, 1, 2, 5, 20, 50, 1_000].map(Since::Last);
    let ages = [0, 5, 300, 333, 3_600].map(|seconds| Since::Ago(Duration::from_secs(seconds)));
    let moments = [0, 100, 605, 900, 1_190, 2_000].map(at);
    let all = counts.into_iter().chain(ages).chain(moments).chain([Since::Earliest, Since::Latest]);
    for since in all {
        for texts in [&["a"][..], &["b"], &["a", "b"], &["*"], &["**"], &["a.*", "all"], &["none"]] {
            let read = node.read(texts, since).await;
            let expected = memory.read(texts, since).await;
            assert_eq!(read.texts(), expected.texts(), "{texts:?} since {since:?}");
            assert_eq!(read.reasons(), expected.reasons(), "{texts:?} since {since:?}");
        }
    }
}
