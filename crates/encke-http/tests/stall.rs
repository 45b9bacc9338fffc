//! The write deadline below the body.

use std::{io, time::Duration};

use encke_http::StallGuard;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    time::{Instant, sleep},
};

const DEADLINE: Duration = Duration::from_secs(15);

#[tokio::test(start_paused = true)]
async fn d9_a_peer_that_does_not_read_is_given_up() {
    let (near, _far) = duplex(1_000);
    let mut guarded = StallGuard::new(near, DEADLINE);
    let began = Instant::now();
    let error = guarded.write_all(&[0; 2_000]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(began.elapsed(), DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn progress_of_any_size_is_progress() {
    let (near, mut far) = duplex(10);
    let reader = tokio::spawn(async move {
        let mut read = Vec::new();
        while read.len() < 100 {
            sleep(DEADLINE - Duration::from_secs(1)).await;
            let mut some = [0; 10];
            let length = far.read(&mut some).await.unwrap();
            read.extend_from_slice(&some[..length]);
        }
        read
    });
    let mut guarded = StallGuard::new(near, DEADLINE);
    guarded.write_all(&[7; 100]).await.unwrap();
    assert_eq!(reader.await.unwrap(), [7; 100]);
}

#[tokio::test(start_paused = true)]
async fn silence_is_no_stall() {
    let (near, mut far) = duplex(10);
    let mut guarded = StallGuard::new(near, DEADLINE);
    guarded.write_all(b"one").await.unwrap();
    sleep(DEADLINE * 10).await;
    guarded.write_all(b"two").await.unwrap();
    let mut read = [0; 6];
    far.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"onetwo");
}
