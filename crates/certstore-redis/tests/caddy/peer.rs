//! A Caddy node as the server sees it: the commands of its lock library, sent by a plain client.

use redis::aio::MultiplexedConnection;

use super::support::server;

/// One acquisition: its key, and the random value that is the proof of it.
pub(crate) struct Peer {
    connection: MultiplexedConnection,
    key: String,
    value: String,
}

impl Peer {
    pub(crate) async fn new(prefix: &str, lock: &str, value: &str) -> Self {
        let client = redis::Client::open(server().url()).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        Self { connection, key: format!("{prefix}/locks/{lock}"), value: value.to_owned() }
    }

    /// Takes the lock if nobody has it.
    pub(crate) async fn obtain(&mut self, ttl_ms: u64) -> bool {
        let mut cmd = redis::cmd("SET");
        cmd.arg(&self.key).arg(&self.value).arg("NX").arg("PX").arg(ttl_ms);
        let done: Option<String> = cmd.query_async(&mut self.connection).await.unwrap();
        done.is_some()
    }

    /// Renews the lock if it is its own.
    pub(crate) async fn refresh(&mut self, ttl_ms: u64) -> bool {
        self.if_own("return redis.call('PEXPIRE', KEYS[1], ARGV[2])", ttl_ms).await
    }

    /// Gives the lock back if it is its own.
    pub(crate) async fn release(&mut self) -> bool {
        self.if_own("return redis.call('DEL', KEYS[1])", 0).await
    }

    async fn if_own(&mut self, then: &str, argument: u64) -> bool {
        let text = format!("if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end {then}");
        let script = redis::Script::new(&text);
        let mut call = script.key(&self.key);
        call.arg(&self.value).arg(argument);
        let done: u8 = call.invoke_async(&mut self.connection).await.unwrap();
        done == 1
    }
}
