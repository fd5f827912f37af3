//! Making a connection: to the server, to a cluster, or to the primary that sentinels name.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use certstore_core::{Error, ErrorKind, Result};
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _,
    Pipeline, ProtocolVersion, RedisConnectionInfo, RedisError, RedisResult, TlsCertificates,
    Value,
};

use super::transaction::unless_refused;
use super::{Inner, probe, tls};
use crate::cause::Cause;
use crate::config::{Address, Mode, RedisConfig};
use crate::error::{BACKEND, Effect, FULL, NO_MASTER, redis_error};

/// What goes out in one write.
pub(super) enum Request<'a> {
    /// A command.
    One(&'a Cmd),
    /// `MULTI`, what it is about, and `EXEC`; only to a node.
    Transaction(Pipeline),
}

/// A connection that is up. Clones share it.
#[derive(Clone)]
pub(super) enum Live {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Live {
    pub(super) async fn send(&mut self, request: &Request<'_>) -> RedisResult<Value> {
        match (self, request) {
            (Self::Node(node), Request::One(cmd)) => cmd.query_async(node).await,
            (Self::Cluster(cluster), Request::One(cmd)) => cmd.query_async(cluster).await,
            (Self::Node(node), Request::Transaction(cmds)) => {
                unless_refused(node.send_packed_commands(cmds, 0, cmds.len()).await?)
            }
            (Self::Cluster(_), Request::Transaction(_)) => {
                Err((redis::ErrorKind::Client, "transactions are for a node").into())
            }
        }
    }

    pub(super) async fn subscribe(&mut self, channel: &[u8]) -> RedisResult<()> {
        match self {
            Self::Node(node) => node.subscribe(channel).await,
            Self::Cluster(cluster) => cluster.subscribe(channel).await,
        }
    }
}

/// Why there is no connection. Shared by all who wait for it.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Redis(RedisError),
    Told(ErrorKind, &'static str),
    TimedOut(Duration),
}

impl Failure {
    pub(super) fn of(error: RedisError) -> Self {
        Self::Redis(error)
    }

    pub(super) fn stopped() -> Self {
        Self::Told(ErrorKind::Unavailable, "connecting was stopped with its runtime; retry")
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Redis(error) => redis_error(error, Effect::Read),
            Self::Told(kind, message) => Error::new(kind, message).with_backend(BACKEND),
            Self::TimedOut(limit) => Error::new(
                ErrorKind::Unavailable,
                format!(
                    "no connection within {} ms; see whether the server is up and reachable, then retry",
                    limit.as_millis()
                ),
            )
            .with_backend(BACKEND),
        }
    }
}

/// How to connect.
pub(super) struct Dialer {
    target: Target,
    connect_timeout: Duration,
    timeout: Duration,
}

enum Target {
    Node(Client),
    Cluster { nodes: Vec<ConnectionInfo>, certificates: Option<TlsCertificates> },
    Sentinel { sentinels: Vec<Client>, master: String, server: ServerSettings },
}

/// How to reach the primary at whatever address the sentinels name.
struct ServerSettings {
    login: RedisConnectionInfo,
    tls: Option<TlsCertificates>,
}

impl ServerSettings {
    fn info(&self, address: &Address) -> Result<ConnectionInfo> {
        let addr = match self.tls {
            None => ConnectionAddr::Tcp(address.host.clone(), address.port),
            Some(_) => ConnectionAddr::TcpTls {
                host: address.host.clone(),
                port: address.port,
                insecure: false,
                tls_params: None,
            },
        };
        let info = addr.into_connection_info().map_err(|error| redis_error(error, Effect::Read))?;
        Ok(info.set_redis_settings(self.login.clone()))
    }

    fn client(&self, address: &Address) -> Result<Client> {
        let info = self.info(address)?;
        match &self.tls {
            None => Client::open(info),
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        }
        .map_err(invalid_certificates)
    }
}

fn invalid_certificates(error: RedisError) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        "the connection's settings are wrong; see whether ca_cert, client_cert and client_key are PEM files",
    )
    .with_backend(BACKEND)
    .with_source(Cause(error))
}

fn login(username: Option<&str>, password: Option<&str>, db: i64) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3).set_db(db);
    if let Some(username) = username {
        login = login.set_username(username);
    }
    if let Some(password) = password {
        login = login.set_password(password);
    }
    login
}

impl Dialer {
    pub(super) fn new(config: &RedisConfig) -> Result<Self> {
        config.check()?;
        let tls = tls::certificates(config)?;
        let password = config.password.as_ref().map(|password| password.expose());
        let server = ServerSettings {
            login: login(config.username.as_deref(), password, config.db),
            tls: tls.clone(),
        };
        let target = match config.mode {
            Mode::Single => {
                let address = config.addresses().next().ok_or_else(no_address)?;
                Target::Node(server.client(&address)?)
            }
            Mode::Cluster => {
                let nodes = config.addresses().map(|node| server.info(&node));
                Target::Cluster { nodes: nodes.collect::<Result<_>>()?, certificates: tls }
            }
            Mode::Sentinel => {
                let password = config.sentinel_password.as_ref().map(|password| password.expose());
                let sentinel = ServerSettings {
                    login: login(config.sentinel_username.as_deref(), password, 0),
                    tls,
                };
                let sentinels = config.addresses().map(|node| sentinel.client(&node));
                Target::Sentinel {
                    sentinels: sentinels.collect::<Result<_>>()?,
                    master: config.master.clone().unwrap_or_default(),
                    server,
                }
            }
        };
        Ok(Self { target, connect_timeout: config.connect_timeout, timeout: config.timeout })
    }

    pub(super) fn of_client(client: &Client, config: &RedisConfig) -> Result<Self> {
        config.check()?;
        let info = client.get_connection_info().clone();
        let login = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(login)).map_err(invalid_certificates)?;
        Ok(Self {
            target: Target::Node(client),
            connect_timeout: config.connect_timeout,
            timeout: config.timeout,
        })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether a command that was refused unexecuted may find another server the next time.
    pub(super) fn may_resend(&self) -> bool {
        !matches!(self.target, Target::Node(_))
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster { .. })
    }

    pub(super) async fn dial(&self, inner: Weak<Inner>, generation: u64) -> Result<Live, Failure> {
        let push = move |push| -> Result<(), redis::aio::SendError> {
            if let Some(inner) = inner.upgrade() {
                inner.pushed(generation, push);
            }
            Ok(())
        };
        let dialing = async {
            match &self.target {
                Target::Node(client) => self.node(client, push).await.map(Live::Node),
                Target::Cluster { nodes, certificates } => {
                    let mut builder = ClusterClient::builder(nodes.clone())
                        .use_protocol(ProtocolVersion::RESP3)
                        // A command whose reply was lost must not be sent again by the driver.
                        .retries(0)
                        .connection_timeout(self.connect_timeout)
                        .response_timeout(self.timeout)
                        .push_sender(push);
                    if let Some(certificates) = certificates {
                        builder = builder.certs(certificates.clone());
                    }
                    let client = builder.build().map_err(Failure::Redis)?;
                    client.get_async_connection().await.map(Live::Cluster).map_err(Failure::Redis)
                }
                Target::Sentinel { sentinels, master, server } => {
                    self.primary(sentinels, master, server, push).await.map(Live::Node)
                }
            }
        };
        tokio::time::timeout(self.connect_timeout, dialing)
            .await
            .unwrap_or(Err(Failure::TimedOut(self.connect_timeout)))
    }

    async fn node(
        &self,
        client: &Client,
        push: impl redis::aio::AsyncPushSender,
    ) -> Result<MultiplexedConnection, Failure> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            // Calls have limits of their own.
            .set_response_timeout(Some(self.timeout))
            .set_push_sender(push);
        match client.get_multiplexed_async_connection_with_config(&config).await {
            Err(error) if error.is_connection_dropped() && !error.is_connection_refusal() => {
                let full = probe::is_full(client.get_connection_info().addr()).await;
                Err(if full { Failure::Told(FULL.0, FULL.1) } else { Failure::Redis(error) })
            }
            made => made.map_err(Failure::Redis),
        }
    }

    /// Asks the sentinels in turn, and takes the first server that calls itself primary.
    async fn primary(
        &self,
        sentinels: &[Client],
        master: &str,
        server: &ServerSettings,
        push: impl redis::aio::AsyncPushSender + Clone,
    ) -> Result<MultiplexedConnection, Failure> {
        let mut failure = Failure::Told(NO_MASTER.0, NO_MASTER.1);
        let share = self.connect_timeout / u32::try_from(sentinels.len() + 1).unwrap_or(1);
        for sentinel in sentinels {
            let named = match tokio::time::timeout(share, named_by(sentinel, master)).await {
                Ok(named) => named,
                Err(_) => Err(Failure::TimedOut(share)),
            };
            let address = match named {
                Ok(address) => address,
                Err(error) => {
                    failure = error;
                    continue;
                }
            };
            let client = server.client(&address).map_err(|_| {
                Failure::Told(
                    ErrorKind::InvalidConfig,
                    "the sentinels name an address that is none",
                )
            })?;
            failure = match self.node(&client, push.clone()).await {
                Ok(mut node) => {
                    if is_primary(&mut node).await {
                        return Ok(node);
                    }
                    Failure::Told(
                        ErrorKind::Unavailable,
                        "the server that the sentinels name is no primary yet; retry in a moment",
                    )
                }
                Err(error) => error,
            };
        }
        Err(failure)
    }
}

async fn named_by(sentinel: &Client, master: &str) -> Result<Address, Failure> {
    let mut link = sentinel.get_multiplexed_async_connection().await.map_err(Failure::Redis)?;
    let named: Option<(String, u16)> = redis::cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(master)
        .query_async(&mut link)
        .await
        .map_err(Failure::Redis)?;
    let (host, port) = named.ok_or(Failure::Told(NO_MASTER.0, NO_MASTER.1))?;
    Ok(Address { host, port })
}

/// Sentinels may still name a primary that was demoted. Where ROLE is forbidden, its first write tells.
async fn is_primary(node: &mut MultiplexedConnection) -> bool {
    let role: RedisResult<Vec<Value>> = redis::cmd("ROLE").query_async(node).await;
    match role.as_deref() {
        Ok([Value::BulkString(role), ..]) => role == b"master",
        Ok(_) => true,
        Err(error) => error.kind() == redis::ErrorKind::Server(redis::ServerErrorKind::NoPerm),
    }
}

fn no_address() -> Error {
    Error::new(ErrorKind::InvalidConfig, "no address is configured; set url").with_backend(BACKEND)
}

impl fmt::Debug for Dialer {
    /// Addresses only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = |clients: &[Client]| -> Vec<String> {
            clients.iter().map(|client| client.get_connection_info().addr().to_string()).collect()
        };
        match &self.target {
            Target::Node(client) => {
                f.debug_tuple("Single").field(&addresses(std::slice::from_ref(client))).finish()
            }
            Target::Cluster { nodes, .. } => {
                let nodes: Vec<String> = nodes.iter().map(|node| node.addr().to_string()).collect();
                f.debug_tuple("Cluster").field(&nodes).finish()
            }
            Target::Sentinel { sentinels, .. } => {
                f.debug_tuple("Sentinel").field(&addresses(sentinels)).finish()
            }
        }
    }
}
