//! The statements, one a call.
//!
//! Directories are read off the files below them, never off directory rows: the plugin leaves those behind when it deletes
//! the last file, and can delete one that a file was just stored under. Directory rows are written for the plugin's sake.
//!
//! A key lies below a directory by its bytes: `parent` is the directory itself, or from the directory with a `/` up to the
//! directory with a `0`, the byte after the slash. The plugin's index serves the operators; no wildcard is involved.

use std::sync::Arc;

use super::tables::Tables;

/// Above every key and every prefix of one.
pub(super) const LAST: &str = "\u{10ffff}";

/// Unlike any other of the same key: a transaction writes a row once, and a number of 32 bits does not come back within the
/// microsecond.
const VERSION: &str = "(extract(epoch FROM o.modified) * 1000000)::bigint || '.' || o.xmin";

/// The time of the last write in microseconds since 1970.
const MODIFIED: &str = "(extract(epoch FROM o.modified) * 1000000)::bigint";

/// Names a state of a lock: held, a number never seen before; free, the nonce in the record that was left behind.
const LOCK_VERSION: &str = "CASE WHEN l.record_version_number IS NULL \
     THEN 'free-' || encode(sha256(coalesce(l.data, '')), 'hex') ELSE l.record_version_number::text END";

/// `$1` parent, `$2` name.
const LOAD: &str =
    "SELECT o.value, {version} FROM {objects} o WHERE o.parent = $1 AND o.name = $2 AND o.is_file";

/// `$1` parents, `$2` names; the place of each key that has a value, and the value.
const LOAD_MANY: &str = "SELECT k.place, o.value FROM unnest($1, $2) WITH ORDINALITY AS k(parent, name, place) \
     JOIN {objects} o ON o.parent = k.parent AND o.name = k.name AND o.is_file";

/// `$1` parent, `$2` name, `$3` key. One row.
const STAT: &str = "SELECT coalesce(o.is_file, false), octet_length(o.value)::bigint, {modified}, {version}, \
       coalesce(o.is_file, false) OR {below $3} \
     FROM (SELECT 1) one LEFT JOIN {objects} o ON o.parent = $1 AND o.name = $2";

/// `$1` parent, `$2` name, `$3` key. One row.
const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM {objects} o WHERE o.parent = $1 AND o.name = $2 AND o.is_file) OR {below $3}";

/// `$1` directory, `$2` the same with a slash (empty for the root), `$3` the first prefix after it, `$4` parent and `$5`
/// name of the directory. Names, and a null for a file at the directory's own place.
///
/// From one directory to the next the index is entered anew, so that what lies below costs nothing.
const CHILDREN: &str = "WITH RECURSIVE hop(parent) AS ( \
       (SELECT o.parent FROM {objects} o WHERE o.is_file AND o.parent ~>=~ ($2 || chr(1)) AND o.parent ~<~ $3 \
        ORDER BY o.parent USING ~<~ LIMIT 1) \
     UNION ALL \
       SELECT next.parent FROM hop h \
       CROSS JOIN LATERAL (SELECT $2 || split_part(substr(h.parent, length($2) + 1), '/', 1) AS path) child \
       CROSS JOIN LATERAL (SELECT o.parent FROM {objects} o WHERE o.is_file AND o.parent ~<~ $3 AND o.parent ~>=~ \
           CASE WHEN child.path = h.parent THEN h.parent || chr(1) ELSE child.path || '0' END \
         ORDER BY o.parent USING ~<~ LIMIT 1) next \
     ) \
     SELECT DISTINCT split_part(substr(h.parent, length($2) + 1), '/', 1) FROM hop h \
     UNION ALL SELECT o.name FROM {objects} o WHERE o.is_file AND o.parent = $1 \
     UNION ALL SELECT NULL FROM {objects} o WHERE o.is_file AND o.parent = $4 AND o.name = $5";

/// As [`CHILDREN`]; parent and name of every file below, and nulls for a file at the directory's own place.
const BELOW: &str = "SELECT o.parent, o.name FROM {objects} o \
       WHERE o.is_file AND (o.parent = $1 OR (o.parent ~>=~ $2 AND o.parent ~<~ $3)) \
     UNION ALL SELECT NULL, NULL FROM {objects} o WHERE o.is_file AND o.parent = $4 AND o.name = $5";

/// `$1` the parents before `$2` that have files after `$5`, `$2` the first other parent, `$3` the end of the parents, `$4`
/// the depth of the first directories, `$5` the last path of the page before, `$6` how many.
const PAGE: &str = "SELECT k.path, NOT k.dir, CASE WHEN NOT k.dir THEN octet_length(o.value)::bigint END, {modified}, \
       CASE WHEN NOT k.dir THEN {version} END \
     FROM (SELECT u.* FROM ( \
         (SELECT {path} COLLATE \"C\" AS path, o.parent, o.name, false AS dir FROM {objects} o WHERE o.is_file \
            AND (o.parent = ANY($1) OR (o.parent ~>=~ $2 AND o.parent ~<~ $3)) AND {path} COLLATE \"C\" > $5 \
          ORDER BY 1 LIMIT $6) \
         UNION ALL \
         (SELECT DISTINCT array_to_string(d.parts[1:n], '/') COLLATE \"C\", array_to_string(d.parts[1:n-1], '/'), \
            d.parts[n], true \
          FROM (SELECT string_to_array(p.parent, '/') AS parts FROM (SELECT DISTINCT o.parent FROM {objects} o \
              WHERE o.is_file AND o.parent ~>=~ $2 AND o.parent ~<~ $3) p) d, \
            generate_series($4::int, array_length(d.parts, 1)) n \
          WHERE array_to_string(d.parts[1:n], '/') COLLATE \"C\" > $5 ORDER BY 1 LIMIT $6) \
       ) u ORDER BY u.path, u.dir LIMIT $6) k \
     LEFT JOIN {objects} o ON o.parent = k.parent AND o.name = k.name AND o.is_file <> k.dir ORDER BY k.path, k.dir";

/// `$1` parent, `$2` names, `$3` values, `$4` parents and `$5` names of the directories above from the root down, `$6`
/// the keys, `$7` whether only where there is no value. A row a key: the directory that is a file, the key that is a
/// directory (each by its place, from 1), whether others were making the same directories, and the version.
///
/// A directory that is neither there nor could be made was just made by another transaction, as a directory or as a file:
/// then nothing is stored, and the next try sees which.
const STORE: &str = "WITH above AS MATERIALIZED ( \
       SELECT d.parent, d.name, d.place, o.is_file FROM unnest($4, $5) WITH ORDINALITY AS d(parent, name, place) \
       LEFT JOIN {objects} o ON o.parent = d.parent AND o.name = d.name \
     ), place AS MATERIALIZED ( \
       SELECT (SELECT min(a.place) FROM above a WHERE a.is_file) AS file_above, \
         (SELECT min(k.place) FROM unnest($6) WITH ORDINALITY AS k(path, place) WHERE {below k.path}) AS dir_at \
     ), made AS ( \
       INSERT INTO {objects} (parent, name, is_file, value) SELECT a.parent, a.name, false, NULL FROM above a, place p \
       WHERE a.is_file IS NULL AND p.file_above IS NULL AND p.dir_at IS NULL ORDER BY a.place \
       ON CONFLICT (parent, name) DO NOTHING RETURNING 1 \
     ), verdict AS MATERIALIZED ( \
       SELECT p.file_above, p.dir_at, \
         (SELECT count(*) FROM made) < (SELECT count(*) FROM above a WHERE a.is_file IS NULL) AS raced FROM place p \
     ), stored AS ( \
       INSERT INTO {objects} AS o (parent, name, is_file, value) \
       SELECT $1, i.name, true, i.value FROM unnest($2, $3) AS i(name, value), verdict v \
       WHERE v.file_above IS NULL AND v.dir_at IS NULL AND NOT v.raced ORDER BY i.name \
       ON CONFLICT (parent, name) DO UPDATE SET is_file = true, value = EXCLUDED.value, modified = now() \
         WHERE NOT ($7 AND o.is_file) \
       RETURNING {version} AS version \
     ) SELECT v.file_above, v.dir_at, v.raced, s.version FROM verdict v LEFT JOIN stored s ON true";

/// `$1` parent, `$2` name, `$3` value, `$4` the version that it must have.
const REPLACE: &str = "UPDATE {objects} o SET value = $3, modified = now() \
     WHERE o.parent = $1 AND o.name = $2 AND o.is_file AND {version} = $4 RETURNING {version}";

/// `$1` parent, `$2` name, `$3` key.
///
/// The rows are locked in the order in which stores write them.
const DELETE: &str = "WITH doomed AS MATERIALIZED ( \
       SELECT o.parent, o.name FROM {objects} o WHERE (o.parent = $1 AND o.name = $2) OR o.parent = $3 \
         OR (o.parent ~>=~ ($3 || '/') AND o.parent ~<~ ($3 || '0')) ORDER BY o.parent, o.name FOR UPDATE \
     ) DELETE FROM {objects} o USING doomed d WHERE o.parent = d.parent AND o.name = d.name";

/// `$1` parent, `$2` name, `$3` the version that it must have.
const DELETE_IF: &str = "DELETE FROM {objects} o WHERE o.parent = $1 AND o.name = $2 AND o.is_file AND {version} = $3 RETURNING 1";

/// `$1` name.
const READ_LOCK: &str = "SELECT l.name::text, l.record_version_number, l.data, l.owner::text, {lock version} FROM {locks} l WHERE l.name = $1";

/// Those that are held.
const HELD_LOCKS: &str = "SELECT l.name::text, l.record_version_number, l.data, l.owner::text, {lock version} FROM {locks} l \
     WHERE l.record_version_number IS NOT NULL";

/// Where `$4`, what is written is on disk before the answer, also on a server that does not wait for it by default: a
/// confirmed renewal that a crash lost would end the lease before the holder's own limit.
const SYNCHRONOUS: &str = "WITH mode AS MATERIALIZED ( \
       SELECT CASE WHEN $4 AND current_setting('synchronous_commit') = 'off' \
         THEN set_config('synchronous_commit', 'on', TRUE) END AS setting \
     )";

/// `$1` name, `$2` data, `$3` owner, `$4` whether held.
const CREATE_LOCK: &str = "{synchronous} INSERT INTO {locks} AS l (name, record_version_number, data, owner) \
     SELECT $1, CASE WHEN $4 THEN nextval('{numbers}') END, $2, $3 FROM mode ON CONFLICT (name) DO NOTHING \
     RETURNING {lock version}";

/// As [`CREATE_LOCK`], and `$5` the version that it must have.
const SWAP_LOCK: &str = "{synchronous} UPDATE {locks} l SET record_version_number = CASE WHEN $4 THEN nextval('{numbers}') END, data = $2, \
       owner = $3 FROM mode WHERE l.name = $1 AND {lock version} = $5 RETURNING {lock version}";

/// As the plugin's lock client frees a lock that it keeps: `$1` name, `$2` the version that it must have.
const FREE_LOCK: &str = "UPDATE {locks} l SET record_version_number = NULL WHERE l.name = $1 AND {lock version} = $2 RETURNING 1";

/// The statements for one pair of tables.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) load: Arc<str>,
    pub(super) load_many: Arc<str>,
    pub(super) stat: Arc<str>,
    pub(super) exists: Arc<str>,
    pub(super) children: Arc<str>,
    pub(super) below: Arc<str>,
    pub(super) page: Arc<str>,
    pub(super) store: Arc<str>,
    pub(super) replace: Arc<str>,
    pub(super) delete: Arc<str>,
    pub(super) delete_if: Arc<str>,
    pub(super) read_lock: Arc<str>,
    pub(super) held_locks: Arc<str>,
    pub(super) create_lock: Arc<str>,
    pub(super) swap_lock: Arc<str>,
    pub(super) free_lock: Arc<str>,
}

impl Sql {
    pub(super) fn new(tables: &Tables) -> Self {
        let of = |template: &str| -> Arc<str> { filled(template, tables).into() };
        Self {
            load: of(LOAD),
            load_many: of(LOAD_MANY),
            stat: of(STAT),
            exists: of(EXISTS),
            children: of(CHILDREN),
            below: of(BELOW),
            page: of(PAGE),
            store: of(STORE),
            replace: of(REPLACE),
            delete: of(DELETE),
            delete_if: of(DELETE_IF),
            read_lock: of(READ_LOCK),
            held_locks: of(HELD_LOCKS),
            create_lock: of(CREATE_LOCK),
            swap_lock: of(SWAP_LOCK),
            free_lock: of(FREE_LOCK),
        }
    }
}

fn filled(template: &str, tables: &Tables) -> String {
    let path = "(CASE WHEN o.parent = '' THEN o.name ELSE o.parent || '/' || o.name END)";
    template
        .replace("{below $3}", &below("$3"))
        .replace("{below k.path}", &below("k.path"))
        .replace("{path}", path)
        .replace("{version}", VERSION)
        .replace("{modified}", MODIFIED)
        .replace("{synchronous}", SYNCHRONOUS)
        .replace("{lock version}", LOCK_VERSION)
        .replace("{objects}", &tables.objects)
        .replace("{locks}", &tables.locks)
        .replace("{numbers}", &tables.numbers.replace('\'', "''"))
}

/// Whether there are files below the key `key`.
fn below(key: &str) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM {{objects}} b WHERE b.is_file AND b.parent = {key}) OR EXISTS (SELECT 1 FROM {{objects}} b \
         WHERE b.is_file AND b.parent ~>=~ ({key} || '/') AND b.parent ~<~ ({key} || '0')))"
    )
}
