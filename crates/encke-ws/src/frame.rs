//! Cutting a byte stream into frames (RFC 6455 5.2), as the bytes pass by and without keeping them.

/// The longest header: two bytes, eight of length, four of mask.
const LONGEST_HEADER: usize = 14;

/// The header of one frame, as it came. Whether it is allowed is not judged here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The three reserved bits, 0 to 7.
    pub reserved: u8,
    /// The opcode, 0 to 15.
    pub opcode: u8,
    /// The masking key, if the payload is masked.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload.
    pub length: u64,
}

impl FrameHeader {
    /// Whether this is a control frame (RFC 6455 5.5) and so no part of a message.
    pub fn is_control(&self) -> bool {
        self.opcode & 0x8 != 0
    }
}

/// A step in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A header is complete.
    Header(FrameHeader),
    /// A part of the payload. Every frame has at least one; an empty frame has one that is empty.
    Payload {
        /// The frame that it belongs to.
        header: FrameHeader,
        /// The bytes as they came: masked, if the header says so.
        bytes: &'a [u8],
        /// How many bytes of the payload came before these.
        at: u64,
        /// Whether the frame ends with these bytes.
        last: bool,
    },
}

/// Follows the frames of one direction of a connection. Its state is a header at most.
#[derive(Debug, Default, Clone)]
pub struct FrameCutter {
    head: [u8; LONGEST_HEADER],
    have: usize,
    /// The frame whose payload is passing, and how much of it has passed.
    payload: Option<(FrameHeader, u64)>,
}

impl FrameCutter {
    /// Takes the next piece off the front of `bytes`, or all of them where they do not complete one.
    pub fn cut<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        match self.payload {
            Some((header, at)) => self.cut_payload(header, at, bytes),
            None => self.cut_header(bytes),
        }
    }

    fn cut_header<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            self.head[self.have] = byte;
            self.have += 1;
            if let Some(header) = parse(&self.head[..self.have]) {
                self.have = 0;
                self.payload = Some((header, 0));
                return Some(Piece::Header(header));
            }
        }
        None
    }

    fn cut_payload<'a>(&mut self, header: FrameHeader, at: u64, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        let left = header.length - at;
        if bytes.is_empty() && left > 0 {
            return None;
        }
        let take = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let (part, rest) = bytes.split_at(take);
        *bytes = rest;
        let passed = at + take as u64;
        let last = passed == header.length;
        self.payload = (!last).then_some((header, passed));
        Some(Piece::Payload { header, bytes: part, at, last })
    }
}

/// The header that `head` is exactly, if it is complete.
fn parse(head: &[u8]) -> Option<FrameHeader> {
    let (&[first, second], rest) = head.split_first_chunk::<2>()?;
    let (length, rest) = match second & 0x7f {
        126 => rest.split_first_chunk().map(|(length, rest)| (u16::from_be_bytes(*length).into(), rest))?,
        127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
        short => (short.into(), rest),
    };
    let mask = match second & 0x80 {
        0 => None,
        _ => Some(*rest.first_chunk()?),
    };
    Some(FrameHeader {
        fin: first & 0x80 != 0,
        reserved: first >> 4 & 0x7,
        opcode: first & 0xf,
        mask,
        length,
    })
}
