//! What waits for a peer is bounded, and so is how long.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use bytes::Bytes;
use encke_ws::{CloseCode, Frame, Incoming, SocketError, SocketLimits};
use tokio::{
    io::AsyncWriteExt,
    sync::mpsc,
    time::{Duration, Instant, sleep},
};

use crate::raw::{BINARY, CLOSE, PING, PONG, TEXT, bounded, frame, pair};

const SECOND: Duration = Duration::from_secs(1);

/// The peer pings as fast as it can and reads nothing. With the rate out of the way, what stops it is that nothing more
/// is read while a pong waits, so its pings stay with it.
#[tokio::test(start_paused = true)]
async fn unread_pongs_stop_the_reading() {
    let limits = SocketLimits::default().control_frames(u32::MAX, u32::MAX);
    let (mut socket, mut peer) = pair(1 << 10, &limits).await;
    let flood = tokio::spawn(async move {
        let ping = frame(PING, [0; 125]);
        let mut taken = 0;
        while taken < 10_000 && peer.stream.write_all(&ping).await.is_ok() {
            taken += 1;
        }
        taken
    });
    let error = bounded(socket.recv()).await.unwrap().unwrap_err();
    assert!(matches!(error, SocketError::Stalled), "{error:?}");
    drop(socket);
    // What is in flight both ways and in the buffers between: 1 KiB each way, and 4 KiB read ahead.
    let taken = flood.await.unwrap();
    assert!(taken < (1 + 1 + 4 + 1) * 1024 / 125, "{taken} pings were taken");
}

#[tokio::test(start_paused = true)]
async fn a_pong_waits_for_a_peer_that_reads_late() {
    let (mut socket, mut peer) = pair(64, &SocketLimits::default()).await;
    let server = tokio::spawn(async move {
        let text = socket.recv().await;
        assert!(matches!(text, Some(Ok(Incoming::Text(text))) if text == "after"));
    });
    let (mut read, mut write) = tokio::io::split(peer.stream);
    let writer = tokio::spawn(async move {
        write.write_all(&[frame(PING, [b'p'; 125]), frame(TEXT, "after")].concat()).await.unwrap();
        write
    });
    sleep(10 * SECOND).await;
    let mut pong = vec![0; 127];
    tokio::io::AsyncReadExt::read_exact(&mut read, &mut pong).await.unwrap();
    assert_eq!(pong[..2], [PONG, 125]);
    peer.stream = read.unsplit(writer.await.unwrap());
    server.await.unwrap();
}

/// Ready refuses long before memory grows, and then the peer has 15 seconds.
#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_stalled() {
    let (mut socket, _peer) = pair(1 << 10, &SocketLimits::default()).await;
    let start = Instant::now();
    let mut fed = 0;
    let error = loop {
        match poll_fn(|cx| socket.poll_ready(cx)).await {
            Ok(()) => socket.feed(Frame::Binary(Bytes::from_static(&[0; 1000]))).unwrap(),
            Err(error) => break error,
        }
        fed += 1;
        assert!(fed < 1000);
    };
    assert!(matches!(error, SocketError::Stalled), "{error:?}");
    assert!(fed * 1002 <= (1 << 10) + (16 << 10) + 2 * 1002, "{fed} fed");
    assert_eq!(start.elapsed().as_secs(), 15);
    // There is nobody to say goodbye to.
    socket.finish(CloseCode::TryAgain, "").await;
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_stalled() {
    let (mut socket, mut peer) = pair(100, &SocketLimits::default()).await;
    let payload = Bytes::from(vec![b'x'; 1000]);
    let sent = payload.clone();
    let server = tokio::spawn(async move { socket.send(Frame::Binary(sent)).await });
    let mut received = Vec::new();
    while received.len() < 1004 {
        sleep(14 * SECOND).await;
        let mut some = [0; 100];
        let read = tokio::io::AsyncReadExt::read(&mut peer.stream, &mut some).await.unwrap();
        received.extend(&some[..read]);
    }
    server.await.unwrap().unwrap();
    assert_eq!(received[4..], payload);
}

#[tokio::test(start_paused = true)]
async fn what_is_fed_without_asking_is_bounded() {
    let (mut socket, _peer) = pair(1 << 10, &SocketLimits::default()).await;
    let frame = || Frame::Binary(Bytes::from_static(&[0; 1000]));
    let fed = (0..1000).take_while(|_| socket.feed(frame()).is_ok()).count();
    assert!((200..256 * 1024 / 1000 + 2).contains(&fed), "{fed} fed");
    assert!(matches!(socket.feed(frame()), Err(SocketError::Full)));
}

#[tokio::test]
async fn a_frame_beyond_the_limit_is_not_taken_and_the_socket_lives() {
    let (mut socket, mut peer) = pair(1 << 20, &SocketLimits::default().sent_frame(1000)).await;
    assert!(matches!(socket.feed(Frame::Binary(Bytes::from(vec![0; 1001]))), Err(SocketError::Full)));
    socket.send(Frame::Binary(Bytes::from(vec![0; 1000]))).await.unwrap();
    assert_eq!(bounded(peer.read()).await.unwrap().1.len(), 1000);
}

/// The largest frame fits behind a full buffer, and a close frame behind both.
#[tokio::test(start_paused = true)]
async fn when_ready_the_largest_frame_is_taken() {
    const FULL: usize = (16 << 10) - 4;
    const LARGEST: usize = 238 << 10;
    let (mut socket, mut peer) = pair(64, &SocketLimits::default()).await;
    poll_fn(|cx| socket.poll_ready(cx)).await.unwrap();
    socket.feed(Frame::Binary(Bytes::from(vec![0; FULL]))).unwrap();
    poll_fn(|cx| socket.poll_ready(cx)).await.unwrap();
    socket.feed(Frame::Text(Bytes::from(vec![b'x'; LARGEST]))).unwrap();
    let server = tokio::spawn(socket.finish(CloseCode::TryAgain, "overload"));
    let read = bounded(async {
        let mut read = Vec::new();
        for _ in 0..3 {
            let (first, payload) = peer.read().await.unwrap();
            read.push((first, payload.len()));
        }
        read
    });
    assert_eq!(read.await, [(BINARY, FULL), (TEXT, LARGEST), (CLOSE, 10)]);
    drop(peer);
    server.await.unwrap();
}

/// One task waits for the peer and for something to send at once, as a driver does.
#[tokio::test]
async fn one_task_drives_both_directions() {
    let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
    let (log, mut messages) = mpsc::channel::<&'static str>(4);
    let driver = tokio::spawn(async move {
        let mut received = Vec::new();
        poll_fn(|cx| {
            while let Poll::Ready(incoming) = socket.poll_recv(cx) {
                match incoming {
                    Some(Ok(Incoming::Text(text))) => received.push(text),
                    None => return Poll::Ready(()),
                    other => panic!("{other:?}"),
                }
            }
            while socket.poll_ready(cx).is_ready()
                && let Poll::Ready(Some(message)) = messages.poll_recv(cx)
            {
                socket.feed(Frame::Text(Bytes::from_static(message.as_bytes()))).unwrap();
            }
            let _ = pin!(socket.flush()).poll(cx);
            Poll::Pending
        })
        .await;
        received
    });
    for _ in 0..10 {
        log.send("from the log").await.unwrap();
        peer.write(frame(TEXT, "from the peer")).await;
        assert_eq!(bounded(peer.read()).await, Some((TEXT, b"from the log".to_vec())));
    }
    peer.write(frame(CLOSE, "")).await;
    assert_eq!(bounded(peer.read()).await, Some((CLOSE, Vec::new())));
    assert_eq!(driver.await.unwrap().len(), 10);
}
