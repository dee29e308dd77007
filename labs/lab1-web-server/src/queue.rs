//! The bounded queue between one who produces and many who consume.
//!
//! Full, it makes the producer wait; empty, the consumers; so a flood of connections stays in the
//! kernel's backlog and costs no memory here. Two conditions, because the two kinds wait for
//! different things: "not full" and "not empty".

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue of at most so many items, for any number of threads.
#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    not_full: Condvar,
    not_empty: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    /// An empty queue for at least one item.
    pub fn new(capacity: usize) -> Queue<T> {
        let capacity = capacity.max(1);
        let items = VecDeque::with_capacity(capacity);
        Queue {
            state: Mutex::new(State {
                items,
                closed: false,
            }),
            not_full: Condvar::new(),
            not_empty: Condvar::new(),
            capacity,
        }
    }

    /// Adds an item at the end; waits while the queue is full. A closed queue gives it back.
    pub fn push(&self, item: T) -> Result<(), T> {
        todo!("step 9: push")
    }

    /// Takes the first item; waits while there is none. A closed queue gives out what it still has,
    /// then `None`.
    pub fn pop(&self) -> Option<T> {
        todo!("step 9: pop")
    }

    /// Takes no more items, and wakes all who wait.
    pub fn close(&self) {
        todo!("step 9: close")
    }

    /// The state is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod step9 {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn items_come_out_in_the_order_in_which_they_went_in() {
        let queue = Queue::new(3);
        for item in 1..=3 {
            queue.push(item).unwrap();
        }
        assert_eq!(
            [queue.pop(), queue.pop(), queue.pop()],
            [Some(1), Some(2), Some(3)]
        );
    }

    #[test]
    fn a_full_queue_makes_the_producer_wait_until_one_is_taken() {
        let queue = Queue::new(1);
        let (pushed, news) = mpsc::channel();
        thread::scope(|scope| {
            queue.push(1).unwrap();
            let queue = &queue;
            scope.spawn(move || {
                queue.push(2).unwrap();
                pushed.send(()).unwrap();
            });
            assert!(news.try_recv().is_err());
            assert_eq!(queue.pop(), Some(1));
            news.recv().unwrap();
            assert_eq!(queue.pop(), Some(2));
        });
    }

    #[test]
    fn every_item_reaches_exactly_one_of_many_consumers() {
        let queue = Queue::new(2);
        let (taken, all) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..4 {
                let (queue, taken) = (&queue, taken.clone());
                scope.spawn(move || {
                    while let Some(item) = queue.pop() {
                        taken.send(item).unwrap();
                    }
                });
            }
            for item in 0..1000 {
                queue.push(item).unwrap();
            }
            queue.close();
        });
        drop(taken);
        let mut items: Vec<i32> = all.iter().collect();
        items.sort_unstable();
        assert!(items.into_iter().eq(0..1000));
    }

    #[test]
    fn a_closed_queue_wakes_the_waiting_and_gives_out_what_is_left() {
        let queue = Queue::new(1);
        queue.push(1).unwrap();
        thread::scope(|scope| {
            let producer = scope.spawn(|| queue.push(2));
            queue.close();
            assert_eq!(producer.join().unwrap(), Err(2));
        });
        assert_eq!((queue.pop(), queue.pop()), (Some(1), None));
        let empty = Queue::<()>::new(1);
        thread::scope(|scope| {
            let consumer = scope.spawn(|| empty.pop());
            empty.close();
            assert_eq!(consumer.join().unwrap(), None);
        });
    }
}
