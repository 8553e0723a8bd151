# What an old generation has begun: idle connections are kept for one more answer, requests have drain_timeout, tunnels
# their own time, and then an end that says so. Neither idle connections nor tunnels make a later reload wait.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;
use Digest::SHA qw(sha1_base64);

my $pause   = test_library('pause');
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        my $accept  = sha1_base64(($request->header('sec-websocket-key') // '') . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
        $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: $accept\r\n\r\n");
        $connection->send($request->target eq '/half' ? "\x81\x05hel" : "\x81\x05hello");
        $connection->tell($request->target . ' was told ' . unpack 'H*', $connection->read_all);
    }
);

sub config {
    my ($number, $drain) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
watch: off
max_generations: 1
drain_timeout: $drain
libraries: { pause: $pause }
routes:
  - { match: /number, respond: { status: 200, body: "$number" } }
  - { match: /wait, filters: [{ pause: { never: yes } }], respond: 200 }
  - { match: /, proxy: "@{[$backend->url]}" }
END
}

my $server;

sub reload_to {
    my ($number, $drain) = @_;
    $server->write_file('flexilib.yaml', config($number, $drain));
    my $result = run_flexilib(['reload', '-c', 'flexilib.yaml'], dir => $server->dir);
    is($result->{status}, 0, "generation $number serves at once");
    return;
}

my $flexilib = $server = start_flexilib(config => config(1, '{ requests: 100ms, tunnels: 1h }'));

sub open_idle {
    my $idle = $flexilib->connect;
    $idle->send_request(GET => '/number');
    return ($idle, $idle->read_response->body);
}

sub open_tunnel {
    my ($path) = @_;
    my $client = $flexilib->connect;
    $client->send_request(GET => $path, headers => [Connection => 'upgrade', Upgrade => 'websocket']);
    is($client->read_response->status, 101, 'a tunnel');
    return $client;
}

my ($idle, $number) = open_idle();
my $tunnel  = open_tunnel('/whole');
my $waiting = $flexilib->connect;
$waiting->send_request(GET => '/wait');
$flexilib->wait_log(qr/pausing/);
my $both = FlexiLib::Test::Http2->open($flexilib);
$both->headers(1, [':method' => 'CONNECT', ':protocol' => 'websocket', ':scheme' => 'http', ':authority' => 'a', ':path' => '/both'], end => 0);
$both->headers(3, [':method' => 'GET', ':scheme' => 'http', ':authority' => 'a', ':path' => '/wait']);
$flexilib->wait_log(qr/pausing/);
reload_to(2, '{ requests: 1m, tunnels: 0 }');
$flexilib->wait_log(qr/warning: the worker has not drained in time \(drain_timeout\): 2 requests are cut short/);
ok($waiting->is_closed, 'a request that takes longer than drain_timeout ends');
1 while !defined $both->stream(3)->{reset} && $both->read_frame;
is($both->stream(3)->{reset}, 8, 'as does one of HTTP/2');
1 while ($both->stream(1)->{body} // '') ne "\x81\x05hello" && $both->read_frame;
ok(!$both->stream(1)->{is_ended}, 'whose connection goes on with a tunnel');
$both->data(1, '', end => 1);
is($both->wait_close, 0, 'until that is left');
$idle->send_request(GET => '/number');
my $response = $idle->read_response;
is($response->body, '1', 'an idle connection has been kept, and is answered by what it was opened to');
is($response->header('connection'), 'close', 'once more');
is($tunnel->read_until(qr/hello/), "\x81\x05hello", 'a tunnel goes on');

my $half = open_tunnel('/half');
is($half->read_until(qr/hel/), "\x81\x05hel", 'a WebSocket in the midst of a frame');
my $whole = open_tunnel('/end');
is($whole->read_until(qr/hello/), "\x81\x05hello", 'one between two frames');
my $http2 = FlexiLib::Test::Http2->open($flexilib);
$http2->headers(1, [':method' => 'CONNECT', ':protocol' => 'websocket', ':scheme' => 'http', ':authority' => 'a', ':path' => '/http2'], end => 0);
1 while ($http2->stream(1)->{body} // '') ne "\x81\x05hello" && $http2->read_frame;
reload_to(3, '{ requests: 1m, tunnels: 1h }');
is($whole->read_all, "\x88\x02\x03\xe9", 'at the end of its time the client is told so');
ok(!$whole->is_reset, 'and the connection closed in good order');
is($backend->wait_told(qr{^/end was told}), '/end was told 88820000000003e9', 'as is the server');
is($half->read_all, '', 'where that would stand within a frame, the connection is only closed');
1 while !$http2->stream(1)->{is_ended} && $http2->read_frame;
is($http2->stream(1)->{body}, "\x81\x05hello\x88\x02\x03\xe9", 'over HTTP/2 too');
$_->close for $whole, $half;
is($http2->wait_close, 0, 'whose connection ends with it');
$http2->close;
$flexilib->wait_log(qr/info: generation 2 has drained/);

my @kept = map { open_idle() } 1;
for my $next (4 .. 7) {
    push @kept, open_tunnel("/kept$next"), (open_idle())[0];
    reload_to($next, '{ requests: 1m, tunnels: 1h }');
}
like(run_flexilib(['status', '-c', 'flexilib.yaml'], dir => $flexilib->dir)->{out},
    qr/generation 3: draining, .*; still has 1 tunnel, 2 idle connections$/m, 'status tells what is waited for');
$flexilib->stop;

# A tunnel that outlives the time of requests is no delay.
$flexilib = $server = start_flexilib(config => config(1, '{ requests: 0, tunnels: 1h }'));
my $long = open_tunnel('/long');
reload_to(2, '{ requests: 0, tunnels: 1h }');
$long->close;
$flexilib->wait_log(qr/info: generation 1 has drained/);
unlike($flexilib->log, qr/has not drained in time/, 'who leaves when the last tunnel has ended is in time');
$flexilib->stop;
done_testing;
