use std::net::TcpStream;
use std::process::Command;

use certstore_conformance::servers::{PgBouncer, PostgresOptions, PostgresServer, shared_postgres};

/// Whether the role `app` can sign in.
fn logs_in(port: u16, password: &str) -> bool {
    let mut psql = Command::new("psql");
    psql.args([
        "-X",
        "-w",
        "-h",
        "127.0.0.1",
        "-U",
        "app",
        "-d",
        "postgres",
        "-c",
        "SELECT 1",
        "-p",
    ]);
    let ran = psql.arg(port.to_string()).env("PGPASSWORD", password).output();
    ran.expect("psql starts").status.success()
}

#[test]
fn a_server_keeps_its_data_over_a_crash_and_is_gone_when_dropped() {
    let options = PostgresOptions { fsync: true, ..PostgresOptions::default() };
    let server = PostgresServer::start(options).unwrap();
    server.create_database("own").unwrap();
    server.sql("own", "CREATE TABLE t (x int); INSERT INTO t VALUES (7);").unwrap();
    let process = server.process().unwrap();
    let (port, folder) = (server.port(), process.folder().to_owned());
    process.kill().unwrap();
    assert!(server.sql("own", "SELECT 1").is_err());
    process.start_again().unwrap();
    assert_eq!(server.sql("own", "SELECT x FROM t").unwrap(), "7");
    server.stop_immediate().unwrap();
    assert!(!process.is_running());
    process.start_again().unwrap();
    server.restart().unwrap();
    assert_eq!(server.sql("own", "SELECT x FROM t").unwrap(), "7");
    server.drop_database("own").unwrap();
    assert!(server.sql("own", "SELECT 1").is_err());
    drop(server);
    assert!(!folder.exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn roles_need_their_password() {
    let server = PostgresServer::start(PostgresOptions::default()).unwrap();
    server.create_role("app", "it's secret").unwrap();
    let login = |password: &str| logs_in(server.port(), password);
    assert!(login("it's secret"));
    assert!(!login("wrong"));
}

#[test]
fn tls_is_verified_by_the_servers_authority() {
    let server =
        PostgresServer::start(PostgresOptions { tls: true, ..PostgresOptions::default() }).unwrap();
    let ca = server.ca_file().unwrap();
    let url =
        format!("{}?sslmode=verify-full&sslrootcert={}", server.url("postgres"), ca.display());
    let output = Command::new("psql")
        .args([
            "-X",
            "-w",
            "-A",
            "-t",
            "-c",
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
            &url,
        ])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "t", "{output:?}");
}

#[test]
fn statements_of_clients_are_counted_by_database() {
    let server = shared_postgres().unwrap();
    assert!(std::ptr::eq(server, shared_postgres().unwrap()));
    server.create_database("counted").unwrap();
    let before = server.statement_calls("counted").unwrap();
    server.sql("counted", "SELECT 1; SELECT 2; SELECT 3;").unwrap();
    assert_eq!(server.statement_calls("counted").unwrap(), before + 3);
}

#[test]
fn a_wrong_setting_is_an_error_with_the_log() {
    let options = PostgresOptions {
        settings: vec![("max_connections".into(), "none".into())],
        ..PostgresOptions::default()
    };
    let error = PostgresServer::start(options).unwrap_err().to_string();
    assert!(error.contains("postgres on port") && error.contains("max_connections"), "{error}");
}

#[test]
fn pgbouncer_passes_transactions_on_and_asks_roles_for_their_password() {
    let server = PostgresServer::start(PostgresOptions::default()).unwrap();
    server.create_role("app", "it's \"secret\"").unwrap();
    let bouncer = PgBouncer::start_for(&server, &[("app", "it's \"secret\"")]).unwrap();
    assert_eq!(bouncer.sql("postgres", "SELECT 1").unwrap(), "1");
    let pools = bouncer.sql("pgbouncer", "SHOW POOLS").unwrap();
    assert!(
        pools.lines().any(|pool| pool.starts_with("postgres|") && pool.ends_with("|transaction")),
        "{pools}"
    );
    let login = |password: &str| logs_in(bouncer.port(), password);
    assert!(login("it's \"secret\""));
    assert!(!login("wrong"));
    bouncer.process().restart().unwrap();
    assert_eq!(bouncer.sql("postgres", "SELECT 1").unwrap(), "1");
}
