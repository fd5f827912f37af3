use std::path::Path;
use std::time::Duration;

use certstore_core::ErrorKind;

use super::{Layout, LockClock, Pooler, PostgresConfig, SslMode, WakeUp};

fn read(url: &str) -> PostgresConfig {
    PostgresConfig::from_url(url).unwrap()
}

fn refused(url: &str) -> String {
    let error = PostgresConfig::from_url(url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    error.to_string()
}

#[test]
fn a_url_names_server_user_and_database() {
    let config = read("postgresql://al%40ice:p%3A%2Fw@db.example:6543/my%20db?sslmode=require");
    let server = &config.server;
    assert_eq!(server.host.as_deref(), Some("db.example"));
    assert_eq!(server.port, Some(6543));
    assert_eq!(server.user.as_deref(), Some("al@ice"));
    assert_eq!(server.password.as_ref().unwrap().expose(), "p:/w");
    assert_eq!(server.database.as_deref(), Some("my db"));
    assert_eq!(server.ssl_mode, Some(SslMode::Require));
}

#[test]
fn hosts_can_be_addresses_and_sockets() {
    assert_eq!(read("postgres://[::1]:5433/x").server.host.as_deref(), Some("::1"));
    assert_eq!(read("postgres://[::1]:5433/x").server.port, Some(5433));
    assert_eq!(read("postgres://%2Frun%2Fpg/x").server.host.as_deref(), Some("/run/pg"));
    assert_eq!(read("postgres:///x?host=/run/pg").server.host.as_deref(), Some("/run/pg"));
    assert_eq!(read("postgres://u@/x").server.host, None);
    assert_eq!(read("postgres:").server.host, None);
}

#[test]
fn every_option_can_stand_in_the_url() {
    let config = read(
        "postgres://h/d?schema=s&table_prefix=p_&layout=caddy&migrate=false&max_connections=3&connect_timeout=1s&\
         timeout=250ms&lease=20s&poll_min=10ms&poll_max=1s&lock_clock=observe&wake=none&pooler=transaction&ca_cert=/ca&\
         listen_url=postgres://direct:5433&password=x",
    );
    assert_eq!(config.schema.as_deref(), Some("s"));
    assert_eq!(config.table_prefix, "p_");
    assert_eq!(config.layout, Layout::Caddy);
    assert!(!config.migrate);
    assert_eq!(config.max_connections, 3);
    assert_eq!(config.connect_timeout, Duration::from_secs(1));
    assert_eq!(config.timeout, Duration::from_millis(250));
    assert_eq!(config.lease, Duration::from_secs(20));
    assert_eq!(config.poll_min, Some(Duration::from_millis(10)));
    assert_eq!(config.poll_max, Some(Duration::from_secs(1)));
    assert_eq!(config.lock_clock, LockClock::Observe);
    assert_eq!(config.wake, WakeUp::None);
    assert_eq!(config.pooler, Pooler::Transaction);
    assert_eq!(config.ca_cert.as_deref(), Some(Path::new("/ca")));
    assert_eq!(config.listen.as_ref().unwrap().host.as_deref(), Some("direct"));
    assert_eq!(config.server.password.as_ref().unwrap().expose(), "x");
}

#[test]
fn a_password_set_by_itself_stands_beside_the_url() {
    let mut config = PostgresConfig::new();
    config.set("password", "own").unwrap();
    config.set("url", "postgres://u@h/d").unwrap();
    assert_eq!(config.server.password.as_ref().unwrap().expose(), "own");
    config.set("url", "postgres://u:other@h/d").unwrap();
    assert_eq!(config.server.password.as_ref().unwrap().expose(), "other");
}

#[test]
fn what_listens_has_the_rest_from_the_server() {
    let config = read("postgres://u:p@pooler:6432/d?listen_url=postgres://direct:5432");
    let listen = config.listen.unwrap().or(&config.server);
    assert_eq!(listen.host.as_deref(), Some("direct"));
    assert_eq!(listen.port, Some(5432));
    assert_eq!(listen.database.as_deref(), Some("d"));
    assert_eq!(listen.password.unwrap().expose(), "p");
}

#[test]
fn wrong_urls_say_what_is_wrong_and_show_no_password() {
    assert!(refused("mysql://u:hunter2@h/d").contains("postgres://"));
    assert!(refused("postgres://u:hunter2@h:port/d").contains("port"));
    for unescaped in [
        "u:5?hunter2@h/db",
        "u:1/secret/hunter2@h/db",
        "u:5?x=hunter2@h/db",
        "u:5?hunter2%40h/db=1",
        "u:5?hunter2&x@h/db",
    ] {
        let message = refused(&format!("postgres://{unescaped}"));
        assert!(message.contains('@') && !message.contains("secret"), "{message}");
    }
    assert!(refused("postgres://u:a/hunter2@h/d").contains("%2F"));
    assert!(refused("postgres://u:hunter2%zz@h/d").contains("%25"));
    assert!(refused("postgres://u:hunter2@h/d#x").contains("%23"));
    assert!(refused("postgres://u:hunter2@a,b/d").contains("one host"));
    assert!(refused("postgres://u:hunter2@h/d?shema=x").contains("\"schema\""));
    assert!(refused("postgres://u:hunter2@h/d?lock_clock=sun").contains("server or observe"));
    assert!(refused("postgres://u:hunter2@h/d?timeout=soon").contains("duration"));
    assert!(refused("postgres://u:hunter2@h/d?timeout=25h").contains("24h"));
    assert!(refused("postgres://u:hunter2@h/d?table_prefix=a;b").contains("letters"));
    assert!(refused("postgres://u:hunter2@h/d?schema=a$1").contains('$'));
    assert!(refused("postgres://h/d?listen_url=postgres://x%3Flease=1s").contains("lease"));
}

#[test]
fn no_password_is_shown() {
    let config = read("postgres://u:hunter2@h/d?listen_url=postgres://v:hunter2%40h");
    assert!(!format!("{config:?}").contains("hunter2"));
}
