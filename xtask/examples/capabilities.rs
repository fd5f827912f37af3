//! `capabilities URL ...`: what each storage declares, as rows of a Markdown table: a row a capability, a column a
//! storage.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use certstore::Capabilities;

/// A capability and how to show it.
type Row = (&'static str, fn(&Capabilities) -> String);

const ROWS: [Row; 11] = [
    ("cas: conditional writes", |c| format!("{:?}", c.cas)),
    ("version: what a version tells", |c| format!("{:?}", c.version)),
    ("fence: fenced writes", |c| format!("{:?}", c.fence)),
    ("list: how soon a list shows a write", |c| format!("{:?}", c.list)),
    ("durability: what `Ok` of a store promises", |c| format!("{:?}", c.durability)),
    ("shared: who can share it", |c| format!("{:?}", c.shared)),
    ("batch: how several writes become one", |c| format!("{:?}", c.batch)),
    ("tree: whether a key can be value and directory", |c| format!("{:?}", c.tree)),
    ("lease: how long a lock outlives its holder", |c| match c.lease {
        Some(lease) => format!("{lease:?}"),
        None => "ends with its process".to_owned(),
    }),
    ("watch: reports changes", |c| if c.watch { "yes" } else { "no" }.to_owned()),
    ("max_value: the largest value in bytes", |c| match c.max_value {
        Some(bytes) => bytes.to_string(),
        None => "no limit".to_owned(),
    }),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> certstore::Result<()> {
    let mut declared = Vec::new();
    for url in std::env::args().skip(1) {
        declared.push(certstore::open_url(&url).await?.capabilities());
    }
    for (name, show) in ROWS {
        let cells: Vec<String> = declared.iter().map(show).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    Ok(())
}
