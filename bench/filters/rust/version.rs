//! Answers with its version, which whoever measures writes into a copy of the library, over the digits.

use flexilib::{Answer, Exchange, Filter, Refusal, Setup};

static VERSION: &str = "rust 00000000\n";

struct Version;

impl Filter for Version {
    fn create(_setup: &Setup) -> Result<Self, Refusal> {
        Ok(Version)
    }

    fn on_request_head(&self, exchange: &mut Exchange) -> Answer {
        exchange.reply(200, "text/plain", VERSION)
    }
}

flexilib::library! {
    "version", "answers with its version", "1.0" => Version,
}
