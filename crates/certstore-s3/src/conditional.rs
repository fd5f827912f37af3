//! Writes of values on a condition: recognised by a nonce where the answer is not clear, and sent again only where the
//! store says that it has looked at nothing.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use certstore_core::{OsRandom, Random as _, Result};
use certstore_objects::Access;

use crate::bucket::{Bucket, Done, When};
use crate::error::answered;

/// The metadata entry that tells one write from another.
const WRITE: &str = "certstore-write";

/// How often a request is sent that meets another write of the object.
const ATTEMPTS: u32 = 3;

/// The longest wait before it is sent again.
const BACK_OFF: Duration = Duration::from_millis(150);

impl Bucket {
    /// Writes if the condition holds. Without a clear answer, the object itself tells whether it was written: by this very
    /// write or not at all until now.
    pub(crate) async fn put_if(
        &self,
        object: &str,
        body: &Bytes,
        metadata: Option<&HashMap<String, String>>,
        when: &When,
    ) -> Result<Done<String>> {
        let nonce = format!("{:032x}", OsRandom.next_u128());
        let mut metadata = metadata.cloned().unwrap_or_default();
        metadata.insert(WRITE.to_owned(), nonce.clone());
        let put = || self.put(object, body.clone(), Some(metadata.clone()), when);
        let done = self.unless_busy(put).await;
        let unclear = match &done {
            Ok(Done::Yes(_)) => false,
            // Somewhere on the way it may have been sent twice, and the second met the first.
            Ok(Done::No(answer)) => answer.is_precondition(),
            Err(error) => error.may_have_applied(),
        };
        if unclear
            && let Ok(Some(head)) = self.head(object).await
            && head.metadata.get(WRITE) == Some(&nonce)
        {
            return Ok(Done::Yes(head.etag));
        }
        done
    }

    /// Deletes if the condition holds.
    pub(crate) async fn delete_if(&self, object: &str, when: &When) -> Result<Done<()>> {
        self.unless_busy(|| self.delete(object, when)).await
    }

    /// While another write of the object is under way (409), nothing is done, and nothing said about the condition.
    pub(crate) async fn unless_busy<T, F>(&self, send: impl Fn() -> F) -> Result<Done<T>>
    where
        F: Future<Output = Result<Done<T>>>,
    {
        let mut tries = 1;
        loop {
            match send().await? {
                Done::No(answer) if answer.is_conditional_conflict() => {
                    if tries == ATTEMPTS {
                        return Err(answered(answer, Access::Write));
                    }
                }
                done => return Ok(done),
            }
            tokio::time::sleep(BACK_OFF.mul_f64(OsRandom.next_unit())).await;
            tries += 1;
        }
    }
}
