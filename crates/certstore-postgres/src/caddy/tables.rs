//! The plugin's tables: their names, and how they are made.

use certstore_core::{Error, ErrorKind, Result};

use super::columns::column;
use crate::config::PostgresConfig;
use crate::error::BACKEND;
use crate::pool::{Arg, Pool};
use crate::schema;

/// What all who create them wait for.
const LOCK: &str = "pg_advisory_xact_lock(hashtext('certstore layout caddy'))";

/// The tables, each with its schema where one is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tables {
    /// The schema, quoted, with its dot; empty without one.
    schema: String,
    /// Files and directories.
    pub(super) objects: String,
    /// Locks.
    pub(super) locks: String,
    /// The sequence that numbers the writes of locks.
    pub(super) numbers: String,
}

impl Tables {
    pub(super) fn of(config: &PostgresConfig) -> Self {
        let schema = config.schema.as_ref();
        let schema = schema
            .map_or_else(String::new, |schema| format!("\"{}\".", schema.replace('"', "\"\"")));
        Self {
            objects: format!("{schema}caddy_certmagic_objects"),
            locks: format!("{schema}caddy_locks"),
            numbers: format!("{schema}caddy_locks_rvn"),
            schema,
        }
    }

    /// What creates those that are missing, as the plugin does.
    pub(super) fn definition(&self) -> String {
        let Self { objects, locks, numbers, .. } = self;
        format!(
            "CREATE TABLE IF NOT EXISTS {locks} (\n  \
               name character varying(255) PRIMARY KEY,\n  \
               record_version_number bigint,\n  \
               data bytea,\n  \
               owner character varying(255)\n);\n\
             CREATE SEQUENCE IF NOT EXISTS {numbers} CYCLE OWNED BY {locks}.record_version_number;\n\
             CREATE TABLE IF NOT EXISTS {objects} (\n  \
               parent text NOT NULL,\n  \
               name text NOT NULL,\n  \
               is_file boolean NOT NULL,\n  \
               value bytea,\n  \
               modified timestamptz NOT NULL DEFAULT now(),\n  \
               PRIMARY KEY (parent, name),\n  \
               CONSTRAINT caddy_certmagic_objects_chk CHECK (\n    \
                 (is_file = true AND value IS NOT NULL) OR (is_file = false AND value IS NULL)\n  )\n);\n\
             CREATE INDEX IF NOT EXISTS caddy_certmagic_objects_parent_like_idx ON {objects} (parent text_pattern_ops);\n"
        )
    }

    /// The same for an administrator to apply.
    pub(super) fn script(&self) -> String {
        schema::at_once(LOCK, &self.definition())
    }

    /// What removes them; the sequence and the index go with their tables.
    pub(super) fn dropping(&self) -> String {
        let Self { objects, locks, numbers, .. } = self;
        format!(
            "BEGIN;\nDROP TABLE IF EXISTS {locks}, {objects};\nDROP SEQUENCE IF EXISTS {numbers};\nCOMMIT;\n"
        )
    }

    /// Makes sure that all are there: what is missing is created, or told where `create` is false.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: one is missing. Else of the pool.
    pub(super) async fn ensure(&self, pool: &Pool, create: bool) -> Result<()> {
        if self.missing(pool).await?.is_none() {
            return Ok(());
        }
        if create {
            self.create(pool).await?;
        }
        match self.missing(pool).await? {
            None => Ok(()),
            Some(name) => Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("the table, index or sequence {name} of layout = \"caddy\" is missing; let Caddy create it, or set migrate = true"),
            )
            .with_backend(BACKEND)),
        }
    }

    /// What the server says of the tables: an identity that all who share them see, and whether what it acknowledges
    /// survives a power cut.
    ///
    /// # Errors
    /// Of the pool.
    pub(super) async fn described(&self, pool: &Pool) -> Result<(String, bool)> {
        let sql = "SELECT d.oid || '-' || to_regclass($1)::oid, \
             current_setting('synchronous_commit') <> 'off' AND current_setting('fsync') = 'on' \
             FROM pg_database d WHERE d.datname = current_database()";
        let rows = pool.read(&sql.into(), &[Arg::Text(&self.locks)]).await?;
        let row = rows.first().ok_or_else(|| {
            Error::new(ErrorKind::Other, "the server does not tell its database")
                .with_backend(BACKEND)
        })?;
        Ok((column(row, 0)?, column(row, 1)?))
    }

    /// The first that is not there.
    async fn missing(&self, pool: &Pool) -> Result<Option<String>> {
        let index = format!("{}caddy_certmagic_objects_parent_like_idx", self.schema);
        let names = [&*self.locks, &*self.numbers, &*self.objects, &*index];
        let sql = "SELECT n FROM unnest($1) WITH ORDINALITY AS t(n, place) WHERE to_regclass(n) IS NULL ORDER BY place LIMIT 1";
        let rows = pool.read(&sql.into(), &[Arg::Texts(&names)]).await?;
        rows.first().map(|row| column(row, 0)).transpose()
    }

    /// Several processes may do so at once: one after another, and once more when Caddy was among them.
    async fn create(&self, pool: &Pool) -> Result<()> {
        let script = format!("BEGIN;\nSELECT {LOCK};\n{}COMMIT;\n", self.definition());
        let run = async || {
            let mut script = Some(script.clone());
            pool.script(|_| Ok(script.take())).await
        };
        match run().await {
            Err(error) if error.kind() != ErrorKind::PermissionDenied => run().await,
            done => done,
        }
    }
}

#[cfg(test)]
#[path = "tables_tests.rs"]
mod tests;
