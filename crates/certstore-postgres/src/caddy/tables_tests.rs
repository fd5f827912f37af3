use super::Tables;
use crate::config::PostgresConfig;

#[test]
fn a_schema_stands_quoted_before_every_name() {
    let mut config = PostgresConfig::new();
    assert_eq!(Tables::of(&config).locks, "caddy_locks");
    config.schema = Some("ca\"ddy".to_owned());
    let tables = Tables::of(&config);
    assert_eq!(tables.objects, "\"ca\"\"ddy\".caddy_certmagic_objects");
    assert_eq!(tables.locks, "\"ca\"\"ddy\".caddy_locks");
    assert_eq!(tables.numbers, "\"ca\"\"ddy\".caddy_locks_rvn");
    let definition = tables.definition();
    let bare = definition.lines().filter(|line| line.contains("CREATE TABLE"));
    assert!(bare.into_iter().all(|line| line.contains("\"ca\"\"ddy\".")), "{definition}");
}
