//! Which secret keeps a key's value: nearly always the one that is named for it.

use certstore_core::{Key, Result};

use crate::vault::Vault;

impl Vault {
    /// The secret of a value. A name that could be an ARN's is kept with an ending; where there is no such secret, and
    /// another program keeps one under the bare name, that one is read and written. One that has both is read with the
    /// ending.
    pub(crate) async fn home(&self, key: &Key) -> Result<String> {
        let secret = self.names.value(key)?;
        let Some(bare) = self.names.bare(key) else { return Ok(secret) };
        if self.secrets.describe(&secret).await?.is_none()
            && self.secrets.describe(&bare).await?.is_some()
        {
            return Ok(bare);
        }
        Ok(secret)
    }
}
