//! One PostgreSQL server.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::servers::tls::Tls;
use crate::servers::{Place, ServerProcess, ServerSpec, Shared, User, program, run_with_input};

/// Names the shared server's port in the environment of worker processes.
const SHARED_ENV: &str = "CERTSTORE_TEST_POSTGRES";
/// The superuser of every test server, who needs no password from 127.0.0.1. Everybody else does.
pub(super) const SUPERUSER: &str = "postgres";
const HBA: &str = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
/// A killed server leaves its (empty) System V segment; its number stands in line 7 of the file.
const CLEANUP: &str = "ipcrm -m \"$(sed -n '7s/.* //p' data/postmaster.pid)\"";

/// Mounts a small file system where only the server sees it, and goes on as the server. The words: size, folder, server.
const ON_SMALL_DISK: &str =
    "mount -t tmpfs -o size=\"$0\",mode=700 tmpfs \"$1\" && shift && exec \"$@\"";
/// The folder of the small file system.
const SMALL_DISK: &str = "small";

/// How to run a PostgreSQL server. The default is quick and forgets what was written last when it is killed: no fsync.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// Syncs commits to the disk.
    pub fsync: bool,
    /// Offers TLS, with a certificate for 127.0.0.1 and localhost of an authority made for it.
    pub tls: bool,
    /// Preloads `pg_stat_statements` and makes its view in the database `postgres`.
    pub statements: bool,
    /// Gives the server a tablespace `small` of so many MiB, which is a file system of its own: a disk to fill up.
    pub small_disk: Option<u32>,
    /// More settings, a name and a value each: `("max_connections", "12")`.
    pub settings: Vec<(String, String)>,
}

impl PostgresOptions {
    /// Makes the data folder, and gives the command that runs the server on it.
    fn command(&self, place: &Place) -> io::Result<Command> {
        let data = place.folder().join("data");
        let mut initdb = Command::new(program("initdb", &folders())?);
        initdb.arg("-D").arg(&data).args([
            "-U",
            SUPERUSER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        place.run(&initdb)?;
        let hba = place.write("pg_hba.conf", HBA)?;
        let mut command = Command::new(program("postgres", &folders())?);
        command.arg("-D").arg(&data);
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        set("hba_file", &hba.to_string_lossy());
        set("listen_addresses", "127.0.0.1");
        set("port", &place.port().to_string());
        set("unix_socket_directories", "");
        set("max_connections", "200");
        set("password_encryption", "scram-sha-256");
        // in the data folder, where nothing outlives it
        set("dynamic_shared_memory_type", "mmap");
        if !self.fsync {
            set("fsync", "off");
        }
        if self.tls {
            Tls::write(place)?;
            let file = |name: &str| place.folder().join(name).to_string_lossy().into_owned();
            set("ssl", "on");
            set("ssl_ca_file", &file(Tls::CA));
            set("ssl_cert_file", &file(Tls::SERVER_CERT));
            set("ssl_key_file", &file(Tls::SERVER_KEY));
        }
        if self.statements {
            set("shared_preload_libraries", "pg_stat_statements");
            set("compute_query_id", "on");
        }
        for (name, value) in &self.settings {
            set(name, value);
        }
        match self.small_disk {
            None => Ok(command),
            Some(size) => on_small_disk(&command, place, size),
        }
    }
}

/// The same command in a mount namespace of its own, with a small file system in the server's folder.
fn on_small_disk(command: &Command, place: &Place, size: u32) -> io::Result<Command> {
    let folder = place.folder().join(SMALL_DISK);
    let mut mkdir = Command::new("mkdir");
    mkdir.arg(&folder);
    place.run(&mkdir)?;
    let mut wrapped = Command::new("unshare");
    wrapped.args(["--map-current-user", "--keep-caps", "--mount", "sh", "-c", ON_SMALL_DISK]);
    wrapped.arg(format!("{size}m")).arg(&folder);
    wrapped.arg(command.get_program()).args(command.get_args());
    Ok(wrapped)
}

/// A PostgreSQL server on a port of 127.0.0.1.
#[derive(Debug)]
pub struct PostgresServer {
    port: u16,
    /// `None`: another process's.
    process: Option<ServerProcess>,
}

impl PostgresServer {
    /// Starts a server of one's own, with empty databases. As root it runs as the user `postgres`, or nobody.
    ///
    /// # Errors
    /// When the programs are missing, or the server does not come up; with the end of its log.
    pub fn start(options: PostgresOptions) -> io::Result<Self> {
        let (statements, small_disk) = (options.statements, options.small_disk);
        let process = ServerProcess::start(
            ServerSpec::new(
                "postgres",
                move |place| options.command(place),
                |place| psql(place.port(), "postgres", "SELECT 1").map(drop),
            )
            .user(User::instead_of_root("postgres")?)
            .stop_signal("INT") // "fast": ends the sessions
            .cleanup(CLEANUP),
        )?;
        let server = Self { port: process.port(), process: Some(process) };
        if statements {
            server.sql("postgres", "CREATE EXTENSION pg_stat_statements")?;
        }
        if let (Some(_), Some(process)) = (small_disk, &server.process) {
            let folder = process.folder().join(SMALL_DISK);
            let made = format!("CREATE TABLESPACE small LOCATION '{}'", folder.display());
            server.sql("postgres", &made)?;
        }
        Ok(server)
    }

    fn attached_to(text: &str) -> io::Result<Self> {
        let port = text
            .parse()
            .map_err(|_| io::Error::other(format!("{SHARED_ENV} is no port: {text}")))?;
        Ok(Self { port, process: None })
    }

    /// The port, of 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database for the superuser `postgres`, who needs no password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
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

    /// With TLS: the authority's certificate, a PEM file.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    pub fn ca_file(&self) -> io::Result<PathBuf> {
        Ok(self.process()?.folder().join(Tls::CA))
    }

    /// Runs SQL statements as the superuser, each in a transaction of its own, and gives their rows: a line each,
    /// columns separated by `|`.
    ///
    /// # Errors
    /// When the server cannot be reached or a statement fails; the later ones are not run.
    pub fn sql(&self, database: &str, text: &str) -> io::Result<String> {
        psql(self.port, database, text)
    }

    /// Makes an empty database.
    ///
    /// # Errors
    /// When it exists already, or as [`sql`](Self::sql).
    pub fn create_database(&self, name: &str) -> io::Result<()> {
        self.sql("postgres", &format!("CREATE DATABASE {}", identifier(name))).map(drop)
    }

    /// Removes a database, and ends its sessions. One that is not there is no error.
    ///
    /// # Errors
    /// As [`sql`](Self::sql).
    pub fn drop_database(&self, name: &str) -> io::Result<()> {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(name)))
            .map(drop)
    }

    /// Makes a role that may log in with this password (SCRAM), and has no other right.
    ///
    /// # Errors
    /// When it exists already, or as [`sql`](Self::sql).
    pub fn create_role(&self, name: &str, password: &str) -> io::Result<()> {
        let password = password.replace('\'', "''");
        self.sql(
            "postgres",
            &format!("CREATE ROLE {} LOGIN PASSWORD '{password}'", identifier(name)),
        )
        .map(drop)
    }

    /// How many statements the server has run in `database` by order of clients, over all sessions; `BEGIN` and
    /// `COMMIT` are statements, those inside functions are not counted. Needs [`PostgresOptions::statements`].
    ///
    /// # Errors
    /// Without that option, or as [`sql`](Self::sql).
    pub fn statement_calls(&self, database: &str) -> io::Result<u64> {
        let database = database.replace('\'', "''");
        let query = format!(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid \
             WHERE d.datname = '{database}' AND s.toplevel"
        );
        self.sql("postgres", &query)?.trim().parse().map_err(io::Error::other)
    }

    /// Stops the server without a checkpoint, as a crash does; what was committed is recovered at the next start.
    ///
    /// # Errors
    /// When another process started it, or it does not end.
    pub fn stop_immediate(&self) -> io::Result<()> {
        self.process()?.stop_with("QUIT")
    }

    /// Stops the server and starts it again, on the same port and data.
    ///
    /// # Errors
    /// When another process started it, or it does not end or come up.
    pub fn restart(&self) -> io::Result<()> {
        self.process()?.restart()
    }

    /// What makes [`shared_postgres`] in a worker process reach this server.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        vec![(SHARED_ENV.to_owned(), self.port.to_string())]
    }
}

/// The PostgreSQL server that all tests of this process share, started on first use, with `pg_stat_statements`; in a
/// worker process with [`PostgresServer::worker_env`] in its environment, the starter's. Make a database of your own.
///
/// # Errors
/// As [`PostgresServer::start`].
pub fn shared_postgres() -> io::Result<&'static PostgresServer> {
    static SHARED: Shared<PostgresServer> = Shared::new();
    SHARED.get(SHARED_ENV, PostgresServer::attached_to, || {
        PostgresServer::start(PostgresOptions { statements: true, ..PostgresOptions::default() })
    })
}

/// Debian keeps the server's programs off `PATH`, a folder per version; the newest comes first.
fn folders() -> Vec<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn psql(port: u16, database: &str, text: &str) -> io::Result<String> {
    let mut command = Command::new("psql");
    command
        .args(["-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
        .args(["-p", &port.to_string(), "-U", SUPERUSER, "-d", database, "-f", "-"])
        .env("PGCONNECT_TIMEOUT", "10");
    run_with_input(&mut command, text).map(|text| text.trim_end().to_owned())
}
