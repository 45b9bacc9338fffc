use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Stands between clients and gateways: leads each connection to one of them, and cuts what goes through it, wherever
/// that is.
pub struct CutProxy {
    address: SocketAddr,
    gateways: watch::Sender<Vec<SocketAddr>>,
    cut: watch::Sender<u64>,
    cuts: Arc<AtomicUsize>,
    running: JoinHandle<()>,
}

impl CutProxy {
    /// Stands before `gateway`.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start(gateway: SocketAddr) -> Self {
        Self::before(vec![gateway]).await
    }

    /// Stands before several gateways. Each connection goes to one of them at random, or to another if that does not
    /// listen.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn before(gateways: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port of loopback");
        let address = listener.local_addr().expect("its address");
        let (cut, cutting) = watch::channel(0);
        let cuts = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&cuts);
        let (gateways, targets) = watch::channel(gateways);
        let running = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut cutting = cutting.clone();
                cutting.mark_unchanged();
                let counter = Arc::clone(&counter);
                let targets = targets.borrow().clone();
                tokio::spawn(async move {
                    let Some(mut server) = connect(targets).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = cutting.changed() => { counter.fetch_add(1, Ordering::Relaxed); }
                    }
                });
            }
        });
        Self { address, gateways, cut, cuts, running }
    }

    /// The URL to use instead of the gateway's.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads the connections to come to these.
    pub fn aim(&self, gateways: Vec<SocketAddr>) {
        self.gateways.send_replace(gateways);
    }

    /// Cuts every connection that is open.
    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections were cut so far.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

async fn connect(mut gateways: Vec<SocketAddr>) -> Option<TcpStream> {
    fastrand::shuffle(&mut gateways);
    for gateway in gateways {
        if let Ok(stream) = TcpStream::connect(gateway).await {
            return Some(stream);
        }
    }
    None
}

impl Drop for CutProxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}
