//! Notices as JSON.

use encke_core::{Selector, Timestamp};
use encke_hub::{Denied, Identity, Notice, What};
use encke_wire::{json_of, write_string, write_time};

/// A notice: `{"type":"joined","channel":"chat","member":{..},"time":".."}`.
///
/// Who comes and goes is read by other clients too: the hub gives a member an address only if they may see it.
pub(crate) fn notice(notice: &Notice) -> Vec<u8> {
    let mut out = begin(notice.what.kind().as_str());
    if let Some(on) = &notice.on {
        text("channel", on.as_str(), &mut out);
    }
    if !notice.also.is_empty() {
        key("also", &mut out);
        list(&notice.also, &mut out);
    }
    match notice.what {
        What::Published(seq) => {
            key("seq", &mut out);
            out.extend_from_slice(seq.to_string().as_bytes());
        }
        What::Refused(denied) => text("reason", reason(denied), &mut out),
        _ => {}
    }
    if notice.who != Identity::default() {
        let comes_or_goes = matches!(notice.what, What::Joined | What::Left);
        key(if comes_or_goes { "member" } else { "who" }, &mut out);
        identity(&notice.who, &mut out);
    }
    end(notice.at, out)
}

/// That notices are missing: `{"type":"lost","count":17,"time":".."}`.
pub(crate) fn lost(count: u64, now: Timestamp) -> Vec<u8> {
    let mut out = begin("lost");
    key("count", &mut out);
    out.extend_from_slice(count.to_string().as_bytes());
    end(now, out)
}

fn begin(kind: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(b"{\"type\":");
    write_string(kind, &mut out);
    out
}

fn end(time: Timestamp, mut out: Vec<u8>) -> Vec<u8> {
    key("time", &mut out);
    out.push(b'"');
    write_time(time, &mut out);
    out.extend_from_slice(b"\"}");
    out
}

/// A key of ours, after another field.
fn key(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(name: &str, value: &str, out: &mut Vec<u8>) {
    key(name, out);
    write_string(value, out);
}

fn list(selectors: &[Selector], out: &mut Vec<u8>) {
    for (index, selector) in selectors.iter().enumerate() {
        out.push(if index == 0 { b'[' } else { b',' });
        write_string(selector.as_str(), out);
    }
    out.push(b']');
}

fn identity(who: &Identity, out: &mut Vec<u8>) {
    let counted = who.member.as_ref().map(ToString::to_string);
    let address = who.address.map(|address| address.to_string());
    let fields = [
        ("key", counted.as_deref()),
        ("subject", who.subject.as_deref()),
        ("client", who.client.as_deref()),
        ("transport", who.transport),
        ("address", address.as_deref()),
    ];
    let begin = out.len();
    for (name, value) in fields {
        if let Some(value) = value {
            text(name, value, out);
        }
    }
    // It is embedded as it is, so what is not JSON after all must not be.
    if let Some(info) = who.info.clone().and_then(|info| json_of(info).ok()) {
        key("info", out);
        out.extend_from_slice(info.data());
    }
    // Each field brings its comma; the first one's place is the bracket's.
    match out.get_mut(begin) {
        Some(first) => *first = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

fn reason(denied: Denied) -> &'static str {
    match denied {
        Denied::Unauthenticated => "unauthenticated",
        Denied::Forbidden => "forbidden",
        Denied::Expired => "expired",
        Denied::Revoked => "revoked",
        _ => "undecided",
    }
}
