//! A handler that streams, pauses before and after it has written something, and has no `on_resume`.

use flexilib::{Answer, Exchange, Filter, Refusal, Setup, Timer};
use std::time::Duration;

pub struct Ticker(Timer);

impl Filter for Ticker {
    fn create(setup: &Setup) -> Result<Self, Refusal> {
        Ok(Ticker(Timer::new(setup)?))
    }

    fn on_request_head(&self, exchange: &mut Exchange) -> Answer {
        exchange.reply_stream(200, "text/plain")
    }

    fn on_reply_body(&self, exchange: &mut Exchange) -> Answer {
        let turn = exchange.state::<u32>().replace_with(|turn| *turn + 1);
        if turn == 0 {
            return self.0.pause(exchange, Duration::from_millis(1));
        }
        exchange.write("tick\n");
        if turn == 2 {
            return self.0.pause(exchange, Duration::from_millis(1));
        }
        if turn == 3 {
            exchange.end_reply();
        }
        Answer::Continue
    }
}
