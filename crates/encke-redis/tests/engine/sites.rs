//! Where the server is told by Sentinels or by a cluster.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use encke_core::{GapReason, Key, LogConfig, Since};
use encke_redis::RedisConfig;
use encke_testkit::{RedisServer, wait_for};
use tempfile::TempDir;

use super::support::{Node, QUICK, few_resident, publish};

/// Watches a server by the name `main`.
struct Sentinel {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Sentinel {
    fn of(server: &RedisServer) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("sentinel.conf");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let watch = format!(
            "bind 127.0.0.1\nport {port}\nsentinel monitor main 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds main 1000\n",
            server.port()
        );
        fs::write(&file, watch).unwrap();
        let mut command = Command::new("redis-server");
        command.arg(&file).arg("--sentinel").current_dir(folder.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        Self { child, port, _folder: folder }
    }

    async fn run(&self, command: &[&str]) -> Option<String> {
        let mut call = Command::new("redis-cli");
        let answer = call.args(["-p", &self.port.to_string()]).args(command).output().unwrap();
        answer.status.success().then(|| String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn sentinels_say_where_the_log_is_also_after_a_failover() {
    let first = RedisServer::with(QUICK);
    let second = RedisServer::replica_of(&first, QUICK);
    let sentinel = Sentinel::of(&first);
    let replicas = async || sentinel.run(&["SENTINEL", "REPLICAS", "main"]).await;
    let known = async || replicas().await.is_some_and(|told| told.contains(&second.port().to_string()));
    wait_for("a Sentinel that knows the replica", known).await;
    let url = format!("redis://127.0.0.1:{}", sentinel.port);
    let node = Node::with(RedisConfig::new(url).sentinel("main"), few_resident()).await;
    let old = node.publish("a", "x").await.cursor;
    wait_for("the replica", async || second.run(&["XLEN", "{encke}:c:a"]) == "1").await;
    wait_for("a failover", async || {
        sentinel.run(&["SENTINEL", "FAILOVER", "main"]).await;
        second.try_run(&["ROLE"]).is_ok_and(|role| role.starts_with("master"))
    })
    .await;
    wait_for("a new life", async || node.head().epoch != old.epoch).await;
    let keyed = publish("a", "y").with_key(Key::new("y").unwrap());
    let next = node.publish_surely(keyed).await.cursor;
    assert_eq!(next.seq, old.seq + 1);
    assert_eq!(second.run(&["XLEN", "{encke}:c:a"]), "2");
    let (got, gaps) = node.read(&["a"], Since::After(old)).await;
    assert_eq!((got.len(), gaps[0].reason), (2, GapReason::Epoch));
}

#[tokio::test]
async fn a_cluster_says_where_the_log_is() {
    let cluster = ["--cluster-enabled", "yes"];
    let (one, two) = (RedisServer::with(&cluster), RedisServer::with(&cluster));
    let slot = one.run(&["CLUSTER", "KEYSLOT", "{encke}:life"]).parse::<u16>().unwrap();
    let (below, above) = ((slot - 1).to_string(), (slot + 1).to_string());
    one.run(&["CLUSTER", "ADDSLOTSRANGE", "0", &below, &above, "16383"]);
    two.run(&["CLUSTER", "ADDSLOTS", &slot.to_string()]);
    one.run(&["CLUSTER", "MEET", "127.0.0.1", &two.port().to_string()]);
    let up = async || {
        let mut both = [&one, &two].into_iter();
        both.all(|server| server.run(&["CLUSTER", "INFO"]).contains("cluster_state:ok"))
    };
    wait_for("a cluster", up).await;
    let config = || RedisConfig::new(one.url()).cluster();
    let node = Node::with(config(), few_resident()).await;
    for at in 0..20 {
        node.publish("a", &at.to_string()).await;
    }
    assert_eq!(two.run(&["XLEN", "{encke}:c:a"]), "20");
    let other = Node::with(config(), LogConfig::default()).await;
    let (got, gaps) = other.read(&["**"], Since::Earliest).await;
    assert_eq!((got.len(), gaps.len()), (20, 0));
    assert_eq!(other.publish_keyed("a", "x", "k").await.unwrap().cursor.seq, 21);
    assert_eq!(node.trim("a", encke_core::Keep::Newest(1)).await, Some(20));
}
