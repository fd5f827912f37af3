//! The one connection of a storage: shared by all calls, made anew when it is lost.

mod dial;
mod failed;
mod keeper;
mod probe;
mod reply;
mod tls;
mod transaction;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use certstore_core::Result;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use redis::{Cmd, FromRedisValue, RedisError, ServerErrorKind, Value};
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;

use crate::config::RedisConfig;
use crate::error::{Effect, is_dead, is_refused_unexecuted, redis_error, timed_out};
use crate::script::Script;
use dial::{Dialer, Failure, Live, Request};
use failed::Failed;
use keeper::Keeper;
use reply::{effect_of, parsed};
pub(crate) use transaction::Transaction;
use transaction::Transactions;

/// How often a command that was refused unexecuted is sent again within its time-out.
const RESENDS: u32 = 6;

/// The pause before the first resend; each further one is longer by as much.
const RESEND_PAUSE: Duration = Duration::from_millis(20);

/// The number of no connection: they count from 1.
const UNSENT: u64 = 0;

/// How many messages a slow listener may lag behind.
const BACKLOG: usize = 4096;

/// What comes from the server without being asked for.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    /// A message on a channel that was subscribed.
    Message {
        /// The channel.
        channel: Arc<[u8]>,
        /// What was published.
        payload: Arc<[u8]>,
    },
    /// The connection was lost and is there again, with its subscriptions; messages in between were missed.
    Reconnected,
}

/// A connection that reconnects by itself. Clones share it.
///
/// Every request ends within the limit. A command is sent once; only where the server says that it was not executed, or
/// where it only reads and the connection broke, is it sent again.
#[derive(Clone)]
pub(crate) struct Connection {
    shared: Arc<Inner>,
    limit: Duration,
}

struct Inner {
    dialer: Dialer,
    state: Mutex<State>,
    channels: Mutex<BTreeSet<Vec<u8>>>,
    notices: broadcast::Sender<Notice>,
    transactions: Transactions,
    /// Tells the keeper that the connection broke.
    broken: Arc<Notify>,
    keeper: Mutex<Option<Keeper>>,
}

/// A connection on its way, for all who wait for it.
type Dialing = Shared<BoxFuture<'static, Result<(u64, Live), Failure>>>;

#[derive(Default)]
struct State {
    live: Option<(u64, Live)>,
    dialing: Option<Dialing>,
    /// Counts the connections.
    generation: u64,
}

impl Connection {
    /// Connects by the configuration.
    pub(crate) async fn open(config: &RedisConfig) -> Result<Self> {
        Self::start(Dialer::new(config)?, config).await
    }

    /// Connects where `client` does, with the time-outs of the configuration.
    pub(crate) async fn from_client(client: &redis::Client, config: &RedisConfig) -> Result<Self> {
        Self::start(Dialer::of_client(client, config)?, config).await
    }

    async fn start(dialer: Dialer, config: &RedisConfig) -> Result<Self> {
        let shared = Arc::new(Inner {
            dialer,
            state: Mutex::default(),
            channels: Mutex::default(),
            notices: broadcast::Sender::new(BACKLOG),
            transactions: Transactions::default(),
            broken: Arc::default(),
            keeper: Mutex::default(),
        });
        let connection = Self { shared, limit: config.timeout };
        let live = tokio::time::timeout(config.connect_timeout, connection.shared.live()).await;
        match live {
            Ok(live) => live.map_err(Failure::into_error)?,
            Err(_) => return Err(timed_out(config.connect_timeout, Effect::Read)),
        };
        // A server that takes connections but no commands, or whose access list allows nothing, is told here.
        connection.call(&redis::cmd("PING")).await?;
        Ok(connection)
    }

    /// The same connection with another limit for its calls.
    pub(crate) fn with_limit(&self, limit: Duration) -> Self {
        Self { shared: self.shared.clone(), limit: limit.min(self.limit) }
    }

    /// Counts the connections made: another number than before means that the server may be another one.
    pub(crate) fn generation(&self) -> u64 {
        self.shared.state().generation
    }

    /// Sends a command. Whether it writes is known from its name.
    pub(crate) async fn call(&self, cmd: &Cmd) -> Result<Value> {
        let (effect, deadline) = (effect_of(cmd), self.deadline());
        let request = Request::One(cmd);
        self.request(&request, effect, deadline).await.map_err(|failed| failed.into_error(effect))
    }

    /// As [`call`](Self::call), with the reply as `T`.
    pub(crate) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T> {
        parsed(self.call(cmd).await?, effect_of(cmd))
    }

    /// Runs a script, in full where the server does not know it yet; both within one limit.
    pub(crate) async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&[u8]],
        args: &[&[u8]],
    ) -> Result<T> {
        let (effect, deadline) = (script.effect(), self.deadline());
        let by_digest = script.by_digest(keys, args);
        let done = match self.request(&Request::One(&by_digest), effect, deadline).await {
            Err(Failed::Redis { error, .. })
                if error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                let in_full = script.in_full(keys, args);
                self.request(&Request::One(&in_full), effect, deadline).await
            }
            done => done,
        };
        parsed(done.map_err(|failed| failed.into_error(effect))?, effect)
    }

    /// What comes from now on on the subscribed channels.
    pub(crate) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// Whether the channel is subscribed, now or as soon as the server is back.
    pub(crate) fn is_subscribed(&self, channel: &[u8]) -> bool {
        self.shared.channels().contains(channel)
    }

    /// Subscribes to a channel for as long as the connection is used, over reconnects too.
    pub(crate) async fn subscribe(&self, channel: &[u8]) -> Result<()> {
        let subscribing = async {
            self.shared.transactions.hear(channel).await;
            loop {
                let (generation, mut live) =
                    self.shared.live().await.map_err(Failure::into_error)?;
                live.subscribe(channel).await.map_err(|error| {
                    self.shared.judge(generation, &error);
                    redis_error(error, Effect::Read)
                })?;
                self.shared.channels().insert(channel.to_vec());
                // A connection made meanwhile may not know the channel yet.
                let current = self.shared.state().live.as_ref().map(|(current, _)| *current);
                if current.is_none_or(|current| current == generation) {
                    return Ok(());
                }
            }
        };
        match tokio::time::timeout(self.limit, subscribing).await {
            Ok(done) => done?,
            Err(_) => return Err(timed_out(self.limit, Effect::Read)),
        }
        let mut keeper = self.shared.keeper();
        if keeper.as_ref().is_none_or(Keeper::is_over) {
            *keeper = Some(Keeper::start(&self.shared));
        }
        Ok(())
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.limit
    }

    async fn request(
        &self,
        request: &Request<'_>,
        effect: Effect,
        deadline: Instant,
    ) -> Result<Value, Failed> {
        let sent = AtomicU64::new(UNSENT);
        match tokio::time::timeout_at(deadline, self.attempts(request, effect, &sent)).await {
            Ok(done) => done,
            Err(_) => {
                let generation = sent.into_inner();
                // A host that vanished without a word never closes its connections.
                self.shared.discard(generation);
                Err(Failed::TimedOut { limit: self.limit, sent: generation != UNSENT })
            }
        }
    }

    async fn attempts(
        &self,
        request: &Request<'_>,
        effect: Effect,
        sent: &AtomicU64,
    ) -> Result<Value, Failed> {
        let mut resends = 0;
        loop {
            let (generation, mut live) = self.shared.live().await.map_err(Failed::Dial)?;
            sent.store(generation, Ordering::Relaxed);
            let error = match live.send(request).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            self.shared.judge(generation, &error);
            let resend = match effect {
                Effect::Read if error.is_connection_dropped() => resends == 0,
                _ => self.shared.dialer.may_resend() && is_refused_unexecuted(&error),
            };
            if !resend || resends == RESENDS {
                return Err(Failed::Redis { error, cluster: self.shared.dialer.is_cluster() });
            }
            resends += 1;
            sent.store(UNSENT, Ordering::Relaxed);
            tokio::time::sleep(RESEND_PAUSE * resends).await;
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // Plain assignments under it: whole after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn channels(&self) -> MutexGuard<'_, BTreeSet<Vec<u8>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keeper(&self) -> MutexGuard<'_, Option<Keeper>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, made if there is none. The making goes on when the caller goes away, so that the next one has it.
    async fn live(self: &Arc<Self>) -> Result<(u64, Live), Failure> {
        let dialing = {
            let mut state = self.state();
            if let Some(live) = &state.live {
                return Ok(live.clone());
            }
            match &state.dialing {
                Some(dialing) => dialing.clone(),
                None => {
                    let inner = self.clone();
                    let task = tokio::spawn(async move {
                        let made = inner.clone().dial().await;
                        if made.is_err() {
                            // Also where nobody waits any more: a later call tries for itself.
                            inner.state().dialing = None;
                        }
                        made
                    });
                    let made = async { task.await.unwrap_or_else(|_| Err(Failure::stopped())) };
                    state.dialing.insert(made.boxed().shared()).clone()
                }
            }
        };
        let made = dialing.clone().await;
        if made.is_err() {
            let mut state = self.state();
            if state.dialing.as_ref().is_some_and(|current| current.ptr_eq(&dialing)) {
                state.dialing = None;
            }
        }
        made
    }

    async fn dial(self: Arc<Self>) -> Result<(u64, Live), Failure> {
        let generation = {
            let mut state = self.state();
            state.generation += 1;
            state.generation
        };
        let mut live = self.dialer.dial(Arc::downgrade(&self), generation).await?;
        let mut known = BTreeSet::new();
        while let Some(channel) = self.publish(generation, &live, &known) {
            match live.subscribe(&channel).await {
                Err(error) if error.code() == Some("NOPERM") => {
                    tracing::warn!(%error, "the user may not subscribe any more");
                    self.channels().remove(&channel);
                }
                done => done.map_err(Failure::of)?,
            }
            known.insert(channel);
        }
        if generation > 1 {
            tracing::debug!(generation, "connected to redis again");
            // Without listeners there is nobody to tell.
            drop(self.notices.send(Notice::Reconnected));
        }
        Ok((generation, live))
    }

    /// Makes the connection everybody's once it knows all channels; else gives one that it does not know.
    fn publish(&self, generation: u64, live: &Live, known: &BTreeSet<Vec<u8>>) -> Option<Vec<u8>> {
        let mut state = self.state();
        if let Some(channel) = self.channels().iter().find(|channel| !known.contains(*channel)) {
            return Some(channel.clone());
        }
        state.live = Some((generation, live.clone()));
        state.dialing = None;
        None
    }

    /// Gives the connection up if the error says so.
    fn judge(&self, generation: u64, error: &RedisError) {
        if is_dead(error) || error.is_timeout() {
            self.discard(generation);
        }
    }

    fn discard(&self, generation: u64) {
        let mut state = self.state();
        if state.live.as_ref().is_some_and(|(current, _)| *current == generation) {
            state.live = None;
            self.broken.notify_one();
        }
    }

    /// What the driver pushes.
    fn pushed(&self, generation: u64, push: redis::PushInfo) {
        match push.kind {
            redis::PushKind::Disconnection => {
                // A cluster has several connections, and looks after them itself.
                if self.dialer.is_cluster() {
                    drop(self.notices.send(Notice::Reconnected));
                } else {
                    self.discard(generation);
                }
            }
            redis::PushKind::Message | redis::PushKind::SMessage => {
                let mut parts = push.data.into_iter();
                if let (Some(Value::BulkString(channel)), Some(Value::BulkString(payload))) =
                    (parts.next(), parts.next())
                {
                    let notice =
                        Notice::Message { channel: channel.into(), payload: payload.into() };
                    drop(self.notices.send(notice));
                }
            }
            _ => {}
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("to", &self.shared.dialer)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
