//! PgBouncer before a PostgreSQL server.

use std::io;
use std::process::Command;

use super::server::{PostgresServer, SUPERUSER, psql};
use crate::servers::{Place, ServerProcess, ServerSpec, User, program};

/// PgBouncer in transaction mode on a port of 127.0.0.1: a client keeps a session of the server for one transaction.
#[derive(Debug)]
pub struct PgBouncer {
    process: ServerProcess,
}

impl PgBouncer {
    /// Starts it before `server`, for all databases. The superuser `postgres` needs no password.
    ///
    /// # Errors
    /// When the program is missing, or it does not come up; with the end of its log.
    pub fn start(server: &PostgresServer) -> io::Result<Self> {
        Self::start_for(server, &[])
    }

    /// As [`start`](Self::start), also for these roles with their passwords, which clients must know (SCRAM).
    ///
    /// # Errors
    /// As `start`.
    pub fn start_for(server: &PostgresServer, roles: &[(&str, &str)]) -> io::Result<Self> {
        let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut users = format!("\"{SUPERUSER}\" \"\"\n");
        for (role, password) in roles {
            users += &format!("{} {}\n", quote(role), quote(password));
        }
        let target = server.port();
        let process = ServerProcess::start(
            ServerSpec::new(
                "pgbouncer",
                move |place| {
                    place.write("users.txt", &users)?;
                    let file = place.write("pgbouncer.ini", settings(place, target))?;
                    place.write(
                        "hba.conf",
                        format!("host all {SUPERUSER} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"),
                    )?;
                    let mut command = Command::new(program("pgbouncer", &["/usr/sbin".into()])?);
                    command.arg(file);
                    Ok(command)
                },
                |place| psql(place.port(), "postgres", "SELECT 1").map(drop),
            )
            .user(User::instead_of_root("postgres")?)
            .stop_signal("INT"),
        )?;
        Ok(Self { process })
    }

    /// The port, of 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.process.port()
    }

    /// The URL of a database for the superuser `postgres`, who needs no password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port())
    }

    /// The process, to kill, pause and restart it.
    #[must_use]
    pub fn process(&self) -> &ServerProcess {
        &self.process
    }

    /// Runs SQL statements through it as the superuser, as [`PostgresServer::sql`] does.
    ///
    /// # Errors
    /// As `PostgresServer::sql`.
    pub fn sql(&self, database: &str, text: &str) -> io::Result<String> {
        psql(self.port(), database, text)
    }
}

fn settings(place: &Place, target: u16) -> String {
    let (port, folder) = (place.port(), place.folder().display());
    format!(
        "[databases]\n* = host=127.0.0.1 port={target}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = hba\nauth_hba_file = {folder}/hba.conf\nauth_file = {folder}/users.txt\n\
         admin_users = {SUPERUSER}\npool_mode = transaction\ndefault_pool_size = 20\nmax_client_conn = 500\n\
         ignore_startup_parameters = extra_float_digits\n"
    )
}
