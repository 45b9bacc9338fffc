//! The meter as a stream.

use bytes::Bytes;
use encke_ws::{SocketLimits, meter::Meter, watch::Violation};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream, duplex},
    time::{Duration, Instant, advance},
};

use crate::raw::{PING, TEXT, TEXT_BEGIN, frame};

#[tokio::test]
async fn bytes_before_a_violation_are_read_and_then_nothing() {
    let (ours, mut theirs) = duplex(1 << 10);
    let mut meter = Meter::new(ours, Bytes::new(), &SocketLimits::default().control_frames(1, 2));
    let clean = [frame(TEXT, "whole"), frame(PING, ""), frame(PING, "")].concat();
    theirs.write_all(&[&clean[..], &frame(PING, ""), &frame(TEXT, "never")].concat()).await.unwrap();

    let mut read = Vec::new();
    let error = meter.read_to_end(&mut read).await.unwrap_err();
    assert_eq!(read, clean);
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(meter.violation(), Some(Violation::ControlRate));
    assert!(meter.read_u8().await.is_err());
}

#[tokio::test]
async fn early_bytes_are_read_first_and_judged_too() {
    let (ours, mut theirs) = duplex(1 << 10);
    let whole = frame(TEXT, b"\xf4\x90\x80\x80");
    let (early, late) = whole.split_at(7);
    theirs.write_all(late).await.unwrap();

    let mut meter = Meter::new(ours, Bytes::copy_from_slice(early), &SocketLimits::default());
    let mut read = Vec::new();
    assert!(meter.read_to_end(&mut read).await.is_err());
    assert_eq!(read, early);
    assert_eq!(meter.violation(), Some(Violation::Text));
}

#[tokio::test(start_paused = true)]
async fn silence_in_a_message_expires() {
    let (ours, mut theirs) = duplex(1 << 10);
    let mut meter = Meter::new(ours, Bytes::new(), &SocketLimits::default());
    let half = frame(TEXT_BEGIN, "half");
    theirs.write_all(&half).await.unwrap();
    meter.read_exact(&mut vec![0; half.len()]).await.unwrap();

    assert_eq!(meter.deadline(), Some(Instant::now() + Duration::from_secs(10)));
    advance(Duration::from_secs(10)).await;
    assert_eq!(meter.expire(Instant::now()), Err(Violation::MessageTime));
    assert_eq!(meter.violation(), Some(Violation::MessageTime));
    assert!(meter.read_u8().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_seen_to_block() {
    let (ours, mut theirs) = duplex(8);
    let mut meter = Meter::new(ours, Bytes::new(), &SocketLimits::default());
    assert_eq!(meter.blocked(), None);
    let since = Instant::now();
    assert!(tokio::time::timeout(Duration::from_secs(3), meter.write_all(&[0; 16])).await.is_err());
    assert_eq!(meter.blocked(), Some(since));

    theirs.read_exact(&mut [0; 8]).await.unwrap();
    meter.write_all(&[0; 8]).await.unwrap();
    assert_eq!(meter.blocked(), None);
    assert_eq!(meter.heard(), Instant::now());
}

/// A stream that buffers by itself, as TLS does, goes on taking bytes for a while.
#[tokio::test(start_paused = true)]
async fn a_buffer_in_between_does_not_hide_that() {
    let (ours, _theirs) = duplex(8);
    let mut meter = Meter::new(BufStream::new(ours), Bytes::new(), &SocketLimits::default());
    meter.write_all(&[0; 16]).await.unwrap();
    assert_eq!(meter.blocked(), None);
    let since = Instant::now();
    assert!(tokio::time::timeout(Duration::from_secs(3), meter.flush()).await.is_err());
    meter.write_all(&[0; 16]).await.unwrap();
    assert_eq!(meter.blocked(), Some(since));
    assert_eq!(meter.heard(), since);
}
