//! `[log]`: the limits of the log and what its channels keep.

use bytesize::ByteSize;
use encke_core::{LogConfig, Pattern, Resident, Retention};

use super::{
    diagnostic::Place,
    limits::{COUNTS, Limits, SIZES, TIMES},
    scalar::Scalar,
    section::Section,
};

/// Reads `[log]`. Whatever a message may have must fit what a channel keeps, or it would be gone before it is read:
/// `message_at` is where its limit is set.
pub(super) fn read(s: &mut Section<'_>, limits: &Limits, message_at: &Place) -> LogConfig {
    let d = LogConfig::default();
    let bytes_at = s.place("bytes");
    let mut log = LogConfig {
        channels: s.get_in("channels", d.channels, COUNTS),
        bytes: size(s, "bytes", d.bytes),
        places: limits.channels_per_message,
        keys: s.get_in("keys", d.keys, COUNTS),
        key_window: s.get_in("key_window", d.key_window, TIMES),
        tombstones: s.get_in("tombstones", d.tombstones, COUNTS),
        patterns: s.get_in("patterns", d.patterns, COUNTS),
        pattern_window: s.get_in("pattern_window", d.pattern_window, COUNTS),
        frame_bytes: size(s, "frame_bytes", d.frame_bytes),
        frame_window: s.get_in("frame_window", d.frame_window, 1..=1_000_000_000),
        retention: d.retention,
        retention_of: d.retention_of,
        resident: s.section("memory", |s| read_resident(s, d.resident)),
    };
    let bounds = Bounds { message: limits.message, message_at, log: log.bytes, log_at: &bytes_at };
    log.retention = s.section("retention", |s| read_retention(s, log.retention, &bounds));
    let of_pattern = |s: &mut Section<'_>| {
        let pattern = s.required::<Pattern>("pattern");
        let retention = s.inherit("[log.retention]", |s| read_retention(s, log.retention, &bounds));
        Some((pattern?, retention))
    };
    log.retention_of = s.tables("channel", of_pattern).into_iter().flatten().collect();
    log
}

/// What the bytes of a channel must lie between.
struct Bounds<'a> {
    message: ByteSize,
    message_at: &'a Place,
    log: usize,
    log_at: &'a Place,
}

fn read_retention(s: &mut Section<'_>, default: Retention, bounds: &Bounds<'_>) -> Retention {
    let own_at = s.has("bytes").then(|| s.place("bytes"));
    let retention = Retention {
        count: s.get_in("count", default.count, COUNTS),
        bytes: size(s, "bytes", default.bytes),
        age: s.get_in("age", default.age, TIMES),
    };
    let kept = retention.bytes;
    let least = bounds.message.as_u64() + Retention::OVERHEAD as u64;
    if (kept as u64) < least {
        let (kept, message) = (ByteSize::b(kept as u64).show(), bounds.message.show());
        let wrong =
            format!("a channel keeps {kept}, less than one message may have ({message}, limits.message)");
        let at = own_at.unwrap_or_else(|| bounds.message_at.clone());
        s.wrong(
            at,
            wrong,
            format!("let it keep at least {least} (200 more for each message), or lower the limit"),
        );
    } else if kept > bounds.log {
        let wrong =
            format!("a channel keeps more than the whole log, {}", ByteSize::b(bounds.log as u64).show());
        s.wrong(
            own_at.unwrap_or_else(|| bounds.log_at.clone()),
            wrong,
            "let it keep less, or raise log.bytes",
        );
    }
    retention
}

/// `[log.memory]`: what stays in memory of a log that an engine keeps.
fn read_resident(s: &mut Section<'_>, default: Resident) -> Resident {
    Resident {
        count: s.get_in("count", default.count, COUNTS),
        bytes: size(s, "bytes", default.bytes),
        total: size(s, "total", default.total),
    }
}

/// A size in memory.
fn size(s: &mut Section<'_>, key: &'static str, default: usize) -> usize {
    let size = s.get_in(key, ByteSize::b(default as u64), SIZES);
    // The range ends where a 64-bit machine does; on a smaller one it is what can be addressed.
    usize::try_from(size.as_u64()).unwrap_or(usize::MAX)
}
