# Besides the time between two events, a try and a whole exchange with a server have their deadlines.

use lib 't/lib';
use FlexiLib::Test;

# Whatever is asked for comes in drops, each before the time between two bytes is over.
my $slow = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_head or return;
        if ($request->head =~ m{ /\S*stuck }) {
            $connection->tell('stuck');
            return $connection->wait_go;
        }
        $connection->tell('begun') if $request->head =~ m{ /\S*reply };
        $request->head =~ /Content-Length: (\d+)/ and $connection->read_bytes($1);
        $connection->respond(200, [], 'at last') if $request->head =~ m{ /\S*reply };
        my @drops = $request->head =~ m{ /\S*interim } ? ("HTTP/1.1 102 Processing\r\n\r\n") x 15 : ();
        @drops = ("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", ('x') x 900) if $request->head =~ m{ /\S*body };
        for my $drop (@drops) {
            $connection->send($drop);
            select undef, undef, undef, 0.05;
        }
        $connection->tell('left') if $connection->is_closed;
    }
);
my $good = start_static_backend(body => 'good');

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 32M
upstreams:
  try:   { servers: "@{[$slow->url]}", try_timeout: 200ms, eject: no }
  again: { servers: [ "@{[$slow->url]}", { url: "@{[$good->url]}", backup: yes } ], try_timeout: 1s, eject: no,
           retry: { on: timeout } }
  total: { servers: "@{[$slow->url]}", total_timeout: 300ms, eject: no, retry: { tries: 5, on: timeout } }
  both:  { servers: "@{[$slow->url]}", try_timeout: 200ms, total_timeout: 500ms, eject: no,
           retry: { tries: 16, on: timeout, budget: 100 } }
  wait:  { servers: "@{[$slow->url]}", try_timeout: 2s, total_timeout: 2s, eject: no, retry: no }
  send:  { servers: "@{[$slow->url]}", send_timeout: 200ms, eject: no }
routes:
  - { match: /try, proxy: try }
  - { match: /again, proxy: again }
  - { match: /total, proxy: total }
  - { match: /both, proxy: both }
  - { match: /wait, proxy: wait }
  - { match: /send, proxy: send }
END

is(request($flexilib, GET => '/try/interim')->status, 504, 'a try that goes on for too long');
$flexilib->wait_log(qr/error: upstream 'try' server \S+: no response within 200 ms of the try \(request/);
is($slow->wait_told(qr/left/), 'left', 'the server is left alone');
is(request($flexilib, GET => '/again/silent')->body, 'good', 'another server may do better');

is(request($flexilib, GET => '/total/silent')->status, 504, 'all of it takes too long');
$flexilib->wait_log(qr/error: upstream 'total' server \S+: no complete response within 300 ms in all \(request/);
$slow->wait_told(qr/left/) for 1 .. 2;

is(request($flexilib, GET => '/both/silent')->status, 504, 'tries end with the time for all of them');
$flexilib->wait_log(qr/error: upstream 'both' server \S+: no complete response within 500 ms in all \(request/);

my $client = connect_to($flexilib);
$client->send_request(GET => '/total/body');
my $response = $client->read_response;
is($response->status, 200, 'a response that has begun');
like($response->body, qr/^x+$/, 'comes as far as it goes');
ok(!$response->is_complete, 'and is seen to be cut');
$flexilib->wait_log(qr/error: upstream 'total' server \S+: no complete response within 300 ms in all \(request/);

is(request($flexilib, POST => '/send/stuck', body => 'x' x 16_000_000)->status, 504, 'a request that is not taken');
$flexilib->wait_log(qr/error: upstream 'send' server \S+: it took nothing of the request for 200 ms \(request/);
$slow->go;

# the client's own slowness is not the server's
$client = connect_to($flexilib);
$client->send_request(POST => '/wait/reply', headers => ['Content-Length' => 100_000]);
$client->send('x' x 50_000);
is($slow->wait_told(qr/begun/), 'begun', 'an upload is on its way');
is(request($flexilib, GET => '/wait/silent')->status, 504, 'and takes longer than a server may take');
$client->send('x' x 50_000);
$response = $client->read_response;
is($response->status, 200, 'which is no reason to end it');
is($response->body, 'at last', 'before it is answered');

done_testing;
