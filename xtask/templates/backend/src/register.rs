//! Lock records: all that the lease engine asks for.

use async_trait::async_trait;
use certstore_core::lease::{Record, Register, Stored, Swap};
use certstore_core::{Result, Version};

use crate::error::not_written;

#[derive(Debug)]
pub(crate) struct {{Name}}Register;

#[async_trait]
impl Register for {{Name}}Register {
    async fn read(&self, _name: &str) -> Result<Option<Stored>> {
        Err(not_written("read lock record"))
    }

    async fn swap(&self, _name: &str, _expected: Option<&Version>, _record: &Record) -> Result<Swap> {
        Err(not_written("write lock record"))
    }

    async fn names(&self) -> Result<Vec<String>> {
        Err(not_written("list lock records"))
    }
}
