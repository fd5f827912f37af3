//! Where the keys for S3 and Secrets Manager come from when the configuration names none: AWS's chain.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;

use certstore_conformance::loopback_s3::{Credentials, LoopbackS3};
use certstore_conformance::loopback_secretsmanager::LoopbackSecretsManager;

use crate::support::{Ran, Sandbox};

/// A service of AWS.
enum Service {
    S3(LoopbackS3),
    SecretsManager(LoopbackSecretsManager),
}

/// A storage without keys in its URL, and the program.
struct Keyless {
    service: Service,
    sandbox: Sandbox,
}

impl Keyless {
    /// One on each service.
    fn on_each() -> [Self; 2] {
        let services = [
            Service::S3(LoopbackS3::start().unwrap()),
            Service::SecretsManager(LoopbackSecretsManager::start().unwrap()),
        ];
        services.map(|service| {
            let sandbox = Sandbox::new();
            std::fs::create_dir_all(sandbox.path("home/.aws")).unwrap();
            Self { service, sandbox }
        })
    }

    fn command(&self, options: &str) -> Command {
        let (place, endpoint) = match &self.service {
            Service::S3(server) => (format!("s3://{}/p", server.bucket()), server.endpoint()),
            Service::SecretsManager(server) => ("secretsmanager://p".into(), server.endpoint()),
        };
        let endpoint = endpoint.replace(':', "%3A").replace('/', "%2F");
        let mut command = self.sandbox.command();
        command.args(["--storage", &format!("{place}?endpoint={endpoint}{options}"), "ls"]);
        command.env("AWS_REGION", self.region());
        command
    }

    fn region(&self) -> &str {
        match &self.service {
            Service::S3(server) => server.region(),
            Service::SecretsManager(server) => server.region(),
        }
    }

    /// The id of a key that is good for everything.
    fn access_key(&self) -> &str {
        match &self.service {
            Service::S3(server) => server.access_key(),
            Service::SecretsManager(server) => server.access_key(),
        }
    }

    /// Keys with a token.
    fn temporary(&self) -> Credentials {
        match &self.service {
            Service::S3(server) => server.temporary(),
            Service::SecretsManager(server) => server.temporary(),
        }
    }

    fn read_only(&self) -> Credentials {
        match &self.service {
            Service::S3(server) => server.read_only(),
            Service::SecretsManager(server) => server.read_only(),
        }
    }

    /// `~/.aws/credentials` with what `keys` are, as the profile `name`.
    fn profile(&self, name: &str, keys: &Credentials) {
        let token = keys.session_token.as_ref();
        let token = token.map_or_else(String::new, |t| format!("aws_session_token = {t}\n"));
        let text = format!(
            "[{name}]\naws_access_key_id = {}\naws_secret_access_key = {}\n{token}",
            keys.access_key, keys.secret_key
        );
        self.sandbox.write("home/.aws/credentials", text);
    }

    /// Who has signed the requests since the last time, and what they were answered.
    fn requests(&self) -> Vec<(String, u16)> {
        match &self.service {
            Service::S3(server) => {
                let requests = server.requests();
                server.clear_requests();
                requests
                    .iter()
                    .map(|request| (request.access_key.clone(), request.status))
                    .collect()
            }
            Service::SecretsManager(server) => {
                let requests = server.requests();
                server.clear_requests();
                requests
                    .iter()
                    .map(|request| (request.access_key.clone(), request.status))
                    .collect()
            }
        }
    }

    /// Runs, is let in, and was signed by `keys`.
    fn lets_in(&self, command: &mut Command, keys: &Credentials) {
        self.requests();
        let ran = Ran::of(command).ok();
        let requests = self.requests();
        assert!(!requests.is_empty());
        for request in requests {
            assert_eq!(request, (keys.access_key.clone(), 200));
        }
        assert_eq!(ran.text(), "");
    }
}

/// What a service that gives out keys answers.
fn document(keys: &Credentials) -> String {
    format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"{}","SecretAccessKey":"{}","Token":"{}","Expiration":"2999-01-01T00:00:00Z"}}"#,
        keys.access_key,
        keys.secret_key,
        keys.session_token.as_deref().unwrap_or_default()
    )
}

/// A service on a port of 127.0.0.1 that answers `METHOD PATH` as the table says, and all else with 404.
fn service(table: Vec<(&'static str, String)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while stream.read_line(&mut head).unwrap() > 2 {}
            let known = table.iter().find(|(line, _)| head.starts_with(line));
            let (status, body) = known.map_or(("404 Not Found", ""), |(_, body)| ("200 OK", body));
            let length = body.len();
            let extra = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\nconnection: close\r\n";
            write!(
                stream.get_mut(),
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{extra}\r\n{body}"
            )
            .unwrap();
        }
    });
    port
}

#[test]
fn the_environment() {
    for place in Keyless::on_each() {
        let keys = place.temporary();
        let mut command = place.command("");
        command
            .env("AWS_ACCESS_KEY_ID", &keys.access_key)
            .env("AWS_SECRET_ACCESS_KEY", &keys.secret_key)
            .env("AWS_SESSION_TOKEN", keys.session_token.as_ref().unwrap());
        place.lets_in(&mut command, &keys);
        // Without its token such a key is none, and a wrong secret is told as one.
        Ran::of(command.env_remove("AWS_SESSION_TOKEN")).fails(1, &["session token"]);
        let ran = Ran::of(
            command
                .env("AWS_ACCESS_KEY_ID", place.access_key())
                .env("AWS_SECRET_ACCESS_KEY", "wrong-secret"),
        );
        let ran = ran.fails(1, &["secret access key is wrong"]);
        assert!(!ran.err.contains("wrong-secret"), "{ran:?}");
    }
}

#[test]
fn a_profile() {
    for place in Keyless::on_each() {
        let keys = place.read_only();
        place.profile("default", &keys);
        place.lets_in(&mut place.command(""), &keys);
        place.profile("production", &keys);
        place.lets_in(place.command("").env("AWS_PROFILE", "production"), &keys);
        place.lets_in(&mut place.command("&profile=production"), &keys);
        // The profile's region, where nothing else names one.
        let config = format!("[profile production]\nregion = {}\n", place.region());
        place.sandbox.write("home/.aws/config", config);
        place.lets_in(place.command("&profile=production").env_remove("AWS_REGION"), &keys);
    }
}

#[test]
fn a_program_that_the_profile_names() {
    for place in Keyless::on_each() {
        let keys = place.temporary();
        let told = document(&keys).replace(r#""Token""#, r#""Version":1,"SessionToken""#);
        let file = place.sandbox.write("keys.json", told);
        let config = format!("[default]\ncredential_process = cat {}\n", file.display());
        place.sandbox.write("home/.aws/config", config);
        place.lets_in(&mut place.command(""), &keys);
    }
}

#[test]
fn the_service_of_a_container() {
    for place in Keyless::on_each() {
        let keys = place.temporary();
        let port = service(vec![("GET /keys ", document(&keys))]);
        let uri = format!("http://127.0.0.1:{port}/keys");
        let mut command = place.command("");
        place.lets_in(command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri), &keys);
    }
}

#[test]
fn the_service_of_an_instance() {
    for place in Keyless::on_each() {
        let keys = place.temporary();
        let port = service(vec![
            ("PUT /latest/api/token ", "a-token".to_owned()),
            ("GET /latest/meta-data/iam/security-credentials/ ", "role".to_owned()),
            ("GET /latest/meta-data/iam/security-credentials/role ", document(&keys)),
        ]);
        let endpoint = format!("http://127.0.0.1:{port}");
        let mut command = place.command("");
        place.lets_in(command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint), &keys);
    }
}

#[test]
fn none_at_all() {
    for place in Keyless::on_each() {
        let ran = Ran::of(place.command("").env("AWS_EC2_METADATA_DISABLED", "true"));
        ran.fails(2, &["no credentials are found", "AWS_ACCESS_KEY_ID"]);
        assert_eq!(place.requests(), []);
    }
}
