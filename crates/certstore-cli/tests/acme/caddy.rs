//! Caddy and `certstore serve` over one directory, at one CA.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use certstore_conformance::servers::{
    CaProxy, Part, Pebble, Place as Folder, ServerProcess, ServerSpec, https_certificate,
};

use crate::node::{Ca, Node, wait_for};
use crate::places::Place;
use crate::round_robin::RoundRobin;

/// Debian's Caddy.
struct Caddy {
    process: ServerProcess,
}

const HTTPS: usize = 0;
const HTTP: usize = 1;

impl Caddy {
    /// Serves `names` from the place, and orders what is missing.
    fn start(place: &Place, ca: &Ca, names: &[&str]) -> Self {
        let sites: Vec<String> =
            names.iter().map(|name| format!("{name} {{\nrespond ok\n}}\n")).collect();
        let (directory, root) = (ca.directory.clone(), ca.root.display().to_string());
        let (data, sites) = (place.folder().display().to_string(), sites.concat());
        let prepare = move |place: &Folder| {
            let config = format!(
                "{{\nadmin off\nskip_install_trust\nauto_https disable_redirects\ndefault_bind 127.0.0.1\n\
                 http_port {}\nhttps_port {}\nemail ops@example.com\nacme_ca {directory}\nacme_ca_root {root}\n\
                 storage file_system {data}\n}}\nhttp://plain.example {{\nrespond ok\n}}\n{sites}",
                place.port_at(HTTP),
                place.port_at(HTTPS)
            );
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]);
            command.arg(place.write("Caddyfile", config)?).env("HOME", place.folder());
            Ok(command)
        };
        let ready = |place: &Folder| -> io::Result<()> {
            TcpStream::connect(("127.0.0.1", place.port_at(HTTPS)))
                .and_then(|_| TcpStream::connect(("127.0.0.1", place.port_at(HTTP))))
                .map(drop)
        };
        let spec = ServerSpec::new("caddy", prepare, ready).ports(2);
        Self { process: ServerProcess::start(spec).expect("Caddy starts") }
    }

    fn https(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.process.place().port_at(HTTPS)).into()
    }

    fn http(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.process.place().port_at(HTTP)).into()
    }

    /// The certificate that it shows for a name, once it has one.
    fn certificate(&self, roots: &str, name: &str) -> Vec<u8> {
        wait_for(&format!("Caddy's certificate for {name}"), || {
            https_certificate(self.https(), roots.as_bytes(), name).ok()
        })
    }
}

#[test]
fn caddy_and_a_node_serve_what_the_other_has_ordered_and_answer_the_others_challenge() {
    let (pebble, place) = (Pebble::start().expect("Pebble starts"), Place::on_files());
    let proxy = CaProxy::before(&pebble).expect("the proxy starts");
    let (ca, roots) = (Ca::through(&proxy), pebble.issuer().expect("its root"));
    let names = ["node.example", "caddy.example", "third.example"];
    let [door, tls_door] = [pebble.http_port(), pebble.tls_port()].map(RoundRobin::on);
    let first = Node::start(&place.url, &ca, &names[..1]);
    door.add(first.http());
    tls_door.add(first.https());
    let by_node = first.certificate(&roots, names[0]);
    // The CA reaches the node alone, and Caddy orders, by TLS-ALPN-01.
    let caddy = Caddy::start(&place, &ca, &names[..2]);
    let by_caddy = caddy.certificate(&roots, names[1]);
    assert_eq!(caddy.certificate(&roots, names[0]), by_node);
    assert_eq!(pebble.orders(), 2, "{}", caddy.process.log());
    drop(caddy);
    // A node orders, and the CA reaches Caddy alone, which waits for that order. By HTTP-01 on a port other than 80 this Caddy
    // gives an empty answer.
    let held = proxy.hold(Part::Request, "/order-plz");
    let by_tls = &["--challenge", "tls-alpn-01"];
    let second = Node::start_with(&place.url, &ca, &names, by_tls);
    held.reached().expect("it orders");
    let caddy = Caddy::start(&place, &ca, &names);
    door.only(caddy.http());
    tls_door.only(caddy.https());
    held.release();
    let by_second = second.certificate(&roots, names[2]);
    for (name, shown) in names.iter().zip([by_node, by_caddy, by_second]) {
        assert_eq!(second.certificate(&roots, name), shown, "{name}");
        assert_eq!(caddy.certificate(&roots, name), shown, "{name}");
    }
    assert_eq!(pebble.orders(), 3, "{}", second.process.log());
}

/// A network of its own, with the CA's ports and a DNS server for everything in it, all gone at its end.
const NETWORK: &str = r#"
set -e
ip link set lo up
echo 'nameserver 127.0.0.1' >"$HOME/resolv.conf"
mount --bind "$HOME/resolv.conf" /etc/resolv.conf
pebble-challtestsrv -dns01 127.0.0.1:53 -management 127.0.0.1:8055 -http01 '' -https01 '' -tlsalpn01 '' \
    -defaultIPv6 '' >"$HOME/dns.log" 2>&1 &
caddy run --adapter caddyfile --config "$HOME/Caddyfile" >"$HOME/caddy.log" 2>&1 &
root="$HOME/caddy/pki/authorities/local/root.crt"
directory=https://localhost:5711/acme/local/directory
for _ in $(seq 200); do
    if [ -s "$root" ] && "$CERTSTORE" --storage "file://$HOME/store" obtain site.example --issuer acme --agree \
        --ca "$directory" --ca-root "$root" >"$HOME/obtained" 2>"$HOME/said"; then
        break
    fi
    sleep 0.1
done
cp "$HOME"/store/certificates/*/site.example/site.example.crt "$HOME/first.crt"
"$CERTSTORE" --storage "file://$HOME/store" renew site.example --force --issuer acme --agree \
    --ca "$directory" --ca-root "$root"
cp "$HOME"/store/certificates/*/site.example/site.example.crt "$HOME/second.crt"
"#;

#[test]
fn caddys_own_ca_issues_and_renews() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("caddy");
    let config = format!(
        "{{\nadmin off\nskip_install_trust\ndefault_bind 127.0.0.1\nauto_https disable_redirects\nhttp_port 8080\n\
         storage file_system {}\n}}\nhttps://localhost:5711 {{\ntls internal\nacme_server\n}}\n",
        data.display()
    );
    std::fs::write(home.path().join("Caddyfile"), config).unwrap();
    let ran = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c"])
        .arg(NETWORK)
        .env("HOME", home.path())
        .env("CERTSTORE", env!("CARGO_BIN_EXE_certstore"))
        .output()
        .unwrap();
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap_or_default();
    let said = format!(
        "{}{}\n{}\n{}",
        read("said"),
        String::from_utf8_lossy(&ran.stderr),
        String::from_utf8_lossy(&ran.stdout),
        read("caddy.log")
    );
    assert!(ran.status.success(), "{said}");
    let [first, second] = ["first.crt", "second.crt"].map(read);
    assert!(first.contains("BEGIN CERTIFICATE") && second.contains("BEGIN CERTIFICATE"), "{said}");
    assert_ne!(first, second);
}
