//! The config reference, written from the table.

use std::fmt::Write as _;

use super::cache::CACHE_KEYS;
use super::seal::SEAL_KEYS;
use super::table::{BACKENDS, ConfigKey, KEYS};

/// Every config key as a Markdown page: type, default, unit, environment variable and meaning.
#[must_use]
pub fn config_reference() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("## Backends\n\n| backend | URL | what it is |\n|---|---|---|\n");
    for backend in BACKENDS {
        line(
            &mut page,
            format_args!("| `{}` | `{}` | {} |", backend.name, backend.example, backend.doc),
        );
    }
    page.push_str("\n## Keys of `[storage]`\n\n");
    page.push_str("The same keys stand in `[storage.lock]`, with variables that start with `CERTSTORE_STORAGE_LOCK_`.\n\n");
    page.push_str("| key | backends | type | default | unit | variable | meaning |\n|---|---|---|---|---|---|---|\n");
    for key in KEYS {
        line(&mut page, format_args!("{}", row(key)));
    }
    page.push_str("\n## Keys of `[storage.seal]`\n\n");
    page.push_str(
        "With this section every value is sealed, whatever the backend (security.md).\n\n",
    );
    layer(&mut page, SEAL_KEYS, ConfigKey::seal_env);
    page.push_str("\n## Keys of `[storage.cache]`\n\n");
    page.push_str(CACHE);
    layer(&mut page, CACHE_KEYS, ConfigKey::cache_env);
    page.push_str(ORDER);
    page
}

/// The table of a layer's section.
fn layer(page: &mut String, keys: &[ConfigKey], env: fn(&ConfigKey) -> String) {
    page.push_str("| key | type | default | variable | meaning |\n|---|---|---|---|---|\n");
    for key in keys {
        let (kind, env) = (key.kind.describe(), env(key));
        let unit = if key.unit.is_empty() { String::new() } else { format!(" of {}", key.unit) };
        line(
            page,
            format_args!(
                "| `{}` | {kind}{unit} | {} | `{env}` | {} |",
                key.name, key.default, key.doc
            ),
        );
    }
}

/// The keys as lines of plain text, for a command's help.
#[must_use]
pub fn config_help() -> String {
    let mut text = String::new();
    for key in KEYS {
        help_line(&mut text, key);
    }
    text.push_str("Those of [storage.seal], as CERTSTORE_STORAGE_SEAL_KEY in the environment:\n");
    for key in SEAL_KEYS {
        help_line(&mut text, key);
    }
    text.push_str(
        "Those of [storage.cache], as CERTSTORE_STORAGE_CACHE_KEY (this program keeps no copy):\n",
    );
    for key in CACHE_KEYS {
        help_line(&mut text, key);
    }
    text
}

fn help_line(text: &mut String, key: &ConfigKey) {
    let backends = if key.backends.is_empty() { "all".to_owned() } else { key.backends.join(", ") };
    let unit = if key.unit.is_empty() { String::new() } else { format!(" of {}", key.unit) };
    let (kind, default) = (key.kind.describe(), key.default.replace('`', ""));
    line(text, format_args!("  {} ({backends}; {kind}{unit}; default {default})", key.name));
    line(text, format_args!("      {}", key.doc));
}

fn row(key: &ConfigKey) -> String {
    let backends = if key.backends.is_empty() { "all".to_owned() } else { key.backends.join(", ") };
    let unit = if key.unit.is_empty() { "-" } else { key.unit };
    let (kind, env) = (key.kind.describe(), key.env());
    format!(
        "| `{}` | {backends} | {kind} | {} | {unit} | `{env}` | {} |",
        key.name, key.default, key.doc
    )
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    let _ = writeln!(page, "{text}");
}

const INTRODUCTION: &str = "# Configuration

One TOML file or one URL chooses where values are kept. Unknown keys are errors that name the nearest right one.

```toml
[storage]
backend = \"fs\"
path = \"/var/lib/certstore\"

# optional: lock through another backend
[storage.lock]
backend = \"fs\"
path = \"/run/certstore\"

# optional: encryption at rest
[storage.seal]
keyset = \"/etc/certstore/keyset.json\"

# optional: a local copy that is served while the storage does not answer
[storage.cache]
path = \"/var/cache/certstore\"
```

";

const CACHE: &str = "With this section, even an empty one, a program that opens the storage keeps a copy of what it reads. A load asks
whether the version is still the same and transfers the value only when it is not. While the storage does not answer,
what was read within `stale_limit` is served, a write or a lock fails, and a warning says so; when it answers again,
nothing needs to be done. What was never read here cannot be served. With `path` and a keyset, a program also starts
while the storage is down, and tries to open it again with each call that needs it.

The copy lies over `[storage.seal]` and `[storage.lock]`: it has the values as the program reads them, so that in `path`
it is sealed by itself, and locks and conditional writes always go to the backend. `read_only` concerns the storage; its
copy is kept all the same. The program `certstore` keeps no copy: it says what the storage says.

";

const ORDER: &str = "
A duration is a number with a unit, or several: `250ms`, `10s`, `5m`, `12h`, `30d`, `1h30m`. A bare number is seconds.

## Which config is in force

1. `--storage URL`: the URL alone; the environment changes nothing in it.
2. `--config FILE`, else the file that `CERTSTORE_CONFIG` names, else `certstore.toml` in the working directory.
3. Without a file: the default storage, `$XDG_DATA_HOME/certstore`, else `~/.local/share/certstore`.

Over 2 and 3 stand the variables of the table. `CERTSTORE_STORAGE_URL` or `CERTSTORE_STORAGE_BACKEND` replaces the whole
section of the file. An unknown variable that starts with `CERTSTORE_STORAGE_` is an error, as an unknown key is.

With `[storage.lock]`, locks come from that storage and values from `[storage]`. All who share the values must use the
same lock storage. Fenced writes are then checked for each key (`fence: PerKey` at most).
";
