//! What is new of each name, until somebody comes for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use certstore_acme::{Certificate, Event};
use tokio::sync::{Notify, watch};

use crate::commands::manager::described;
use crate::exit::one_line;

/// What is told of a name.
pub(super) enum Told {
    Valid(Certificate),
    Failed { error: String, retry_after: Option<u64> },
}

/// The newest of each name: who is slow misses what is old by then, and nothing else.
pub(super) struct News {
    untold: Mutex<BTreeMap<String, Told>>,
    come: Notify,
    certificates: BTreeMap<String, watch::Sender<Option<Certificate>>>,
}

impl News {
    pub(super) fn of(subjects: &[String]) -> Self {
        let none = |subject: &String| (subject.clone(), watch::Sender::new(None));
        let certificates = subjects.iter().map(none).collect();
        Self { untold: Mutex::default(), come: Notify::new(), certificates }
    }

    pub(super) fn hear(&self, event: &Event<'_>) {
        match event {
            Event::CachedManaged { certificate } => {
                for name in certificate.names() {
                    if let Some(newest) = self.certificates.get(name) {
                        newest.send_replace(Some((*certificate).clone()));
                        self.tell(name, Told::Valid((*certificate).clone()));
                    }
                }
            }
            Event::Failed { subject, error, retry_after } => {
                let error = one_line(&described(error));
                let retry_after = retry_after.map(|wait| wait.as_secs());
                self.tell(subject, Told::Failed { error, retry_after });
            }
            _ => {}
        }
    }

    fn tell(&self, subject: &str, told: Told) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        untold.insert(subject.to_owned(), told);
        self.come.notify_one();
    }

    /// What is new since the last call, as soon as there is something; one at a time may ask.
    pub(super) async fn next(&self) -> BTreeMap<String, Told> {
        loop {
            let untold = {
                let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *untold)
            };
            if !untold.is_empty() {
                return untold;
            }
            self.come.notified().await;
        }
    }

    /// The newest certificate of each name, as it comes.
    pub(super) fn certificates(
        &self,
    ) -> impl Iterator<Item = (&String, watch::Receiver<Option<Certificate>>)> {
        self.certificates.iter().map(|(subject, newest)| (subject, newest.subscribe()))
    }
}

#[cfg(test)]
#[path = "news_tests.rs"]
mod tests;
