//! Silence, and what breaks it.

use encke_ws::{CloseCode, SocketError, SocketLimits};
use tokio::time::{Duration, Instant, sleep};

use crate::raw::{CLOSE, PING, PONG, TEXT, bounded, frame, pair};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_given_up() {
    let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
    let start = Instant::now();
    let server = tokio::spawn(async move {
        let error = socket.recv().await.unwrap().unwrap_err();
        tokio::spawn(socket.finish(CloseCode::Normal, ""));
        (error, start.elapsed().as_secs())
    });
    assert_eq!(peer.read().await, Some((PING, Vec::new())));
    assert_eq!(start.elapsed().as_secs(), 25);
    let (first, payload) = peer.read().await.unwrap();
    assert_eq!((first, &payload[..2]), (CLOSE, &4408u16.to_be_bytes()[..]));
    assert_eq!(start.elapsed().as_secs(), 35);
    let (error, when) = server.await.unwrap();
    assert!(matches!(error, SocketError::Silent), "{error:?}");
    assert_eq!(when, 35);
}

/// For an hour, by a pong or by anything else.
#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_lives() {
    for answer in [frame(PONG, ""), frame(TEXT, "text"), frame(PING, "")[..1].to_vec()] {
        let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
        let server = tokio::spawn(async move {
            while let Some(received) = socket.recv().await {
                received.unwrap();
            }
        });
        for _ in 0..if answer.len() == 1 { 1 } else { 100 } {
            assert_eq!(bounded(peer.read()).await, Some((PING, Vec::new())));
            sleep(9 * SECOND).await;
            peer.write(&answer).await;
        }
        assert!(!server.is_finished());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_speaks_is_not_pinged() {
    let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
    let server = tokio::spawn(async move {
        for _ in 0..20 {
            assert!(matches!(socket.recv().await, Some(Ok(_))));
        }
        socket.finish(CloseCode::Normal, "").await;
    });
    for _ in 0..20 {
        sleep(24 * SECOND).await;
        peer.write(frame(TEXT, "")).await;
    }
    peer.write(frame(CLOSE, "")).await;
    assert_eq!(bounded(peer.read_close()).await, 1000);
    server.await.unwrap();
}
