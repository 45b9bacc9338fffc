//! Resident memory of the gateway for each idle connection, by transport.
//!
//! `cargo run --release -p encke-benches --bin idle -- PATH_OF_ENCKE [CONNECTIONS]` starts a gateway for each transport, opens
//! that many connections that follow one channel each, and compares its memory with that before. The listener's kernel
//! buffers are not part of it.

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long a gateway may take to have opened everything.
const PATIENCE: Duration = Duration::from_secs(60);

struct Transport {
    name: &'static str,
    /// The request, with `{n}` for the number of the connection.
    request: &'static str,
    /// What is read before the connection counts as open.
    opening: &'static str,
}

const TRANSPORTS: [Transport; 4] = [
    Transport {
        name: "ws",
        request: "GET /ws?channel=c{n} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        opening: "\"subscribed\"",
    },
    Transport { name: "sse", request: "GET /sse?channel=c{n} HTTP/1.1\r\nHost: x\r\n\r\n", opening: "id: " },
    Transport {
        name: "iframe",
        request: "GET /iframe?channel=c{n}&callback=f HTTP/1.1\r\nHost: x\r\n\r\n",
        opening: "-->",
    },
    Transport {
        name: "longpoll",
        request: "GET /longpoll?channel=c{n}&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n",
        opening: "",
    },
];

struct Gateway {
    child: Child,
    address: SocketAddr,
}

impl Gateway {
    fn start(binary: &str) -> Result<Self> {
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("ENCKE_LIMITS__CONNECTIONS_PER_ADDRESS", "unlimited")
            .env("ENCKE_LOGGING__FORMAT", "json")
            .stderr(Stdio::piped())
            .spawn()?;
        let mut log = BufReader::new(child.stderr.take().ok_or("no log")?);
        let mut line = String::new();
        log.read_line(&mut line)?;
        let (_, rest) = line.split_once("http://").ok_or_else(|| format!("no address in {line}"))?;
        let address = rest.split('/').next().unwrap_or_default().parse()?;
        // Or the gateway would wait for a reader of its log.
        thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Ok(Self { child, address })
    }

    fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }

    fn subscriptions(&self) -> Result<usize> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let counts = text.lines().filter_map(|line| line.strip_prefix("encke_subscriptions{"));
        Ok(counts.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(address: SocketAddr, transport: &Transport, number: usize) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(transport.request.replace("{n}", &number.to_string()).as_bytes())?;
    let mut seen = Vec::new();
    let mut some = [0; 2_048];
    while !String::from_utf8_lossy(&seen).contains(transport.opening) {
        let length = stream.read(&mut some)?;
        if length == 0 {
            return Err(format!("closed after {:?}", String::from_utf8_lossy(&seen)).into());
        }
        seen.extend_from_slice(&some[..length]);
    }
    Ok(stream)
}

fn measure(binary: &str, transport: &Transport, connections: usize) -> Result<f64> {
    let gateway = Gateway::start(binary)?;
    // What the first connections allocate once is not what each of them costs.
    let warm = (0..100).map(|number| open(gateway.address, transport, number)).collect::<Result<Vec<_>>>()?;
    let before = gateway.resident_kib()?;
    let held = (100..100 + connections).map(|number| open(gateway.address, transport, number));
    let held = held.collect::<Result<Vec<_>>>()?;
    let began = Instant::now();
    while gateway.subscriptions()? < connections + warm.len() {
        if began.elapsed() > PATIENCE {
            return Err("the gateway has not opened all".into());
        }
    }
    let grown = gateway.resident_kib()?.saturating_sub(before);
    drop((warm, held));
    Ok(grown as f64 / connections as f64)
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().ok_or("name the binary `encke`, and perhaps how many connections")?;
    let connections = arguments.next().map_or(Ok(10_000), |number| number.parse())?;
    rlimit::increase_nofile_limit(u64::MAX)?;
    println!("{connections} connections, each on a channel of its own");
    for transport in &TRANSPORTS {
        println!("{:10}{:8.2} KiB each", transport.name, measure(&binary, transport, connections)?);
    }
    Ok(())
}
