//! Columns of the server's rows.

use certstore_core::Result;
use sqlx::Row as _;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, Type};

use crate::error::{Stage, from_sqlx};

/// The column at `index`.
///
/// # Errors
/// [`ErrorKind::Corrupt`](certstore_core::ErrorKind::Corrupt): it is of another type.
pub(super) fn column<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
    row: &'r PgRow,
    index: usize,
) -> Result<T> {
    row.try_get(index).map_err(|error| from_sqlx(&error, Stage::Read))
}
