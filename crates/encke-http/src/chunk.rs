use std::collections::VecDeque;

use bytes::Bytes;

/// Frames from this size on are shared by reference; copying smaller ones costs less than a write of their own.
const SHARE_FROM: usize = 4 << 10;

/// Bytes on their way out: small frames copied together, large ones shared.
#[derive(Debug, Default)]
pub struct Chunk {
    small: Vec<u8>,
    ready: VecDeque<Bytes>,
}

impl Chunk {
    /// Appends a frame.
    pub fn push(&mut self, frame: Bytes) {
        if frame.len() < SHARE_FROM {
            self.small.extend_from_slice(&frame);
        } else {
            self.seal();
            self.ready.push_back(frame);
        }
    }

    /// Where small things are written directly.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.small
    }

    /// Takes the next piece to write.
    pub fn pop(&mut self) -> Option<Bytes> {
        if self.ready.is_empty() {
            self.seal();
        }
        self.ready.pop_front()
    }

    fn seal(&mut self) {
        if !self.small.is_empty() {
            self.ready.push_back(std::mem::take(&mut self.small).into());
        }
    }
}
