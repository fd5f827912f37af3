use std::net::TcpStream;

use certstore_conformance::servers::{RedisOptions, RedisServer, shared_redis};

#[test]
fn a_server_answers_restarts_and_is_gone_when_dropped() {
    let options = RedisOptions { appendonly: true, ..RedisOptions::default() };
    let server = RedisServer::start(options).unwrap();
    assert_eq!(server.cli(&["SET", "a", "1"]).unwrap(), "OK");
    let process = server.process().unwrap();
    let (port, folder, pid) = (server.port(), process.folder().to_owned(), process.pid().unwrap());
    for how in ["kill", "stop"] {
        if how == "kill" { process.kill() } else { process.stop() }.unwrap();
        assert!(!process.is_running());
        assert!(server.cli(&["PING"]).is_err(), "{how}");
        process.start_again().unwrap();
        assert_eq!(server.cli(&["GET", "a"]).unwrap(), "1", "{how}");
    }
    assert_ne!(process.pid().unwrap(), pid);
    drop(server);
    assert!(!folder.exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn a_missing_password_is_refused() {
    let options = RedisOptions { password: Some("s3cret".into()), ..RedisOptions::default() };
    let server = RedisServer::start(options).unwrap();
    assert_eq!(server.cli(&["PING"]).unwrap(), "PONG");
    let anonymous = std::process::Command::new("redis-cli")
        .args(["-p", &server.port().to_string(), "PING"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&anonymous.stdout).contains("NOAUTH"));
}

#[test]
fn a_wrong_setting_is_an_error_with_the_log() {
    let options =
        RedisOptions { maxmemory_policy: Some("nonsense".into()), ..RedisOptions::default() };
    let error = RedisServer::start(options).unwrap_err().to_string();
    assert!(
        error.contains("redis-server on port") && error.contains("maxmemory-policy"),
        "{error}"
    );
}

#[test]
fn tls_servers_ask_for_a_certificate_when_told() {
    for client_certificates in [false, true] {
        let options = RedisOptions { tls: true, client_certificates, ..RedisOptions::default() };
        let server = RedisServer::start(options).unwrap();
        assert_eq!(server.cli(&["PING"]).unwrap(), "PONG");
        let [ca, _, _] = server.tls_files().unwrap();
        let anonymous = std::process::Command::new("redis-cli")
            .args(["-p", &server.port().to_string(), "--tls", "--cacert"])
            .arg(ca)
            .arg("PING")
            .output()
            .unwrap();
        assert_eq!(anonymous.stdout.starts_with(b"PONG"), !client_certificates);
    }
}

#[test]
fn only_commands_of_clients_are_counted() {
    let server = RedisServer::start(RedisOptions::default()).unwrap();
    assert_eq!(server.command_calls().unwrap(), 0);
    server.cli(&["SET", "a", "1"]).unwrap();
    assert_eq!(server.command_calls().unwrap(), 1);
    assert_eq!(server.command_calls().unwrap(), 1);
    server.cli(&["EVAL", "redis.call('GET', 'a') return redis.call('INCR', 'a')", "0"]).unwrap();
    assert_eq!(server.command_calls().unwrap(), 2);
}

#[test]
fn a_paused_server_says_nothing_until_resumed() {
    use std::io::{ErrorKind, Read, Write};
    let server = RedisServer::start(RedisOptions::default()).unwrap();
    let process = server.process().unwrap();
    process.pause().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    let error = stream.read(&mut answer).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut));
    process.resume().unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn tests_of_one_process_share_a_server() {
    let server = shared_redis().unwrap();
    assert!(std::ptr::eq(server, shared_redis().unwrap()));
    assert_eq!(server.cli(&["PING"]).unwrap(), "PONG");
    assert_eq!(server.worker_env()[0].1, server.port().to_string());
}
