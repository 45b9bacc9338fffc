//! A proxy as a program of its own, with a configuration of the documentation.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use encke_testkit::{Raw, wait_for};
use tokio::net::{TcpSocket, TcpStream};

const PAGE: &str = include_str!("../../docs/proxies.md");

/// One that is run for a test.
pub(crate) struct Proxy {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

/// The blocks of the documentation in this language, in order.
fn blocks(language: &str) -> Vec<String> {
    let fences = PAGE.split("\n```").skip(1).step_by(2);
    let blocks = fences.filter_map(|block| block.split_once('\n'));
    blocks.filter(|(info, _)| *info == language).map(|(_, text)| format!("{text}\n")).collect()
}

/// The `number`th block of `language`, with other addresses.
fn block(language: &str, number: usize, changes: &[(&str, String)]) -> String {
    let block = blocks(language).into_iter().nth(number).expect("a block of docs/proxies.md");
    changes.iter().fold(block, |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to)
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Proxy {
    /// nginx, with more in its server if need be.
    pub(crate) async fn nginx(gateway: SocketAddr, more: &str) -> Self {
        let port = free_port();
        let server = format!("listen 127.0.0.1:{port};\n{more}");
        let changes = [("server 127.0.0.1:8000;", format!("server {gateway};")), ("listen 80;", server)];
        let block = block("nginx", 0, &changes);
        let folder = folder();
        let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
            .concat();
        let cache = format!("proxy_cache_path {}/cache keys_zone=cache:1m;", folder.display());
        let text = format!(
            "master_process off;\ndaemon off;\npid {0}/pid;\nerror_log stderr;\nevents {{}}\n\
             http {{\naccess_log off;\n{paths}{cache}\n{block}}}\n",
            folder.display()
        );
        let config = folder.join("nginx.conf");
        fs::write(&config, text).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder).arg("-e").arg("stderr").arg("-c").arg(config);
        Self::run(command, folder, port).await
    }

    /// HAProxy, as the `number`th block says, with these changes.
    pub(crate) async fn haproxy(gateway: SocketAddr, number: usize, changes: &[(&str, String)]) -> Self {
        let port = free_port();
        let bind = if number == 0 { "bind :80" } else { "bind :443" };
        let own = [("127.0.0.1:8000", gateway.to_string()), (bind, format!("bind 127.0.0.1:{port}"))];
        let text = block("haproxy", number, &[&own, changes].concat());
        let folder = folder();
        let config = folder.join("haproxy.cfg");
        fs::write(&config, text).unwrap();
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(config);
        Self::run(command, folder, port).await
    }

    /// Caddy.
    pub(crate) async fn caddy(gateway: SocketAddr) -> Self {
        let port = free_port();
        let site = format!("http://:{port} {{\n    bind 127.0.0.1");
        let text = block("caddyfile", 0, &[("127.0.0.1:8000", gateway.to_string()), ("app.example {", site)]);
        let folder = folder();
        let config = folder.join("Caddyfile");
        fs::write(&config, format!("{{\nadmin off\n}}\n{text}")).unwrap();
        let mut command = Command::new("caddy");
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(config);
        command.env("HOME", &folder).env("XDG_DATA_HOME", &folder).env("XDG_CONFIG_HOME", &folder);
        Self::run(command, folder, port).await
    }

    async fn run(mut command: Command, folder: PathBuf, port: u16) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let program = command.get_program().to_string_lossy();
        let child =
            child.unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask setup` installs it"));
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let proxy = Self { child, folder, address };
        wait_for("the proxy", async || TcpStream::connect(address).await.is_ok()).await;
        proxy
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection to it from an address of this machine.
    pub(crate) async fn from(&self, last: u8) -> Raw {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        Raw::over(socket.connect(self.address).await.unwrap(), self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A folder for one program.
fn folder() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("encke-proxy-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}
