//! The queue of one process: tasks that want the same lock take turns, in the order they came.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How many idle names keep their state.
const MAX_IDLE: usize = 10_000;

/// First come, first served, by name. Only the task whose turn it is talks to the backend.
///
/// `S` is state kept per name between turns (best effort: idle names beyond 10,000 are forgotten). `C` can be handed on
/// with a turn; dropping a `C` must clean up after itself, since a waiter can vanish with a turn in its hands.
///
/// ```
/// use certstore_core::lease::Queue;
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let queue: Queue = Queue::new();
/// let turn = queue.enter("job").await;
/// assert!(queue.try_enter("job").is_none());
/// drop(turn);
/// assert!(queue.try_enter("job").is_some());
/// # }
/// ```
pub struct Queue<S = (), C = ()> {
    names: Arc<Names<S, C>>,
}

struct Names<S, C>(Mutex<HashMap<Arc<str>, Line<S, C>>>);

struct Line<S, C> {
    busy: bool,
    waiters: VecDeque<oneshot::Sender<Turn<S, C>>>,
    state: S,
}

/// The right to work on a name; passes on when dropped.
pub struct Turn<S = (), C = ()> {
    names: Arc<Names<S, C>>,
    name: Arc<str>,
    carried: Option<C>,
    ended: bool,
}

impl<S: Default, C> Queue<S, C> {
    /// An empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self { names: Arc::new(Names(Mutex::new(HashMap::new()))) }
    }

    /// Waits for the turn of `name`.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future leaves the queue.
    pub async fn enter(&self, name: &str) -> Turn<S, C> {
        loop {
            let waiting = {
                let mut names = self.names.lock();
                let line = Self::line(&mut names, name);
                if !line.busy {
                    line.busy = true;
                    drop(names);
                    return Turn::new(&self.names, name.into(), None);
                }
                let (sender, receiver) = oneshot::channel();
                line.waiters.push_back(sender);
                receiver
            };
            if let Ok(turn) = waiting.await {
                return turn;
            }
        }
    }

    /// Takes the turn of `name` if nobody has it or waits for it.
    #[must_use]
    pub fn try_enter(&self, name: &str) -> Option<Turn<S, C>> {
        let mut names = self.names.lock();
        let line = Self::line(&mut names, name);
        if line.busy {
            return None;
        }
        line.busy = true;
        drop(names);
        Some(Turn::new(&self.names, name.into(), None))
    }

    #[cfg(test)]
    pub(super) fn known_names(&self) -> usize {
        self.names.lock().len()
    }

    fn line<'a>(names: &'a mut HashMap<Arc<str>, Line<S, C>>, name: &str) -> &'a mut Line<S, C> {
        if names.len() > MAX_IDLE && !names.contains_key(name) {
            names.retain(|_, line| line.busy);
        }
        names.entry(name.into()).or_insert_with(|| Line {
            busy: false,
            waiters: VecDeque::new(),
            state: S::default(),
        })
    }
}

impl<S: Default, C> Default for Queue<S, C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, C> Names<S, C> {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Line<S, C>>> {
        // No code that can panic runs under this mutex but the allocator's; the map stays whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, C> Turn<S, C> {
    fn new(names: &Arc<Names<S, C>>, name: Arc<str>, carried: Option<C>) -> Self {
        Self { names: names.clone(), name, carried, ended: false }
    }

    /// The name it is about.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the last turn handed on.
    pub fn take_carried(&mut self) -> Option<C> {
        self.carried.take()
    }

    /// Reads or changes the state of the name.
    pub fn with_state<T>(&self, change: impl FnOnce(&mut S) -> T) -> T
    where
        S: Default,
    {
        change(&mut Queue::line(&mut self.names.lock(), &self.name).state)
    }

    /// Whether somebody waits for this turn.
    #[must_use]
    pub fn has_waiters(&self) -> bool {
        let mut names = self.names.lock();
        let Some(line) = names.get_mut(&self.name) else { return false };
        line.waiters.retain(|waiter| !waiter.is_closed());
        !line.waiters.is_empty()
    }

    /// Passes the turn on with `carried`; gives both back when nobody waits.
    ///
    /// # Errors
    /// The turn and what it was to carry, when nobody waits.
    pub fn pass_with(mut self, carried: C) -> Result<(), (Self, C)> {
        let mut carried = carried;
        while let Some(waiter) = self.next_waiter() {
            match waiter.send(Self::new(&self.names, self.name.clone(), Some(carried))) {
                Ok(()) => {
                    self.ended = true;
                    return Ok(());
                }
                Err(mut unsent) => {
                    unsent.ended = true;
                    match unsent.carried.take() {
                        Some(back) => carried = back,
                        None => return Ok(()),
                    }
                }
            }
        }
        Err((self, carried))
    }

    fn next_waiter(&self) -> Option<oneshot::Sender<Self>> {
        self.names.lock().get_mut(&self.name)?.waiters.pop_front()
    }
}

impl<S, C> Drop for Turn<S, C> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        drop(self.carried.take());
        loop {
            let waiter = {
                let mut names = self.names.lock();
                let Some(line) = names.get_mut(&self.name) else { return };
                match line.waiters.pop_front() {
                    Some(waiter) => waiter,
                    None => {
                        line.busy = false;
                        return;
                    }
                }
            };
            match waiter.send(Self::new(&self.names, self.name.clone(), None)) {
                Ok(()) => return,
                Err(mut unsent) => unsent.ended = true,
            }
        }
    }
}

impl<S, C> fmt::Debug for Queue<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("names", &self.names.lock().len()).finish()
    }
}

impl<S, C> fmt::Debug for Turn<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("name", &self.name).finish_non_exhaustive()
    }
}
