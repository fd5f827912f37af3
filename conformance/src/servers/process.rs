//! One server process: started on free ports, watched over, and gone with the process that started it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::guardian::Guardian;
use super::user::User;
use super::{quoted, run_text};
use crate::port::Port;

/// How often a server is asked whether it is ready, or gone.
const LOOK: Duration = Duration::from_millis(20);
/// How many sets of ports are tried, should another program be quicker.
const ATTEMPTS: usize = 5;
/// How much of the log an error shows.
const LOG_LINES: usize = 20;

type Prepare = Box<dyn Fn(&Place) -> io::Result<Command> + Send + Sync>;
type Ready = Box<dyn Fn(&Place) -> io::Result<()> + Send + Sync>;

/// Where one server lives: a folder and ports of its own.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
    ports: Vec<Port>,
    user: Option<User>,
}

impl Place {
    /// A temporary folder, the server's own, which goes with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first port, of 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port_at(0)
    }

    /// One of the ports that [`ServerSpec::ports`] asks for; 0 when there are not so many.
    #[must_use]
    pub fn port_at(&self, index: usize) -> u16 {
        self.ports.get(index).map_or(0, Port::number)
    }

    /// Runs a command that prepares the server (makes its data folder, say) as the user that will run it, and gives
    /// what it printed.
    ///
    /// # Errors
    /// When it cannot be run or fails, with what it said.
    pub fn run(&self, command: &Command) -> io::Result<String> {
        // env, so that there is a first word whoever runs it
        let mut wrapped = Command::new("env");
        wrapped.args(self.user.map(User::prefix).unwrap_or_default());
        wrapped.arg(command.get_program()).args(command.get_args()).current_dir("/");
        wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        run_text(&mut wrapped)
    }

    /// Writes a file into the folder, readable by the server's user alone, and gives its path.
    ///
    /// # Errors
    /// Of the file system.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> io::Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.join(name);
        std::fs::write(&path, contents)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        if let Some(user) = self.user {
            user.own(&path)?;
        }
        Ok(path)
    }
}

/// What it takes to start a server.
pub struct ServerSpec {
    name: &'static str,
    ports: usize,
    user: Option<User>,
    limit: Duration,
    stop_signal: &'static str,
    cleanup: Option<String>,
    prepare: Prepare,
    ready: Ready,
}

impl ServerSpec {
    /// A server called `name` in errors. `prepare` makes what the server needs in its folder and gives the command
    /// that runs it in the foreground; it is called again for other ports when those were taken meanwhile. `ready`
    /// says whether the server answers; its last error is shown when the time is up.
    pub fn new(
        name: &'static str,
        prepare: impl Fn(&Place) -> io::Result<Command> + Send + Sync + 'static,
        ready: impl Fn(&Place) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            ports: 1,
            user: None,
            limit: Duration::from_secs(30),
            stop_signal: "TERM",
            cleanup: None,
            prepare: Box::new(prepare),
            ready: Box::new(ready),
        }
    }

    /// How many ports the server listens on; 1 unless set.
    #[must_use]
    pub fn ports(mut self, ports: usize) -> Self {
        self.ports = ports;
        self
    }

    /// Who runs it; `None`, whoever runs this process.
    #[must_use]
    pub fn user(mut self, user: Option<User>) -> Self {
        self.user = user;
        self
    }

    /// How long it may take to be ready, and to end when asked; 30 seconds unless set.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The signal that asks it to end, as `kill` names it; `TERM` unless set.
    #[must_use]
    pub fn stop_signal(mut self, signal: &'static str) -> Self {
        self.stop_signal = signal;
        self
    }

    /// Lines of shell that run when everything is over, in the server's folder before that is removed: for what a
    /// killed server leaves elsewhere.
    #[must_use]
    pub fn cleanup(mut self, script: impl Into<String>) -> Self {
        self.cleanup = Some(script.into());
        self
    }
}

impl fmt::Debug for ServerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSpec").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A server of this process's own. Dropping it kills the server and removes its folder; so does the end of this
/// process, SIGKILL included, because a guardian process watches it.
///
/// Linux only: the server's children are found in `/proc`.
#[derive(Debug)]
pub struct ServerProcess {
    spec: ServerSpec,
    place: Place,
    guardian: Mutex<Guardian>,
}

impl ServerProcess {
    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be prepared, ends early, or is not ready in time; with the end of its log.
    pub fn start(spec: ServerSpec) -> io::Result<Self> {
        let mut spec = spec;
        let mut attempt = 1;
        loop {
            let guardian = Guardian::new()?;
            let folder = guardian.folder().to_owned();
            if let Some(user) = spec.user {
                user.own(&folder)?;
            }
            let ports = (0..spec.ports).map(|_| Port::free()).collect::<io::Result<_>>()?;
            let place = Place { folder, ports, user: spec.user };
            let server = Self { spec, place, guardian: Mutex::new(guardian) };
            match server.launch(true) {
                Ok(()) => return Ok(server),
                Err(_) if attempt < ATTEMPTS && server.lost_port() => spec = server.spec,
                Err(error) => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Where it lives.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The first port, of 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.place.port()
    }

    /// The server's own folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// The process id of the running server; `None` when it does not run.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        if !self.is_running() {
            return None;
        }
        std::fs::read_to_string(self.place.folder.join("pid")).ok()?.trim().parse().ok()
    }

    /// Whether the server was started and has not ended. A paused one runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.place.folder.join("pid").exists() && !self.has_ended()
    }

    /// What the server wrote to its standard output and error, over all its starts.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.place.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Kills the server and its children at once (SIGKILL), paused or not; its data stays. Returns when they are gone.
    ///
    /// # Errors
    /// When the guardian is gone.
    pub fn kill(&self) -> io::Result<()> {
        self.guardian().order("kill")
    }

    /// Asks the server to end, and waits until it did.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(&self) -> io::Result<()> {
        self.stop_with(self.spec.stop_signal)
    }

    /// As [`stop`](Self::stop), by the signal of that name.
    ///
    /// # Errors
    /// As `stop`.
    pub fn stop_with(&self, signal: &str) -> io::Result<()> {
        self.signal(signal)?;
        let end = Instant::now() + self.spec.limit;
        while !self.has_ended() {
            if Instant::now() > end {
                return Err(self.error(&format!("does not end by SIG{signal}")));
            }
            sleep(LOOK);
        }
        self.kill() // children that it left
    }

    /// Starts a server that ended, on the same ports and data, and waits until it is ready. One that still runs is
    /// killed before.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_again(&self) -> io::Result<()> {
        self.kill()?;
        self.launch(false)
    }

    /// [`stop`](Self::stop) and [`start_again`](Self::start_again).
    ///
    /// # Errors
    /// Of either.
    pub fn restart(&self) -> io::Result<()> {
        if self.is_running() {
            self.stop()?;
        }
        self.start_again()
    }

    /// Suspends the server and its children (SIGSTOP): connections are accepted and nothing is answered.
    ///
    /// # Errors
    /// When the guardian is gone.
    pub fn pause(&self) -> io::Result<()> {
        self.guardian().order("tree STOP")
    }

    /// Ends a [`pause`](Self::pause).
    ///
    /// # Errors
    /// When the guardian is gone.
    pub fn resume(&self) -> io::Result<()> {
        self.guardian().order("tree CONT")
    }

    /// Sends a signal, by its name without `SIG`, to the server alone.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, name: &str) -> io::Result<()> {
        let Some(pid) = self.pid() else {
            return Err(self.error("does not run"));
        };
        // The shell's kill: the program of that name comes with a package of its own.
        run_text(Command::new("sh").args(["-c", &format!("kill -s {name} {pid}")])).map(drop)
    }

    /// An error that names the server, says `what`, and shows the end of its log.
    #[must_use]
    pub fn error(&self, what: &str) -> io::Error {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n");
        io::Error::other(format!(
            "{} on port {} {what}; its log ends:\n{end}",
            self.spec.name,
            self.port()
        ))
    }

    fn launch(&self, first: bool) -> io::Result<()> {
        if first {
            self.write_scripts(&(self.spec.prepare)(&self.place)?)?;
        }
        self.guardian().order("start")?;
        let end = Instant::now() + self.spec.limit;
        loop {
            let answer = (self.spec.ready)(&self.place);
            if self.has_ended() {
                return Err(self.error("ended at once"));
            }
            match answer {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > end => {
                    let limit = self.spec.limit.as_secs();
                    return Err(self.error(&format!("is not ready within {limit} s ({error})")));
                }
                Err(_) => sleep(LOOK),
            }
        }
    }

    /// What the guardian runs: the server in the foreground of a shell that notes its process id and its end.
    fn write_scripts(&self, command: &Command) -> io::Result<()> {
        let folder = quoted(self.place.folder.as_os_str());
        let environment = command.get_envs().map(|(name, value)| match value {
            Some(value) => format!("export {}={}\n", name.to_string_lossy(), quoted(value)),
            None => format!("unset {}\n", name.to_string_lossy()),
        });
        let user = self.spec.user.map(User::prefix).unwrap_or_default();
        let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted);
        let words: Vec<String> = user.into_iter().chain(words).collect();
        let script = format!(
            "cd {folder}\n{}sh -c 'echo $$ >pid; exec \"$0\" \"$@\"' {}\necho $? >{folder}/exit\n",
            environment.collect::<String>(),
            words.join(" "),
        );
        std::fs::write(self.place.folder.join("start"), script)?;
        if let Some(cleanup) = &self.spec.cleanup {
            std::fs::write(self.place.folder.join("cleanup"), format!("cd {folder}\n{cleanup}\n"))?;
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.place.folder.join("exit").exists()
    }

    fn lost_port(&self) -> bool {
        let log = self.log().to_lowercase();
        self.has_ended() && log.contains("address already in use")
    }

    fn guardian(&self) -> MutexGuard<'_, Guardian> {
        self.guardian.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
