use super::{Names, quoted, script};
use crate::config::PostgresConfig;

#[test]
fn names_are_quoted() {
    assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    let mut config = PostgresConfig::new();
    config.schema = Some("it's \"odd\"".into());
    config.table_prefix = "P_".into();
    let names = Names::new(&config);
    assert_eq!(names.entries, "\"it's \"\"odd\"\"\".\"P_entries\"");
    assert_eq!(&*names.fill("'{versions_text}'"), "'\"it''s \"\"odd\"\"\".\"P_versions\"'");
}

#[test]
fn the_script_names_every_table_and_leaves_no_place_open() {
    let script = script(&PostgresConfig::new());
    for table in ["entries", "locks", "meta", "versions"] {
        assert!(script.contains(&format!("\"certstore_{table}\"")), "{table}");
    }
    for open in ["{entries}", "{locks}", "{meta}", "{versions", "{tree"] {
        assert!(!script.contains(open), "{open}");
    }
    for forbidden in ["DROP ", "DELETE FROM", "TRUNCATE"] {
        assert!(!script.contains(forbidden), "{forbidden}");
    }
}
