//! What is there after the engine was opened anew.

use encke_hub::Engine;
use tempfile::TempDir;

use crate::common::{all, open, store, text};

#[tokio::test]
async fn l3_what_is_answered_is_there_after_reopening() {
    let dir = TempDir::new().unwrap();
    let engine = open(&dir);
    let epoch = engine.log().head().epoch;
    for number in 1..=100 {
        let channels = if number % 10 == 0 { ["a", "b"] } else { ["a", "a"] };
        let appended = store(&engine, text(&channels, &format!("m{number}")), number).await.unwrap();
        assert_eq!((appended.cursor.seq, appended.repeated), (number, false));
    }
    let before = all(&engine, &["a", "b"], 7).await;
    assert_eq!(before.len(), 100);
    drop(engine);

    let engine = open(&dir);
    assert_eq!(engine.log().head().epoch, epoch);
    assert_eq!(engine.log().head().seq, 100);
    assert_eq!(all(&engine, &["a", "b"], 13).await, before);
    assert_eq!(all(&engine, &["b"], 1).await.len(), 10);
    assert_eq!(store(&engine, text(&["b"], "next"), 1).await.unwrap().cursor.seq, 101);
    let last = all(&engine, &["b"], 100).await.pop().unwrap();
    assert_eq!(last, (101, "next".into()));
}
