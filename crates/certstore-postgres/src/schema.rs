//! The tables: their names, the statements that make them, and their version.

mod sql;

use std::sync::Arc;

use certstore_core::{Error, ErrorKind, Result};
use sqlx::Row as _;

use crate::config::PostgresConfig;
use crate::error::{BACKEND, Stage, code_of, from_sqlx};
use crate::pool::Pool;

/// The version of the tables that this crate works with.
pub(crate) const VERSION: i64 = 1;

/// The quoted names of the tables and of what belongs to them.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// The values.
    pub(crate) entries: String,
    /// The locks.
    pub(crate) locks: String,
    /// The version of the tables, and the identity of the store.
    pub(crate) meta: String,
    /// The sequence of versions.
    pub(crate) versions: String,
    /// The function and the trigger that keep a key from being a value and a directory.
    tree: String,
    tree_trigger: String,
}

/// What stands in the table of the store itself, and how the server keeps what it acknowledges.
#[derive(Debug, Clone)]
pub(crate) struct Meta {
    /// The identity of the store: the same for all who share the tables.
    pub(crate) store: String,
    /// Whether an acknowledged commit survives a power cut.
    pub(crate) durable: bool,
}

impl Names {
    pub(crate) fn new(config: &PostgresConfig) -> Self {
        let prefix = &config.table_prefix;
        let schema = config.schema.as_deref().map(quoted);
        let name = |name: &str| {
            let name = quoted(&format!("{prefix}{name}"));
            schema.as_ref().map_or_else(|| name.clone(), |schema| format!("{schema}.{name}"))
        };
        Self {
            entries: name("entries"),
            locks: name("locks"),
            meta: name("meta"),
            versions: name("versions"),
            tree: name("tree"),
            tree_trigger: quoted(&format!("{prefix}tree")),
        }
    }

    /// `template` with the names in place of `{entries}`, `{locks}`, `{meta}`, `{versions}`, `{tree}` and `{tree_trigger}`;
    /// with `_text`, as they stand between single quotes.
    pub(crate) fn fill(&self, template: &str) -> Arc<str> {
        template
            .replace("{entries}", &self.entries)
            .replace("{locks}", &self.locks)
            .replace("{meta}", &self.meta)
            .replace("{versions_text}", &literal(&self.versions))
            .replace("{entries_text}", &literal(&self.entries))
            .replace("{tree_trigger_text}", &literal(self.tree_trigger.trim_matches('"')))
            .replace("{versions}", &self.versions)
            .replace("{tree}", &self.tree)
            .replace("{tree_trigger}", &self.tree_trigger)
            .into()
    }
}

/// A text as it stands between single quotes.
fn literal(text: &str) -> String {
    text.replace('\'', "''")
}

/// A name as SQL quotes it: any character stands for itself.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Everything that an administrator applies, once or again: nothing in it removes or changes what is there.
pub(crate) fn script(config: &PostgresConfig) -> String {
    let names = Names::new(config);
    let mut statements = String::new();
    for migration in sql::MIGRATIONS {
        statements.push_str(&names.fill(migration));
    }
    statements.push_str(&names.fill(&sql::set_version(VERSION)));
    format!(
        "-- The tables of certstore, version {VERSION}. Can be applied again.\n{}{}",
        at_once(sql::LOCK, &statements),
        names.fill(sql::GRANTS)
    )
}

/// A script that applies all of its statements or none, after it has taken a lock, whether or not it is run within a
/// transaction: a single block.
pub(crate) fn at_once(lock: &str, statements: &str) -> String {
    format!("DO $all$\nBEGIN\nPERFORM {lock};\n{statements}END\n$all$;\n")
}

/// What removes everything that [`script`] makes.
pub(crate) fn dropping(config: &PostgresConfig) -> String {
    Names::new(config).fill(sql::DROP).to_string()
}

/// Makes sure that the tables are there and of the right version, creating them if `config` allows it.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`]: they are missing or of another version, and may not be created. Else of the server.
pub(crate) async fn prepare(pool: &Pool, config: &PostgresConfig) -> Result<Meta> {
    let names = Names::new(config);
    match look(pool, &names).await {
        Ok(Some((VERSION, meta))) => return Ok(meta),
        Ok(Some((newer, _))) if newer > VERSION => return Err(unknown_version(newer)),
        Ok(Some((older, _))) if !config.migrate => return Err(unknown_version(older)),
        Ok(None) if !config.migrate => return Err(missing()),
        // No such table, column or schema.
        Err(error) if matches!(code_of(&error), Some("42P01" | "42703" | "3F000")) => {
            if !config.migrate {
                return Err(missing().with_source(error));
            }
        }
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    migrate(pool, &names).await.map_err(|error| error.with_operation("create the tables"))?;
    match look(pool, &names).await? {
        Some((VERSION, meta)) => Ok(meta),
        Some((other, _)) => Err(unknown_version(other)),
        None => Err(missing()),
    }
}

/// The version of the tables; `None` when they are made but not noted.
async fn look(pool: &Pool, names: &Names) -> Result<Option<(i64, Meta)>> {
    let rows = pool.read(&names.fill(sql::LOOK), &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let read = || Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    let (version, store, durable) = read().map_err(|error| from_sqlx(&error, Stage::Read))?;
    Ok(Some((version, Meta { store, durable })))
}

/// In one transaction, under a lock that all who migrate take: through a pooler, too.
async fn migrate(pool: &Pool, names: &Names) -> Result<()> {
    let mut step = 0_usize;
    pool.script(move |rows| {
        step += 1;
        Ok(match step {
            1 => Some(names.fill(sql::BEGIN).to_string()),
            2 => {
                let version = match rows.first() {
                    Some(row) => row.try_get(0).map_err(|error| from_sqlx(&error, Stage::Read))?,
                    None => 0_i64,
                };
                // Another process may have done it meanwhile, or a newer one more than this one knows.
                let done = usize::try_from(version).unwrap_or(0).min(sql::MIGRATIONS.len());
                let mut text: String =
                    sql::MIGRATIONS[done..].iter().map(|sql| names.fill(sql).to_string()).collect();
                text.push_str(&names.fill(&sql::set_version(VERSION)));
                text.push_str("COMMIT;");
                Some(text)
            }
            _ => None,
        })
    })
    .await
}

fn unknown_version(found: i64) -> Error {
    let message = if found > VERSION {
        format!(
            "the tables are of version {found}, this program knows up to {VERSION}; use a newer one"
        )
    } else {
        format!(
            "the tables are of version {found}, this program needs {VERSION}; apply `certstore schema print`, or set migrate = true"
        )
    };
    Error::new(ErrorKind::InvalidConfig, message).with_backend(BACKEND)
}

fn missing() -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        "the tables are missing or not this program's, and migrate = false; let an administrator apply `certstore schema print`",
    )
    .with_backend(BACKEND)
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
