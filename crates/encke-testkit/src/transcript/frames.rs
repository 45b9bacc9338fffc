//! WebSocket frames as lines: a text frame as it is, the others in brackets (RFC 6455, section 5.2).

use crate::Raw;

/// Reads one frame of a server.
pub(super) async fn read(raw: &mut Raw) -> String {
    let head = raw.take(2).await;
    let length = match head[1] {
        126 => raw.take(2).await.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        short => usize::from(short),
    };
    let payload = raw.take(length).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match head[0] & 15 {
        1 => text(&payload),
        2 => format!("[binary {}]", text(&payload)),
        8 if payload.is_empty() => "[close]".to_owned(),
        8 => {
            let code = u16::from_be_bytes([payload[0], payload[1]]);
            format!("[close {code} {}]", text(&payload[2..])).replace(" ]", "]")
        }
        9 => "[ping]".to_owned(),
        10 => "[pong]".to_owned(),
        opcode => panic!("a frame of kind {opcode}"),
    }
}

/// The bytes of one frame of a client, masked by zeros, which leave it as it is.
pub(super) fn of_line(line: &str) -> Vec<u8> {
    let words = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    let (kind, rest) = words.map_or(("text", line), |words| words.split_once(' ').unwrap_or((words, "")));
    let (opcode, payload) = match kind {
        "binary" => (2, rest.as_bytes().to_vec()),
        "close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = code.parse::<u16>().map(u16::to_be_bytes).map(Vec::from).unwrap_or_default();
            (8, [&code, reason.as_bytes()].concat())
        }
        "ping" => (9, Vec::new()),
        "pong" => (10, Vec::new()),
        _ => (1, line.as_bytes().to_vec()),
    };
    let length = u16::try_from(payload.len()).expect("a frame of a transcript is short");
    let mut frame = match u8::try_from(length) {
        Ok(short @ ..126) => vec![0x80 | opcode, 0x80 | short],
        _ => [&[0x80 | opcode, 0x80 | 126][..], &length.to_be_bytes()].concat(),
    };
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
