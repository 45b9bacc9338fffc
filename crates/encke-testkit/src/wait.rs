use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{PATIENCE, Raw};

/// Waits until something is so.
///
/// # Panics
/// If it is not within [`PATIENCE`].
pub async fn wait_for(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !done().await {
        assert!(begin.elapsed() < PATIENCE, "still waiting for {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A figure of a gateway's `/metrics`, of all labels together; 0 if it is not there.
pub async fn metric(gateway: SocketAddr, name: &str) -> u64 {
    let mut raw = Raw::connect(gateway).await;
    raw.request("GET /metrics", b"").await;
    let text = raw.answer().await.text();
    let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
    let values = text.lines().filter(of_name).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    values.sum()
}
