//! A TLS client that chooses what it offers and whom it trusts.

use std::{net::SocketAddr, sync::Arc};

use encke_testkit::Raw;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Connects over TLS. Resumption works within one client.
#[derive(Clone)]
pub(crate) struct TlsClient {
    config: ClientConfig,
}

impl TlsClient {
    /// Trusts these certificates, and speaks these versions.
    pub(crate) fn new(
        roots: &[CertificateDer<'static>],
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut store = RootCertStore::empty();
        roots.iter().for_each(|root| store.add(root.clone()).unwrap());
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_protocol_versions(versions).unwrap();
        Self { config: builder.with_root_certificates(store).with_no_client_auth() }
    }

    /// Trusts everybody.
    pub(crate) fn careless() -> Self {
        let mut client = Self::new(&[], rustls::ALL_VERSIONS);
        client.config.dangerous().set_certificate_verifier(Arc::new(Careless));
        client
    }

    pub(crate) async fn try_connect(
        &self,
        address: SocketAddr,
        name: &str,
        alpn: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.shake(TcpStream::connect(address).await?, name, alpn).await
    }

    async fn shake(
        &self,
        stream: TcpStream,
        name: &str,
        alpn: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = self.config.clone();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// Over a stream on which something was said before.
    pub(crate) async fn over(&self, stream: TcpStream, name: &str, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
        self.shake(stream, name, alpn).await.unwrap()
    }

    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
        alpn: &[&[u8]],
    ) -> TlsStream<TcpStream> {
        self.try_connect(address, name, alpn).await.unwrap()
    }

    /// A connection that speaks HTTP/1.1.
    pub(crate) async fn raw(&self, address: SocketAddr, name: &str) -> Raw {
        Raw::over(self.connect(address, name, &[b"http/1.1"]).await, address)
    }
}

#[derive(Debug)]
struct Careless;

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
