//! A Caddy node's locks: the effects of the statements of the plugin's lock client, written anew.
//!
//! `CERTSTORE_CADDY_PEER` may name a program that is the plugin itself: it gets the database's connection string and an
//! instance id, says `ready`, and answers `ok` to each line `lock NAME` or `unlock NAME` once that is done.

use std::process::Stdio;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::support::Database;

/// The plugin's times.
pub(crate) const LEASE: Duration = Duration::from_secs(20);
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// One node that holds at most one lock. Dropped, it has crashed.
pub(crate) enum Peer {
    Statements(Box<Node>),
    Program { child: Box<Child>, input: ChildStdin, output: Lines<BufReader<ChildStdout>> },
}

/// The protocol, with times that tests may shorten.
pub(crate) struct Node {
    pool: PgPool,
    owner: String,
    lease: Duration,
    heartbeat: Duration,
    held: Option<Held>,
}

struct Held {
    name: String,
    number: tokio::sync::watch::Receiver<i64>,
    task: JoinHandle<()>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Node {
    pub(crate) async fn new(database: &Database, lease: Duration, heartbeat: Duration) -> Self {
        let pool = PgPoolOptions::new().max_connections(2).connect(&database.url()).await.unwrap();
        let owner = "3b241101-e2bb-4255-8caf-4136c566a962".to_owned();
        Self { pool, owner, lease, heartbeat, held: None }
    }

    async fn next_number(pool: &PgPool) -> i64 {
        sqlx::query_scalar("SELECT nextval('caddy_locks_rvn')").fetch_one(pool).await.unwrap()
    }

    /// One look: the number of the row afterwards, ours if we have it.
    async fn look(&self, name: &str, number: i64, seen: i64) -> i64 {
        let sql = "INSERT INTO caddy_locks AS l (name, record_version_number, data, owner) VALUES ($1, $2, NULL, $4)
            ON CONFLICT (name) DO UPDATE SET
              record_version_number = CASE WHEN COALESCE(l.record_version_number = $3, TRUE) THEN $2
                ELSE l.record_version_number END,
              owner = CASE WHEN COALESCE(l.record_version_number = $3, TRUE) THEN $4 ELSE l.owner END
            RETURNING record_version_number, owner";
        let row: (i64, String) = sqlx::query_as(sql)
            .bind(name)
            .bind(number)
            .bind(seen)
            .bind(&self.owner)
            .fetch_one(&self.pool)
            .await
            .unwrap();
        row.0
    }

    /// Whether it was had at the first look.
    pub(crate) async fn lock(&mut self, name: &str) -> bool {
        let (mut seen, mut looks) = (0, 0);
        let number = loop {
            let number = Self::next_number(&self.pool).await;
            looks += 1;
            let found = self.look(name, number, seen).await;
            if found == number {
                break number;
            }
            seen = found;
            tokio::time::sleep(self.lease).await;
        };
        let (tell, told) = tokio::sync::watch::channel(number);
        let (pool, name_of_task, pause) = (self.pool.clone(), name.to_owned(), self.heartbeat);
        let task = tokio::spawn(async move {
            let mut mine = number;
            loop {
                tokio::time::sleep(pause).await;
                let next = Self::next_number(&pool).await;
                let sql = "UPDATE caddy_locks SET record_version_number = $3 WHERE name = $1 AND record_version_number = $2";
                let done = sqlx::query(sql).bind(&name_of_task).bind(mine).bind(next);
                if done.execute(&pool).await.unwrap().rows_affected() == 0 {
                    return;
                }
                mine = next;
                tell.send_replace(next);
            }
        });
        self.held = Some(Held { name: name.to_owned(), number: told, task });
        looks == 1
    }

    /// Whether it was still held.
    pub(crate) async fn unlock(&mut self) -> bool {
        let held = self.held.take().expect("a lock is held");
        held.task.abort();
        let number = *held.number.borrow();
        let sql = "DELETE FROM caddy_locks WHERE name = $1 AND record_version_number = $2";
        let done =
            sqlx::query(sql).bind(&held.name).bind(number).execute(&self.pool).await.unwrap();
        done.rows_affected() == 1
    }
}

impl Peer {
    /// A node with the plugin's own times.
    pub(crate) async fn new(database: &Database) -> Self {
        let Ok(program) = std::env::var("CERTSTORE_CADDY_PEER") else {
            return Self::Statements(Box::new(Node::new(database, LEASE, HEARTBEAT).await));
        };
        let url = format!("{}?sslmode=disable", database.url());
        let spawned = Command::new(program)
            .args([&url, "3b241101-e2bb-4255-8caf-4136c566a962"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut output = BufReader::new(output).lines();
        assert_eq!(output.next_line().await.unwrap().as_deref(), Some("ready"));
        Self::Program { child: Box::new(child), input, output }
    }

    async fn ask(input: &mut ChildStdin, output: &mut Lines<BufReader<ChildStdout>>, line: String) {
        input.write_all(line.as_bytes()).await.unwrap();
        let reply = output.next_line().await.unwrap().unwrap();
        assert!(reply.starts_with("ok"), "{line}: {reply}");
    }

    pub(crate) async fn lock(&mut self, name: &str) {
        match self {
            Self::Statements(node) => drop(node.lock(name).await),
            Self::Program { input, output, .. } => {
                Self::ask(input, output, format!("lock {name}\n")).await;
            }
        }
    }

    pub(crate) async fn unlock(&mut self, name: &str) {
        match self {
            Self::Statements(node) => drop(node.unlock().await),
            Self::Program { input, output, .. } => {
                Self::ask(input, output, format!("unlock {name}\n")).await;
            }
        }
    }

    /// Ends it without a release.
    pub(crate) async fn crash(self) {
        if let Self::Program { mut child, .. } = self {
            child.kill().await.unwrap();
        }
    }
}
