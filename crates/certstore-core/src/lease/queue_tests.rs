use std::sync::{Arc, Mutex};

use super::Queue;

#[tokio::test]
async fn serves_in_the_order_of_arrival() {
    let queue: Arc<Queue> = Arc::new(Queue::new());
    let first = queue.enter("a").await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for number in 0..5 {
        let (queue, order) = (queue.clone(), order.clone());
        tasks.push(tokio::spawn(async move {
            let turn = queue.enter("a").await;
            order.lock().unwrap().push(number);
            tokio::task::yield_now().await;
            drop(turn);
        }));
        tokio::task::yield_now().await;
    }
    drop(first);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_waiter_that_left_is_passed_over() {
    let queue: Queue = Queue::new();
    let first = queue.enter("a").await;
    {
        let mut leaving = Box::pin(queue.enter("a"));
        assert!(futures_util::poll!(&mut leaving).is_pending());
        assert!(first.has_waiters());
    }
    assert!(!first.has_waiters());
    drop(first);
    assert!(queue.try_enter("a").is_some());
}

#[tokio::test]
async fn a_waiter_that_leaves_with_the_turn_in_hand_passes_it_on() {
    let queue: Queue<(), Arc<()>> = Queue::new();
    let first = queue.enter("a").await;
    let mut leaving = Box::pin(queue.enter("a"));
    assert!(futures_util::poll!(&mut leaving).is_pending());
    let mut staying = Box::pin(queue.enter("a"));
    assert!(futures_util::poll!(&mut staying).is_pending());
    let carried = Arc::new(());
    first.pass_with(carried.clone()).unwrap();
    drop(leaving);
    assert_eq!(Arc::strong_count(&carried), 1, "what was carried is dropped with the waiter");
    let mut turn = staying.await;
    assert!(turn.take_carried().is_none());
}

#[tokio::test]
async fn passes_on_what_it_carries_or_gives_it_back() {
    let queue: Queue<(), u32> = Queue::new();
    let turn = queue.enter("a").await;
    let (turn, back) = turn.pass_with(7).unwrap_err();
    assert_eq!(back, 7);
    let mut waiter = Box::pin(queue.enter("a"));
    assert!(futures_util::poll!(&mut waiter).is_pending());
    turn.pass_with(8).unwrap();
    assert_eq!(waiter.await.take_carried(), Some(8));
    assert!(queue.try_enter("a").is_some());
}

#[tokio::test]
async fn forgets_idle_names_but_no_busy_ones() {
    let queue: Queue<u32> = Queue::new();
    let busy = queue.enter("busy").await;
    busy.with_state(|state| *state = 1);
    for number in 0..30_000 {
        drop(queue.enter(&number.to_string()).await);
    }
    assert_eq!(busy.with_state(|state| *state), 1);
    assert!(queue.try_enter("busy").is_none());
    assert!(queue.known_names() <= 10_001);
}
