use std::{
    io::ErrorKind,
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use redis::{Connection, RedisResult};
use tempfile::TempDir;

use crate::PATIENCE;

/// A Redis of a test's own, on a free port of loopback and in a folder of its own. It ends with the test.
///
/// Everything about it blocks: what a function does is done when it returns.
pub struct RedisServer {
    child: Child,
    port: u16,
    options: Vec<String>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one that keeps nothing on disk.
    ///
    /// # Panics
    /// If it does not start, or is not installed.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with further options, as its command line has them: `["--appendonly", "yes"]`.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn with(options: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder for temporary files");
        let options: Vec<_> = ["--save", ""].iter().chain(options).map(|&option| option.to_owned()).collect();
        let port = free_port();
        let mut server = Self { child: spawn(port, &options, &folder), port, options, folder };
        // Somebody may have taken the port since it was free: then it ends at once.
        while !server.is_up() {
            server.port = free_port();
            server.spawn();
        }
        server
    }

    /// Starts one that follows `primary`, and waits until it has what that has.
    ///
    /// # Panics
    /// If it does not.
    #[must_use]
    pub fn replica_of(primary: &Self, options: &[&str]) -> Self {
        let place = format!("127.0.0.1 {}", primary.port);
        let mut all = vec!["--replicaof", &place];
        if let Some(password) = primary.password() {
            all.extend(["--masterauth", password]);
        }
        all.extend(options);
        let replica = Self::with(&all);
        let follows = || replica.run(&["INFO", "replication"]).contains("master_link_status:up");
        until("a replica that follows", follows);
        replica
    }

    /// Makes a replica a primary.
    ///
    /// # Panics
    /// If it cannot be.
    pub fn promote(&self) {
        self.run(&["REPLICAOF", "NO", "ONE"]);
    }

    /// Its address, with the password that it was started with.
    #[must_use]
    pub fn url(&self) -> String {
        self.password().map_or_else(
            || format!("redis://127.0.0.1:{}", self.port),
            |password| self.url_as("default", password),
        )
    }

    /// Its address for one of its users.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// The port that it listens on, also after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs a command; returns its answer as text, a list as one line for each of its items.
    ///
    /// # Panics
    /// If it fails.
    pub fn run(&self, command: &[&str]) -> String {
        let answer = self.try_run(command);
        answer.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Ends it as a crash does.
    ///
    /// # Panics
    /// If it has ended already.
    pub fn kill(&mut self) {
        self.child.kill().expect("a process");
        self.child.wait().expect("its end");
    }

    /// Starts it again after a [`RedisServer::kill`], with the same port, options and files.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        let begin = Instant::now();
        self.spawn();
        while !self.is_up() {
            assert!(begin.elapsed() < PATIENCE, "redis-server does not come back");
            self.spawn();
        }
    }

    /// Has it stand still: it neither answers nor hangs up.
    ///
    /// # Panics
    /// If it has ended.
    pub fn stop_process(&self) {
        self.signal("STOP");
    }

    /// Has it go on after a [`RedisServer::stop_process`].
    ///
    /// # Panics
    /// If it has ended.
    pub fn continue_process(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("the command `kill`").success(), "a process that takes SIG{name}");
    }

    fn spawn(&mut self) {
        self.child = spawn(self.port, &self.options, &self.folder);
    }

    fn password(&self) -> Option<&str> {
        let at = self.options.iter().position(|option| option == "--requirepass")?;
        self.options.get(at + 1).map(String::as_str)
    }

    fn connect(&self) -> RedisResult<Connection> {
        redis::Client::open(self.url())?.get_connection_with_timeout(PATIENCE)
    }

    /// Runs a command, perhaps while the server becomes another: then it cuts connections.
    ///
    /// # Errors
    /// What the server or the connection says.
    pub fn try_run(&self, command: &[&str]) -> RedisResult<String> {
        let mut connection = self.connect()?;
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection).map(|answer| text(&answer))
    }

    /// Waits until it answers; false if it has ended.
    fn is_up(&mut self) -> bool {
        let own = format!("process_id:{}\r", self.child.id());
        let begin = Instant::now();
        // While it loads its files it answers this already, and nothing else.
        let is_loaded = |info: &String| info.contains(&own) && info.contains("loading:0\r");
        while !self.try_run(&["INFO", "server", "persistence"]).is_ok_and(|info| is_loaded(&info)) {
            if self.child.try_wait().expect("its state").is_some() {
                return false;
            }
            assert!(begin.elapsed() < PATIENCE, "redis-server does not answer");
            pause();
        }
        true
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, options: &[String], folder: &TempDir) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]).args(options);
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => panic!("redis-server is missing: `cargo xtask setup` installs it"),
        _ => panic!("redis-server: {error}"),
    })
}

/// A port that nobody listens on, below those that systems give to outgoing connections: so it is still free when the
/// server comes back.
fn free_port() -> u16 {
    let ports = std::iter::repeat_with(|| fastrand::u16(10_000..32_768));
    let mut free = ports.take(1_000).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().expect("a free port of loopback")
}

fn until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "still waiting for {what}");
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever needs the server cannot go on before it is there")]
fn pause() {
    thread::sleep(Duration::from_millis(10));
}

fn text(answer: &redis::Value) -> String {
    use redis::Value;
    match answer {
        Value::Nil => String::new(),
        Value::Okay => "OK".to_owned(),
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("\n"),
        other => redis::from_redis_value_ref(other).unwrap_or_else(|_| format!("{other:?}")),
    }
}
