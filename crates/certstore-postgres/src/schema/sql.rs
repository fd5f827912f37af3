//! The statements that make the tables.

/// The migrations, in order; each can be applied again and removes nothing.
pub(super) const MIGRATIONS: &[&str] = &[V1];

/// What all who migrate wait for.
pub(super) const LOCK: &str = "pg_advisory_xact_lock(hashtextextended('certstore migration', 0))";

/// Begins a migration: waits for others, makes the table of versions, and tells the version, the only row there is.
pub(super) const BEGIN: &str = r"BEGIN;
DO $certstore$ BEGIN PERFORM pg_advisory_xact_lock(hashtextextended('certstore migration', 0)); END $certstore$;
CREATE TABLE IF NOT EXISTS {meta} (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    version bigint NOT NULL,
    store text NOT NULL
);
SELECT version FROM {meta};
";

/// Removes what the migrations make, in one transaction that migrations wait for.
pub(super) const DROP: &str = r"BEGIN;
DO $certstore$ BEGIN PERFORM pg_advisory_xact_lock(hashtextextended('certstore migration', 0)); END $certstore$;
DROP TABLE IF EXISTS {entries}, {locks}, {meta};
DROP FUNCTION IF EXISTS {tree}();
DROP SEQUENCE IF EXISTS {versions};
COMMIT;
";

/// The version, the identity, and whether what the server acknowledges survives a power cut.
pub(super) const LOOK: &str = "SELECT version, store, \
    current_setting('synchronous_commit') <> 'off' AND current_setting('fsync') = 'on' FROM {meta}";

/// Notes the version; the first time, the identity, too.
pub(super) fn set_version(version: i64) -> String {
    format!(
        "INSERT INTO {{meta}} (version, store) VALUES ({version}, gen_random_uuid()::text)\n\
         ON CONFLICT (only_row) DO UPDATE SET version = greatest({{meta}}.version, excluded.version);\n"
    )
}

/// What a role needs that uses the tables and may not create any.
pub(super) const GRANTS: &str = "\
-- For a role that may not create tables (set migrate = false); put its name in place of ROLE:
-- GRANT SELECT, INSERT, UPDATE, DELETE ON {entries}, {locks} TO ROLE;
-- GRANT SELECT ON {meta} TO ROLE;
-- GRANT USAGE ON SEQUENCE {versions} TO ROLE;
-- The tables in a schema of their own: GRANT USAGE ON SCHEMA ... TO ROLE;
";

// The order of "C" is that of the bytes, so what lies below `a` is the range from `a/` to `a0`, and the primary key
// answers for directories. An insert of a new key locks it and, shared, all directories above, then looks: a statement
// inside the trigger sees what was committed before the locks were had. Of two transactions that would make one key a
// value and a directory, the second one fails.
const V1: &str = r#"CREATE TABLE IF NOT EXISTS {meta} (
    only_row boolean PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    version bigint NOT NULL,
    store text NOT NULL
);
CREATE SEQUENCE IF NOT EXISTS {versions} AS bigint;
CREATE TABLE IF NOT EXISTS {entries} (
    key text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL,
    modified timestamptz NOT NULL,
    version bigint NOT NULL,
    stamp_locker text,
    stamp_lock text,
    stamp_token bigint
);
CREATE TABLE IF NOT EXISTS {locks} (
    name text COLLATE "C" PRIMARY KEY,
    held boolean NOT NULL,
    write bytea NOT NULL,
    token bigint NOT NULL,
    span bigint NOT NULL,
    expires timestamptz NOT NULL,
    record text NOT NULL
) WITH (fillfactor = 50);
CREATE OR REPLACE FUNCTION {tree}() RETURNS trigger LANGUAGE plpgsql AS $certstore$
DECLARE
    parts text[] := string_to_array(NEW.key, '/');
    above text[] := '{}';
    dir text := '';
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the transaction is not at the isolation level read committed' USING ERRCODE = 'CS003';
    END IF;
    FOR depth IN 1 .. cardinality(parts) - 1 LOOP
        dir := dir || CASE WHEN depth > 1 THEN '/' ELSE '' END || parts[depth];
        PERFORM pg_advisory_xact_lock_shared(hashtextextended(dir, TG_RELID::bigint));
        above := above || dir;
    END LOOP;
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.key, TG_RELID::bigint));
    PERFORM FROM {entries} WHERE key = ANY (above COLLATE "C") LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a key above the new one has a value' USING ERRCODE = 'CS001';
    END IF;
    PERFORM FROM {entries} WHERE key > NEW.key || '/' AND key < NEW.key || '0' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there are keys below the new one' USING ERRCODE = 'CS002';
    END IF;
    RETURN NULL;
END
$certstore$;
DO $certstore$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger
                   WHERE tgrelid = '{entries_text}'::regclass AND tgname = '{tree_trigger_text}') THEN
        CREATE TRIGGER {tree_trigger} AFTER INSERT ON {entries} FOR EACH ROW EXECUTE FUNCTION {tree}();
    END IF;
END
$certstore$;
"#;
