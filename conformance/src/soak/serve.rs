//! The worker's side: rounds until it is told to stop, or killed.

use std::fs::OpenOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use certstore_core::Storage;
use tokio::sync::mpsc;

use crate::history::{Client, Plan, Recorder};
use crate::worker::Host;

/// How a worker's soaking ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was told to stop, and has nothing in hand.
    Stopped,
    /// It plays the killed process: nothing more is done.
    Died,
}

/// The order that makes a worker soak.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) client: u64,
    pub(super) seed: u64,
    pub(super) plan: Plan,
    /// Where the worker records what it does.
    pub(super) record: String,
}

impl Order {
    pub(super) fn text(&self) -> String {
        let Plan { names, keys, hold, idle } = &self.plan;
        let (hold, idle) = (hold.as_micros(), idle.as_micros());
        let Self { client, seed, record, .. } = self;
        format!("soak {client} {seed} {names} {keys} {hold} {idle} {record}")
    }

    /// `None` for what is no order of this kind.
    fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.splitn(8, ' ').collect();
        let number = |at: usize| words.get(at)?.parse::<u64>().ok();
        Some(Self {
            client: number(1)?,
            seed: number(2)?,
            plan: Plan {
                names: number(3)?,
                keys: number(4)?,
                hold: Duration::from_micros(number(5)?),
                idle: Duration::from_micros(number(6)?),
            },
            record: (*words.get(7)?).to_owned(),
        })
    }
}

/// Replies once when it begins, and once more when it was told to stop and has done so.
pub(crate) async fn serve(
    storage: &Arc<dyn Storage>,
    order: &str,
    orders: &mut mpsc::UnboundedReceiver<String>,
    reply: &mut impl FnMut(&str),
    host: &Host,
) -> Ended {
    let Some(order) = Order::parse(order) else {
        reply("failed other this is no order to soak");
        return Ended::Stopped;
    };
    let file = match OpenOptions::new().append(true).create(true).open(&order.record) {
        Ok(file) => file,
        Err(error) => {
            reply(&format!("failed other {}: {error}", order.record));
            return Ended::Stopped;
        }
    };
    let recorder = Recorder::new(file);
    let client = Client::new(order.client, storage.clone(), recorder, order.seed, order.plan);
    let stop = Arc::new(AtomicBool::new(false));
    let mut work = Box::pin(client.rounds(stop.clone()));
    reply("ok soaking");
    loop {
        tokio::select! {
            biased;
            order = orders.recv() => match (order.as_deref(), host) {
                (Some("pause"), Host::Thread(host)) => {
                    reply("ok");
                    // Blocks the thread on purpose: nothing of its runtime runs on.
                    let _ = host.gate.recv();
                }
                (Some("die"), Host::Thread(_)) => {
                    // A killed process gives nothing back.
                    std::mem::forget(work);
                    reply("ok");
                    return Ended::Died;
                }
                (Some(_), _) => stop.store(true, Ordering::Relaxed),
                // Whoever gave orders has gone.
                (None, _) => return Ended::Stopped,
            },
            () = &mut work => {
                reply("ok stopped");
                return Ended::Stopped;
            }
        }
    }
}
