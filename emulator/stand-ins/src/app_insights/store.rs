//! The received items, newest only, and the rejected ones.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::{ITEMS_MAX, Item, Rejection, schema};
use crate::fault::Fault;

/// The number of rejections that are kept.
const REJECTIONS_MAX: usize = 1000;

pub(super) struct Store {
    pub(super) key: Uuid,
    contents: Mutex<Contents>,
    /// Incremented by each request.
    revision: watch::Sender<u64>,
}

#[derive(Default)]
struct Contents {
    items: VecDeque<Arc<Item>>,
    rejected: VecDeque<Rejection>,
    fault: Option<Fault>,
    fault_count: usize,
}

impl Store {
    pub(super) fn new(key: Uuid) -> Self {
        Self { key, contents: Mutex::default(), revision: watch::Sender::default() }
    }

    /// Stores the valid items; returns for each item its error, if any.
    pub(super) fn receive(&self, texts: &[String]) -> Vec<Option<String>> {
        let read: Vec<_> = texts.iter().map(|text| schema::read(text, self.key)).collect();
        let mut contents = self.contents();
        let outcome = read.into_iter().zip(texts).map(|(item, text)| contents.keep(item, text));
        let outcome = outcome.collect();
        drop(contents);
        self.revision.send_modify(|revision| *revision += 1);
        outcome
    }

    pub(super) fn items(&self) -> Vec<Arc<Item>> {
        self.contents().items.iter().cloned().collect()
    }

    pub(super) fn rejected(&self) -> Vec<Rejection> {
        self.contents().rejected.iter().cloned().collect()
    }

    pub(super) fn fail(&self, fault: Option<Fault>) {
        self.contents().fault = fault;
    }

    /// The fault for the next request, which is counted.
    pub(super) fn fault_for_request(&self) -> Option<Fault> {
        let mut contents = self.contents();
        contents.fault_count += usize::from(contents.fault.is_some());
        contents.fault
    }

    pub(super) fn fault_count(&self) -> usize {
        self.contents().fault_count
    }

    pub(super) fn revision(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn keep(&mut self, item: Result<Item, String>, text: &str) -> Option<String> {
        match item {
            Ok(item) => {
                push(&mut self.items, Arc::new(item), ITEMS_MAX);
                None
            }
            Err(reason) => {
                let rejection = Rejection { reason: reason.clone(), item: text.to_owned() };
                push(&mut self.rejected, rejection, REJECTIONS_MAX);
                Some(reason)
            }
        }
    }
}

fn push<T>(ring: &mut VecDeque<T>, newest: T, max: usize) {
    if ring.len() == max {
        ring.pop_front();
    }
    ring.push_back(newest);
}
