//! The header of the PROXY protocol, versions 1 and 2, in which a proxy says whose connection it passes on.

use std::net::IpAddr;

use ppp::{v1, v2};

use crate::stream::Stream;

/// The longest header of version 1, with its end (PROXY protocol, section 2.1).
const TEXT: usize = 107;
/// The part of a header of version 2 that says how long the rest is.
const FIXED: usize = 16;
/// The longest header that is read: addresses of 216 bytes at most, and what a proxy tells of TLS beside them.
const MOST: usize = 2 << 10;

/// Why there is no header.
#[derive(Debug)]
pub(crate) enum HeaderError {
    /// The stream has ended.
    Gone,
    /// There is something else, or it is wrong.
    Garbage,
}

/// Reads the header, and nothing of what comes after it. `None`: the connection is the proxy's own, or the proxy does not
/// know whose it is.
pub(crate) async fn read(stream: &mut Stream) -> Result<Option<IpAddr>, HeaderError> {
    loop {
        match parse(stream.ahead()) {
            Ok((length, address)) => {
                stream.skip(length);
                return Ok(address);
            }
            Err(Unfinished::Short) => stream.read_ahead(MOST).await.map_err(|_| HeaderError::Gone)?,
            Err(Unfinished::Wrong) => return Err(HeaderError::Garbage),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Unfinished {
    Short,
    Wrong,
}

/// The length of the header that `bytes` begin with, and the client's address. What is whole is parsed once: the parsers
/// take what is cut within a field for wrong.
fn parse(bytes: &[u8]) -> Result<(usize, Option<IpAddr>), Unfinished> {
    let text_prefix = v1::PROTOCOL_PREFIX.as_bytes();
    if bytes.starts_with(v2::PROTOCOL_PREFIX) {
        let Some(fixed) = bytes.get(..FIXED) else { return Err(Unfinished::Short) };
        let length = FIXED + usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
        if length > MOST {
            return Err(Unfinished::Wrong);
        }
        let whole = bytes.get(..length).ok_or(Unfinished::Short)?;
        Ok((length, binary(whole)?))
    } else if bytes.starts_with(text_prefix) {
        let line = &bytes[..bytes.len().min(TEXT)];
        let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
            return Err(if line.len() < TEXT { Unfinished::Short } else { Unfinished::Wrong });
        };
        Ok((end + 1, text(&line[..=end])?))
    } else if v2::PROTOCOL_PREFIX.starts_with(bytes) || text_prefix.starts_with(bytes) {
        Err(Unfinished::Short)
    } else {
        Err(Unfinished::Wrong)
    }
}

fn text(whole: &[u8]) -> Result<Option<IpAddr>, Unfinished> {
    let header = v1::Header::try_from(whole).map_err(|_| Unfinished::Wrong)?;
    match header.addresses {
        _ if header.header.len() != whole.len() => Err(Unfinished::Wrong),
        v1::Addresses::Tcp4(addresses) => Ok(Some(addresses.source_address.into())),
        v1::Addresses::Tcp6(addresses) => Ok(Some(addresses.source_address.into())),
        v1::Addresses::Unknown => Ok(None),
    }
}

fn binary(whole: &[u8]) -> Result<Option<IpAddr>, Unfinished> {
    let header = v2::Header::try_from(whole).map_err(|_| Unfinished::Wrong)?;
    match (header.command, header.protocol, header.addresses) {
        (v2::Command::Local, ..) => Ok(None),
        (_, v2::Protocol::Datagram, _) => Err(Unfinished::Wrong),
        (_, _, v2::Addresses::IPv4(addresses)) => Ok(Some(addresses.source_address.into())),
        (_, _, v2::Addresses::IPv6(addresses)) => Ok(Some(addresses.source_address.into())),
        (_, _, v2::Addresses::Unspecified | v2::Addresses::Unix(_)) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    /// A header of version 2: its thirteenth and fourteenth byte, and what follows the length.
    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [v2::PROTOCOL_PREFIX, &[command, family], &length, rest].concat()
    }

    const FOUR: [u8; 12] = [192, 0, 2, 1, 10, 0, 0, 1, 0, 80, 1, 187];

    fn good() -> Vec<(Vec<u8>, Option<IpAddr>)> {
        let mut six = [0; 36];
        six[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        six[15] = 1;
        let text = |line: &str, from: &str| (format!("{line}\r\n").into_bytes(), address(from));
        vec![
            text("PROXY TCP4 192.0.2.1 10.0.0.1 56324 443", "192.0.2.1"),
            text("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535", "255.255.255.255"),
            text("PROXY TCP6 2001:db8::1 ::1 1 2", "2001:db8::1"),
            text("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2", "::ffff:192.0.2.1"),
            text("PROXY UNKNOWN", ""),
            text("PROXY UNKNOWN ffff::1 ffff::2 65535 65535", ""),
            (v2(0x21, 0x11, &FOUR), address("192.0.2.1")),
            (v2(0x21, 0x21, &six), address("2001:db8::1")),
            // What a proxy tells beside it is skipped.
            (v2(0x21, 0x11, &[&FOUR[..], &[4, 0, 3, 1, 2, 3]].concat()), address("192.0.2.1")),
            (v2(0x21, 0x11, &[&FOUR[..], &vec![4; 1_900]].concat()), address("192.0.2.1")),
            // The proxy asks for itself, or has no address to tell.
            (v2(0x20, 0x11, &FOUR), None),
            (v2(0x20, 0x00, &[]), None),
            (v2(0x21, 0x00, &[]), None),
            (v2(0x21, 0x31, &[0; 216]), None),
        ]
    }

    #[test]
    fn whole_headers_end_where_they_end_and_cut_ones_wait() {
        for (header, expected) in good() {
            let with_more = [&header[..], b"GET / HTTP/1.1\r\n\r\n"].concat();
            assert_eq!(parse(&with_more), Ok((header.len(), expected)), "{header:?}");
            for length in 0..header.len() {
                assert_eq!(parse(&header[..length]), Err(Unfinished::Short), "{length} of {header:?}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let text = [
            "GET / HTTP/1.1\r\n",
            "PROXZ",
            "proxy TCP4 192.0.2.1 10.0.0.1 1 2\r\n",
            "PROXY  TCP4 192.0.2.1 10.0.0.1 1 2\r\n",
            "PROXY TCP4\r\n",
            "PROXY TCP4 192.0.2.1\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1 2\rX\n",
            "PROXY TCP4 192.0.2.256 10.0.0.1 1 2\r\n",
            "PROXY TCP4 192.0.2 10.0.0.1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 1 65536\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 -1 2\r\n",
            "PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n",
            "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
            "PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n",
            "PROXY TCP6 2001:db8::g ::1 1 2\r\n",
            "PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n",
            "PROXY\tTCP4 192.0.2.1 10.0.0.1 1 2\r\n",
            "\r\n\r\n\0\r\nQUIX\n",
            "\x16\x03\x01",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ];
        let mut bad: Vec<Vec<u8>> = text.iter().map(|line| line.as_bytes().to_vec()).collect();
        bad.push(format!("PROXY UNKNOWN {}\r\n", "x".repeat(TEXT)).into_bytes());
        bad.push("PROXY ".bytes().chain([b'x'; TEXT]).collect());
        bad.push(b"PROXY TCP4 \xff\r\n".to_vec());
        let cut = &FOUR[..11];
        let claimed = [v2::PROTOCOL_PREFIX, &[0x21, 0x11, 0xff, 0xff]].concat();
        bad.extend([
            v2(0x11, 0x11, &FOUR),
            v2(0x22, 0x11, &FOUR),
            v2(0x2f, 0x11, &FOUR),
            v2(0x21, 0x41, &FOUR),
            v2(0x21, 0x13, &FOUR),
            v2(0x21, 0x12, &FOUR),
            v2(0x21, 0x11, cut),
            v2(0x21, 0x21, &FOUR),
            v2(0x21, 0x31, &FOUR),
            v2(0x21, 0x11, &[&FOUR[..], &vec![4; MOST]].concat()),
            claimed,
        ]);
        println!("{} headers refused, {} taken", bad.len(), good().len());
        for header in bad {
            assert_eq!(parse(&header), Err(Unfinished::Wrong), "{:?}", String::from_utf8_lossy(&header));
        }
    }
}
