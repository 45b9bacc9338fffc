//! `ws-echo --listen 127.0.0.1:9001`: prints the address that it listens on, and echoes on `/echo`.

use std::{io, net::SocketAddr};

use clap::Parser;
use tokio::net::TcpListener;

/// A WebSocket echo server.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(Args::parse().listen).await?;
    println!("{}", listener.local_addr()?);
    ws_echo::serve(listener).await
}
