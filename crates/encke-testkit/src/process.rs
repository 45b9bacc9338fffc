use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use crate::PATIENCE;

/// A gateway in a process of its own, on a free port of loopback: for what is true of a whole process, such as its
/// memory. It is killed with the test.
pub struct GatewayProcess {
    child: Child,
    address: SocketAddr,
}

impl GatewayProcess {
    /// Starts `program serve` with these settings of the environment, and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(program: &str, settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .envs(settings.iter().copied())
            .env("ENCKE_LOGGING__LEVEL", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a gateway that starts");
        let lines = BufReader::new(child.stderr.take().expect("its standard error")).lines();
        let (says, hear) = mpsc::sync_channel(1);
        // It is listened to as long as it lives, so that it never waits for being heard.
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("{line}");
                if let Some((address, _)) = line
                    .split_once("see http")
                    .and_then(|(_, rest)| rest.split_once("://"))
                    .and_then(|(_, rest)| rest.split_once('/'))
                {
                    // It is said once, and heard unless the test has given up.
                    let _ = says.send(address.parse());
                }
            }
        });
        // From here on it is killed, whatever happens.
        let mut process = Self { child, address: SocketAddr::from(([0; 4], 0)) };
        process.address = hear.recv_timeout(PATIENCE).expect("a gateway that serves").expect("an address");
        process
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it at once (SIGKILL).
    ///
    /// # Panics
    /// If the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }

    /// Asks it to end (SIGTERM). It drains first: [`GatewayProcess::wait`] for it.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("the command kill");
        assert!(sent.success(), "SIGTERM was not sent");
    }

    /// Waits until it has ended; whether it says that all went well.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn wait(&mut self) -> bool {
        self.child.wait().expect("its end").success()
    }

    /// The memory that it has in use, in bytes (`VmRSS`).
    ///
    /// # Panics
    /// If the system does not say.
    pub fn memory(&self) -> usize {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the process's status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib << 10
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
