//! A Redis Cluster of three primaries.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::server::{RedisOptions, RedisServer};
use crate::servers::{Shared, wait_until};

/// Names the shared cluster's ports in the environment of worker processes.
const SHARED_ENV: &str = "CERTSTORE_TEST_REDIS_CLUSTER";
const PRIMARIES: usize = 3;
const SLOTS: usize = 16_384;
/// How long the nodes may take to agree.
const LIMIT: Duration = Duration::from_secs(30);

/// How to run a cluster.
#[derive(Debug, Clone, Default)]
pub struct RedisClusterOptions {
    /// Gives each primary a replica, which is promoted some 3 seconds after its primary was killed.
    pub replicas: bool,
    /// How to run each node.
    pub node: RedisOptions,
}

/// Three primaries on 127.0.0.1, a third of the slots each, and their replicas.
#[derive(Debug)]
pub struct RedisCluster {
    /// The three primaries of the start, then the replicas in the same order.
    nodes: Vec<RedisServer>,
    /// Whose commands are counted: the primaries at the first call.
    counted: Mutex<Option<Vec<usize>>>,
}

impl RedisCluster {
    /// Starts the nodes, has them meet, and waits until each says that the cluster is in order.
    ///
    /// # Errors
    /// When a node does not come up, or they do not agree within 30 seconds.
    pub fn start(options: &RedisClusterOptions) -> io::Result<Self> {
        let mut node = options.node.clone();
        // A node without a replica need not be given up soon; a busy machine pauses it for a while.
        let timeout = if options.replicas { "2000" } else { "15000" };
        node.settings.push(("cluster-node-timeout".to_owned(), timeout.to_owned()));
        let count = if options.replicas { 2 * PRIMARIES } else { PRIMARIES };
        let nodes = (0..count)
            .map(|_| RedisServer::start_on(node.clone(), 2))
            .collect::<io::Result<Vec<_>>>()?;
        let cluster = Self { nodes, counted: Mutex::new(None) };
        cluster.assemble()?;
        Ok(cluster)
    }

    fn assemble(&self) -> io::Result<()> {
        for (index, node) in self.nodes.iter().enumerate() {
            // Unequal from the start, so that nothing has to be settled between them.
            node.cli(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
            if index < PRIMARIES {
                let (first, end) = (SLOTS * index / PRIMARIES, SLOTS * (index + 1) / PRIMARIES);
                node.cli(&[
                    "CLUSTER",
                    "ADDSLOTSRANGE",
                    &first.to_string(),
                    &(end - 1).to_string(),
                ])?;
            }
        }
        let (first, others) =
            self.nodes.split_first().ok_or_else(|| io::Error::other("no nodes"))?;
        for node in others {
            let place = node.process()?.place();
            let (port, bus) = (place.port().to_string(), place.port_at(1).to_string());
            first.cli(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus])?;
        }
        wait_until(LIMIT, "the nodes of the cluster know each other", || {
            self.nodes.iter().all(|node| self.knows_all(node))
        })?;
        for (primary, replica) in self.nodes.iter().zip(self.nodes.iter().skip(PRIMARIES)) {
            replica.cli(&["CLUSTER", "REPLICATE", &primary.cli(&["CLUSTER", "MYID"])?])?;
        }
        self.wait_until_in_order(LIMIT)
    }

    fn knows_all(&self, node: &RedisServer) -> bool {
        node.cli(&["CLUSTER", "NODES"]).is_ok_and(|nodes| {
            let known = nodes
                .lines()
                .filter(|line| !line.contains("handshake") && line.contains(" connected"));
            known.count() == self.nodes.len()
        })
    }

    /// Waits until every running node says that all slots are served, and every replica is in touch with its primary.
    ///
    /// # Errors
    /// When that is not so within `limit`.
    pub fn wait_until_in_order(&self, limit: Duration) -> io::Result<()> {
        wait_until(limit, "the cluster is in order", || {
            self.running().all(|node| {
                let state = node.cli(&["CLUSTER", "INFO"]);
                state.is_ok_and(|state| state.contains("cluster_state:ok"))
                    && (node.is_primary() || node.is_replica_in_sync())
            })
        })
    }

    fn running(&self) -> impl Iterator<Item = &RedisServer> {
        self.nodes.iter().filter(|node| node.process().map_or(true, |process| process.is_running()))
    }

    /// The nodes: the three primaries of the start, then their replicas in the same order.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The nodes as `127.0.0.1:PORT`, separated by commas.
    #[must_use]
    pub fn addresses(&self) -> String {
        let addresses: Vec<String> =
            self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        addresses.join(",")
    }

    /// What `redis-cli -c` prints for a command: it is sent on to the node that has the key.
    ///
    /// # Errors
    /// When no node can be reached, or one answers with an error.
    pub fn cli(&self, words: &[&str]) -> io::Result<String> {
        let node =
            self.running().next().ok_or_else(|| io::Error::other("no node of the cluster runs"))?;
        node.cli(&[&["-c"], words].concat())
    }

    /// The primary that has `key` now.
    ///
    /// # Errors
    /// When no node can be reached, or none has the key's slot.
    pub fn primary_of(&self, key: &str) -> io::Result<&RedisServer> {
        let slot: usize =
            self.cli(&["CLUSTER", "KEYSLOT", key])?.parse().map_err(io::Error::other)?;
        let owns = |node: &&RedisServer| {
            let nodes = node.cli(&["CLUSTER", "NODES"]).unwrap_or_default();
            nodes
                .lines()
                .filter(|line| line.contains("myself,master"))
                .any(|line| has_slot(line, slot))
        };
        self.running()
            .find(owns)
            .ok_or_else(|| io::Error::other(format!("no primary has slot {slot}")))
    }

    /// Kills the primary that has `key`, waits until its replica has the slots, and gives the killed node, which can be
    /// started again.
    ///
    /// # Errors
    /// Without replicas, or when none is promoted within 30 seconds.
    pub fn kill_primary_of(&self, key: &str) -> io::Result<&RedisServer> {
        let killed = self.primary_of(key)?;
        killed.process()?.kill()?;
        wait_until(LIMIT, "a replica is promoted", || self.primary_of(key).is_ok())?;
        self.wait_until_in_order(LIMIT)?;
        Ok(killed)
    }

    /// The sum of [`RedisServer::command_calls`] over the nodes that are primaries at the first call.
    ///
    /// # Errors
    /// As `command_calls`; also when one of those nodes was killed.
    pub fn command_calls(&self) -> io::Result<u64> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let primaries = counted.get_or_insert_with(|| {
            (0..self.nodes.len()).filter(|index| self.nodes[*index].is_primary()).collect()
        });
        primaries.iter().map(|index| self.nodes[*index].command_calls()).sum()
    }

    /// What makes [`shared_redis_cluster`] in a worker process reach this cluster.
    #[must_use]
    pub fn worker_env(&self) -> Vec<(String, String)> {
        let ports: Vec<String> = self.nodes.iter().map(|node| node.port().to_string()).collect();
        vec![(SHARED_ENV.to_owned(), ports.join(","))]
    }

    fn attached_to(text: &str) -> io::Result<Self> {
        let ports = text.split(',').map(str::parse).collect::<Result<Vec<u16>, _>>();
        let ports = ports
            .map_err(|_| io::Error::other(format!("{SHARED_ENV} is no list of ports: {text}")))?;
        let nodes = ports
            .into_iter()
            .map(|port| RedisServer::attached(port, RedisOptions::default()))
            .collect();
        Ok(Self { nodes, counted: Mutex::new(None) })
    }
}

/// Whether a line of `CLUSTER NODES` gives the slot to its node: eight fields, then `7`, `0-5460` or `[a migration]`.
fn has_slot(line: &str, slot: usize) -> bool {
    line.split(' ').skip(8).any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
    })
}

/// The cluster, without replicas, that all tests of this process share, started on first use; in a worker process with
/// [`RedisCluster::worker_env`] in its environment, the starter's.
///
/// # Errors
/// As [`RedisCluster::start`].
pub fn shared_redis_cluster() -> io::Result<&'static RedisCluster> {
    static SHARED: Shared<RedisCluster> = Shared::new();
    SHARED.get(SHARED_ENV, RedisCluster::attached_to, || {
        RedisCluster::start(&RedisClusterOptions::default())
    })
}
