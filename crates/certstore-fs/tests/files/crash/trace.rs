//! Reads what `strace -f -y -xx` writes: the changes below one directory, in the order in which they were made.

use std::collections::HashMap;

/// What the traced program did to the directory, or told on its standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    Create(String),
    MakeDir(String),
    Truncate(String),
    Write(String, Vec<u8>),
    Attribute(String, Vec<u8>),
    /// `fsync` of a file or of a directory.
    Sync(String),
    Rename(String, String),
    Remove(String),
    /// The operation under test has returned.
    Returned,
}

/// The system calls to trace.
pub(crate) const CALLS: &str = "trace=open,openat,openat2,creat,mkdir,mkdirat,write,pwrite64,writev,ftruncate,\
    truncate,fsetxattr,setxattr,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir";

/// What the program writes to tell that the operation has returned.
pub(crate) const RETURNED: &str = "\nthe operation has returned\n";

/// The changes below `root` in `trace`, by paths relative to it. What lies in `locks` is left out: it says nothing about
/// values and ends with its process.
pub(crate) fn ops(trace: &str, root: &str) -> Vec<Op> {
    joined(trace).iter().filter_map(|line| call(line)).flat_map(|call| call.ops(root)).collect()
}

/// One call a line, without process ids; a call that was interrupted by another's line is put together, where it ends.
fn joined(trace: &str) -> Vec<String> {
    let mut begun: HashMap<&str, String> = HashMap::new();
    let mut lines = Vec::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(pid, start.trim_end().to_owned());
        } else if let Some((_, end)) =
            rest.split_once(" resumed>").filter(|_| rest.starts_with("<... "))
        {
            lines.push(begun.remove(pid).unwrap_or_default() + end);
        } else {
            lines.push(rest.to_owned());
        }
    }
    lines
}

struct Call {
    name: String,
    /// Descriptors as the paths they stand for, strings as their bytes, all else as it is.
    arguments: Vec<Vec<u8>>,
    flags: String,
}

/// A call that succeeded.
fn call(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (inside, result) = rest.rsplit_once(" = ")?;
    if result.starts_with('-') || result.starts_with('?') {
        return None;
    }
    let inside = inside.trim_end().strip_suffix(')')?;
    let arguments = inside.split(", ").map(argument).collect();
    Some(Call { name: name.to_owned(), arguments, flags: inside.to_owned() })
}

fn argument(text: &str) -> Vec<u8> {
    if let Some(string) = text.strip_prefix('"') {
        return unescape(string.split('"').next().unwrap_or_default());
    }
    match text.split_once('<') {
        Some((_, path)) => unescape(path.split('>').next().unwrap_or_default()),
        None => text.as_bytes().to_vec(),
    }
}

/// `\x61\x62` as `ab`.
fn unescape(text: &str) -> Vec<u8> {
    text.split("\\x")
        .skip(1)
        .map(|hex| u8::from_str_radix(&hex[..2], 16).expect("two digits"))
        .collect()
}

impl Call {
    fn ops(&self, root: &str) -> Vec<Op> {
        if self.name.starts_with("write") && contains(self.bytes(1), RETURNED.as_bytes()) {
            return vec![Op::Returned];
        }
        match self.name.as_str() {
            // The root is opened by its path, to be read.
            "open" if self.flags.contains("O_RDONLY") && !self.flags.contains("O_CREAT") => {
                Vec::new()
            }
            "openat" | "openat2" => self.opened(root),
            "mkdirat" => self.at(0, root).map(Op::MakeDir).into_iter().collect(),
            "write" => self.of(root, |path| Op::Write(path, self.bytes(1).to_vec())),
            "ftruncate" => self.of(root, Op::Truncate),
            "fsetxattr" => self.of(root, |path| Op::Attribute(path, self.bytes(2).to_vec())),
            "fsync" => self.of(root, Op::Sync),
            "unlinkat" => self.at(0, root).map(Op::Remove).into_iter().collect(),
            "renameat" | "renameat2" => match (self.at(0, root), self.at(2, root)) {
                (Some(from), Some(to)) => vec![Op::Rename(from, to)],
                (None, None) => Vec::new(),
                other => panic!("a rename over the edge of the directory: {other:?}"),
            },
            // Whatever else would change the directory is not understood here, so it must not be.
            _ => self.of(root, |path| panic!("{} of {path:?}", self.name)),
        }
    }

    fn opened(&self, root: &str) -> Vec<Op> {
        let mut ops = Vec::new();
        if self.flags.contains("O_CREAT") {
            ops.extend(self.at(0, root).map(Op::Create));
        }
        if self.flags.contains("O_TRUNC") {
            ops.extend(self.at(0, root).map(Op::Truncate));
        }
        ops
    }

    fn bytes(&self, index: usize) -> &[u8] {
        self.arguments.get(index).map_or(&[], Vec::as_slice)
    }

    /// The path that a descriptor argument and the name behind it lead to.
    fn at(&self, index: usize, root: &str) -> Option<String> {
        let (dir, name) = (text(self.bytes(index)), text(self.bytes(index + 1)));
        below(&format!("{dir}/{name}"), root)
    }

    /// An operation on the first argument's file.
    fn of(&self, root: &str, op: impl FnOnce(String) -> Op) -> Vec<Op> {
        below(&text(self.bytes(0)), root).map(op).into_iter().collect()
    }
}

fn below(path: &str, root: &str) -> Option<String> {
    let below = path.strip_prefix(root)?.trim_start_matches('/');
    (below != "locks" && !below.starts_with("locks/")).then(|| below.to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn calls_are_read_also_when_they_interrupt_each_other() {
    let hex = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let (root, temp) = (hex("/r"), hex("/r/.t"));
    let trace = format!(
        "7 openat(3<{root}>, \"{}\", O_WRONLY|O_CREAT|O_EXCL, 0600) = 4<{temp}>\n\
         7 openat(3<{root}>, \"{}\", O_RDONLY) = -1 ENOENT (No such file or directory)\n\
         7 write(4<{temp}>, \"{}\", 3) = 3\n\
         7 fsync(4<{temp}> <unfinished ...>\n\
         8 mkdirat(3<{root}>, \"{}\", 0700) = 0\n\
         8 mkdirat(3<{root}>, \"{}\", 0700) = 0\n\
         7 <... fsync resumed>)             = 0\n\
         7 renameat(3<{root}>, \"{}\", 3<{root}>, \"{}\") = 0\n\
         7 fsync(3<{root}>) = 0\n\
         7 write(1<{}>, \"{}\", 28) = 28\n",
        hex(".t"),
        hex("none"),
        hex("a, b"),
        hex("d"),
        hex("locks"),
        hex(".t"),
        hex("v"),
        hex("/dev/null"),
        hex(RETURNED),
    );
    let path = |path: &str| path.to_owned();
    let expected = [
        Op::Create(path(".t")),
        Op::Write(path(".t"), b"a, b".to_vec()),
        Op::MakeDir(path("d")),
        Op::Sync(path(".t")),
        Op::Rename(path(".t"), path("v")),
        Op::Sync(path("")),
        Op::Returned,
    ];
    assert_eq!(ops(&trace, "/r"), expected);
}
