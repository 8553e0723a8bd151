//! Changes heads and bodies of both halves: requests arrive in lower case, responses in upper case, with a tail.

use flexilib::{option, Answer, Exchange, Filter, OptionSpec, Refusal, RequestBody, ResponseBody, Setup};

struct Rewrite {
    tail: Vec<u8>,
}

impl Filter for Rewrite {
    const OPTIONS: &'static [OptionSpec] = &[option!("tail", text, "what is added to responses", fallback = "")];

    fn create(setup: &Setup) -> Result<Self, Refusal> {
        Ok(Rewrite { tail: setup["tail"].text().to_vec() })
    }

    fn on_request_head(&self, exchange: &mut Exchange) -> Answer {
        exchange.request().set_header("x-rewritten", "request");
        Answer::Continue
    }

    fn on_response_head(&self, exchange: &mut Exchange) -> Answer {
        exchange.response().set_header("x-rewritten", "response");
        Answer::Continue
    }
}

impl RequestBody for Rewrite {
    fn on_request_body(&self, exchange: &mut Exchange, piece: &[u8], _last: bool) -> Answer {
        exchange.write(piece.to_ascii_lowercase());
        Answer::Continue
    }
}

impl ResponseBody for Rewrite {
    fn on_response_body(&self, exchange: &mut Exchange, piece: &[u8], last: bool) -> Answer {
        exchange.write(piece.to_ascii_uppercase());
        if last {
            exchange.write(&self.tail);
        }
        Answer::Continue
    }
}

flexilib::library! {
    "rewrite", "changes both halves", "1.0" => Rewrite,
}
