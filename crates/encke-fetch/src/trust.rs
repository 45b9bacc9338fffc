use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use crate::TrustError;

/// TLS that trusts the system's certificates, and those of `own`. The provider is named, since the process may have none
/// and a library sets none.
pub(crate) fn tls(own: Option<&[u8]>) -> Result<ClientConfig, TrustError> {
    let mut roots = RootCertStore::empty();
    // A system without certificates can still fetch by http, and from servers that are trusted by `own`.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = own {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| TrustError::Malformed)?;
            roots.add(certificate).map_err(|_| TrustError::Malformed)?;
        }
        if roots.len() == before {
            return Err(TrustError::Empty);
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|_| TrustError::Malformed)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
