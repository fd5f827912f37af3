//! Kills and stops workers at random.

use std::time::{Duration, Instant};

use super::Options;
use super::fleet::Fleet;
use crate::case::Case;
use crate::history::Dice;

/// For how many leases a worker is stopped: it comes back in time, just too late, and long after.
const STOPS: [f64; 3] = [0.5, 1.1, 3.0];

/// At least so many are killed, and stopped.
const AT_LEAST: u64 = 3;

/// Blows for the time that the options say; gives the number of kills and stops. `unit` is the lease.
pub(super) async fn blow(fleet: &mut Fleet, options: &Options, unit: Duration) -> Case<(u64, u64)> {
    let mut dice = Dice::new(options.seed);
    let (mut kills, mut stops) = (0, 0);
    let started = Instant::now();
    // Two workers at least go on, so that somebody can take over.
    let most = fleet.members.len().saturating_sub(2).max(1);
    while started.elapsed() < options.duration || kills < AT_LEAST || stops < AT_LEAST {
        tokio::time::sleep(unit.mul_f64(0.02 + 0.13 * dice.unit())).await;
        resume_due(fleet)?;
        let count = fleet.members.len();
        let going: Vec<usize> =
            (0..count).filter(|&at| fleet.members[at].until.is_none()).collect();
        // Mostly a holder, else anyone: waiting, acquiring, releasing.
        let inside: Vec<usize> = going.iter().copied().filter(|&at| fleet.is_inside(at)).collect();
        let from = if inside.is_empty() || dice.below(4) == 0 { &going } else { &inside };
        let Some(&victim) = dice.pick(from) else { continue };
        if dice.below(3) == 0 {
            fleet.kill(victim).await?;
            kills += 1;
        } else if count - going.len() < most {
            let time = STOPS[dice.below(STOPS.len() as u64) as usize];
            fleet.stop(victim, unit.mul_f64(time)).await?;
            stops += 1;
        }
    }
    Ok((kills, stops))
}

fn resume_due(fleet: &mut Fleet) -> Case {
    let now = Instant::now();
    for at in 0..fleet.members.len() {
        if fleet.members[at].until.is_some_and(|until| until <= now) {
            fleet.resume(at)?;
        }
    }
    Ok(())
}
