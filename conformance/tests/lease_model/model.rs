//! The steps of the model: who may do what in a state, and the state after it.

use stateright::{Model, Property};

use crate::properties;
use crate::rules::{Faults, Mistake, Rules};
use crate::state::{Client, Event, Goal, Link, Purpose, Record, State};

/// The lease protocol with `N` clients and one lock.
#[derive(Debug, Clone)]
pub(crate) struct LeaseModel<const N: usize> {
    pub(crate) rules: Rules,
    pub(crate) faults: Faults,
    /// The one property to check; all that fit the faults when `None`.
    pub(crate) only: Option<&'static str>,
    /// States that differ only in which client is which are one.
    pub(crate) symmetric: bool,
    /// What can have no effect is dropped.
    pub(crate) reduced: bool,
}

impl<const N: usize> LeaseModel<N> {
    /// For a search of all states.
    pub(crate) const fn complete(rules: Rules, faults: Faults) -> Self {
        Self { rules, faults, only: None, symmetric: true, reduced: true }
    }

    /// For a counterexample to one property, with each client by its number and nothing left out.
    pub(crate) const fn readable(rules: Rules, faults: Faults, property: &'static str) -> Self {
        Self { rules, faults, only: Some(property), symmetric: false, reduced: false }
    }
}

/// One step. Clients are numbered from 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action<const N: usize> {
    /// Time goes on: the clocks marked here gain its fast number of units, the others the slow.
    Tick { fast: [bool; N] },
    /// Sends a read.
    Read(usize),
    /// Sends the write that is next.
    Write(usize, Purpose),
    /// The register serves the request.
    Serve(usize),
    /// The network copies the write; the copy may be applied at any time.
    Repeat(usize),
    /// The reply reaches the client, and again later if so marked.
    Receive(usize, Again),
    /// The client waits no longer, and the request or reply may still arrive if so marked.
    GiveUp(usize, Again),
    /// The client forgets all, and its request or reply may still arrive if so marked.
    Crash(usize, Again),
    /// A write that its client no longer waits for is applied, or a copy of one.
    Land(usize),
    /// A reply to an earlier write reaches the client.
    ReceiveLate(usize),
    /// The application gives the guard back.
    Unlock(usize),
    /// The process hands its lock to the next task that waits in it.
    HandOver(usize),
    /// The application checks its guard and sends a fenced write to the store.
    Store(usize),
    /// That write arrives.
    StoreLands(usize),
}

/// Whether a message may arrive once more, or after its receiver stopped waiting.
pub(crate) type Again = bool;

impl<const N: usize> Model for LeaseModel<N> {
    type State = State<N>;
    type Action = Action<N>;

    fn init_states(&self) -> Vec<State<N>> {
        vec![State::START]
    }

    fn actions(&self, state: &State<N>, actions: &mut Vec<Action<N>>) {
        for (c, client) in state.clients.iter().enumerate() {
            self.client_actions(c, client, actions);
            let others = state.clients.iter().enumerate().filter(|(other, _)| *other != c);
            let ghosts = others.filter(|(_, client)| client.ghost.is_some()).count();
            self.network_actions(c, client, ghosts < self.faults.ghosts, actions);
        }
        let rates = if self.faults.drift { 1 << N } else { 1 };
        for slow in 0..rates {
            actions.push(Action::Tick { fast: std::array::from_fn(|c| slow & (1 << c) == 0) });
        }
    }

    fn next_state(&self, last: &State<N>, action: Action<N>) -> Option<State<N>> {
        let mut state = State { event: Event::Nothing, ..*last };
        self.step(&mut state, last.event, action)?;
        if self.reduced {
            state.reduce();
        } else {
            state.forget_unreadable();
        }
        let next = state.canonical(&self.rules, self.symmetric);
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

impl<const N: usize> LeaseModel<N> {
    fn client_actions(&self, c: usize, client: &Client, actions: &mut Vec<Action<N>>) {
        if client.may_read() {
            actions.push(Action::Read(c));
        }
        if let Some(write) = client.next_write(&self.rules, 1) {
            actions.push(Action::Write(c, write.purpose));
        }
        if self.faults.losses && client.link != Link::Quiet {
            actions.push(Action::GiveUp(c, false));
        }
        if self.faults.crashes {
            actions.push(Action::Crash(c, false));
        }
        if client.guard().is_some() && client.link == Link::Quiet {
            actions.push(Action::Unlock(c));
        }
        if client.hand_over(&self.rules).is_some() {
            actions.push(Action::HandOver(c));
        }
        if self.faults.stores && client.holds() {
            actions.push(Action::Store(c));
        }
    }

    fn network_actions(
        &self,
        c: usize,
        client: &Client,
        ghost: bool,
        actions: &mut Vec<Action<N>>,
    ) {
        let Faults { late_replies, repeated_writes, crashes, .. } = self.faults;
        let later = match client.link {
            Link::Writing(_) => ghost,
            Link::WriteDone { applied, .. } => late_replies && applied,
            Link::Quiet | Link::Reading { .. } | Link::ReadDone { .. } => false,
        };
        if later {
            actions.push(Action::GiveUp(c, true));
        }
        if later && crashes {
            actions.push(Action::Crash(c, true));
        }
        match client.link {
            Link::Writing(_) | Link::Reading { .. } => actions.push(Action::Serve(c)),
            Link::ReadDone { .. } | Link::WriteDone { .. } => {
                actions.push(Action::Receive(c, false));
            }
            Link::Quiet => {}
        }
        if late_replies && matches!(client.link, Link::WriteDone { applied: true, .. }) {
            actions.push(Action::Receive(c, true));
        }
        if repeated_writes && ghost && matches!(client.link, Link::Writing(_)) {
            actions.push(Action::Repeat(c));
        }
        if client.ghost.is_some() {
            actions.push(Action::Land(c));
        }
        if client.late_reply.is_some() {
            actions.push(Action::ReceiveLate(c));
        }
        if client.storing.is_some() {
            actions.push(Action::StoreLands(c));
        }
    }

    fn step(&self, state: &mut State<N>, before: Event, action: Action<N>) -> Option<()> {
        match action {
            Action::Tick { fast } => {
                let tick = self.faults.tick;
                state.tick(&self.rules, fast.map(|fast| if fast { tick.fast } else { tick.slow }));
            }
            Action::Read(c) => {
                state.clients[c].link = Link::Reading { age: 0 };
                if !self.rules.makes(Mistake::WaiterCountsFromSending) {
                    serve(state, c);
                }
            }
            Action::Write(c, _) => self.send(state, before, c)?,
            Action::Serve(c) => serve(state, c),
            Action::Repeat(c) => {
                let client = &mut state.clients[c];
                let Link::Writing(write) = client.link else { return None };
                client.ghost = Some(write);
            }
            Action::Receive(c, again) => self.receive(state, c, again),
            Action::GiveUp(c, again) => state.clients[c].give_up(again),
            Action::Crash(c, again) => state.clients[c].crash(again),
            Action::Land(c) => {
                let ghost = state.clients[c].ghost.take()?;
                state.event = Event::GhostLanded;
                state.apply(ghost);
            }
            Action::ReceiveLate(c) => state.clients[c].receive_late(&self.rules),
            Action::Unlock(c) => {
                state.clients[c].goal = Goal::Unlock;
                self.send(state, before, c)?;
            }
            Action::HandOver(c) => {
                let guard = state.clients[c].hand_over(&self.rules)?;
                state.clients[c].goal = Goal::Hold(guard);
                state.event = Event::HandedOver;
                state.grant(guard.token);
            }
            Action::Store(c) => {
                let client = &mut state.clients[c];
                client.storing = client.guard().map(|guard| guard.token);
            }
            Action::StoreLands(c) => {
                let token = state.clients[c].storing.take()?;
                state.store(&self.rules, c, token);
            }
        }
        Some(())
    }

    fn send(&self, state: &mut State<N>, before: Event, c: usize) -> Option<()> {
        let nonce = state.fresh_nonce();
        let client = &mut state.clients[c];
        let write = client.next_write(&self.rules, nonce)?;
        client.remember(write.record.version).then_some(())?;
        client.link = Link::Writing(write);
        if before == Event::Released(c) && write.purpose == Purpose::Acquire {
            state.event = Event::AskedWithoutRead;
        }
        Some(())
    }

    fn receive(&self, state: &mut State<N>, c: usize, again: Again) {
        let client = &mut state.clients[c];
        let (link, goal) = (client.link, client.goal);
        state.event = client.receive(&self.rules);
        if let Link::WriteDone { record, applied: true } = link {
            if again {
                client.late_reply = Some(record.version);
            }
            if goal == Goal::Unlock {
                state.event = Event::Released(c);
            }
        }
    }
}

fn serve<const N: usize>(state: &mut State<N>, c: usize) {
    let link = state.clients[c].link;
    state.clients[c].link = match link {
        Link::Reading { age } => Link::ReadDone { age, record: state.record },
        Link::Writing(write) if state.apply(write) => {
            Link::WriteDone { record: write.record, applied: true }
        }
        Link::Writing(_) => Link::WriteDone { record: Record::NONE, applied: false },
        other => other,
    };
}
