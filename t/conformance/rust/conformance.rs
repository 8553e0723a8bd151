//! The conformance filters in Rust.

mod given;
mod observer;
mod script;
mod ticker;

use flexilib::{
    option, Answer, Dictionary, Exchange, Fetch, FetchEvents, FetchRequest, FetchResponse, Filter, Half, Level, Metric,
    MetricKind, Mode, Offload, OptionSpec, Outcome, Ranges, Refusal, Regex, RequestBody, ResponseBody, Resumer, Setup,
    Template, Text, Threads, Timer,
};
use script::{commands_for, Words};
use std::time::Duration;

/// X are the extensions that only a filter on the loop has.
struct Conformance<X> {
    script: Vec<u8>,
    expansion: Template,
    pattern: Regex,
    ranges: Ranges,
    extensions: X,
    dictionary: Option<Dictionary>,
    metrics: Option<Metrics>,
    threads: Threads,
}

struct Metrics {
    counter: Metric,
    gauge: Metric,
    histogram: Metric,
}

impl Metrics {
    fn declare(setup: &Setup) -> Result<Self, Refusal> {
        let help = "What scripts count.";
        Ok(Metrics {
            counter: Metric::declare(setup, MetricKind::Counter, "conformance_total", help, &["label"], &[])?,
            gauge: Metric::declare(setup, MetricKind::Gauge, "conformance_level", help, &[], &[])?,
            histogram: Metric::declare(setup, MetricKind::Histogram, "conformance_size", help, &[], &[1.0, 10.0])?,
        })
    }
}

trait Extensions: Sized + 'static {
    const MODE: Mode<Conformance<Self>>;

    fn open(setup: &Setup, names: &[String]) -> Result<Self, Refusal>;

    /// Follows a verb that pauses; None where it is none of them.
    fn wait(&self, exchange: &mut Exchange, words: &Words) -> Option<Answer>;
}

struct OnLoop {
    timer: Option<Timer>,
    offload: Option<Offload>,
    fetch: Option<Fetch>,
}

impl Extensions for OnLoop {
    const MODE: Mode<Conformance<Self>> = Mode::on_loop();

    fn open(setup: &Setup, names: &[String]) -> Result<Self, Refusal> {
        let has = |name: &str| names.iter().any(|one| one == name);
        Ok(OnLoop {
            timer: has("timer").then(|| Timer::new(setup)).transpose()?,
            offload: has("offload").then(|| Offload::new(setup)).transpose()?,
            fetch: has("fetch").then(|| Fetch::new(setup)).transpose()?,
        })
    }

    fn wait(&self, exchange: &mut Exchange, w: &Words) -> Option<Answer> {
        match w.text(0) {
            "timer" => Some(self.timer.as_ref()?.pause(exchange, Duration::from_millis(w.number(1) as u64))),
            "offload" => {
                let text = w.get(1).to_vec();
                Some(self.offload.as_ref()?.run(exchange, move || text.to_ascii_uppercase()))
            }
            "fetch" => {
                let headers = &[("x-fetched", "yes")];
                let request = FetchRequest { upstream: w.text(1), path: w.text(2), headers, ..FetchRequest::default() };
                Some(self.fetch.as_ref()?.ask(exchange, &request, 1 << 20))
            }
            "tick" => Some(self.tick(exchange, w.number(1))),
            "upload" => {
                let fetch = self.fetch.as_ref()?;
                let number = self.start(exchange, w, "POST", true)?;
                let is_written = fetch.write(number, w.get(3)) && fetch.write(number, w.get(3));
                fetch.finish(number);
                Some(if is_written { Answer::Pause } else { Answer::Fail })
            }
            "cancel" => {
                let number = self.start(exchange, w, "", false)?;
                Some(if self.fetch.as_ref()?.cancel(number) { Answer::Pause } else { Answer::Fail })
            }
            _ => None,
        }
    }
}

impl OnLoop {
    /// A timer that comes again and again, until it has come often enough.
    fn tick(&self, exchange: &mut Exchange, count: i64) -> Answer {
        let timer = self.timer.as_ref().expect("it has timers");
        let resumer = exchange.resumer();
        let mut left = count;
        let time = Duration::from_micros(1);
        timer.start(time, time, move |timer, number| {
            left -= 1;
            if left == 0 {
                timer.stop(number);
                resumer.resume(format!("ticked {count}").into_bytes());
            }
        });
        assert!(!timer.now().is_zero());
        Answer::Pause
    }

    fn start(&self, exchange: &mut Exchange, w: &Words, method: &str, streams_body: bool) -> Option<u64> {
        let request =
            FetchRequest { upstream: w.text(1), path: w.text(2), method, streams_body, ..FetchRequest::default() };
        let upload = Upload { resumer: exchange.resumer(), text: Vec::new() };
        self.fetch.as_ref()?.start(Some(exchange), &request, upload)
    }
}

/// Takes the answer to a fetch as it comes.
struct Upload {
    resumer: Resumer,
    text: Vec<u8>,
}

impl FetchEvents for Upload {
    fn on_head(&mut self, status: i32, _headers: &[(Text, Text)]) {
        self.text = format!("{status} ").into_bytes();
    }

    fn on_body(&mut self, piece: &[u8]) -> bool {
        self.text.extend_from_slice(piece);
        true
    }

    fn on_over(&mut self, failure: i32) {
        if failure != 0 {
            self.text = format!("failed with {failure}").into_bytes();
        }
        self.resumer.resume(self.text.clone());
    }
}

/// For a filter that may block.
struct OnPool;

impl Extensions for OnPool {
    const MODE: Mode<Conformance<Self>> = Mode::concurrent();

    fn open(_setup: &Setup, _names: &[String]) -> Result<Self, Refusal> {
        Ok(OnPool)
    }

    fn wait(&self, _exchange: &mut Exchange, _words: &Words) -> Option<Answer> {
        None
    }
}

/// What the filter knows of an exchange.
#[derive(Default)]
struct Memory {
    count: i64,
    result: Vec<u8>,
}

/// A hook that follows the script.
struct Scene<'s, 'a, X> {
    filter: &'s Conformance<X>,
    exchange: &'s mut Exchange<'a>,
    is_request: bool, // where refusals are told
    piece: &'s [u8],
    last: bool,
    answer: Answer,
}

impl<X: Extensions> Filter for Conformance<X> {
    const MODE: Mode<Self> = X::MODE;
    const OPTIONS: &'static [OptionSpec] = &[
        option!("script", text, "the field with the script", fallback = "x-do"),
        option!("expansion", template, "what `expansion` tells"),
        option!("pattern", regex, "what `match` looks for"),
        option!("ranges", ranges, "what `in-ranges` looks in"),
        option!("extensions", list, "which are used", fallback = "[]"),
    ];

    fn create(setup: &Setup) -> Result<Self, Refusal> {
        let extensions: Vec<String> = setup["extensions"].list().iter().map(Text::to_string).collect();
        let has = |name: &str| extensions.iter().any(|one| one == name);
        Ok(Conformance {
            script: setup["script"].text().to_vec(),
            expansion: setup["expansion"].template(),
            pattern: setup["pattern"].regex(),
            ranges: setup["ranges"].ranges(),
            extensions: X::open(setup, &extensions)?,
            dictionary: has("dictionary").then(|| Dictionary::open(setup, "conformance")).transpose()?,
            metrics: has("metrics").then(|| Metrics::declare(setup)).transpose()?,
            threads: Threads::default(),
        })
    }

    fn on_request_head(&self, exchange: &mut Exchange) -> Answer {
        self.enter(exchange, true).act("request-head").answer
    }

    fn on_response_head(&self, exchange: &mut Exchange) -> Answer {
        self.enter(exchange, false).act("response-head").answer
    }

    fn on_reply_body(&self, exchange: &mut Exchange) -> Answer {
        self.enter(exchange, false).act("reply-body").answer
    }

    fn on_resume(&self, exchange: &mut Exchange, outcome: Outcome) -> Answer {
        exchange.state::<Memory>().borrow_mut().result = result_of(outcome);
        self.enter(exchange, false).act("resume").answer
    }

    fn on_end(&self, exchange: &mut Exchange) {
        self.enter(exchange, false).act("end");
    }
}

impl<X: Extensions> RequestBody for Conformance<X> {
    fn on_request_body(&self, exchange: &mut Exchange, piece: &[u8], last: bool) -> Answer {
        Scene { piece, last, ..self.enter(exchange, true) }.act_or_pass("request-body")
    }
}

impl<X: Extensions> ResponseBody for Conformance<X> {
    fn on_response_body(&self, exchange: &mut Exchange, piece: &[u8], last: bool) -> Answer {
        Scene { piece, last, ..self.enter(exchange, false) }.act_or_pass("response-body")
    }
}

fn result_of(outcome: Outcome) -> Vec<u8> {
    if outcome.is_empty() {
        return b"nothing".to_vec();
    }
    match outcome.try_take::<FetchResponse>() {
        Ok(response) if response.failure != 0 => format!("failed with {}", response.failure).into_bytes(),
        Ok(response) => [format!("{} ", response.status).as_bytes(), &response.body].concat(),
        Err(outcome) => outcome.take(),
    }
}

impl<X: Extensions> Conformance<X> {
    fn enter<'s, 'a>(&'s self, exchange: &'s mut Exchange<'a>, is_request: bool) -> Scene<'s, 'a, X> {
        Scene { filter: self, exchange, is_request, piece: &[], last: false, answer: Answer::Continue }
    }
}

impl<'a, X: Extensions> Scene<'_, 'a, X> {
    fn commands(&mut self, hook: &str) -> Vec<Words> {
        let script = self.exchange.request().header(&self.filter.script);
        script.map_or(Vec::new(), |script| commands_for(&script, hook))
    }

    fn follow(&mut self, commands: Vec<Words>) {
        for words in commands {
            if !self.perform(&words) {
                let is_request = self.is_request;
                self.half(is_request).add_header("x-refused", words.get(0));
            }
        }
    }

    fn act(mut self, hook: &str) -> Self {
        let commands = self.commands(hook);
        self.follow(commands);
        self
    }

    fn act_or_pass(mut self, hook: &str) -> Answer {
        let commands = self.commands(hook);
        if commands.is_empty() {
            self.exchange.pass();
        }
        self.follow(commands);
        self.answer
    }

    fn half(&mut self, is_request: bool) -> Half<'_, 'a> {
        if is_request {
            self.exchange.request()
        } else {
            self.exchange.response()
        }
    }

    fn named(&mut self, name: &[u8]) -> Half<'_, 'a> {
        self.half(name == b"request")
    }

    fn perform(&mut self, w: &Words) -> bool {
        match w.text(0) {
            "set" => self.named(w.get(1)).set_header(w.get(2), w.get(3)),
            "add" => self.named(w.get(1)).add_header(w.get(2), w.get(3)),
            "remove" => self.named(w.get(1)).remove_header(w.get(2)) != 0,
            "tell" => {
                let value = self.find(w);
                self.named(w.get(1)).set_header(w.get(2), value)
            }
            "set-method" => self.exchange.set_method(w.get(1)),
            "set-scheme" => self.exchange.set_scheme(w.get(1)),
            "set-authority" => self.exchange.set_authority(w.get(1)),
            "set-path" => self.exchange.set_path(w.get(1)),
            "set-query" => self.exchange.set_query(w.get(1)),
            "set-status" => self.exchange.set_status(w.number(1) as i32),
            "set-upstream" => self.exchange.set_upstream(w.get(1)),
            "set-attribute" => self.exchange.set_attribute(w.get(1), w.get(2)),
            "collect" => self.named(w.get(1)).collect(w.number(2) as u64),
            "hold" => self.named(w.get(1)).hold_head(),
            "decode" => self.named(w.get(1)).decode(),
            "skip" => self.named(w.get(1)).skip_body(),
            "pass" => self.exchange.pass(),
            "write" => self.exchange.write(w.get(1)),
            "upper" => self.exchange.write(self.piece.to_ascii_uppercase()),
            "tail" => !self.last || self.exchange.write(w.get(1)),
            "drop" => true,
            _ => self.decide(w),
        }
    }

    /// Verbs that say how the hook answers.
    fn decide(&mut self, w: &Words) -> bool {
        match w.text(0) {
            "reply" => {
                let answer = self.exchange.reply(w.number(1) as i32, w.text(2), w.get(3));
                self.reply(answer)
            }
            "lend" => {
                let answer = self.exchange.reply_owned(w.number(1) as i32, w.text(2), w.get(3).to_vec());
                self.reply(answer)
            }
            "stream" => {
                let answer = self.exchange.reply_stream(w.number(1) as i32, w.text(2));
                self.reply(answer)
            }
            "chunks" => {
                let is_written = self.exchange.write(w.get(2));
                if self.count() < w.number(1) {
                    is_written
                } else {
                    self.exchange.end_reply()
                }
            }
            "fail" => self.answer(Answer::Fail, true),
            "answer" => self.answer([Answer::Continue, Answer::Pause, Answer::Reply][w.number(1) as usize], true),
            "log" => {
                self.exchange.log(Level::Info, w.get(1));
                true
            }
            "throw" => panic!("{}", w.text(1)),
            _ => self.wait(w),
        }
    }

    /// Verbs that pause, and those of extensions.
    fn wait(&mut self, w: &Words) -> bool {
        let filter = self.filter;
        let dictionary = || filter.dictionary.as_ref().expect("it has the dictionary");
        match w.text(0) {
            "pause" => {
                let text = w.get(1).to_vec();
                let answer = filter.threads.run(self.exchange, || text);
                self.answer(answer, true)
            }
            "increment" => {
                let sum = dictionary().increment(w.get(1), w.number(2), Duration::ZERO);
                self.remember(sum.map(|sum| sum.to_string().into_bytes()))
            }
            "put" => dictionary().set(w.get(1), w.get(2), Duration::ZERO),
            "get" => {
                let value = dictionary().get(w.get(1));
                self.remember(value)
            }
            "put-new" => dictionary().add(w.get(1), w.get(2), Duration::from_secs(60)),
            "put-briefly" => {
                let past = [b"past ", w.get(1)].concat();
                dictionary().set(past, w.get(2), Duration::from_nanos(1))
                    && dictionary().set(w.get(1), w.get(2), Duration::from_nanos(1))
            }
            "put-over" => dictionary().replace(w.get(1), w.get(2), w.get(3), Duration::ZERO),
            "take-away" => dictionary().remove(w.get(1)),
            "count" | "level" | "observe" => {
                let metrics = filter.metrics.as_ref().expect("it has metrics");
                match w.text(0) {
                    "count" => metrics.counter.series(&[w.text(1)]).add(w.number(2) as f64),
                    "level" => metrics.gauge.series(&[]).set(w.number(1) as f64),
                    _ => metrics.histogram.series(&[]).observe(w.number(1) as f64),
                }
                true
            }
            other => match filter.extensions.wait(self.exchange, w) {
                Some(Answer::Pause) => self.answer(Answer::Pause, true),
                Some(_) => false,
                None => panic!("there is no verb '{other}'"),
            },
        }
    }

    fn answer(&mut self, answer: Answer, is_done: bool) -> bool {
        self.answer = answer;
        is_done
    }

    /// A reply that was refused is answered nevertheless, for the core to blame it.
    fn reply(&mut self, answer: Answer) -> bool {
        self.answer(Answer::Reply, answer == Answer::Reply)
    }

    fn remember(&mut self, value: Option<Vec<u8>>) -> bool {
        let is_there = value.is_some();
        self.exchange.state::<Memory>().borrow_mut().result = value.unwrap_or_default();
        is_there
    }

    fn count(&mut self) -> i64 {
        let mut memory = self.exchange.state::<Memory>().borrow_mut();
        memory.count += 1;
        memory.count
    }

    /// What a getter says.
    fn find(&mut self, w: &Words) -> Vec<u8> {
        let or_none = |text: Option<Text>| text.map_or(b"-".to_vec(), |text| text.to_vec());
        let or_no = |is_so: bool| {
            if is_so {
                b"yes".to_vec()
            } else {
                b"no".to_vec()
            }
        };
        match w.text(3) {
            "method" => self.exchange.method().to_vec(),
            "scheme" => self.exchange.scheme().to_vec(),
            "authority" => self.exchange.authority().to_vec(),
            "path" => self.exchange.path().to_vec(),
            "query" => self.exchange.query().to_vec(),
            "route" => self.exchange.route().to_vec(),
            "address" => self.exchange.peer_address().to_vec(),
            "has-port" => or_no(self.exchange.peer_port() != 0),
            "request-id" => self.exchange.request_id().to_vec(),
            "trace-id" => self.exchange.trace_id().to_vec(),
            "status" => self.exchange.status().to_string().into_bytes(),
            "count" => self.count().to_string().into_bytes(),
            "result" => self.exchange.state::<Memory>().borrow().result.clone(),
            "header" => or_none(self.named(w.get(4)).header(w.get(5))),
            "headers" => self.named(w.get(4)).headers().map(|(name, _)| name.to_vec()).collect::<Vec<_>>().join(&b','),
            "attribute" => or_none(self.exchange.attribute(w.get(4))),
            "tls" => or_none(self.exchange.tls(w.number(4) as i32)),
            "expansion" => self.exchange.expand(&self.filter.expansion).to_vec(),
            "match" => self.groups(w.get(4)),
            "in-ranges" => or_no(self.filter.ranges.contain(w.get(4))),
            other => panic!("there is no getter '{other}'"),
        }
    }

    fn groups(&self, text: &[u8]) -> Vec<u8> {
        match self.filter.pattern.find(text, 0) {
            None => b"-".to_vec(),
            Some(groups) => groups.into_iter().map(|group| group.unwrap_or(b"")).collect::<Vec<_>>().join(&b'|'),
        }
    }
}

flexilib::library! {
    "conformance", "does what the request says", "1" => Conformance<OnLoop>,
    "blocking", "does what the request says", "1" => Conformance<OnPool>,
    "options", "replies with its options", "1" => given::Given,
    "observer", "counts bytes", "1" => observer::Observer,
    "ticker", "streams and pauses", "1" => ticker::Ticker,
}
