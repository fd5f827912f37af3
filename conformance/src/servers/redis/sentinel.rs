//! A Redis primary with a replica, watched by three sentinels.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::server::{RedisOptions, RedisServer, server_program};
use crate::servers::{Place, ServerProcess, ServerSpec, program, wait_until};

/// How long the servers may take to find each other.
const LIMIT: Duration = Duration::from_secs(30);
const SENTINELS: usize = 3;

/// How to run the servers and their sentinels.
#[derive(Debug, Clone, Default)]
pub struct RedisSentinelOptions {
    /// How to run the primary and its replica.
    pub node: RedisOptions,
    /// The password that the sentinels ask of clients, which is not the servers'.
    pub sentinel_password: Option<String>,
}

/// A primary, its replica, and three sentinels that promote the replica some 2 seconds after the primary was killed.
#[derive(Debug)]
pub struct RedisSentinel {
    nodes: [RedisServer; 2],
    sentinels: Vec<ServerProcess>,
    /// How to ask a sentinel.
    asked: RedisOptions,
}

impl RedisSentinel {
    /// The name that the sentinels know the primary by.
    pub const MASTER: &str = "certstore";

    /// Starts all five, and waits until each sentinel knows the replica and the other sentinels.
    ///
    /// # Errors
    /// When one does not come up, or they do not find each other within 30 seconds.
    pub fn start(options: &RedisSentinelOptions) -> io::Result<Self> {
        let primary = RedisServer::start(options.node.clone())?;
        let mut node = options.node.clone();
        node.settings.push(("replicaof".to_owned(), format!("127.0.0.1 {}", primary.port())));
        let replica = RedisServer::start(node)?;
        wait_until(LIMIT, "the replica is in sync", || replica.is_replica_in_sync())?;
        let asked =
            RedisOptions { password: options.sentinel_password.clone(), ..RedisOptions::default() };
        let sentinels = (0..SENTINELS)
            .map(|_| start_sentinel(options, &asked, primary.port()))
            .collect::<io::Result<Vec<_>>>()?;
        let all = Self { nodes: [primary, replica], sentinels, asked };
        wait_until(LIMIT, "the sentinels know each other and the replica", || {
            all.sentinels.iter().all(|sentinel| {
                let said =
                    all.ask(sentinel, &["SENTINEL", "MASTER", Self::MASTER]).unwrap_or_default();
                let fields: Vec<&str> = said.lines().collect();
                let is = |name, value| fields.windows(2).any(|pair| pair == [name, value]);
                is("num-slaves", "1") && is("num-other-sentinels", "2")
            })
        })?;
        Ok(all)
    }

    fn ask(&self, sentinel: &ServerProcess, words: &[&str]) -> io::Result<String> {
        self.asked.cli(None, sentinel.port(), words)
    }

    /// The sentinels as `127.0.0.1:PORT`, separated by commas.
    #[must_use]
    pub fn addresses(&self) -> String {
        let ports = self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port()));
        ports.collect::<Vec<_>>().join(",")
    }

    /// The sentinels, to kill and pause them.
    #[must_use]
    pub fn sentinels(&self) -> &[ServerProcess] {
        &self.sentinels
    }

    /// The two servers, the first primary first.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer; 2] {
        &self.nodes
    }

    /// The server that all running sentinels call the primary, and that agrees.
    ///
    /// # Errors
    /// When there is none now, as during a failover.
    pub fn primary(&self) -> io::Result<&RedisServer> {
        let agreed = |node: &&RedisServer| {
            let port = node.port().to_string();
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self::MASTER];
            let mut running = self.sentinels.iter().filter(|sentinel| sentinel.is_running());
            running.all(|sentinel| {
                self.ask(sentinel, &words).is_ok_and(|said| said.lines().nth(1) == Some(&port))
            }) && node.is_primary()
        };
        self.nodes
            .iter()
            .find(agreed)
            .ok_or_else(|| io::Error::other("the sentinels agree on no primary"))
    }

    /// Kills the primary and gives it, without waiting for the promotion; it can be started again, and then becomes
    /// the replica.
    ///
    /// # Errors
    /// When there is none now.
    pub fn kill_primary(&self) -> io::Result<&RedisServer> {
        let primary = self.primary()?;
        primary.process()?.kill()?;
        Ok(primary)
    }

    /// Waits until all sentinels agree on a primary other than `old`, and gives it.
    ///
    /// # Errors
    /// When they do not within 30 seconds; with the end of a sentinel's log.
    pub fn wait_for_promotion(&self, old: &RedisServer) -> io::Result<&RedisServer> {
        let promoted = || self.primary().ok().filter(|primary| primary.port() != old.port());
        wait_until(LIMIT, "a replica is promoted", || promoted().is_some()).map_err(|error| {
            self.sentinels.first().map_or(error, |first| first.error("promotes nobody"))
        })?;
        promoted().ok_or_else(|| io::Error::other("the promoted primary is none any more"))
    }
}

fn start_sentinel(
    options: &RedisSentinelOptions,
    asked: &RedisOptions,
    primary: u16,
) -> io::Result<ServerProcess> {
    let (options, asked) = (options.clone(), asked.clone());
    ServerProcess::start(ServerSpec::new(
        "redis-sentinel",
        move |place| {
            let file = place.write("sentinel.conf", settings(&options, place, primary))?;
            let valkey = options.node.valkey;
            let program =
                if valkey { server_program(true)? } else { program("redis-sentinel", &[])? };
            let mut command = Command::new(program);
            command.arg(file).args(valkey.then_some("--sentinel"));
            Ok(command)
        },
        move |place| asked.cli(None, place.port(), &["PING"]).map(drop),
    ))
}

/// A sentinel rewrites this file.
fn settings(options: &RedisSentinelOptions, place: &Place, primary: u16) -> String {
    let (port, folder, name) = (place.port(), place.folder().display(), RedisSentinel::MASTER);
    let mut text = format!(
        "bind 127.0.0.1\nport {port}\ndir {folder}\nsentinel monitor {name} 127.0.0.1 {primary} 2\n\
         sentinel down-after-milliseconds {name} 1000\nsentinel failover-timeout {name} 10000\n"
    );
    if let Some(password) = &options.node.password {
        text += &format!("sentinel auth-pass {name} {password}\n");
    }
    if let Some(password) = &options.sentinel_password {
        text += &format!("requirepass {password}\n");
    }
    text
}
