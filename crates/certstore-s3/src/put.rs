//! Plain writes: of values that no lock protects.

use std::time::Duration;

use certstore_core::Result;
use certstore_objects::Access;

use crate::bucket::{Done, When};
use crate::declared;
use crate::storage::Inner;

/// How often a stamped value is sent at most.
const ATTEMPTS: u32 = 3;

impl Inner {
    /// Writes a value that no lock protects.
    pub(crate) async fn put(
        &self,
        object: &str,
        value: &[u8],
        when: &When,
    ) -> Result<Done<String>> {
        declared::check_size(value)?;
        if self.stamped && *when == When::Always {
            return self.bucket.within(Access::Write, self.put_stamped(object, value)).await;
        }
        let (body, metadata) = declared::body(self.stamped, value, None);
        if *when == When::Always {
            return self.bucket.put(object, body, metadata, when).await;
        }
        self.bucket.put_if(object, &body, metadata.as_ref(), when).await
    }

    /// Every try has a stamp of its own: one that lands late must not bring a version back.
    async fn put_stamped(&self, object: &str, value: &[u8]) -> Result<Done<String>> {
        let (mut tries, mut unclear) = (1, false);
        loop {
            let (body, metadata) = declared::body(true, value, None);
            match self.bucket.put_once(object, body, metadata).await {
                Err(error) => {
                    unclear |= error.may_have_applied();
                    if !error.is_retryable() || tries == ATTEMPTS {
                        return Err(error.with_may_have_applied(unclear));
                    }
                }
                done => return done,
            }
            tokio::time::sleep(Duration::from_millis(100) * tries).await;
            tries += 1;
        }
    }
}
