//! One Redis or Valkey server.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::monitor::Monitor;
use crate::servers::tls::Tls;
use crate::servers::{Place, ServerProcess, ServerSpec, Shared, program, run_text, tools_dir};

/// Names the shared server's port in the environment of worker processes.
const SHARED_ENV: &str = "CERTSTORE_TEST_REDIS";
const SHARED_VALKEY_ENV: &str = "CERTSTORE_TEST_VALKEY";

/// How to run a Redis server. The default: Debian's Redis, no password, no TLS, nothing written to disk.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// Runs Valkey in place of Redis.
    pub valkey: bool,
    /// The password of the user `default`.
    pub password: Option<String>,
    /// Speaks TLS only, with a certificate for 127.0.0.1 and localhost of an authority made for it.
    pub tls: bool,
    /// With `tls`: refuses clients that have no certificate of that authority.
    pub client_certificates: bool,
    /// Keeps every write in an append-only file before it is answered.
    pub appendonly: bool,
    /// `maxmemory-policy`, such as `allkeys-lru`; the server's own default is `noeviction`.
    pub maxmemory_policy: Option<String>,
    /// `maxmemory`, such as `10mb`.
    pub maxmemory: Option<String>,
    /// More settings, a name without dashes and a value each, words separated by a blank:
    /// `("client-output-buffer-limit", "normal 0 0 0")`.
    pub settings: Vec<(String, String)>,
}

impl RedisOptions {
    /// The command that runs such a server at `place`.
    pub(super) fn command(&self, place: &Place) -> io::Result<Command> {
        let mut command = Command::new(server_program(self.valkey)?);
        let folder = place.folder().to_string_lossy().into_owned();
        let port = place.port().to_string();
        let mut set = |name: &str, value: &str| {
            command.arg(format!("--{name}")).arg(value);
        };
        set("bind", "127.0.0.1");
        set("dir", &folder);
        set("save", "");
        set("appendonly", if self.appendonly { "yes" } else { "no" });
        set("appendfsync", "always");
        // A new replica is served at once; the default waits 5 s for others.
        set("repl-diskless-sync-delay", "0");
        if self.tls {
            Tls::write(place)?;
            set("port", "0");
            set("tls-port", &port);
            set("tls-ca-cert-file", &format!("{folder}/{}", Tls::CA));
            set("tls-cert-file", &format!("{folder}/{}", Tls::SERVER_CERT));
            set("tls-key-file", &format!("{folder}/{}", Tls::SERVER_KEY));
            set("tls-auth-clients", if self.client_certificates { "yes" } else { "no" });
        } else {
            set("port", &port);
        }
        if place.port_at(1) != 0 {
            set("cluster-enabled", "yes");
            set("cluster-port", &place.port_at(1).to_string());
        }
        let password = self.password.as_deref();
        for (name, value) in [
            ("requirepass", password),
            ("masterauth", password),
            ("maxmemory-policy", self.maxmemory_policy.as_deref()),
            ("maxmemory", self.maxmemory.as_deref()),
        ] {
            if let Some(value) = value {
                set(name, value);
            }
        }
        for (name, value) in &self.settings {
            // A value of several words is several arguments; one of none is empty.
            command.arg(format!("--{name}")).args(value.split(' '));
        }
        Ok(command)
    }

    /// `redis-cli` towards such a server.
    pub(super) fn cli(
        &self,
        folder: Option<&Path>,
        port: u16,
        words: &[&str],
    ) -> io::Result<String> {
        let mut command = Command::new("redis-cli");
        command
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-e"])
            .env_remove("REDISCLI_AUTH");
        if let Some(password) = &self.password {
            command.env("REDISCLI_AUTH", password);
        }
        if let Some(folder) = folder.filter(|_| self.tls) {
            command.arg("--tls").arg("--cacert").arg(folder.join(Tls::CA));
            command.arg("--cert").arg(folder.join(Tls::CLIENT_CERT));
            command.arg("--key").arg(folder.join(Tls::CLIENT_KEY));
        }
        run_text(command.args(words)).map(|text| text.trim_end().to_owned())
    }

    /// Starts one; on two ports it is a node of a cluster.
    pub(super) fn start(&self, ports: usize) -> io::Result<ServerProcess> {
        let (run, ask) = (self.clone(), self.clone());
        let name = if self.valkey { "valkey-server" } else { "redis-server" };
        ServerProcess::start(
            ServerSpec::new(
                name,
                move |place| run.command(place),
                move |place| match ask.cli(Some(place.folder()), place.port(), &["PING"])?.as_str()
                {
                    "PONG" => Ok(()),
                    other => Err(io::Error::other(other.to_owned())),
                },
            )
            .ports(ports),
        )
    }
}

pub(super) fn server_program(valkey: bool) -> io::Result<PathBuf> {
    if !valkey {
        return program("redis-server", &[]);
    }
    let ours = tools_dir().join("valkey/usr/bin/valkey-server");
    if ours.is_file() { Ok(ours) } else { program("valkey-server", &[]) }
}

/// A Redis or Valkey server on a port of 127.0.0.1.
#[derive(Debug)]
pub struct RedisServer {
    options: RedisOptions,
    port: u16,
    /// `None`: another process's.
    process: Option<ServerProcess>,
    monitor: Mutex<Option<Monitor>>,
}

impl RedisServer {
    /// Starts a server of one's own.
    ///
    /// # Errors
    /// When the program is missing, or the server does not come up; with the end of its log.
    pub fn start(options: RedisOptions) -> io::Result<Self> {
        Self::start_on(options, 1)
    }

    pub(super) fn start_on(options: RedisOptions, ports: usize) -> io::Result<Self> {
        let process = options.start(ports)?;
        let port = process.port();
        Ok(Self { port, process: Some(process), options, monitor: Mutex::new(None) })
    }

    /// One of another process's.
    pub(super) fn attached(port: u16, options: RedisOptions) -> Self {
        Self { options, port, process: None, monitor: Mutex::new(None) }
    }

    /// The port, of 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of database 0, without the password: `redis://127.0.0.1:6379`, or `rediss:` with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.options.tls { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The process, to kill, pause and restart it.
    ///
    /// # Errors
    /// When another process started the server.
    pub fn process(&self) -> io::Result<&ServerProcess> {
        self.process.as_ref().ok_or_else(|| {
            io::Error::other("this server is another process's; start one of your own")
        })
    }

    /// With TLS: the files `ca.pem`, `client.pem` and `client.key` in the server's folder.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    pub fn tls_files(&self) -> io::Result<[PathBuf; 3]> {
        let folder = self.process()?.folder();
        Ok([Tls::CA, Tls::CLIENT_CERT, Tls::CLIENT_KEY].map(|name| folder.join(name)))
    }

    /// What `redis-cli` prints for a command, without the last line end.
    ///
    /// # Errors
    /// When the server cannot be reached or answers with an error.
    pub fn cli(&self, words: &[&str]) -> io::Result<String> {
        let folder = self.process.as_ref().map(ServerProcess::folder);
        self.options.cli(folder, self.port, words)
    }

    /// How many commands clients have sent since the first call of this function, which starts the count and gives 0.
    ///
    /// The server itself counts, by `MONITOR`: a script is one command whatever it calls (`INFO commandstats` would
    /// count those calls too), a transaction is as many as it has, and what a client sends by itself (`HELLO`, `PING`,
    /// `CLUSTER SLOTS`) is counted, except `AUTH`. Every command that was answered before the call is counted.
    /// Monitoring slows the server a little: do not measure times meanwhile. Counting starts anew after a restart of
    /// the server.
    ///
    /// # Errors
    /// When the server cannot be reached, or speaks TLS.
    pub fn command_calls(&self) -> io::Result<u64> {
        if self.options.tls {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "commands are counted without TLS only",
            ));
        }
        let mut slot = self.monitor.lock().unwrap_or_else(PoisonError::into_inner);
        let monitor = match &mut *slot {
            Some(monitor) => monitor,
            none => none.insert(Monitor::connect(self.port, self.options.password.as_deref())?),
        };
        let count = monitor.count();
        if count.is_err() {
            *slot = None;
        }
        count
    }

    /// Whether it is a primary, as the server sees it.
    pub(super) fn is_primary(&self) -> bool {
        self.cli(&["ROLE"]).is_ok_and(|role| role.starts_with("master"))
    }

    /// Whether it is a replica in touch with its primary.
    pub(super) fn is_replica_in_sync(&self) -> bool {
        self.cli(&["INFO", "replication"]).is_ok_and(|info| info.contains("master_link_status:up"))
    }

    /// What makes [`shared_redis`] (or [`shared_valkey`], for a Valkey server) in a worker process reach this server.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        let name = if self.options.valkey { SHARED_VALKEY_ENV } else { SHARED_ENV };
        vec![(name.to_owned(), self.port.to_string())]
    }
}

/// The Redis server that all tests of this process share, started on first use; in a worker process with
/// [`RedisServer::worker_env`] in its environment, the starter's.
///
/// # Errors
/// As [`RedisServer::start`].
pub fn shared_redis() -> io::Result<&'static RedisServer> {
    static SHARED: Shared<RedisServer> = Shared::new();
    shared(&SHARED, SHARED_ENV, &RedisOptions::default())
}

/// As [`shared_redis`], a Valkey server.
///
/// # Errors
/// As [`RedisServer::start`].
pub fn shared_valkey() -> io::Result<&'static RedisServer> {
    static SHARED: Shared<RedisServer> = Shared::new();
    shared(&SHARED, SHARED_VALKEY_ENV, &RedisOptions { valkey: true, ..RedisOptions::default() })
}

fn shared(
    slot: &'static Shared<RedisServer>,
    name: &str,
    options: &RedisOptions,
) -> io::Result<&'static RedisServer> {
    let attach = |text: &str| {
        let port =
            text.parse().map_err(|_| io::Error::other(format!("{name} is no port: {text}")))?;
        Ok(RedisServer::attached(port, options.clone()))
    };
    slot.get(name, attach, || RedisServer::start(options.clone()))
}
