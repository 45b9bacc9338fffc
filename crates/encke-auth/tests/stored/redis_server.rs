//! A Redis of a test's own.

use std::{
    env, fs,
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

static STARTED: AtomicU32 = AtomicU32::new(0);

pub(crate) struct RedisServer {
    child: Child,
    folder: PathBuf,
}

impl RedisServer {
    /// Starts one on a socket in a folder of its own, and waits until it answers.
    pub(crate) fn start() -> Self {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("encke-redis-{}-{number}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let server = Self { child: spawn(&folder), folder };
        server.wait();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub(crate) fn url_as(&self, user: &str, password: &str) -> String {
        format!("{}?user={user}&pass={password}", self.url())
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    /// Runs a command that must succeed.
    pub(crate) fn run(&self, command: &[&str]) {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection().unwrap();
        redis::cmd(command[0]).arg(&command[1..]).exec(&mut connection).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.folder);
        self.wait();
    }

    /// Stops it, or has it go on.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "no runtime runs yet, and what it waits for is the condition"
    )]
    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(10);
        while !self.answers() {
            assert!(Instant::now() < until, "redis-server does not answer");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn answers(&self) -> bool {
        let Ok(mut socket) = UnixStream::connect(self.socket()) else { return false };
        let mut answer = [0; 7];
        let asked = socket.write_all(b"PING\r\n").and_then(|()| socket.read_exact(&mut answer));
        asked.is_ok() && &answer == b"+PONG\r\n"
    }
}

fn spawn(folder: &PathBuf) -> Child {
    let _ = fs::remove_file(folder.join("redis.sock"));
    let options = ["--port", "0", "--unixsocket", "redis.sock", "--save", "", "--appendonly", "no"];
    let mut command = Command::new("redis-server");
    command.args(options).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("redis-server is missing: `cargo xtask setup` installs it")
        }
        Err(error) => panic!("redis-server: {error}"),
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
