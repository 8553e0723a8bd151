//! A handler that pauses, and is resumed from another thread.

use flexilib::{Answer, Exchange, Filter, Outcome, Refusal, Setup, Threads};

struct Wait {
    threads: Threads,
}

impl Filter for Wait {
    fn create(_setup: &Setup) -> Result<Self, Refusal> {
        Ok(Wait { threads: Threads::default() })
    }

    fn on_request_head(&self, exchange: &mut Exchange) -> Answer {
        self.threads.run(exchange, || String::from("worked out elsewhere\n"))
    }

    fn on_resume(&self, exchange: &mut Exchange, outcome: Outcome) -> Answer {
        exchange.reply(200, "text/plain", outcome.take::<String>())
    }
}

flexilib::library! {
    "wait", "waits for a thread", "1.0" => Wait,
}
