//! Threads of a filter's own.

use crate::{Answer, Exchange};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Threads that have ended when this is dropped, as the contract asks of a filter's. For a filter that needs few; work
/// that comes with every request belongs on FlexiLib's pool ([`Offload`](crate::Offload)).
#[derive(Default)]
pub struct Threads(Mutex<Vec<JoinHandle<()>>>);

impl Threads {
    /// `return self.threads.run(exchange, || something_that_takes_long())`: pauses; `on_resume` takes what the work
    /// returned.
    pub fn run<T: Send + 'static>(&self, exchange: &mut Exchange, work: impl FnOnce() -> T + Send + 'static) -> Answer {
        let resumer = exchange.resumer();
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|thread| !thread.is_finished());
        running.push(thread::spawn(move || resumer.resume_with(work)));
        Answer::Pause
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for thread in self.0.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = thread.join();
        }
    }
}
