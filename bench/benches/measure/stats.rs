//! Medians, and how sure one can be of a ratio of two.

use std::time::Duration;

/// How often pairs are drawn anew.
const RESAMPLES: usize = 2_000;

/// The middle of a list.
pub(crate) fn median(times: &[Duration]) -> Duration {
    quantile(times, 0.5)
}

/// The value below which a part of the list lies.
pub(crate) fn quantile(times: &[Duration], part: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or_default()
}

/// A ratio of medians with its 95 % confidence interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The ratio of the medians of pairs (ours, floor), with an interval by the bootstrap: whole pairs are drawn anew, so
/// that what disturbed both disturbs both.
pub(crate) fn ratio(pairs: &[(Duration, Duration)]) -> Ratio {
    let of = |pairs: &[(Duration, Duration)]| {
        let (ours, floor): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        median(&ours).as_secs_f64() / median(&floor).as_secs_f64()
    };
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut drawn: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let again: Vec<_> = pairs.iter().map(|_| pairs[random.below(pairs.len())]).collect();
            of(&again)
        })
        .collect();
    drawn.sort_unstable_by(f64::total_cmp);
    Ratio {
        value: of(pairs),
        low: drawn[RESAMPLES / 40],
        high: drawn[RESAMPLES - 1 - RESAMPLES / 40],
    }
}

/// xorshift64*: repeatable, which is all that is asked of it.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit
    }
}
