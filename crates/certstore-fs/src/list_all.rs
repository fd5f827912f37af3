//! A recursive list: the upper levels are read one after the other, and what lies below by several threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use certstore_core::{Dir, Error, ErrorKind, Key, Result};

use crate::error::{BACKEND, io_error, is_missing};
use crate::root::Root;
use crate::walk::{Foreign, Item, Place, Walker, read_sorted};

/// So many directories are worth more than one thread.
const WORTH_THREADS: usize = 64;

/// More threads than this only wait for each other in the kernel.
const MOST_THREADS: usize = 4;

/// Levels that are read in search of enough directories.
const UPPER_LEVELS: usize = 8;

/// What stands in the list at one place.
enum Piece {
    Value(Key),
    /// A directory's own key, shown if there is a value below it.
    Dir(Key, usize),
    /// All that lies below a directory.
    Below(Key, usize),
}

/// The keys that `items`, the content of one directory, lead to.
pub(crate) fn all(root: &Arc<Root>, items: Vec<Item>, foreign: &mut Foreign) -> Result<Vec<Key>> {
    let mut upper = Upper::default();
    let mut pieces = upper.pieces(items, None);
    for _ in 0..UPPER_LEVELS {
        let dirs = pieces.iter().filter(|piece| matches!(piece, Piece::Below(..))).count();
        if dirs == 0 || dirs >= WORTH_THREADS {
            break;
        }
        pieces = upper.next_level(root, pieces, foreign)?;
    }
    let below = read_below(root, &pieces, foreign)?;
    Ok(upper.join(pieces, below))
}

/// The directories of the upper levels: the one that each lies in, and whether a value was found below.
#[derive(Default)]
struct Upper(Vec<(Option<usize>, bool)>);

impl Upper {
    fn pieces(&mut self, items: Vec<Item>, parent: Option<usize>) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(items.len());
        for item in items {
            match item.place {
                Place::Value => {
                    self.has_value(parent);
                    pieces.push(Piece::Value(item.key));
                }
                Place::Dir => {
                    pieces.push(Piece::Dir(item.key, self.0.len()));
                    self.0.push((parent, false));
                }
                Place::Below => {
                    // Its own key came shortly before.
                    let own = pieces.iter().rev().find_map(|piece| match piece {
                        Piece::Dir(key, dir) if *key == item.key => Some(*dir),
                        _ => None,
                    });
                    pieces.extend(own.map(|dir| Piece::Below(item.key, dir)));
                }
            }
        }
        pieces
    }

    fn next_level(
        &mut self,
        root: &Root,
        pieces: Vec<Piece>,
        foreign: &mut Foreign,
    ) -> Result<Vec<Piece>> {
        let mut next = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Below(key, dir) => match read_sorted(root, &Dir::from(key), foreign) {
                    Ok(items) => next.append(&mut self.pieces(items, Some(dir))),
                    Err(error) if is_missing(&error) => {}
                    Err(error) => return Err(io_error(error)),
                },
                other => next.push(other),
            }
        }
        Ok(next)
    }

    fn has_value(&mut self, mut dir: Option<usize>) {
        while let Some((parent, has_value)) = dir.and_then(|index| self.0.get_mut(index)) {
            if std::mem::replace(has_value, true) {
                break;
            }
            dir = *parent;
        }
    }

    fn join(mut self, pieces: Vec<Piece>, below: Vec<Vec<Key>>) -> Vec<Key> {
        for (piece, keys) in pieces.iter().zip(&below) {
            if let (Piece::Below(_, dir), false) = (piece, keys.is_empty()) {
                self.has_value(Some(*dir));
            }
        }
        let mut all = Vec::with_capacity(pieces.len() + below.iter().map(Vec::len).sum::<usize>());
        for (piece, mut keys) in pieces.into_iter().zip(below) {
            match piece {
                Piece::Value(key) => all.push(key),
                Piece::Dir(key, dir) if self.0[dir].1 => all.push(key),
                Piece::Dir(..) => {}
                Piece::Below(..) => all.append(&mut keys),
            }
        }
        all
    }
}

/// What lies below each piece, in their order; nothing for those that are no directories.
fn read_below(root: &Arc<Root>, pieces: &[Piece], foreign: &mut Foreign) -> Result<Vec<Vec<Key>>> {
    let dirs = pieces.iter().filter(|piece| matches!(piece, Piece::Below(..))).count();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if dirs < WORTH_THREADS { 1 } else { cores.min(MOST_THREADS) };
    let next = AtomicUsize::new(0);
    let read = std::thread::scope(|scope| {
        let helpers: Vec<_> =
            // Without another thread, this one reads all.
            (1..threads)
                .map_while(|_| {
                    let builder = std::thread::Builder::new().name("certstore-list".into());
                    builder.spawn_scoped(scope, || read_some(root, pieces, &next)).ok()
                })
                .collect();
        let mut read = read_some(root, pieces, &next)?;
        for helper in helpers {
            read.append(&mut helper.join().map_err(|_| panicked())??);
        }
        Ok(read)
    })?;
    let mut below: Vec<Vec<Key>> = pieces.iter().map(|_| Vec::new()).collect();
    for (index, keys, others) in read {
        below[index] = keys;
        foreign.merge(others);
    }
    Ok(below)
}

type Below = (usize, Vec<Key>, Foreign);

/// Takes one directory after the other until none is left.
fn read_some(root: &Arc<Root>, pieces: &[Piece], next: &AtomicUsize) -> Result<Vec<Below>> {
    let mut read = Vec::new();
    while let Some(index) =
        Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < pieces.len())
    {
        if let Piece::Below(key, _) = &pieces[index] {
            let (keys, foreign) = Walker::all_below(root, &Dir::from(key))?;
            read.push((index, keys, foreign));
        }
    }
    Ok(read)
}

fn panicked() -> Error {
    Error::new(ErrorKind::Other, "a thread that read directories has panicked")
        .with_backend(BACKEND)
}
