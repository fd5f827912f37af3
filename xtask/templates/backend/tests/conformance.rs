//! The contract, case by case.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use certstore_conformance::{Factory, conformance};
use certstore_core::{Result, Storage};
use certstore_{{name}}::{{{Name}}Config, {{Name}}Storage};

struct {{Name}}Factory;

#[async_trait]
impl Factory for {{Name}}Factory {
    fn name(&self) -> &str {
        "{{name}}"
    }

    async fn open(&self, _namespace: &str) -> Result<Arc<dyn Storage>> {
        let mut config = {{Name}}Config::default();
        // Several cases outlive a lease.
        config.lease = Duration::from_secs(1);
        Ok(Arc::new({{Name}}Storage::open(config)?))
    }

    async fn remove(&self, _namespace: &str) -> Result<()> {
        Ok(())
    }
}

conformance!({{Name}}Factory);
