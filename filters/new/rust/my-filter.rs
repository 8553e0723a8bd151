//! my-filter: gives responses a field that tells who has seen them.
//!
//!     filters: [{ my-filter: { text: hello } }]

use flexilib::{option, Answer, Exchange, Filter, OptionSpec, Refusal, Setup};

struct Marker {
    text: Vec<u8>,
}

impl Filter for Marker {
    const OPTIONS: &'static [OptionSpec] = &[option!("text", text, "what the field says", fallback = "hello")];

    fn create(setup: &Setup) -> Result<Self, Refusal> {
        Ok(Marker { text: setup["text"].text().to_vec() })
    }

    fn on_response_head(&self, exchange: &mut Exchange) -> Answer {
        exchange.response().set_header("x-my-filter", &self.text);
        Answer::Continue
    }
}

flexilib::library! {
    "my-filter", "gives responses a field", "0.1" => Marker,
}
