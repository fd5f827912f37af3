//! Loads, stats and lists, one statement each.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use certstore_core::{Dir, Error, ErrorKind, Key, KeyInfo, Result, Version, Versioned};
use sqlx::postgres::PgRow;

use super::columns::column;
use super::place::{Range, columns, joined, split};
use super::shared::Shared;
use crate::pool::Arg;

/// The value of a key and its version.
pub(super) async fn load(shared: &Shared, key: &Key) -> Result<Versioned> {
    let (parent, name) = split(key.as_str());
    let rows = shared.pool.read(&shared.sql.load, &[Arg::Text(parent), Arg::Text(name)]).await?;
    let row = rows.first().ok_or_else(Error::not_found)?;
    let value = Bytes::from(column::<Vec<u8>>(row, 0)?);
    Ok(Versioned { value, version: Version::new(column::<String>(row, 1)?) })
}

/// The values of keys, as they were at one moment; `None` for those without.
pub(super) async fn load_many(shared: &Shared, keys: &[&Key]) -> Result<Vec<Option<Bytes>>> {
    let (parents, names) = columns(keys);
    let args = [Arg::Texts(&parents), Arg::Texts(&names)];
    let mut values = vec![None; keys.len()];
    for row in shared.pool.read(&shared.sql.load_many, &args).await? {
        let place = usize::try_from(column::<i64>(&row, 0)?).unwrap_or_default();
        if let Some(value) = place.checked_sub(1).and_then(|index| values.get_mut(index)) {
            *value = Some(Bytes::from(column::<Vec<u8>>(&row, 1)?));
        }
    }
    Ok(values)
}

pub(super) async fn exists(shared: &Shared, key: &Key) -> Result<bool> {
    let (parent, name) = split(key.as_str());
    let args = [Arg::Text(parent), Arg::Text(name), Arg::Text(key.as_str())];
    let rows = shared.pool.read(&shared.sql.exists, &args).await?;
    rows.first().map_or(Ok(false), |row| column(row, 0))
}

/// What is known of a key without its value.
pub(super) async fn stat(shared: &Shared, key: &Key) -> Result<KeyInfo> {
    let (parent, name) = split(key.as_str());
    let args = [Arg::Text(parent), Arg::Text(name), Arg::Text(key.as_str())];
    let rows = shared.pool.read(&shared.sql.stat, &args).await?;
    let row = rows.first().ok_or_else(Error::not_found)?;
    if !column::<bool>(row, 4)? {
        return Err(Error::not_found());
    }
    info(key.clone(), row, [0, 1, 2, 3])
}

/// What a row tells of `key`: whether it is a file, its size, its time in microseconds since 1970, its version.
pub(super) fn info(key: Key, row: &PgRow, columns: [usize; 4]) -> Result<KeyInfo> {
    let [file, size, modified, version] = columns;
    let mut info = if column(row, file)? {
        let mut info = KeyInfo::file(key);
        info.size = column::<Option<i64>>(row, size)?.and_then(|size| u64::try_from(size).ok());
        info.version = column::<Option<String>>(row, version)?.map(Version::new);
        info
    } else {
        KeyInfo::directory(key)
    };
    let micros =
        column::<Option<i64>>(row, modified)?.and_then(|micros| u64::try_from(micros).ok());
    info.modified = micros.map(|micros| UNIX_EPOCH + Duration::from_micros(micros));
    Ok(info)
}

/// The keys in a directory, sorted.
pub(super) async fn list(shared: &Shared, dir: &Dir, recursive: bool) -> Result<Vec<Key>> {
    let (mut paths, mut found) = (BTreeSet::new(), dir.is_root());
    if recursive {
        for path in files_below(shared, dir, &mut found).await? {
            add_with_directories(&mut paths, dir, path);
        }
    } else {
        for name in children(shared, dir, &mut found).await? {
            paths.insert(joined(dir.as_str(), &name));
        }
    }
    if !found {
        return Err(missing());
    }
    Ok(paths.iter().filter_map(|path| shared.key(path)).collect())
}

/// Stored names below a directory that are no valid keys.
pub(super) async fn foreign(shared: &Shared, dir: &Dir) -> Result<Vec<String>> {
    let mut paths = files_below(shared, dir, &mut false).await?;
    paths.retain(|path| Key::new(path).is_err());
    paths.sort_unstable();
    Ok(paths)
}

/// The error of a list of what is not there.
pub(super) fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such directory")
}

/// The directory's place in the statements of lists.
fn arguments<'a>(dir: &'a Dir, range: &'a Range) -> [Arg<'a>; 5] {
    let (parent, name) = split(dir.as_str());
    [dir.as_str(), &range.prefix, &range.end, parent, name].map(Arg::Text)
}

/// The paths of the files below a directory; `found` becomes true when there is one, or the directory is a file.
async fn files_below(shared: &Shared, dir: &Dir, found: &mut bool) -> Result<Vec<String>> {
    let range = Range::below(dir);
    let rows = shared.pool.read(&shared.sql.below, &arguments(dir, &range)).await?;
    *found |= !rows.is_empty();
    let mut paths = Vec::with_capacity(rows.len());
    for row in &rows {
        if let (Some(parent), Some(name)) =
            (column::<Option<&str>>(row, 0)?, column::<Option<&str>>(row, 1)?)
        {
            paths.push(joined(parent, name));
        }
    }
    Ok(paths)
}

/// The names of what lies immediately in a directory; `found` as in [`files_below`].
async fn children(shared: &Shared, dir: &Dir, found: &mut bool) -> Result<Vec<String>> {
    let range = Range::below(dir);
    let rows = shared.pool.read(&shared.sql.children, &arguments(dir, &range)).await?;
    *found |= !rows.is_empty();
    let names = rows.iter().map(|row| column::<Option<String>>(row, 0));
    Ok(names.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Adds a path and the directories between it and `dir`.
fn add_with_directories(paths: &mut BTreeSet<String>, dir: &Dir, mut path: String) {
    let least = if dir.is_root() { 0 } else { dir.as_str().len() + 1 };
    loop {
        let above = path[least..].rfind('/').map(|at| path[..least + at].to_owned());
        if !paths.insert(path) {
            return;
        }
        match above {
            Some(above) => path = above,
            None => return,
        }
    }
}
