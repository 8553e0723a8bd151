//! Looks at bodies, and logs how many bytes there were in both halves.

use flexilib::{Answer, Exchange, Filter, Level, Mode, Refusal, RequestBody, ResponseBody, Setup};

pub struct Observer;

#[derive(Default)]
struct Seen {
    request: usize,
    response: usize,
}

impl Filter for Observer {
    const MODE: Mode<Self> = Mode::on_loop().observing();

    fn create(_setup: &Setup) -> Result<Self, Refusal> {
        Ok(Observer)
    }

    fn on_end(&self, exchange: &mut Exchange) {
        let seen = exchange.state::<Seen>().borrow();
        exchange.log(Level::Info, format!("saw {} and {} bytes", seen.request, seen.response));
    }
}

fn try_to_write(exchange: &mut Exchange) -> Answer {
    if exchange.write("!") {
        return Answer::Fail;
    }
    Answer::Continue
}

impl RequestBody for Observer {
    fn on_request_body(&self, exchange: &mut Exchange, piece: &[u8], _last: bool) -> Answer {
        exchange.state::<Seen>().borrow_mut().request += piece.len();
        try_to_write(exchange)
    }
}

impl ResponseBody for Observer {
    fn on_response_body(&self, exchange: &mut Exchange, piece: &[u8], _last: bool) -> Answer {
        exchange.state::<Seen>().borrow_mut().response += piece.len();
        try_to_write(exchange)
    }
}
