//! Writes of values on a condition: sent once, and recognised by a nonce when the reply is lost.

use bytes::Bytes;
use certstore_core::{OsRandom, Random as _, Result};

use crate::bucket::{Bucket, Done, Metadata, When};

/// The metadata entry that tells one write from another.
const WRITE: &str = "certstore-write";

impl Bucket {
    /// Writes if the live object has this generation. Without a clear answer, the object itself tells whether it was
    /// written: by this very write or not at all until now.
    pub(crate) async fn put_if(
        &self,
        object: &str,
        body: &Bytes,
        mut metadata: Metadata,
        generation: i64,
    ) -> Result<Done<i64>> {
        let nonce = format!("{:032x}", OsRandom.next_u128());
        metadata.insert(WRITE.to_owned(), nonce.clone());
        let done = self.put(object, body, &metadata, When::Generation(generation)).await;
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
            return Ok(Done::Yes(head.generation));
        }
        done
    }
}
