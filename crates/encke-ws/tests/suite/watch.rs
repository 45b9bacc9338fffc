//! The pure part of the meter against naive models, under every cut of the stream.

use std::time::Duration;

use encke_ws::{
    SocketLimits,
    frame::{FrameCutter, FrameHeader, Piece},
    watch::{Breach, Violation, Watch},
};
use proptest::{collection::vec, prelude::*};
use tokio::time::Instant;

use crate::raw::{BINARY_BEGIN, END, MORE, PING, PONG, TEXT, TEXT_BEGIN, frame};

/// A frame as it is to be written: header fields, payload, whether the length is in its shortest form.
#[derive(Debug, Clone)]
struct Sent {
    header: FrameHeader,
    payload: Vec<u8>,
    length_bytes: usize,
}

fn sent() -> impl Strategy<Value = Sent> {
    let payload =
        prop_oneof![vec(any::<u8>(), 0..8), vec(any::<u8>(), 120..130), vec(any::<u8>(), 65_530..65_540)];
    (any::<bool>(), 0..8u8, 0..16u8, any::<Option<[u8; 4]>>(), payload, 0..3usize).prop_map(
        |(fin, reserved, opcode, mask, payload, form)| {
            let length = payload.len() as u64;
            let shortest = if length < 126 {
                0
            } else if length < 65_536 {
                1
            } else {
                2
            };
            let length_bytes = [0, 2, 8][form.max(shortest)];
            Sent { header: FrameHeader { fin, reserved, opcode, mask, length }, payload, length_bytes }
        },
    )
}

fn written(Sent { header, payload, length_bytes }: &Sent) -> Vec<u8> {
    let first = u8::from(header.fin) << 7 | header.reserved << 4 | header.opcode;
    let mark = u8::from(header.mask.is_some()) << 7;
    let length = header.length.to_be_bytes();
    let short = match length_bytes {
        2 => 126,
        8 => 127,
        _ => length[7],
    };
    let mask = header.mask.as_ref().map_or(&[][..], |mask| mask);
    [&[first, mark | short], &length[8 - length_bytes..], mask, payload].concat()
}

/// What the cutter makes of the stream: each header, with the payload put together from its pieces.
fn cut(chunks: &[&[u8]]) -> Vec<(FrameHeader, Vec<u8>, bool)> {
    let mut cutter = FrameCutter::default();
    let mut frames: Vec<(FrameHeader, Vec<u8>, bool)> = Vec::new();
    for mut bytes in chunks.iter().copied() {
        while let Some(piece) = cutter.cut(&mut bytes) {
            match piece {
                Piece::Header(header) => frames.push((header, Vec::new(), false)),
                Piece::Payload { header, bytes, at, last } => {
                    let (current, payload, ended) = frames.last_mut().unwrap();
                    assert_eq!((*current, payload.len() as u64, *ended), (header, at, false));
                    payload.extend(bytes);
                    *ended = last;
                }
            }
        }
        assert!(bytes.is_empty());
    }
    frames
}

fn split<'a>(mut bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (chunk, rest) = bytes.split_at(bytes.len().min(*size));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks
}

proptest! {
    #[test]
    fn frames_are_cut_as_they_were_written(frames in vec(sent(), 1..6), sizes in vec(1..70_000usize, 1..4), small in vec(1..20usize, 1..6)) {
        let stream: Vec<u8> = frames.iter().flat_map(written).collect();
        let expected: Vec<_> = frames.into_iter().map(|sent| (sent.header, sent.payload, true)).collect();
        prop_assert_eq!(&cut(&[&stream]), &expected);
        prop_assert_eq!(&cut(&split(&stream, &sizes)), &expected);
        prop_assert_eq!(&cut(&split(&stream, &small)), &expected);
    }

    #[test]
    fn any_bytes_are_judged_alike_however_they_are_cut(bytes in vec(any::<u8>(), 0..400), sizes in vec(1..30usize, 1..6)) {
        let whole = watch().inspect(&bytes, Instant::now()).map_err(|breach| breach.violation);
        prop_assert_eq!(inspect(&mut watch(), &split(&bytes, &sizes)), whole);
    }

    #[test]
    fn text_is_judged_as_std_does(text in vec(prop_oneof![any::<char>().prop_map(|c| c.to_string().into_bytes()), vec(any::<u8>(), 0..3)], 0..300),
        parts in vec(1..900usize, 1..5), sizes in vec(1..700usize, 1..5)) {
        let text = text.concat();
        let stream = message(&text, &parts);
        let judged = inspect(&mut watch(), &split(&stream, &sizes));
        prop_assert_eq!(judged.is_ok(), std::str::from_utf8(&text).is_ok());
    }
}

fn watch() -> Watch {
    Watch::new(&SocketLimits::default().fragments(1000), Instant::now())
}

fn inspect(watch: &mut Watch, chunks: &[&[u8]]) -> Result<(), Violation> {
    chunks
        .iter()
        .try_for_each(|chunk| watch.inspect(chunk, Instant::now()).map_err(|breach| breach.violation))
}

/// A text message in fragments of these sizes, with pings between them.
fn message(text: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut stream = frame(TEXT_BEGIN, "");
    for (at, part) in split(text, sizes).into_iter().enumerate() {
        stream.extend(frame(MORE, part));
        if at < 10 {
            stream.extend(frame(PING, b"\xff"));
        }
    }
    stream.extend(frame(END, ""));
    stream
}

/// Every header of up to 14 bytes, cut at every place.
#[test]
fn a_header_may_be_cut_anywhere() {
    for length in [0, 125, 126, 65_535, 65_536] {
        let stream = frame(TEXT, vec![b'x'; length]);
        for at in 0..stream.len().min(20) {
            let (a, b) = stream.split_at(at);
            let frames = cut(&[a, b]);
            assert_eq!(frames.len(), 1);
            assert_eq!((frames[0].0.length, frames[0].1.len(), frames[0].2), (length as u64, length, true));
        }
    }
}

/// A violation is seen with the very byte that makes it certain.
#[test]
fn bad_text_is_seen_at_once() {
    for (bytes, certain) in
        [(&b"a\xff"[..], 2), (b"\xf4\x90\x80\x80", 2), (b"\xed\xa0\x80", 2), (b"\xe2\x82(", 3)]
    {
        let stream = frame(TEXT, [bytes, b"rest"].concat());
        let mut watch = watch();
        let now = Instant::now();
        let failed = (0..stream.len()).find(|at| watch.inspect(&stream[*at..=*at], now).is_err());
        assert_eq!(failed, Some(6 + certain - 1), "{bytes:x?}");
    }
}

#[test]
fn bytes_before_the_breach_are_clean() {
    let mut watch = Watch::new(&SocketLimits::default().control_frames(1, 1), Instant::now());
    let clean = [frame(TEXT, "whole"), frame(PING, "first"), frame(BINARY_BEGIN, "half")].concat();
    let stream = [&clean[..], &frame(PONG, "second"), &frame(END, "")].concat();
    let breach = Breach { violation: Violation::ControlRate, clean: clean.len() };
    assert_eq!(watch.inspect(&stream, Instant::now()), Err(breach));
}

#[test]
fn fragments_are_counted_empty_or_not() {
    let now = Instant::now();
    let limits = SocketLimits::default();
    for part in ["", "x"] {
        let mut watch = Watch::new(&limits, now);
        for _ in 0..2 {
            assert_eq!(watch.inspect(&frame(TEXT_BEGIN, part), now), Ok(()));
            for _ in 0..62 {
                assert_eq!(watch.inspect(&frame(MORE, part), now), Ok(()));
            }
            assert_eq!(watch.inspect(&frame(END, part), now), Ok(()));
        }
        assert_eq!(watch.inspect(&frame(TEXT_BEGIN, part), now), Ok(()));
        for _ in 0..63 {
            assert_eq!(watch.inspect(&frame(MORE, part), now), Ok(()));
        }
        let breach = Breach { violation: Violation::Fragments, clean: 0 };
        assert_eq!(watch.inspect(&frame(END, part), now), Err(breach));
    }
}

#[test]
fn control_frames_are_ten_a_second_after_twenty() {
    let start = Instant::now();
    let mut watch = Watch::new(&SocketLimits::default(), start);
    let mut allowed = |milliseconds| {
        let now = start + Duration::from_millis(milliseconds);
        (0..100).take_while(|_| watch.inspect(&frame(PONG, ""), now).is_ok()).count()
    };
    assert_eq!(allowed(0), 20);
    assert_eq!(allowed(99), 0);
    assert_eq!(allowed(100), 1);
    assert_eq!(allowed(1100), 10);
    assert_eq!(allowed(60_000), 20);
}

#[test]
fn a_message_has_ten_seconds() {
    let start = Instant::now();
    let deadline = start + Duration::from_secs(10);
    let mut watch = Watch::new(&SocketLimits::default(), start);
    assert_eq!(watch.deadline(), None);

    assert_eq!(watch.inspect(&frame(TEXT_BEGIN, "a"), start), Ok(()));
    assert_eq!(watch.deadline(), Some(deadline));
    let late = deadline - Duration::from_millis(1);
    assert_eq!(watch.expire(late), Ok(()));
    assert_eq!(watch.inspect(&frame(MORE, "b"), late), Ok(()));
    assert_eq!(watch.expire(deadline), Err(Violation::MessageTime));
    let breach = Breach { violation: Violation::MessageTime, clean: 6 };
    assert_eq!(watch.inspect(&frame(END, "c"), deadline), Err(breach));
}

#[test]
fn a_half_frame_has_ten_seconds_and_a_whole_one_none() {
    let start = Instant::now();
    let mut watch = Watch::new(&SocketLimits::default(), start);
    let stream = frame(TEXT, "frame");
    assert_eq!(watch.inspect(&stream[..7], start), Ok(()));
    assert_eq!(watch.deadline(), Some(start + Duration::from_secs(10)));
    assert_eq!(watch.inspect(&stream[7..], start), Ok(()));
    assert_eq!(watch.deadline(), None);
}
