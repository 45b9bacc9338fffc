//! A chat that was made with PUBLISH and PSUBSCRIBE meets one over encke.

use encke_core::Kind;
use encke_testkit::{RedisServer, wait_for};

use crate::{
    bridge::{both_ways, open},
    moody::Moody,
    support::{Listener, Running, hub, say, stored, texts},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_that_publish_and_follow_in_redis_meet_those_of_encke() {
    let redis = RedisServer::start();
    let listener = Listener::follow(&redis, "chat").await;
    let hub = hub(&Moody::new());
    let bridge = open(&hub, &redis, both_ways("chat", "chat")).await;
    let running = Running::bridge(&bridge).works(&bridge).await;

    // As the server of the old chat says it: JSON.stringify({message: "<" + id + "> connected"}).
    redis.run(&["PUBLISH", "chat", r#"{"message":"<1> connected"}"#]);
    wait_for("the message here", async || stored(&hub, "chat").await.len() == 1).await;
    assert_eq!(stored(&hub, "chat").await[0].kind(), Kind::Json);
    say(&hub, "chat", r#"{"message":"<2> hello"}"#).await;
    wait_for("the message there", async || listener.texts().len() == 2).await;
    redis.run(&["PUBLISH", "chat", r#"{"message":"<1> bye"}"#]);
    wait_for("the answer here", async || stored(&hub, "chat").await.len() == 3).await;
    wait_for("the answer there", async || listener.texts().len() == 3).await;
    running.stop().await;

    let all = [r#"{"message":"<1> connected"}"#, r#"{"message":"<2> hello"}"#, r#"{"message":"<1> bye"}"#];
    assert_eq!(texts(&hub, "chat").await, all);
    assert_eq!(listener.texts(), all);
}
