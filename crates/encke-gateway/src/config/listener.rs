//! `[tls]`, `[http2]` and `[proxy]`: what a connection is before anything is asked on it.

use std::{
    net::{IpAddr, Ipv6Addr},
    path::PathBuf,
    time::Duration,
};

use ipnet::IpNet;

use super::{access::AddressRange, limits::TIMES, scalar::Choice, secret::FilePath, section::Section};
use crate::{CertificateFiles, Http2Limits, ProxyConfig, ProxyProtocol, TlsConfig};

/// Reads `[tls]`; without certificates there is no TLS.
pub(super) fn read_tls(s: &mut Section<'_>) -> Option<TlsConfig> {
    let at = s.place("self_signed");
    let self_signed = s.get("self_signed", false);
    let files = s.tables("certificate", |s| {
        let (chain, key) = (s.required::<FilePath>("chain"), s.required::<FilePath>("key"));
        Some(CertificateFiles { chain: PathBuf::from(chain?.0), key: PathBuf::from(key?.0) })
    });
    let files: Vec<_> = files.into_iter().flatten().collect();
    match (self_signed, files.is_empty()) {
        (true, true) => Some(TlsConfig::SelfSigned),
        (true, false) => {
            s.wrong(at, "`tls.self_signed` has no meaning beside certificates", "remove one of the two");
            None
        }
        (false, true) => None,
        (false, false) => Some(TlsConfig::Files(files)),
    }
}

/// Reads `[http2]`.
pub(super) fn read_http2(s: &mut Section<'_>) -> Http2Limits {
    const BYTES: std::ops::RangeInclusive<usize> = 16 << 10..=16 << 20;
    let d = Http2Limits::default();
    let mut number = |key, default: u32, range| {
        let number = s.get_in(key, usize::try_from(default).unwrap_or(usize::MAX), range);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let streams = number("streams", d.streams, 1..=10_000);
    let stream_window = number("stream_window", d.stream_window, BYTES);
    let connection_window = number("connection_window", d.connection_window, BYTES);
    let send_buffer = number("send_buffer", d.send_buffer, BYTES);
    let mut time = |key, default: Duration| s.get_in(key, default, TIMES);
    let (ping, pong) = (time("ping", d.ping), time("pong", d.pong));
    Http2Limits { streams, stream_window, connection_window, send_buffer, ping, pong }
}

/// Reads `[proxy]`.
pub(super) fn read_proxy(s: &mut Section<'_>) -> ProxyConfig {
    let at = s.place("trusted");
    let ranges: Vec<AddressRange> = s.list("trusted", Vec::new());
    let protocol = s.get("protocol", ProxyProtocol::default());
    let mut trusted = Vec::new();
    for range in ranges {
        match range {
            AddressRange::Net(net) => trusted.push(net),
            AddressRange::Loopback => {
                trusted.extend("127.0.0.0/8".parse::<IpNet>());
                trusted.push(IpAddr::from(Ipv6Addr::LOCALHOST).into());
            }
            AddressRange::All => {
                s.wrong(at.clone(), "everybody would be believed", "the addresses of your proxies");
            }
        }
    }
    ProxyConfig { trusted, protocol }
}

impl Choice for ProxyProtocol {
    const ALL: &'static [(&'static str, Self)] = &[
        ("x-forwarded-for", Self::XForwardedFor),
        ("forwarded", Self::Forwarded),
        ("proxy-protocol", Self::ProxyProtocol),
    ];
}
