//! Writes to address 0, aborts, exits, or needs too much stack on a thread of its own.

use flexilib::{Answer, Exchange, Filter, Refusal, Setup};

struct Die;

#[inline(never)]
fn write_nowhere() {
    unsafe { std::ptr::null_mut::<u32>().write_volatile(1) }
}

#[inline(never)]
#[allow(unconditional_recursion)]
fn overflow(depth: u64) -> u64 {
    let room = [depth; 32];
    let first = unsafe { std::ptr::read_volatile(&room[0]) };
    overflow(depth + 1) + first + unsafe { std::ptr::read_volatile(&room[1]) }
}

fn overflow_elsewhere() {
    let _ = std::thread::spawn(|| overflow(0)).join();
}

impl Filter for Die {
    fn create(_setup: &Setup) -> Result<Self, Refusal> {
        Ok(Die)
    }

    fn on_request_head(&self, exchange: &mut Exchange) -> Answer {
        match &exchange.path().to_string()[..] {
            "/rust/null" => write_nowhere(),
            "/rust/abort" => std::process::abort(),
            "/rust/own-overflow" => overflow_elsewhere(),
            "/rust/exit" => std::process::exit(7),
            _ => {}
        }
        Answer::Continue
    }
}

flexilib::library! {
    "die", "ends the worker", "1.0" => Die,
}
