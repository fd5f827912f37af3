//! A record, read back.

use std::collections::HashMap;

use super::{Call, Grant, History, Op, Outcome};

impl History {
    /// What the record of one client says. A last line without an end was being written when the client was killed.
    pub(crate) fn parse(client: u64, record: &str) -> Result<Self, String> {
        let complete = record.rsplit_once('\n').map_or("", |(complete, _)| complete);
        let mut reader = Reader { client, ..Reader::default() };
        for line in complete.lines() {
            reader.line(line).ok_or_else(|| format!("client {client} recorded {line:?}"))?;
        }
        let mut history = reader.history;
        // A load that never returned says nothing; a write may have taken effect.
        let pending = reader.pending.into_values().filter(|op| op.call != Call::Load);
        history.ops.extend(pending);
        Ok(history)
    }
}

#[derive(Default)]
struct Reader {
    client: u64,
    history: History,
    pending: HashMap<u64, Op>,
    asked: u64,
}

impl Reader {
    /// `None` for a line that is none.
    fn line(&mut self, line: &str) -> Option<()> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        let number = |at: usize| words.get(at)?.parse::<u64>().ok();
        match verb {
            "call" => {
                let op = Op {
                    client: self.client,
                    key: (*words.get(2)?).to_owned(),
                    call: call(words.get(3..)?)?,
                    invoked: number(1)?,
                    completed: u64::MAX,
                    outcome: Outcome::Unknown,
                    version: None,
                };
                self.pending.insert(number(0)?, op);
            }
            "return" => {
                let mut op = self.pending.remove(&number(0)?)?;
                let how = *words.get(2)?;
                op.outcome = match how {
                    "done" => Outcome::Done,
                    "saw" => Outcome::Saw(Some(number(3)?).filter(|seen| *seen != 0)),
                    "refused" => Outcome::Refused,
                    "unknown" => Outcome::Unknown,
                    "failed" => return Some(()),
                    _ => return None,
                };
                if op.outcome != Outcome::Unknown {
                    op.completed = number(1)?;
                }
                let version = words.iter().position(|word| *word == "version");
                op.version = version.and_then(|at| number(at + 1));
                self.history.ops.push(op);
            }
            "ask" => self.asked = number(0)?,
            "enter" => self.history.grants.push(Grant {
                client: self.client,
                name: (*words.get(1)?).to_owned(),
                token: number(2)?,
                asked: self.asked,
                first: number(0)?,
                last: number(0)?,
                freed: None,
                lost: false,
            }),
            "held" => self.history.grants.last_mut()?.last = number(0)?,
            "freed" => self.history.grants.last_mut()?.freed = number(0),
            "lost" => self.history.grants.last_mut()?.lost = true,
            "retry" => self.history.retryable += 1,
            "odd" => self.history.odd.push(format!("client {}: {rest}", self.client)),
            "rest" => {}
            _ => return None,
        }
        Some(())
    }
}

fn call(words: &[&str]) -> Option<Call> {
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    Some(match *words.first()? {
        "load" => Call::Load,
        "store" => Call::Store { value: number(1)? },
        "create" => Call::Create { value: number(1)? },
        "replace" => Call::Replace { value: number(1)?, expected: number(2)? },
        "fenced" => {
            let name = (*words.get(2)?).to_owned();
            Call::Fenced { value: number(1)?, name, token: number(3)? }
        }
        _ => return None,
    })
}
