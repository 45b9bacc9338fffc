//! How the Redis is found that takes writes for a log, and connections to it.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    RedisConnectionInfo, Value, aio::MultiplexedConnection,
};

use rustls::crypto::CryptoProvider;

use crate::{
    RedisConfig, RedisError,
    config::Way,
    error::Fault,
    value::{as_list, as_number, as_text},
};

/// Finds servers. It holds no connection.
pub(crate) struct Connector {
    seeds: Vec<ConnectionInfo>,
    way: Way,
    /// A key of the log: it says which slot of a cluster is meant.
    key: String,
    connect_limit: Duration,
    time_limit: Duration,
}

/// One server.
#[derive(Clone)]
pub(crate) struct Site {
    info: ConnectionInfo,
    connect_limit: Duration,
}

/// What a server says of itself.
pub(crate) struct Role {
    /// The name of the history that its data are of.
    pub(crate) replid: String,
    pub(crate) is_primary: bool,
    /// Its replicas that are up to date or nearly so, host and port.
    replicas: Vec<(String, u16)>,
}

impl Connector {
    pub(crate) fn new(config: &RedisConfig) -> Result<Self, RedisError> {
        let seed = |url: &String| -> Result<_, RedisError> {
            let info =
                url.as_str().into_connection_info().map_err(|error| RedisError::Url(error.to_string()))?;
            if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
                // The client takes the provider of the process, and panics without one.
                CryptoProvider::get_default().ok_or(RedisError::NoTls)?;
            }
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
            Ok(info.set_redis_settings(settings))
        };
        Ok(Self {
            seeds: config.urls.iter().map(seed).collect::<Result<_, _>>()?,
            way: config.way.clone(),
            key: format!("{{{}}}:life", config.checked_name()?),
            connect_limit: config.connect_limit,
            time_limit: config.time_limit,
        })
    }

    /// The server that takes writes for the log now, and a connection to it whose answers come within the time limit.
    pub(crate) async fn primary(&self) -> Result<(Site, MultiplexedConnection), RedisError> {
        let mut failure = RedisError::NotPrimary("no address is given".to_owned());
        for seed in &self.seeds {
            match self.primary_by(seed).await {
                Ok(found) => return Ok(found),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn primary_by(&self, seed: &ConnectionInfo) -> Result<(Site, MultiplexedConnection), RedisError> {
        let site = match &self.way {
            Way::Plain => self.site(seed.clone()),
            Way::Sentinel { master, credentials } => {
                let mut settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2);
                if let Some((user, password)) = credentials {
                    settings = settings.set_password(password);
                    settings = user.iter().fold(settings, RedisConnectionInfo::set_username);
                }
                let sentinel = self.site(seed.clone().set_redis_settings(settings));
                let mut connection = sentinel.open(Some(self.time_limit)).await?;
                let mut who = redis::cmd("SENTINEL");
                who.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
                let told = ask(&mut connection, &who).await?;
                let place = as_list(&told).and_then(|place| host_and_port(place, seed));
                let unknown = || RedisError::NotPrimary(format!("the Sentinels know no {master:?}"));
                self.site(at(seed, &place.ok_or_else(unknown)?))
            }
            Way::Cluster => {
                let mut connection = self.site(seed.clone()).open(Some(self.time_limit)).await?;
                let slot = ask(&mut connection, redis::cmd("CLUSTER").arg("KEYSLOT").arg(&self.key)).await?;
                let slots = ask(&mut connection, redis::cmd("CLUSTER").arg("SLOTS")).await?;
                let unknown = || RedisError::NotPrimary("the cluster has nobody for the slot".to_owned());
                self.site(at(seed, &server_of(&slot, &slots, seed).ok_or_else(unknown)?))
            }
        };
        let mut connection = site.open(Some(self.time_limit)).await?;
        let role = Role::of(&mut connection).await?;
        if !role.is_primary {
            return Err(RedisError::NotPrimary("it is a replica".to_owned()));
        }
        Ok((site, connection))
    }

    /// A connection for reading to one of the replicas of a server that takes writes, if there is one that answers.
    pub(crate) async fn replica(
        &self,
        primary: &Site,
        connection: &mut MultiplexedConnection,
    ) -> Option<MultiplexedConnection> {
        let mut replicas = Role::of(connection).await.ok()?.replicas;
        fastrand::shuffle(&mut replicas);
        for place in replicas {
            let site = self.site(at(&primary.info, &place));
            let Ok(mut replica) = site.open(Some(self.time_limit)).await else { continue };
            if matches!(self.way, Way::Cluster) && ask(&mut replica, &redis::cmd("READONLY")).await.is_err() {
                continue;
            }
            return Some(replica);
        }
        None
    }

    fn site(&self, info: ConnectionInfo) -> Site {
        Site { info, connect_limit: self.connect_limit }
    }
}

impl Site {
    /// A connection for commands. Without a limit an answer may take as long as it takes.
    pub(crate) async fn open(
        &self,
        answers_within: Option<Duration>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_limit))
            .set_response_timeout(answers_within);
        let connection = self.client()?.get_multiplexed_async_connection_with_config(&config).await;
        connection.map_err(|error| RedisError::Unreachable(error.to_string()))
    }

    /// For other kinds of connections.
    pub(crate) fn client(&self) -> Result<Client, RedisError> {
        Client::open(self.info.clone()).map_err(|error| RedisError::Url(error.to_string()))
    }
}

impl Role {
    pub(crate) async fn of(connection: &mut MultiplexedConnection) -> Result<Self, RedisError> {
        let info = ask(connection, redis::cmd("INFO").arg("replication")).await?;
        let info = as_text(&info).unwrap_or_default();
        let replicas = info.lines().filter(|line| line.starts_with("slave") && line.contains("state=online"));
        let part = |line: &str, name: &str| {
            let (_, rest) = line.split_once(name)?;
            rest.split(',').next().map(str::to_owned)
        };
        let replica = |line: &str| Some((part(line, "ip=")?, part(line, "port=")?.parse().ok()?));
        Ok(Self {
            replid: info_line(info, "master_replid").unwrap_or_default().to_owned(),
            is_primary: info_line(info, "role") == Some("master"),
            replicas: replicas.filter_map(replica).collect(),
        })
    }
}

/// A line of what `INFO` says.
pub(crate) fn info_line<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}

async fn ask(connection: &mut MultiplexedConnection, command: &redis::Cmd) -> Result<Value, RedisError> {
    Ok(command.query_async(connection).await.map_err(|error| Fault::of(&error))?)
}

/// The same as `info` at another address.
fn at(info: &ConnectionInfo, (host, port): &(String, u16)) -> ConnectionInfo {
    let addr = match info.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host.clone(), *port),
    };
    info.clone().set_addr(addr)
}

/// Host and port as servers write them. Nodes of a cluster that do not know their own name leave it out: then it is the
/// one that was asked.
fn host_and_port(place: &[Value], asked: &ConnectionInfo) -> Option<(String, u16)> {
    let port = u16::try_from(as_number(place.get(1)?)?).ok()?;
    let asked = match asked.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => Some(host.as_str()),
        _ => None,
    };
    let host = as_text(place.first()?).filter(|host| !host.is_empty() && *host != "?").or(asked)?;
    Some((host.to_owned(), port))
}

/// Who has a slot, by the answer to `CLUSTER SLOTS`: first, last, the server, its replicas.
fn server_of(slot: &Value, slots: &Value, asked: &ConnectionInfo) -> Option<(String, u16)> {
    let slot = as_number(slot)?;
    as_list(slots)?.iter().find_map(|range| {
        let range = as_list(range)?;
        let (first, last) = (as_number(range.first()?)?, as_number(range.get(1)?)?);
        (first..=last).contains(&slot).then(|| host_and_port(as_list(range.get(2)?)?, asked)).flatten()
    })
}
