//! An address that is listened on, and who is let in there.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

use crate::{
    admission::Refusal,
    connection,
    gateway::{Node, StartError},
    listener::{listen, prepare},
    stream::Stream,
};

/// Connections that are being told why they are not admitted, at most; the others are just closed.
const REFUSING: usize = 256;
/// Between two looks at the certificates.
const LOOK_AT_CERTIFICATES: Duration = Duration::from_secs(3);

/// A listener, and what its connections share.
pub(crate) struct Door {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) node: Arc<Node>,
}

impl Door {
    pub(crate) fn open(address: SocketAddr, node: Node) -> Result<Self, StartError> {
        let refused = |error| StartError::Listen(address, error);
        let listener = listen(address, &node.limits).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address, node: Arc::new(node) })
    }

    /// Where it is found: `https://` with TLS, and no path.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", if self.node.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// Looks after the certificates, for ever.
    pub(crate) async fn watch_certificates(&self) {
        match &self.node.tls {
            Some(tls) => tls.watch(LOOK_AT_CERTIFICATES).await,
            None => std::future::pending().await,
        }
    }

    /// Serves whoever comes, for ever.
    pub(crate) async fn accept(&self, closing: watch::Receiver<bool>) {
        let refusing = Arc::new(Semaphore::new(REFUSING));
        loop {
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // No more files, mostly: connections that end will free some.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if let Err(error) = prepare(&stream, &self.node.limits) {
                tracing::debug!(%error, %peer, "gone before it was served");
                continue;
            }
            // For whom a listed proxy asks is not known yet.
            let counted = (!self.node.proxies.lists(peer.ip())).then(|| self.node.admission.count(peer.ip()));
            match self.node.admission.admit().and_then(|admitted| Ok((admitted, counted.transpose()?))) {
                Ok((admitted, counted)) => {
                    let stream = Stream::new(stream, admitted, counted, &self.node.limits);
                    let serving =
                        connection::serve(stream, peer.ip(), Arc::clone(&self.node), closing.clone());
                    self.node.tasks.spawn(serving);
                }
                Err(refusal) => self.refuse(stream, refusal, peer, &refusing),
            }
        }
    }

    /// Over TLS nothing can be said before a handshake, which is not worth it.
    fn refuse(&self, stream: TcpStream, refusal: Refusal, peer: SocketAddr, refusing: &Arc<Semaphore>) {
        tracing::debug!(%peer, ?refusal, "not admitted");
        self.node.router.metrics.refuse(refusal);
        let permit = Arc::clone(refusing).try_acquire_owned();
        if let (Ok(permit), None) = (permit, &self.node.tls) {
            tokio::spawn(async move {
                connection::refuse(stream, refusal).await;
                drop(permit);
            });
        }
    }
}
