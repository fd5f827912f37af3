//! Damaged and made-up input for parsers and codecs, the same in every run; more of it, and new, in a soak.

/// A source of numbers: the same from the same seed, everywhere (SplitMix64).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// Begins at `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.draw() % end).unwrap_or_default()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.draw().to_le_bytes()[0]
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    /// `input` after one to four changes: bytes set, flipped, removed, put in, a part repeated elsewhere, or the end cut off.
    ///
    /// ```
    /// use certstore_conformance::fuzz::Numbers;
    /// let damaged = Numbers::new(1).mutate(b"a whole value");
    /// assert_eq!(damaged, Numbers::new(1).mutate(b"a whole value"));
    /// ```
    pub fn mutate(&mut self, input: &[u8]) -> Vec<u8> {
        let mut output = input.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(output.len());
            match self.below(6) {
                _ if output.is_empty() => output.push(self.byte()),
                0 => output[at] = self.byte(),
                1 => output[at] ^= 1 << self.below(8),
                2 => drop(output.remove(at)),
                3 => output.truncate(at),
                4 => {
                    let end = at + self.below(output.len() - at);
                    let part = output[at..end].to_vec();
                    let to = self.below(output.len());
                    output.splice(to..to, part);
                }
                _ => output.insert(at, b"\"{}[]:,\\0eE-.\x01\xff"[self.below(15)]),
            }
        }
        output
    }
}

/// Calls `check` with numbers from `seed`, `count` times, and with which time it is. In a soak (`cargo xtask soak fuzz`) a
/// hundred times as often, from a seed of the clock, which is printed to be set as `CERTSTORE_FUZZ_SEED`.
///
/// ```
/// use certstore_conformance::fuzz::rounds;
/// rounds("numbers", 1, 100, |numbers, _| assert!(numbers.below(7) < 7));
/// ```
#[expect(clippy::print_stdout, reason = "a test tells what it has done")]
pub fn rounds(name: &str, seed: u64, count: usize, mut check: impl FnMut(&mut Numbers, usize)) {
    let given = std::env::var("CERTSTORE_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let (seed, count) = match (std::env::var_os("CERTSTORE_SOAK"), given) {
        (None, given) => (given.unwrap_or(seed), count),
        (Some(_), given) => (given.unwrap_or_else(of_the_clock), count.saturating_mul(100)),
    };
    println!("fuzz: {name}, {count} inputs, CERTSTORE_FUZZ_SEED={seed}");
    let mut numbers = Numbers::new(seed);
    for round in 0..count {
        check(&mut numbers, round);
    }
}

fn of_the_clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or_default())
}
