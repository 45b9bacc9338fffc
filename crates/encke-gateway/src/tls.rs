//! TLS on the listener.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rustls::{ServerConfig, crypto::aws_lc_rs};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    certificates::{Certificates, TlsError},
    preface::Http,
    stream::Stream,
};

/// The first byte of every TLS connection: a handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;
/// What may wait encrypted for a peer that does not read: one record, as much as the socket holds.
const BUFFER: usize = 16 << 10;

/// Which certificates the listener shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsConfig {
    /// One for `localhost`, made at the start and kept in memory only. For development.
    SelfSigned,
    /// These. A client gets the first that is for the name that it asks for, or the first of all. They are read anew
    /// when they change.
    Files(Vec<CertificateFiles>),
}

/// Where a certificate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and those that lead to its root, in PEM, in this order.
    pub chain: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Makes TLS of accepted streams.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    certificates: Arc<Certificates>,
}

/// What a stream turned out to be.
pub(crate) enum Accepted {
    Tls(Box<TlsStream<Stream>>, Http),
    /// Something else, in clear text.
    Clear(Stream),
}

impl Tls {
    pub(crate) fn new(config: &TlsConfig) -> Result<Self, TlsError> {
        let certificates = Arc::new(Certificates::load(config)?);
        let failed = |error: rustls::Error| TlsError::Provider(error.to_string());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
        let mut server = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&certificates) as _);
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Tickets keep the state of a resumption with the client, so that it costs no memory here.
        server.ticketer = aws_lc_rs::Ticketer::new().map_err(failed)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(server)), certificates })
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// If the peer leaves or breaks the protocol.
    pub(crate) async fn accept(&self, mut stream: Stream) -> io::Result<Accepted> {
        if stream.ahead().is_empty() {
            stream.read_ahead(1).await?;
        }
        if stream.ahead().first() != Some(&HANDSHAKE) {
            return Ok(Accepted::Clear(stream));
        }
        let accept = self.acceptor.accept_with(stream, |tls| tls.set_buffer_limit(Some(BUFFER)));
        let stream = Box::pin(accept).await?;
        let http = if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Http::Two } else { Http::One };
        Ok(Accepted::Tls(Box::new(stream), http))
    }

    /// Takes certificates that have changed into use, every `look` and at each SIGHUP.
    pub(crate) async fn watch(&self, look: Duration) {
        self.certificates.watch(look).await;
    }
}
