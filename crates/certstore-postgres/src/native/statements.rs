//! The statements on values, with the names of the tables filled in.
//!
//! A range is always asked for with `ORDER BY key`, and never in `EXISTS`: so the planner has the index only to choose,
//! whatever it believes about how many rows there are.

use std::sync::Arc;

use crate::schema::Names;

/// Every statement on values.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) put: Arc<str>,
    pub(super) put_absent: Arc<str>,
    pub(super) put_version: Arc<str>,
    pub(super) put_fenced: Fenced,
    pub(super) put_all: Arc<str>,
    pub(super) put_all_fenced: Fenced,
    pub(super) get: Arc<str>,
    pub(super) get_many: Arc<str>,
    pub(super) remove: Arc<str>,
    pub(super) remove_version: Arc<str>,
    pub(super) remove_fenced: Fenced,
    pub(super) is_there: Arc<str>,
    pub(super) info: Arc<str>,
    pub(super) children: Ranged,
    pub(super) below: Ranged,
    pub(super) page: Ranged,
    pub(super) directories: Arc<str>,
}

/// A statement that begins with the CTE `held`.
#[derive(Debug)]
pub(super) struct Fenced {
    /// For a lock of this table: it must be held with this very token, and stay so until the commit.
    pub(super) own: Arc<str>,
    /// For a lock of somewhere else.
    pub(super) foreign: Arc<str>,
}

/// A statement on what lies below a directory.
#[derive(Debug)]
pub(super) struct Ranged {
    /// `$1` is the first key of the range, `$2` the end of it.
    pub(super) dir: Arc<str>,
    /// The root has no end; `$2` is empty.
    pub(super) root: Arc<str>,
}

const PUT: &str = "\
INSERT INTO {entries} (key, value, modified, version)
VALUES ($1, $2, clock_timestamp(), nextval('{versions_text}'))
ON CONFLICT (key) DO UPDATE SET value = excluded.value, modified = excluded.modified, version = excluded.version,
    stamp_locker = NULL, stamp_lock = NULL, stamp_token = NULL
RETURNING {stamp}";

const PUT_ABSENT: &str = "\
INSERT INTO {entries} (key, value, modified, version)
VALUES ($1, $2, clock_timestamp(), nextval('{versions_text}'))
ON CONFLICT (key) DO NOTHING
RETURNING {stamp}";

const PUT_VERSION: &str = "\
UPDATE {entries} SET value = $2, modified = clock_timestamp(), version = nextval('{versions_text}'),
    stamp_locker = NULL, stamp_lock = NULL, stamp_token = NULL
WHERE key = $1 AND {stamp} = $3
RETURNING {stamp}";

// Not FOR SHARE: sharers that come one after another would keep out the lock's own renewal, which here waits its turn.
const HELD_OWN: &str =
    "SELECT name FROM {locks} WHERE name = $2 AND token = $3 AND held FOR NO KEY UPDATE";

const HELD_FOREIGN: &str = "SELECT $2";

const PUT_FENCED: &str = "\
WITH held AS MATERIALIZED ({held}), put AS (
    INSERT INTO {entries} AS e (key, value, modified, version, stamp_locker, stamp_lock, stamp_token)
    SELECT $4, $5, clock_timestamp(), nextval('{versions_text}'), $1, $2, $3 FROM held
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, modified = excluded.modified, version = excluded.version,
        stamp_locker = excluded.stamp_locker, stamp_lock = excluded.stamp_lock, stamp_token = excluded.stamp_token
    WHERE (e.stamp_locker = $1 AND e.stamp_lock = $2 AND e.stamp_token > $3) IS NOT TRUE
    RETURNING {stamp} AS stamp
)
SELECT EXISTS (SELECT FROM held), (SELECT stamp FROM put)";

const PUT_ALL: &str = "\
INSERT INTO {entries} (key, value, modified, version)
SELECT new.key, new.value, clock_timestamp(), nextval('{versions_text}') FROM unnest($1, $2) AS new (key, value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, modified = excluded.modified, version = excluded.version,
    stamp_locker = NULL, stamp_lock = NULL, stamp_token = NULL";

// The rows that are there are locked and looked at first. A newer holder of another service's lock may still add some in
// between: then not all were put, and the division fails, which undoes the statement.
const PUT_ALL_FENCED: &str = "\
WITH held AS MATERIALIZED ({held}), there AS MATERIALIZED (
    SELECT e.key, (e.stamp_locker = $1 AND e.stamp_lock = $2 AND e.stamp_token > $3) IS TRUE AS newer
    FROM {entries} AS e WHERE e.key = ANY ($4) AND EXISTS (SELECT FROM held)
    ORDER BY e.key FOR NO KEY UPDATE OF e
), put AS (
    INSERT INTO {entries} AS e (key, value, modified, version, stamp_locker, stamp_lock, stamp_token)
    SELECT new.key, new.value, clock_timestamp(), nextval('{versions_text}'), $1, $2, $3
    FROM unnest($4, $5) AS new (key, value)
    WHERE EXISTS (SELECT FROM held) AND NOT EXISTS (SELECT FROM there WHERE newer)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, modified = excluded.modified, version = excluded.version,
        stamp_locker = excluded.stamp_locker, stamp_lock = excluded.stamp_lock, stamp_token = excluded.stamp_token
    WHERE (e.stamp_locker = $1 AND e.stamp_lock = $2 AND e.stamp_token > $3) IS NOT TRUE
    RETURNING key
)
SELECT EXISTS (SELECT FROM held), (SELECT min(key) FROM there WHERE newer),
    1 / CASE WHEN (SELECT count(*) FROM put) = cardinality($4) OR NOT EXISTS (SELECT FROM held)
        OR EXISTS (SELECT FROM there WHERE newer) THEN 1 ELSE 0 END";

const GET: &str = "SELECT value, {stamp} FROM {entries} WHERE key = $1";

const GET_MANY: &str = "SELECT key, value FROM {entries} WHERE key = ANY ($1)";

// The rows are locked in the order in which bundles write them. `$2` is the most below the key; how many there were.
const REMOVE: &str = "\
WITH own AS MATERIALIZED (
    SELECT key FROM {entries} WHERE key = $1 FOR UPDATE
), below AS MATERIALIZED (
    SELECT key FROM {entries} WHERE key >= $1 || '/' AND key < $1 || '0' ORDER BY key LIMIT $2 FOR UPDATE
), gone AS (
    DELETE FROM {entries} WHERE key = ANY (ARRAY(SELECT key FROM own UNION ALL SELECT key FROM below))
)
SELECT count(*) FROM below";

const REMOVE_VERSION: &str = "DELETE FROM {entries} WHERE key = $1 AND {stamp} = $2 RETURNING TRUE";

const REMOVE_FENCED: &str = "\
WITH held AS MATERIALIZED ({held}), gone AS (
    DELETE FROM {entries} AS e USING held
    WHERE e.key = $4 AND (e.stamp_locker = $1 AND e.stamp_lock = $2 AND e.stamp_token > $3) IS NOT TRUE
    RETURNING e.key
)
SELECT EXISTS (SELECT FROM held), EXISTS (SELECT FROM gone), EXISTS (SELECT FROM {entries} WHERE key = $4),
    EXISTS (SELECT FROM {entries} WHERE key = $4 AND stamp_locker = $1 AND stamp_lock = $2 AND stamp_token > $3)";

const IS_THERE: &str = "\
SELECT EXISTS (SELECT FROM {entries} WHERE key = $1)
    OR (SELECT key FROM {entries} WHERE key >= $1 || '/' AND key < $1 || '0' ORDER BY key LIMIT 1) IS NOT NULL";

// What a row tells without its value: the length of a large one stands beside the pointer to it.
const INFO: &str = "\
SELECT TRUE, octet_length(value)::bigint, {modified}, {stamp}
FROM {entries} WHERE key = $1
UNION ALL
(SELECT FALSE, NULL::bigint, NULL::bigint, NULL::text
 FROM {entries} WHERE key >= $1 || '/' AND key < $1 || '0' ORDER BY key LIMIT 1)";

// One look at the index for each child, however much lies below it: after a value comes the next key, after a directory
// what follows the last key below it. `$3` is the directory itself, which may be a value, `$4` what every key below it
// begins with, and `$5` the most looks: the server makes no more rows of the recursion than are asked for.
const CHILDREN: &str = "\
WITH RECURSIVE child AS (
    (SELECT key FROM {entries} WHERE {range} ORDER BY key LIMIT 1)
    UNION ALL
    SELECT next.key FROM child CROSS JOIN LATERAL (
        SELECT key FROM {entries}
        WHERE key >= CASE WHEN strpos(substr(child.key, length($4) + 1), '/') > 0
                THEN $4 || split_part(substr(child.key, length($4) + 1), '/', 1) || '0'
                ELSE child.key || chr(1) END
            AND {range}
        ORDER BY key LIMIT 1
    ) AS next
)
(SELECT key FROM child LIMIT $5) UNION ALL SELECT key FROM {entries} WHERE key = $3";

const BELOW: &str = "\
(SELECT key FROM {entries} WHERE {range} ORDER BY key)
UNION ALL SELECT key FROM {entries} WHERE key = $3";

const PAGE: &str = "\
SELECT key, octet_length(value)::bigint, {modified}, {stamp}
FROM {entries} WHERE {range} ORDER BY key LIMIT $3";

const DIRECTORIES: &str = "\
SELECT dir FROM unnest($1) AS dir
WHERE (SELECT key FROM {entries} WHERE key >= dir || '/' AND key < dir || '0' ORDER BY key LIMIT 1) IS NOT NULL";

/// The time of a write in microseconds since 1970.
const MODIFIED: &str = "(extract(epoch FROM modified) * 1000000)::bigint";

/// What names a version. The number alone could return: a crash of a server that does not wait for the disk, or a failover,
/// can set the sequence back.
const STAMP: &str = "(version || '.' || {modified})";

/// Fills in the columns, too.
struct Filling<'a>(&'a Names);

impl Filling<'_> {
    fn fill(&self, template: &str) -> Arc<str> {
        self.0.fill(&template.replace("{stamp}", STAMP).replace("{modified}", MODIFIED))
    }
}

impl Statements {
    pub(super) fn new(names: &Names) -> Self {
        let names = Filling(names);
        let fenced = |template: &str| Fenced {
            own: names.fill(&template.replace("{held}", HELD_OWN)),
            foreign: names.fill(&template.replace("{held}", HELD_FOREIGN)),
        };
        let ranged = |template: &str| Ranged {
            dir: names.fill(&template.replace("{range}", "key >= $1 AND key < $2")),
            root: names.fill(&template.replace("{range}", "key >= $1 AND $2 = ''")),
        };
        Self {
            put: names.fill(PUT),
            put_absent: names.fill(PUT_ABSENT),
            put_version: names.fill(PUT_VERSION),
            put_fenced: fenced(PUT_FENCED),
            put_all: names.fill(PUT_ALL),
            put_all_fenced: fenced(PUT_ALL_FENCED),
            get: names.fill(GET),
            get_many: names.fill(GET_MANY),
            remove: names.fill(REMOVE),
            remove_version: names.fill(REMOVE_VERSION),
            remove_fenced: fenced(REMOVE_FENCED),
            is_there: names.fill(IS_THERE),
            info: names.fill(INFO),
            children: ranged(CHILDREN),
            below: ranged(BELOW),
            page: ranged(PAGE),
            directories: names.fill(DIRECTORIES),
        }
    }
}
