//! What a peer sends against each limit, and what it is told.

use encke_ws::{CloseCode, Incoming, SocketError, SocketLimits, watch::Violation};
use tokio::time::{Duration, Instant, sleep};

use crate::raw::{BINARY, BINARY_BEGIN, END, MORE, PING, TEXT, TEXT_BEGIN, bounded, frame, pair};

/// Receives after `frames`, which are written while nothing is read: `whole` messages, and then an error of which the
/// peer is told `code`.
async fn refused(frames: Vec<Vec<u8>>, whole: usize, code: u16) -> SocketError {
    let (mut socket, mut peer) = pair(1 << 20, &SocketLimits::default()).await;
    peer.write(frames.concat()).await;
    for _ in 0..whole {
        assert!(matches!(socket.recv().await, Some(Ok(_))));
    }
    let error = bounded(socket.recv()).await.unwrap().unwrap_err();
    assert!(socket.recv().await.is_none());
    assert_eq!(error.close_code().map(CloseCode::code), Some(code));
    tokio::spawn(socket.finish(CloseCode::Normal, ""));
    let mut told = bounded(peer.read_all()).await;
    let (_, payload) = told.pop().unwrap();
    assert_eq!(payload[..2], code.to_be_bytes());
    assert!(payload.len() > 2, "a reason");
    error
}

#[tokio::test]
async fn fragments_64() {
    let mut frames = vec![frame(TEXT_BEGIN, "")];
    frames.extend(vec![frame(MORE, ""); 62]);
    frames.push(frame(END, ""));
    frames.push(frame(TEXT_BEGIN, ""));
    frames.extend(vec![frame(MORE, ""); 64]);
    let error = refused(frames, 1, 1008).await;
    assert!(matches!(error, SocketError::Violation(Violation::Fragments)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn control_frames_20_at_once() {
    let mut frames = vec![frame(PING, "ping"); 20];
    frames.push(frame(TEXT, "whole"));
    frames.push(frame(PING, "ping"));
    let error = refused(frames, 1, 1008).await;
    assert!(matches!(error, SocketError::Violation(Violation::ControlRate)), "{error:?}");
}

#[tokio::test]
async fn message_64_kib() {
    let most = vec![b'x'; 64 << 10];
    let more = vec![b'x'; (64 << 10) + 1];
    let half = vec![b'x'; 32 << 10];
    let whole = frame(BINARY, &most);
    for over in [
        vec![whole.clone(), frame(BINARY, &more)],
        vec![whole.clone(), frame(BINARY, &more)[..14].to_vec()],
        vec![whole, frame(BINARY_BEGIN, &half), frame(MORE, &half), frame(END, "x")],
    ] {
        let error = refused(over, 1, 1009).await;
        assert!(matches!(error, SocketError::TooBig), "{error:?}");
    }
}

/// After the first fragment or the first half of a frame, silence.
#[tokio::test(start_paused = true)]
async fn message_10_seconds_of_silence() {
    let start = Instant::now();
    for half in [frame(TEXT_BEGIN, "half"), frame(TEXT, "half")[..8].to_vec(), frame(TEXT_BEGIN, "")] {
        let error = refused(vec![frame(TEXT, "whole"), half], 1, 4408).await;
        assert!(matches!(error, SocketError::Violation(Violation::MessageTime)), "{error:?}");
    }
    // Each ends as soon as the peer has been told: it closed its side.
    assert!(start.elapsed() >= Duration::from_secs(30));
}

/// A fragment every second, then a byte every second.
#[tokio::test(start_paused = true)]
async fn message_10_seconds_of_dripping() {
    let fragments = [vec![frame(TEXT_BEGIN, "")], vec![frame(MORE, ""); 30]].concat();
    let bytes = frame(TEXT, [b'x'; 40]).iter().map(|byte| vec![*byte]).collect();
    for drops in [fragments, bytes] {
        let (mut socket, mut peer) = pair(1 << 10, &SocketLimits::default()).await;
        let drip = tokio::spawn(async move {
            for drop in drops {
                peer.write(drop).await;
                sleep(Duration::from_secs(1)).await;
            }
        });
        let error = bounded(socket.recv()).await.unwrap().unwrap_err();
        assert!(matches!(error, SocketError::Violation(Violation::MessageTime)), "{error:?}");
        drip.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_within_its_limits_lives() {
    let (mut socket, mut peer) = pair(1 << 20, &SocketLimits::default()).await;
    for _ in 0..100 {
        peer.write(vec![frame(PING, ""); 10].concat()).await;
        peer.write(frame(TEXT_BEGIN, "ab")).await;
        sleep(Duration::from_secs(1)).await;
        peer.write(frame(END, "c")).await;
        assert!(matches!(socket.recv().await, Some(Ok(Incoming::Text(text))) if text == "abc"));
        socket.flush().await.unwrap();
        for _ in 0..10 {
            peer.read().await.unwrap();
        }
    }
}
