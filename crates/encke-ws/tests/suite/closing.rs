//! The closing handshake from our side, and the ends that are none.

use bytes::Bytes;
use encke_ws::{CloseCode, Frame, Incoming, Socket, SocketError, SocketLimits};
use tokio::time::{Duration, Instant};

use crate::raw::{CLOSE, PING, Peer, TEXT, bounded, close, frame, pair};

#[tokio::test(start_paused = true)]
async fn every_code_reaches_the_peer_and_the_stream_ends() {
    let codes = [
        CloseCode::Normal,
        CloseCode::GoingAway,
        CloseCode::Protocol,
        CloseCode::Unsupported,
        CloseCode::BadData,
        CloseCode::Policy,
        CloseCode::TooBig,
        CloseCode::Internal,
        CloseCode::Restart,
        CloseCode::TryAgain,
        CloseCode::TimedOut,
    ];
    for code in codes {
        let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
        socket.feed(Frame::Text(Bytes::from_static(b"last"))).unwrap();
        let server = tokio::spawn(async move { socket.finish(code, &"reason ".repeat(40)).await });
        assert_eq!(peer.read().await, Some((TEXT, b"last".to_vec())));
        let (first, payload) = peer.read().await.unwrap();
        assert_eq!((first, &payload[..2], payload.len()), (CLOSE, &code.code().to_be_bytes()[..], 125));
        // The stream does not end before the peer has answered.
        assert!(tokio::time::timeout(Duration::from_secs(4), peer.read()).await.is_err());
        peer.write(frame(CLOSE, &payload[..2])).await;
        assert_eq!(peer.read().await, None);
        drop(peer);
        bounded(server).await.unwrap();
    }
}

/// The peer neither answers nor ends the stream, or it says other things for ever.
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_close_is_left_after_five_seconds() {
    for talks in [false, true] {
        let (socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
        let start = Instant::now();
        let server = tokio::spawn(socket.finish(CloseCode::Restart, "drain"));
        let talk = tokio::spawn(async move {
            for _ in 0..if talks { 1000 } else { 0 } {
                tokio::time::sleep(Duration::from_millis(20)).await;
                tokio::io::AsyncWriteExt::write_all(&mut peer.stream, &frame(TEXT, "talk")).await?;
            }
            std::future::pending::<std::io::Result<()>>().await
        });
        server.await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 5);
        talk.abort();
    }
}

/// After a failure a flood is read past for a while, so that the peer sees why, and then no longer.
#[tokio::test(start_paused = true)]
async fn a_peer_that_floods_is_left_after_a_mebibyte() {
    let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
    let flood = tokio::spawn(async move {
        let wrong = frame(0x83, [0; 1000]);
        let mut taken = 0;
        while taken < 10 << 20 && tokio::io::AsyncWriteExt::write_all(&mut peer.stream, &wrong).await.is_ok()
        {
            taken += wrong.len();
        }
        taken
    });
    assert!(matches!(socket.recv().await, Some(Err(SocketError::Protocol(_)))));
    let start = Instant::now();
    socket.finish(CloseCode::Normal, "").await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let taken = flood.await.unwrap();
    assert!((1 << 20..(1 << 20) + (8 << 10)).contains(&taken), "{taken} bytes were taken");
}

/// A message that crosses our close frame is dropped, and the peer's close is still awaited.
#[tokio::test(start_paused = true)]
async fn messages_that_cross_the_close_are_read_past() {
    let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
    socket.close(CloseCode::GoingAway, "");
    assert!(socket.recv().await.is_none());
    assert!(matches!(socket.feed(Frame::Text(Bytes::new())), Err(SocketError::Closed)));
    assert!(matches!(socket.flush().await, Err(SocketError::Closed)));
    let crossing = [frame(TEXT, "crossing"), frame(PING, "p"), frame(CLOSE, close(1001, ""))].concat();
    peer.write(crossing).await;
    tokio::spawn(socket.finish(CloseCode::Internal, "the first close counts"));
    assert_eq!(bounded(peer.read_close()).await, 1001);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_cannot_hold_the_close() {
    let (mut socket, _peer) = pair(16, &SocketLimits::default()).await;
    socket.feed(Frame::Binary(Bytes::from_static(&[0; 1000]))).unwrap();
    let start = Instant::now();
    socket.finish(CloseCode::TryAgain, "overload").await;
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn the_end_of_the_stream_without_a_close_is_a_loss() {
    for sent in [Vec::new(), frame(TEXT, "half")[..8].to_vec()] {
        let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
        peer.write(sent).await;
        drop(peer);
        let error = bounded(socket.recv()).await.unwrap().unwrap_err();
        assert!(matches!(error, SocketError::Lost), "{error:?}");
        assert_eq!(error.close_code(), None);
        bounded(socket.finish(CloseCode::Normal, "")).await;
    }
}

#[tokio::test]
async fn bytes_that_http_has_read_already_come_first() {
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let stream = [frame(TEXT, "early"), frame(TEXT, "late")].concat();
    let mut peer = Peer { stream: theirs };
    peer.write(&stream[13..]).await;
    let early = Bytes::copy_from_slice(&stream[..13]);
    let mut socket = Socket::new(ours, early, &SocketLimits::default()).await;
    for expected in ["early", "late"] {
        assert!(matches!(socket.recv().await, Some(Ok(Incoming::Text(text))) if text == expected));
    }
}
