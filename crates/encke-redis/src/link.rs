use std::sync::Arc;

use encke_core::Epoch;
use redis::{Cmd, FromRedisValue, Pipeline, Value, aio::MultiplexedConnection};
use tokio::sync::Notify;

use crate::{
    RedisError,
    connect::{Connector, Role, Site, info_line},
    error::Fault,
    keys::Keys,
    record::Id,
    script::Script,
    value::{as_number, as_text, into_list},
};

/// A connection for commands to a server whose life of the log is known.
pub(crate) struct Link {
    connection: MultiplexedConnection,
    pub(crate) site: Site,
    pub(crate) keys: Arc<Keys>,
    /// The life of the log that the server had when it was asked.
    pub(crate) epoch: Epoch,
    /// The server's own name for the history of its data.
    pub(crate) history: String,
    /// Changes with each start of the server.
    run: String,
    hashes: Vec<String>,
    /// Told when the link is of no use any more.
    pub(crate) lost: Notify,
}

impl Link {
    /// Finds the server that takes writes, and asks it for its life of the log; `known` is what the node has of the log.
    /// Returns how far the log goes there.
    pub(crate) async fn open(
        connector: &Connector,
        keys: &Arc<Keys>,
        known: Option<(Epoch, u64)>,
    ) -> Result<(Self, Id), RedisError> {
        let (site, mut connection) = connector.primary().await?;
        let run = check_server(&mut connection).await?;
        let mut link = Self {
            connection,
            site,
            keys: Arc::clone(keys),
            epoch: Epoch::from_bits(0),
            history: String::new(),
            run,
            hashes: Vec::new(),
            lost: Notify::new(),
        };
        link.hashes = link.load_scripts().await?;
        let (epoch, head) =
            known.map_or((String::new(), 0), |(epoch, head)| (epoch.bits().to_string(), head));
        let random = getrandom::u64().map_err(|_| RedisError::NoRandomness)?;
        let fresh = Epoch::from_bits(random).bits();
        let begin = link.script(Script::Begin).arg(fresh).arg(epoch).arg(head).to_owned();
        let answer = link.run(&begin).await?;
        let number = |at: usize| answer.get(at).and_then(as_number);
        let read = || {
            let head = Id { seq: number(2)?, part: number(3)? };
            Some((Epoch::from_bits(number(0)?), as_text(answer.get(1)?)?.to_owned(), head))
        };
        let (epoch, history, head) = read().ok_or(RedisError::Foreign("the life of the log"))?;
        if number(4) == Some(1) {
            tracing::warn!(%epoch, seq = head.seq, "a new life of the log begins: this Redis has not got all of the last, or has no log");
        }
        (link.epoch, link.history) = (epoch, history);
        Ok((link, head))
    }

    /// A further connection to the same server, whose answers may take as long as they take.
    pub(crate) async fn open_waiting(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut connection = self.site.open(None).await?;
        if check_server(&mut connection).await? != self.run {
            return Err(RedisError::NotPrimary("two connections lead to two servers".to_owned()));
        }
        Ok(connection)
    }

    async fn load_scripts(&self) -> Result<Vec<String>, Fault> {
        let mut load = Pipeline::new();
        for script in Script::ALL {
            load.cmd("SCRIPT").arg("LOAD").arg(script.text());
        }
        self.ask_all(&load).await
    }

    /// A call of a script; its arguments are to be added.
    pub(crate) fn script(&self, script: Script) -> Cmd {
        let mut call = redis::cmd("EVALSHA");
        let hash = self.hashes.get(script as usize).map_or("", String::as_str);
        call.arg(hash).arg(1).arg(&self.keys.life);
        call
    }

    /// Calls a script. What it answers is always a list.
    pub(crate) async fn run(&self, call: &Cmd) -> Result<Vec<Value>, Fault> {
        let answer = match self.ask(call).await {
            Err(Fault::NoScript) => {
                self.load_scripts().await?;
                self.ask(call).await?
            }
            answer => answer?,
        };
        into_list(answer).ok_or_else(|| Fault::Failed("a script answered something else".to_owned()))
    }

    /// Sends one command.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, Fault> {
        command.query_async(&mut self.connection.clone()).await.map_err(|error| Fault::of(&error))
    }

    /// Sends some commands at once.
    pub(crate) async fn ask_all<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, Fault> {
        commands.query_async(&mut self.connection.clone()).await.map_err(|error| Fault::of(&error))
    }

    /// Whether the server is still what it was when it was asked.
    pub(crate) async fn check(&self) -> Result<(), Fault> {
        let role =
            Role::of(&mut self.connection.clone()).await.map_err(|error| Fault::Lost(error.to_string()))?;
        let epoch = self.ask(redis::cmd("HGET").arg(&self.keys.life).arg("epoch")).await?;
        if role.is_primary && role.replid == self.history && as_number(&epoch) == Some(self.epoch.bits()) {
            return Ok(());
        }
        Err(Fault::Refused("the server, or its data, became another".to_owned()))
    }

    /// A connection to one of the server's replicas, for reading.
    pub(crate) async fn replica(&self, connector: &Connector) -> Option<MultiplexedConnection> {
        connector.replica(&self.site, &mut self.connection.clone()).await
    }

    pub(crate) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }
}

/// Whether a server can be used at all; returns what tells one run of it from another.
async fn check_server(connection: &mut MultiplexedConnection) -> Result<String, RedisError> {
    let info: Value = redis::cmd("INFO")
        .arg(&["server", "memory"])
        .query_async(connection)
        .await
        .map_err(|error| Fault::of(&error))?;
    let info = as_text(&info).unwrap_or_default();
    let line = |name| info_line(info, name).unwrap_or_default();
    let version = line("redis_version");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 7) {
        return Err(RedisError::TooOld(version.to_owned()));
    }
    let policy = line("maxmemory_policy");
    // Keys of a log never expire, but for those of the policies that evict any key.
    if policy.starts_with("allkeys") && line("maxmemory") != "0" {
        return Err(RedisError::Evicts(policy.to_owned()));
    }
    Ok(line("run_id").to_owned())
}
