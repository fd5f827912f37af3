use std::sync::Arc;
use std::time::Duration;

use super::test_world::{Faults, Process, Remote, Seeded};
use super::{LeaseConfig, LeaseLocker, Register, State};
use crate::{ErrorKind, LockName, Locker, LockerId, LostReason, Standing};

const LEASE: Duration = Duration::from_secs(10);

struct World {
    register: Remote,
    random: Arc<Seeded>,
}

impl World {
    fn new() -> Self {
        let random = Arc::new(Seeded::new(1));
        let register =
            Remote::new(Process::new(1.0, Duration::ZERO), random.clone(), Faults::default());
        Self { register, random }
    }

    fn process(&self) -> (LeaseLocker<Remote>, Process) {
        self.process_with(8)
    }

    fn process_with(&self, handovers: u32) -> (LeaseLocker<Remote>, Process) {
        let process = Process::new(1.0, Duration::ZERO);
        let locker = LeaseLocker::with_parts(
            self.register.seen_by(process.clone()),
            LockerId::new("test"),
            "test",
            LeaseConfig::new(LEASE).unwrap().with_handovers(handovers),
            Arc::new(process.clone()),
            self.random.clone(),
        );
        (locker, process)
    }

    fn set(&self, faults: Faults) {
        *self.register.faults.lock().unwrap() = faults;
    }
}

fn name() -> LockName {
    "job".parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_renewed_as_long_as_it_is_held() {
    let world = World::new();
    let (locker, _) = world.process();
    let (other, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    tokio::time::sleep(LEASE * 5).await;
    lock.check().unwrap();
    assert!(other.try_lock(&name()).await.unwrap().is_none());
    lock.unlock().await.unwrap();
    assert!(other.try_lock(&name()).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_is_cut_off_loses_the_lock_before_anyone_else_gets_it() {
    let world = World::new();
    let (locker, process) = world.process();
    let (other, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    let lost = tokio::spawn(lock.lost());
    process.pause(LEASE * 100);
    let taken = tokio::time::timeout(LEASE * 2, other.lock(&name())).await.unwrap().unwrap();
    assert_eq!(lock.check().unwrap_err().kind(), ErrorKind::LockLost);
    assert!(taken.token() > lock.token());
    process.pause(Duration::ZERO);
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    taken.check().unwrap();
    assert!(matches!(lost.await.unwrap(), LostReason::Deadline | LostReason::Stolen));
}

#[tokio::test(start_paused = true)]
async fn expiring_comes_before_lost() {
    let world = World::new();
    let (locker, process) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    process.pause(LEASE * 100);
    let start = tokio::time::Instant::now();
    tokio::time::timeout(LEASE * 200, lock.expiring(Duration::from_secs(2))).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_of_the_acquisition_is_recognised() {
    let world = World::new();
    let (locker, _) = world.process();
    world.set(Faults { lose_reply: 100, ..Faults::default() });
    let lock = locker.lock(&name()).await.unwrap();
    assert_eq!(world.register.record("job").unwrap().token, lock.token().0);
}

#[tokio::test(start_paused = true)]
async fn a_duplicated_request_does_not_conflict_with_itself() {
    let world = World::new();
    let (locker, _) = world.process();
    world.set(Faults { duplicate: 100, ..Faults::default() });
    let lock = locker.lock(&name()).await.unwrap();
    tokio::time::sleep(LEASE * 3).await;
    lock.check().unwrap();
    lock.unlock().await.unwrap();
    assert_eq!(world.register.record("job").unwrap().state, State::Free);
}

#[tokio::test(start_paused = true)]
async fn a_release_whose_reply_was_lost_is_recognised() {
    let world = World::new();
    let (locker, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    world.set(Faults { lose_reply: 100, ..Faults::default() });
    lock.unlock().await.unwrap();
    assert_eq!(world.register.record("job").unwrap().state, State::Free);
}

#[tokio::test(start_paused = true)]
async fn a_break_that_meets_itself_or_gets_no_reply_is_recognised() {
    for faults in [
        Faults { duplicate: 100, ..Faults::default() },
        Faults { lose_reply: 100, ..Faults::default() },
    ] {
        let world = World::new();
        let ((locker, _), (operator, _)) = (world.process(), world.process());
        let lock = locker.lock(&name()).await.unwrap();
        world.set(faults);
        operator.break_lock(&name(), lock.token()).await.unwrap();
        assert_eq!(world.register.record("job").unwrap().state, State::Free);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unlock_that_is_not_allowed_says_so() {
    let world = World::new();
    let (locker, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    world.set(Faults { forbid_writes: true, ..Faults::default() });
    let error = lock.unlock().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(!error.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_unavailable_and_says_so() {
    let world = World::new();
    let (locker, _) = world.process();
    world.set(Faults { lose_request: 100, ..Faults::default() });
    let error = locker.lock(&name()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().starts_with("test: cannot lock \"job\": "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_sits_out_a_short_outage() {
    let world = World::new();
    let (locker, _) = world.process();
    let (other, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    let waiter = tokio::spawn(async move { other.lock(&name()).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.set(Faults { lose_request: 100, ..Faults::default() });
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.set(Faults::default());
    tokio::time::sleep(Duration::from_secs(5)).await;
    lock.check().unwrap();
    lock.unlock().await.unwrap();
    waiter.await.unwrap().unwrap().unlock().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_at_any_time_leaves_no_lock() {
    let world = World::new();
    world.set(Faults { delay_ms: 40, ..Faults::default() });
    for patience in 0..120 {
        let (locker, _) = world.process();
        let job = name();
        let attempt = locker.lock(&job);
        drop(tokio::time::timeout(Duration::from_millis(patience), attempt).await);
        let (other, _) = world.process();
        let next = tokio::time::timeout(Duration::from_secs(4), other.lock(&name())).await;
        next.unwrap_or_else(|_| panic!("a lock stayed after {patience} ms"))
            .unwrap()
            .unlock()
            .await
            .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_goes_from_task_to_task_without_the_register_and_within_bounds() {
    let world = World::new();
    let (locker, _) = world.process_with(2);
    let first = locker.lock(&name()).await.unwrap();
    let mut waiters = Vec::new();
    for _ in 0..3 {
        let locker = locker.clone();
        waiters.push(tokio::spawn(async move { locker.lock(&name()).await.unwrap() }));
        tokio::task::yield_now().await;
    }
    let mut last = first.token();
    let mut writes = vec![world.register.record("job").unwrap().write];
    let mut lock = first;
    for waiter in waiters {
        lock.unlock().await.unwrap();
        lock = waiter.await.unwrap();
        assert!(lock.token() > last);
        last = lock.token();
        writes.push(world.register.record("job").unwrap().write);
    }
    assert_eq!(writes[0], writes[1]);
    assert_eq!(writes[1], writes[2], "two hand-overs touch no register");
    assert_ne!(writes[2], writes[3], "the third goes through it");
}

#[tokio::test(start_paused = true)]
async fn a_token_after_a_hand_over_is_above_all_that_were_given() {
    let world = World::new();
    let (locker, _) = world.process();
    let (other, _) = world.process();
    let first = locker.lock(&name()).await.unwrap();
    let waiter = {
        let locker = locker.clone();
        tokio::spawn(async move { locker.lock(&name()).await.unwrap() })
    };
    tokio::task::yield_now().await;
    first.unlock().await.unwrap();
    let second = waiter.await.unwrap();
    let token = second.token();
    second.unlock().await.unwrap();
    assert!(other.lock(&name()).await.unwrap().token() > token);
}

#[tokio::test(start_paused = true)]
async fn a_broken_lock_is_lost_and_its_unlock_frees_nobody_else() {
    let world = World::new();
    let (locker, _) = world.process();
    let (operator, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    operator.break_lock(&name(), lock.token()).await.unwrap();
    let next = operator.lock(&name()).await.unwrap();
    assert_eq!(lock.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    next.check().unwrap();
    assert!(locker.try_lock(&name()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_vanished_is_a_loss() {
    let world = World::new();
    let (locker, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    world.register.forget("job");
    assert_eq!(lock.lost().await, LostReason::Backend);
}

#[tokio::test(start_paused = true)]
async fn repeated_tries_take_over_a_dead_holder_after_one_lease() {
    let world = World::new();
    let (locker, process) = world.process();
    let (other, _) = world.process();
    let _dead = locker.lock(&name()).await.unwrap();
    process.pause(LEASE * 1000);
    let start = tokio::time::Instant::now();
    while other.try_lock(&name()).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(start.elapsed() >= LEASE && start.elapsed() < LEASE * 2, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_idle_lock_is_one_request_to_take_and_one_to_give_back() {
    let world = World::new();
    let (locker, _) = world.process();
    locker.lock(&name()).await.unwrap().unlock().await.unwrap();
    let before = world.register.requests();
    locker.lock(&name()).await.unwrap().unlock().await.unwrap();
    assert_eq!(world.register.requests() - before, 2);
}

#[tokio::test(start_paused = true)]
async fn locks_are_listed_with_their_tokens() {
    let world = World::new();
    let (locker, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    let released = locker.lock(&"other".parse().unwrap()).await.unwrap();
    released.unlock().await.unwrap();
    let listed = locker.locks().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].name.as_str(), listed[0].token), ("job", Some(lock.token())));
    assert_eq!(world.register.names().await.unwrap().len(), 2, "a released record stays");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_writes_is_an_error_and_not_hammered() {
    let world = World::new();
    let (locker, _) = world.process();
    world.set(Faults { refuse_writes: true, ..Faults::default() });
    let tried = locker.try_lock(&name()).await;
    assert_eq!(
        tried.unwrap_err().kind(),
        ErrorKind::Unavailable,
        "nobody holds it: that is no `None`"
    );
    let before = world.register.requests();
    assert_eq!(locker.lock(&name()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(world.register.requests() - before <= 10);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_was_unlocked_is_released_and_its_successor_is_not() {
    let world = World::new();
    let (locker, _) = world.process();
    let first = locker.lock(&name()).await.unwrap();
    let (watched, lost) = (first.validity().clone(), first.lost());
    let waiter = {
        let locker = locker.clone();
        tokio::spawn(async move { locker.lock(&name()).await.unwrap() })
    };
    tokio::task::yield_now().await;
    first.unlock().await.unwrap();
    let second = waiter.await.unwrap();
    assert_eq!(lost.await, LostReason::Released);
    assert_eq!(watched.standing(), Standing::Lost(LostReason::Released));
    tokio::time::sleep(LEASE * 3).await;
    second.check().unwrap();
    assert_eq!(
        world.register.record("job").unwrap().token,
        second.token().0,
        "a renewal shows who has it"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unlock_that_gets_no_answer_is_unavailable() {
    let world = World::new();
    let (locker, _) = world.process();
    let lock = locker.lock(&name()).await.unwrap();
    world.set(Faults { lose_request: 100, ..Faults::default() });
    let error = lock.unlock().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.may_have_applied());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_had_the_lock_long_enough_lets_others_come_first() {
    let world = World::new();
    let (locker, _) = world.process_with(2);
    let (other, _) = world.process();
    let first = locker.lock(&name()).await.unwrap();
    let remote = tokio::spawn(async move { other.lock(&name()).await.unwrap() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let order = Arc::new(std::sync::Mutex::new(0));
    for _ in 0..10 {
        let (locker, order) = (locker.clone(), order.clone());
        tokio::spawn(async move {
            let lock = locker.lock(&name()).await.unwrap();
            *order.lock().unwrap() += 1;
            lock.unlock().await.unwrap();
        });
    }
    tokio::task::yield_now().await;
    first.unlock().await.unwrap();
    remote.await.unwrap().unlock().await.unwrap();
    assert!(*order.lock().unwrap() <= 3, "{} local tasks came first", order.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_lost_guard_that_nobody_drops_does_not_stop_the_other_tasks() {
    let world = World::new();
    let (locker, _) = world.process();
    let (operator, _) = world.process();
    let broken = locker.lock(&name()).await.unwrap();
    operator.break_lock(&name(), broken.token()).await.unwrap();
    let next = tokio::time::timeout(LEASE * 2, locker.lock(&name())).await.unwrap().unwrap();
    assert_eq!(broken.check().unwrap_err().kind(), ErrorKind::LockLost);
    assert_eq!(broken.unlock().await.unwrap_err().kind(), ErrorKind::LockLost);
    next.check().unwrap();
    next.unlock().await.unwrap();
}
