# A request that one server has failed is tried again at another one, as far as the upstream's rules go, and as long as
# the client has seen nothing of a response, and within a budget.

use lib 't/lib';
use FlexiLib::Test;

sub answer_badly {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my ($what) = $request->target =~ m{([^/]+)$};
        $connection->tell($request->method . " $what");
        return                                                          if $what eq 'close';
        return $connection->send("HTTP/1.1 200 OK\r\nContent-Le")       if $what eq 'half';
        return $connection->send("SSH-2.0-OpenSSH_9.2\r\n")             if $what eq 'garbage';
        return $connection->send("HTTP/1.1 103 Early Hints\r\n\r\n")    if $what eq 'interim';
        return $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbroken") if $what eq 'body';
        return $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n") if $what eq 'chunks';
        return $connection->tell('left: ' . $connection->is_closed)     if $what eq 'silent';
        $connection->respond(503, ['Retry-After' => '7'], "sorry, $what\n") if $what =~ /^busy/;
        $connection->send("HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\nbegun") if $what eq 'long';
        $connection->respond(200, [], "first\n")                        if $what eq 'fine';
    }
}

my $bad    = start_backend(\&answer_badly);
my $second = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(200, [], $request->method . ' ' . length $request->body);
        }
    }
);
my $dead = free_port();

# The backup gets what is tried again only.
my $servers = qq{servers: [ "@{[$bad->url]}", { url: "@{[$second->url]}", backup: yes } ]};
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  rules:    { $servers, eject: no, retry: { on: [failure, timeout, 503], budget: 100 } }
  default:  { $servers, eject: no }
  late:     { $servers, eject: no, response_timeout: 1s, retry: { on: timeout, budget: 100 } }
  wait:     { $servers, eject: no, response_timeout: 100ms }
  never:    { $servers, eject: no, retry: no }
  posts:    { $servers, eject: no, retry: { methods: [POST] } }
  stubborn: { servers: "@{[$bad->url]}", eject: no, retry: { tries: 3, on: [failure, 503], budget: 100 } }
  dead:     { servers: [ "http://127.0.0.1:$dead", { url: "@{[$second->url]}", backup: yes } ], eject: no, retry: no }
routes:
  - { match: /rules, proxy: rules }
  - { match: /late, proxy: late }
  - { match: /wait, proxy: wait }
  - { match: /never, proxy: never }
  - { match: /posts, proxy: posts }
  - { match: /stubborn, proxy: stubborn }
  - { match: /dead, proxy: dead }
  - { match: /, proxy: default }
END

my %reasons = (
    close   => 'it closed the connection without a response',
    half    => "it closed the connection in the middle of the response's head",
    interim => "it closed the connection in the middle of the response's head",
    garbage => 'bad response: .*',
    chunks  => 'bad response: its chunks are malformed',
    silent  => 'no response within 1000 ms',
    busy    => 'it answered 503, which calls for another try',
    long    => 'it answered 503, which calls for another try',
);
for my $what (sort keys %reasons) {
    my $upstream = $what eq 'silent' ? 'late' : 'rules';
    my $response = request($flexilib, GET => "/$upstream/$what");
    is($response->status, 200,     "$what: tried again");
    is($response->body,   'GET 0', 'at the other server');
    $flexilib->wait_log(qr/error: upstream '$upstream' server \Q@{[$bad->url]}\E: $reasons{$what} \(request [0-9a-f]+\)$/);
}
is($bad->wait_told(qr/left/), 'left: 1', 'the slow server is left alone');
is(request($flexilib, GET => '/rules/fine')->body, "first\n", 'what is fine stays');
my $put = request($flexilib, PUT => '/rules/close', body => 'x' x 300_000);
is($put->body, 'PUT 300000', 'a body is sent again');

is(request($flexilib, GET => '/close')->body,    'GET 0', 'a failure calls for another try where nothing is configured');
is(request($flexilib, GET => '/wait/silent')->status, 504, 'but a timeout does not');
my $busy = request($flexilib, GET => '/busy');
is($busy->status, 503,            'nor does a status');
is($busy->body,   "sorry, busy\n", 'whose response is passed on');
is(request($flexilib, POST => '/close', body => 'x')->status, 502, 'what must not be repeated is not');
is(request($flexilib, GET  => '/never/close')->status,        502, 'nor where there is a `retry: no`');
is(request($flexilib, POST => '/posts/close', body => 'x')->body, 'POST 1', 'unless the method is named');
is(request($flexilib, GET  => '/posts/close')->status, 502, 'which leaves out the others');
is(request($flexilib, POST => '/dead/close', body => 'x')->body, 'POST 1', 'a server that is not there was asked nothing');

my $client = connect_to($flexilib);
$client->send_request(GET => '/rules/body');
my $response = $client->read_response;
is($response->body, 'broken', 'what the client has seen is not taken back');
ok(!$response->is_complete, 'but cut');

# before there is a kept connection, whose end is not counted
is(request($flexilib, GET => '/stubborn/close')->status, 502, 'when the tries are used up, a failure is one');
$busy = request($flexilib, GET => '/stubborn/busy-always');
is($busy->status,                503,                   'and the last response is passed on');
is($busy->body,                  "sorry, busy-always\n", 'as it is');
is($busy->header('Retry-After'), '7',                   'with its fields');
$bad->wait_told(qr/GET close/);
my @tries = $bad->received =~ m{GET /stubborn/(\S+)}g;
is_deeply([sort @tries], [('busy-always') x 3, ('close') x 3], 'three tries each');

done_testing;
