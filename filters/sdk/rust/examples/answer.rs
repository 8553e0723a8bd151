//! A handler: answers by itself.

use flexilib::{option, Answer, Exchange, Filter, OptionSpec, Refusal, Setup};

struct Greeter {
    greeting: String,
}

impl Filter for Greeter {
    const OPTIONS: &'static [OptionSpec] = &[option!("greeting", text, "what is said", fallback = "Hello")];

    fn create(setup: &Setup) -> Result<Self, Refusal> {
        Ok(Greeter { greeting: setup["greeting"].text().to_string() })
    }

    fn on_request_head(&self, exchange: &mut Exchange) -> Answer {
        let text = format!("{}, you asked for {}\n", self.greeting, exchange.path());
        exchange.reply(200, "text/plain", text)
    }
}

flexilib::library! {
    "answer", "answers by itself", "1.0" => Greeter,
}
