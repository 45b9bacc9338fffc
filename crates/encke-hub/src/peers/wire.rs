//! How things are written that go from node to node: fields in order, whole numbers big-endian, a length before what has
//! one. Reading takes nothing on trust: what is cut, longer than it says or no such thing is nothing.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use encke_core::{ChannelName, Cursor, Epoch, Gap, GapReason, Selector, Timestamp};

use crate::{NodeId, SubscriptionId, peers::label::label};

pub(crate) trait Wire: Sized {
    fn put(&self, out: &mut Vec<u8>);

    fn take(from: &mut &[u8]) -> Option<Self>;
}

/// Fields of a struct, or the variants of an enum with the number of each. A field of a tuple has its place for a name.
macro_rules! wire {
    (struct $name:ident { $($field:tt),* $(,)? }) => {
        impl $crate::peers::wire::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $($crate::peers::wire::Wire::put(&self.$field, out);)*
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::peers::wire::Wire::take(from)?),* })
            }
        }
    };
    (enum $name:ident { $($tag:literal => $variant:ident { $($field:tt: $as:ident),* }),* $(,)? }) => {
        impl $crate::peers::wire::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant { $($field: $as),* } => {
                        out.push($tag);
                        $($crate::peers::wire::Wire::put($as, out);)*
                    })*
                }
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                match <u8 as $crate::peers::wire::Wire>::take(from)? {
                    $($tag => Some(Self::$variant { $($field: $crate::peers::wire::Wire::take(from)?),* }),)*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use wire;

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                let (digits, rest) = from.split_first_chunk()?;
                *from = rest;
                Some(Self::from_be_bytes(*digits))
            }
        }
    )*};
}

numbers!(u8, u32, u64);

impl Wire for usize {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u64).put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        usize::try_from(u64::take(from)?).ok()
    }
}

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        u8::take(from).map(|byte| byte != 0)
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    // What a node sends is far shorter than 4 GiB.
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).put(out);
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::take(from)?).ok()?;
    let (bytes, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(bytes)
}

fn take_text<'a>(from: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(take_bytes(from)?).ok()
}

macro_rules! texts {
    ($($text:ty: $read:expr),* $(,)?) => {$(
        impl Wire for $text {
            fn put(&self, out: &mut Vec<u8>) {
                put_bytes(self.as_bytes(), out);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                take_text(from).map($read)
            }
        }
    )*};
}

texts!(String: str::to_owned, Arc<str>: Arc::from, Box<str>: Box::from, &'static str: label);

impl Wire for Bytes {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self, out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        take_bytes(from).map(Bytes::copy_from_slice)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(it) = self {
            it.put(out);
        }
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        if bool::take(from)? { T::take(from).map(Some) } else { Some(None) }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        self.iter().for_each(|item| item.put(out));
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        let length = usize::take(from)?;
        // Each item takes a byte at least.
        if length > from.len() {
            return None;
        }
        (0..length).map(|_| T::take(from)).collect()
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut &[u8]) -> Option<Self> {
        Some((A::take(from)?, B::take(from)?))
    }
}

/// What is written as something else, of which it can be made again.
macro_rules! through {
    ($($name:ty => $other:ty: $write:expr, $read:expr;)*) => {$(
        impl Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let write: fn(&Self) -> $other = $write;
                write(self).put(out);
            }

            fn take(from: &mut &[u8]) -> Option<Self> {
                let read: fn($other) -> Option<Self> = $read;
                read(<$other>::take(from)?)
            }
        }
    )*};
}

through! {
    Timestamp => u64: |it| it.as_millis(), |it| Some(Timestamp::from_millis(it));
    NodeId => u64: |it| it.0, |it| Some(NodeId(it));
    SubscriptionId => u64: |it| it.0, |it| Some(SubscriptionId(it));
    Cursor => (u64, u64): |it| (it.epoch.bits(), it.seq), |(bits, seq)| Some(Cursor { epoch: Epoch::from_bits(bits), seq });
    IpAddr => String: |it| it.to_string(), |it| it.parse().ok();
    ChannelName => String: |it| it.as_str().to_owned(), |it| ChannelName::new(&it).ok();
    Selector => String: |it| it.as_str().to_owned(), |it| Selector::new(&it).ok();
    GapReason => String: |it| it.as_str().to_owned(), |it| {
        let all = [GapReason::Trimmed, GapReason::Epoch, GapReason::Future, GapReason::Slow];
        all.into_iter().find(|reason| reason.as_str() == it)
    };
}

wire!(struct Gap { channel, from, to, reason });
