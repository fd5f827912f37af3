//! Counts what clients ask of a Redis server, as the server tells it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long the server may take to answer.
const LIMIT: Option<Duration> = Some(Duration::from_secs(10));

/// A connection in `MONITOR` mode, and one that sends marks into it.
///
/// `INFO commandstats` and `total_commands_processed` count the commands inside scripts too; `MONITOR` tells them from
/// those of clients.
#[derive(Debug)]
pub(super) struct Monitor {
    lines: BufReader<TcpStream>,
    marks: BufReader<TcpStream>,
    /// How the server names the second connection: `127.0.0.1:40000`.
    own: String,
    seen: u64,
    sent: u64,
}

impl Monitor {
    pub(super) fn connect(port: u16, password: Option<&str>) -> io::Result<Self> {
        let open = || -> io::Result<BufReader<TcpStream>> {
            let stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_read_timeout(LIMIT)?;
            stream.set_write_timeout(LIMIT)?;
            let mut stream = BufReader::new(stream);
            if let Some(password) = password {
                ask(&mut stream, &["AUTH", password])?;
            }
            Ok(stream)
        };
        let marks = open()?;
        let own = marks.get_ref().local_addr()?.to_string();
        let mut lines = open()?;
        ask(&mut lines, &["MONITOR"])?;
        Ok(Self { lines, marks, own, seen: 0, sent: 0 })
    }

    /// The commands of clients since `connect`, without `PUBLISH`: a notice goes along in the write of the command before
    /// it, and nobody waits for it. All that were answered before the call are among them.
    pub(super) fn count(&mut self) -> io::Result<u64> {
        self.sent += 1;
        let mark = format!("certstore-mark-{}", self.sent);
        // ECHO answers with a length first.
        ask(&mut self.marks, &["ECHO", &mark])?;
        line(&mut self.marks)?;
        loop {
            let line = line(&mut self.lines)?;
            // +1700000000.000000 [0 127.0.0.1:40000] "echo" "text", or [0 lua] for what a script does
            let source = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
            let Some((source, command)) = source else { continue };
            let source = source.rsplit(' ').next().unwrap_or_default();
            if source == self.own {
                if command.contains(&mark) {
                    return Ok(self.seen);
                }
            } else if source != "lua" && !command.trim_start().starts_with("\"PUBLISH\"") {
                self.seen += 1;
            }
        }
    }
}

/// Sends a command and reads one line of answer.
fn ask(stream: &mut BufReader<TcpStream>, words: &[&str]) -> io::Result<String> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.get_mut().write_all(request.as_bytes())?;
    let answer = line(stream)?;
    if answer.starts_with('-') {
        return Err(io::Error::other(format!("redis refuses {}: {answer}", words[0])));
    }
    Ok(answer)
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "redis closed the connection"));
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}
