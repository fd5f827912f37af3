//! `certstore keyset`: the keys of `[storage.seal]`.

use std::path::PathBuf;

use certstore::seal::{Algorithm, Existing, Keyset, KeysetKey, OutputPrefix};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{Context, or_dash};
use crate::exit::Failure;
use crate::table::columns;

/// Make and change keysets, which seal what is stored
#[derive(Debug, Args)]
#[command(after_help = "\
A keyset is a file in Tink's JSON, for its owner alone. One of its keys is the primary: it seals. All that are enabled open. \
Keep a copy of the file where the store's backups are not: without it, what is sealed is lost.

A new store: `keyset create`, and `[storage.seal] keyset = \"FILE\"` in the config of every process.

A new key: `keyset add`, the file to all processes; `keyset primary`, the file to all again; `certstore reseal`; \
`keyset disable` of the old key, and `keyset destroy` when nothing misses it. `keyset rotate` is add and primary at once, \
for a store that one process uses.

Examples:
  certstore keyset create --out /etc/certstore/keyset.json
  certstore keyset rotate /etc/certstore/keyset.json")]
pub(crate) struct KeysetCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a keyset with one key; a file that exists is never replaced
    Create {
        /// The file to write, for its owner alone
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        kind: Kind,
    },
    /// Show the keys: ids and states, nothing secret
    List {
        /// The keyset
        file: PathBuf,
    },
    /// Add a key that opens and does not seal yet
    Add {
        /// The keyset
        file: PathBuf,
        #[command(flatten)]
        kind: Kind,
    },
    /// Add a key and make it the primary
    Rotate {
        /// The keyset
        file: PathBuf,
        #[command(flatten)]
        kind: Kind,
    },
    /// Let another key seal from now on
    Primary(One),
    /// Let a key open values again
    Enable(One),
    /// Let a key open nothing until it is enabled again: the trial before its end
    Disable(One),
    /// Wipe a key; what is sealed under it can never be read again
    Destroy {
        #[command(flatten)]
        one: One,
        /// Say that nothing is sealed under it any more
        #[arg(long, required = true)]
        force: bool,
    },
}

#[derive(Debug, Args)]
struct One {
    /// The keyset
    file: PathBuf,
    /// The key's id, as `certstore keyset list` shows it
    #[arg(long, value_name = "ID")]
    key: u32,
}

#[derive(Debug, Args)]
struct Kind {
    /// What seals
    #[arg(long, value_enum, default_value_t = AlgorithmName::Aes256Gcm)]
    algorithm: AlgorithmName,
    /// What stands before a sealed value: `tink` names the key, `raw` is nothing
    #[arg(long, value_enum, default_value_t = PrefixName::Tink)]
    prefix: PrefixName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AlgorithmName {
    #[value(name = "aes128-gcm")]
    Aes128Gcm,
    #[value(name = "aes256-gcm")]
    Aes256Gcm,
    #[value(name = "chacha20-poly1305")]
    ChaCha20Poly1305,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PrefixName {
    Tink,
    Raw,
}

impl Kind {
    fn parts(&self) -> (Algorithm, OutputPrefix) {
        let algorithm = match self.algorithm {
            AlgorithmName::Aes128Gcm => Algorithm::Aes128Gcm,
            AlgorithmName::Aes256Gcm => Algorithm::Aes256Gcm,
            AlgorithmName::ChaCha20Poly1305 => Algorithm::ChaCha20Poly1305,
        };
        let prefix = match self.prefix {
            PrefixName::Tink => OutputPrefix::Tink,
            PrefixName::Raw => OutputPrefix::Raw,
        };
        (algorithm, prefix)
    }
}

/// What is shown of a key; the names of the fields are stable.
#[derive(Debug, Serialize)]
struct Row {
    id: u32,
    algorithm: Option<&'static str>,
    prefix: &'static str,
    status: &'static str,
    is_primary: bool,
}

impl From<KeysetKey> for Row {
    fn from(key: KeysetKey) -> Self {
        Self {
            id: key.id,
            algorithm: key.algorithm.map(Algorithm::as_str),
            prefix: key.prefix.as_str(),
            status: key.status.as_str(),
            is_primary: key.is_primary,
        }
    }
}

impl KeysetCommand {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let keyset = match self.action {
            Action::Create { out, kind } => {
                let (algorithm, prefix) = kind.parts();
                let keyset = Keyset::create(algorithm, prefix)?;
                keyset.write(&out, Existing::Refuse)?;
                keyset
            }
            Action::List { file } => Keyset::load(&file)?,
            Action::Add { file, kind } => {
                let (algorithm, prefix) = kind.parts();
                changed(&file, |keyset| keyset.add(algorithm, prefix).map(drop))?
            }
            Action::Rotate { file, kind } => {
                let (algorithm, prefix) = kind.parts();
                changed(&file, |keyset| keyset.rotate(algorithm, prefix).map(drop))?
            }
            Action::Primary(One { file, key }) => changed(&file, |keyset| keyset.set_primary(key))?,
            Action::Enable(One { file, key }) => changed(&file, |keyset| keyset.enable(key))?,
            Action::Disable(One { file, key }) => changed(&file, |keyset| keyset.disable(key))?,
            Action::Destroy { one: One { file, key }, force: _ } => {
                changed(&file, |keyset| keyset.destroy(key))?
            }
        };
        show(&keyset, context)
    }
}

/// Changes the keyset in a file, which is replaced whole.
fn changed(
    file: &std::path::Path,
    change: impl FnOnce(&mut Keyset) -> certstore::Result<()>,
) -> Result<Keyset, Failure> {
    let mut keyset = Keyset::load(file)?;
    change(&mut keyset)?;
    keyset.write(file, Existing::Replace)?;
    Ok(keyset)
}

fn show(keyset: &Keyset, context: &Context) -> Result<(), Failure> {
    let rows: Vec<Row> = keyset.keys().map(Row::from).collect();
    let mut out = context.output();
    if out.is_json() {
        out.json(&rows)?;
    } else {
        let cells: Vec<[String; 5]> = rows
            .iter()
            .map(|row| {
                let primary = if row.is_primary { "primary" } else { "-" };
                [
                    row.id.to_string(),
                    or_dash(row.algorithm),
                    row.prefix.to_owned(),
                    row.status.to_owned(),
                    primary.to_owned(),
                ]
            })
            .collect();
        for line in columns(["KEY", "ALGORITHM", "PREFIX", "STATUS", "SEALS"], &cells) {
            out.line(format_args!("{line}"))?;
        }
    }
    out.finish()
}
