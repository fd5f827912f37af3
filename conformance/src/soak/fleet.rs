//! The workers of a storm, and what they recorded.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::serve::Order;
use super::{Options, text};
use crate::case::{Case, Stop};
use crate::history::{History, Plan};
use crate::peer::Peer;
use crate::{Factory, Worker};

/// How many possessions each worker must have once the faults are over.
const GETS_ON: usize = 2;

/// One place in the fleet: a worker, and another one when it was killed.
pub(super) struct Member {
    slot: u64,
    life: u64,
    peer: Option<Peer>,
    /// Stopped until then.
    pub(super) until: Option<Instant>,
}

/// The workers of a storm. Dropped, they end.
pub(super) struct Fleet {
    factory: Arc<dyn Factory>,
    worker: Option<Worker>,
    namespace: String,
    folder: PathBuf,
    seed: u64,
    plan: Plan,
    pub(super) members: Vec<Member>,
}

impl Fleet {
    pub(super) async fn start(
        factory: Arc<dyn Factory>,
        worker: Option<Worker>,
        namespace: &str,
        options: &Options,
        plan: Plan,
    ) -> Case<Self> {
        let folder = std::env::temp_dir().join(format!("certstore-soak-{namespace}"));
        std::fs::create_dir(&folder).map_err(|error| {
            Stop::failed(format!("cannot create {}: {error}", folder.display()))
        })?;
        let namespace = namespace.to_owned();
        let members = (0..options.processes)
            .map(|slot| Member { slot, life: 0, peer: None, until: None })
            .collect();
        let seed = options.seed;
        let mut fleet = Self { factory, worker, namespace, folder, seed, plan, members };
        for at in 0..fleet.members.len() {
            fleet.begin(at).await?;
        }
        Ok(fleet)
    }

    /// Every life of every place has a number of its own.
    fn number(&self, member: &Member) -> u64 {
        member.life * self.members.len() as u64 + member.slot + 1
    }

    fn record(&self, client: u64) -> PathBuf {
        self.folder.join(format!("{client}.log"))
    }

    fn record_of(&self, member: &Member) -> PathBuf {
        self.record(self.number(member))
    }

    async fn begin(&mut self, at: usize) -> Case {
        let mut peer = match &self.worker {
            Some(worker) => {
                Peer::process(worker, &self.factory.worker_env(), &self.namespace).await?
            }
            None => Peer::thread(self.factory.clone(), self.namespace.clone()).await?,
        };
        let client = self.number(&self.members[at]);
        let record = self.record(client).to_string_lossy().into_owned();
        let order = Order { client, seed: self.seed, plan: self.plan.clone(), record };
        peer.ask(&order.text()).await?.ok("the order to soak")?;
        self.members[at].peer = Some(peer);
        Ok(())
    }

    /// Kills a worker, stopped or not, and starts the next one in its place.
    pub(super) async fn kill(&mut self, at: usize) -> Case {
        self.resume(at)?;
        if let Some(peer) = self.members[at].peer.take() {
            peer.kill().await?;
        }
        self.members[at].life += 1;
        self.begin(at).await
    }

    pub(super) async fn stop(&mut self, at: usize, time: Duration) -> Case {
        let member = &mut self.members[at];
        if let Some(peer) = &mut member.peer {
            peer.pause().await?;
            member.until = Some(Instant::now() + time);
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, at: usize) -> Case {
        let member = &mut self.members[at];
        match (member.until.take(), &member.peer) {
            (Some(_), Some(peer)) => peer.resume(),
            _ => Ok(()),
        }
    }

    /// Whether it seems to hold a lock: what it recorded last was done inside.
    pub(super) fn is_inside(&self, at: usize) -> bool {
        let tail = tail(&self.record_of(&self.members[at])).unwrap_or_default();
        let last = tail.trim_end().rsplit('\n').next().unwrap_or_default();
        ["enter", "held", "call", "return"].iter().any(|verb| last.starts_with(verb))
    }

    /// Ends the faults and sees that every worker gets on and then ends. Says which did not.
    pub(super) async fn settle(&mut self, patience: Duration) -> Vec<String> {
        let mut wrong = Vec::new();
        for at in 0..self.members.len() {
            wrong.extend(self.resume(at).err().map(text));
        }
        let before: Vec<usize> = self.members.iter().map(|member| self.entries(member)).collect();
        let end = Instant::now() + patience;
        for (member, before) in self.members.iter().zip(before) {
            while self.entries(member) < before + GETS_ON {
                if Instant::now() > end {
                    let number = self.number(member);
                    let seconds = patience.as_secs();
                    wrong.push(format!(
                        "client {number} did not get on in {seconds} s without faults"
                    ));
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        // Told one after the other: the rest still give back what they hold.
        for at in 0..self.members.len() {
            let number = self.number(&self.members[at]);
            if let Some(mut peer) = self.members[at].peer.take() {
                let ended = match peer.ask("stop").await {
                    Ok(reply) => reply.ok("the order to stop").map(drop),
                    Err(stop) => Err(stop),
                };
                let ended = ended.err().map(|stop| format!("client {number}: {}", text(stop)));
                wrong.extend(ended);
            }
        }
        wrong
    }

    /// How many possessions a worker has recorded.
    fn entries(&self, member: &Member) -> usize {
        let record = std::fs::read_to_string(self.record_of(member)).unwrap_or_default();
        record.lines().filter(|line| line.starts_with("enter ")).count()
    }

    /// What all workers, dead and alive, recorded.
    pub(super) fn history(&self) -> Case<History> {
        let mut history = History::default();
        for member in &self.members {
            for life in 0..=member.life {
                let client = life * self.members.len() as u64 + member.slot + 1;
                // One that was killed at once has recorded nothing.
                let record = std::fs::read_to_string(self.record(client)).unwrap_or_default();
                history.merge(History::parse(client, &record).map_err(Stop::failed)?);
            }
        }
        Ok(history)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for at in 0..self.members.len() {
            // A stopped thread would never see that it is to end.
            drop(self.resume(at));
        }
        // A folder that stays behind in the temporary directory is no reason to fail.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// The end of a file.
fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(200)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
