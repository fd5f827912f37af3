//! What must hold in every state, and what must happen in some.

use stateright::{Model, Property};

use crate::model::{Action, LeaseModel};
use crate::rules::Faults;
use crate::state::{Client, Event, Goal, Guard, Link, State};

pub(crate) const ONE_HOLDER: &str = "at most one guard is valid by its own clock";
pub(crate) const TOKENS_GROW: &str = "each acquisition's token is above all before it";
pub(crate) const LOST_STAYS_LOST: &str = "a lost guard is never valid again";
pub(crate) const RECORD_STAYS: &str = "the record is never deleted";
pub(crate) const TAKEABLE: &str = "any client that is left alone gets the lock within a lease";
pub(crate) const WRITES_IN_ORDER: &str = "the store takes no token below one it took";
pub(crate) const VALID_WRITES_PASS: &str = "the store refuses no valid guard";

const TAKEN_OVER: &str = "a lock that is not renewed is taken over";
const LOST_REPLY: &str = "a lost reply is made good by reading back";
const LATE_WRITE: &str = "a write is applied that nobody waits for";
const LATE_RENEWAL: &str = "a renewal succeeds after its guard was lost";
const NO_READ: &str = "a client that released locks again without a read";
const HANDED_OVER: &str = "a guard is handed over within its process";
const WRITE_REFUSED: &str = "an outdated write is refused";

/// The properties that the faults of this model make sense of.
pub(crate) fn all<const N: usize>(model: &LeaseModel<N>) -> Vec<Property<LeaseModel<N>>> {
    let Faults { losses, ghosts, repeated_writes, stores, .. } = model.faults;
    let fits = |name: &str| match name {
        LOST_REPLY => losses || repeated_writes,
        LATE_WRITE => ghosts > 0,
        WRITE_REFUSED => stores,
        HANDED_OVER => model.rules.span > 1,
        _ => true,
    };
    let mut properties = always();
    properties.extend(sometimes());
    properties
        .retain(|property| model.only.map_or(fits(property.name), |only| only == property.name));
    properties
}

fn always<const N: usize>() -> Vec<Property<LeaseModel<N>>> {
    vec![
        Property::always(ONE_HOLDER, |_, state: &State<N>| state.holders() <= 1),
        Property::always(TOKENS_GROW, |_, state: &State<N>| state.event != Event::TokenNotGrown),
        Property::always(LOST_STAYS_LOST, |_, state: &State<N>| {
            let mut guards = state.clients.iter().filter_map(Client::guard);
            guards.all(|guard| !guard.lost || !guard.valid())
        }),
        Property::always(RECORD_STAYS, |_, state: &State<N>| state.event != Event::RecordDeleted),
        Property::always(WRITES_IN_ORDER, |_, state: &State<N>| {
            state.event != Event::StaleWriteTaken
        }),
        Property::always(VALID_WRITES_PASS, |_, state: &State<N>| {
            state.event != Event::ValidWriteRefused
        }),
        Property::always(TAKEABLE, takeable),
    ]
}

fn sometimes<const N: usize>() -> Vec<Property<LeaseModel<N>>> {
    vec![
        Property::sometimes(TAKEN_OVER, |_, state: &State<N>| state.event == Event::TakenOver),
        Property::sometimes(LOST_REPLY, |_, state: &State<N>| {
            state.event == Event::OwnWriteRecognised
        }),
        Property::sometimes(LATE_WRITE, |_, state: &State<N>| state.event == Event::GhostLanded),
        Property::sometimes(LATE_RENEWAL, |_, state: &State<N>| {
            state.event == Event::LateRenewalIgnored
        }),
        Property::sometimes(NO_READ, |_, state: &State<N>| state.event == Event::AskedWithoutRead),
        Property::sometimes(HANDED_OVER, |_, state: &State<N>| state.event == Event::HandedOver),
        Property::sometimes(WRITE_REFUSED, |_, state: &State<N>| {
            state.event == Event::StaleWriteRefused
        }),
    ]
}

/// Whether, from here on, each client would get the lock if it alone acted and nothing more got lost.
///
/// Asked only where no request is outstanding: every other state leads to such a one when its messages are lost.
fn takeable<const N: usize>(model: &LeaseModel<N>, state: &State<N>) -> bool {
    let quiet = state.clients.iter().all(|client| client.link == Link::Quiet);
    !quiet || (0..N).all(|c| gets_lock_alone(model, *state, c))
}

fn gets_lock_alone<const N: usize>(model: &LeaseModel<N>, mut state: State<N>, c: usize) -> bool {
    for client in &mut state.clients {
        (client.ghost, client.late_reply, client.storing) = (None, None, None);
    }
    let model = &LeaseModel { symmetric: false, ..*model };
    let mut waited = 0;
    let mut polled = false;
    // Far more steps than the way takes.
    for _ in 0..200 {
        if state.clients[c].holds() {
            return true;
        }
        let action = next_alone(model, &state.clients[c], c, polled);
        match action {
            Action::Tick { .. } if waited >= model.rules.lease => return false,
            Action::Tick { .. } => (waited, polled) = (waited + model.faults.tick.slow, false),
            Action::Read(_) => polled = true,
            _ => {}
        }
        let Some(next) = model.next_state(&state, action) else { return false };
        state = next;
    }
    false
}

/// The step that a client which runs without pause takes next: it polls once a tick.
fn next_alone<const N: usize>(
    model: &LeaseModel<N>,
    client: &Client,
    c: usize,
    polled: bool,
) -> Action<N> {
    match (client.link, client.goal) {
        (Link::Reading { .. } | Link::Writing(_), _) => Action::Serve(c),
        (Link::ReadDone { .. } | Link::WriteDone { .. }, _) => Action::Receive(c, false),
        (Link::Quiet, Goal::Hold(Guard { lost: true, .. })) => Action::Unlock(c),
        (Link::Quiet, _) if client.may_read() && client.unsure => Action::Read(c),
        (Link::Quiet, _) => match client.next_write(&model.rules, 1) {
            Some(write) => Action::Write(c, write.purpose),
            None if client.may_read() && !polled => Action::Read(c),
            None => Action::Tick { fast: [false; N] },
        },
    }
}
