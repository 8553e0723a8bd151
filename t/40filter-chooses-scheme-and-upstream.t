# A filter chooses the upstream by name, and everything about it is the chosen one's: retries, cookies, timeouts, what
# the log says. And it says which scheme the client is taken to speak.

use lib 't/lib';
use FlexiLib::Test;

my $values = test_library('values');

sub start_shop {
    my ($name) = @_;
    return start_backend(sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            if ($request->header('upgrade')) {
                $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo\r\nX-From: $name\r\n\r\n");
                return $connection->is_closed;
            }
            my $told = join ' ', map { $request->header("x-forwarded-$_") // '-' } qw(proto host);
            $connection->respond(200, ['X-From' => $name, 'X-Told' => $told, 'X-Path' => $request->target], "$name\n");
        }
    });
}
my ($old, $new) = map { start_shop($_) } qw(old new);
my $dead     = 'http://127.0.0.1:' . free_port();
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
trusted_proxies: [127.0.0.1]
libraries: { values: $values }
upstreams:
  old: "@{[$old->url]}"
  new: { servers: ["$dead", "@{[$new->url]}"], sticky: { cookie: shop } }
  mute: { servers: "$dead" }
  brief: { servers: "@{[$new->url]}", tunnel_timeout: 10ms }
routes:
  - match: /shop
    filters: [{ values: { upstream: "{query.to}" } }]
    proxy: { to: old, strip: /shop, upgrade: foo }
  - match: /late
    filters: [{ values: { upstream: new, late: yes } }]
    proxy: old
  - match: /url
    filters: [{ values: { upstream: new } }]
    proxy: "@{[$old->url]}"
  - match: /handled
    filters: [{ values: { upstream: new } }]
    handler: hello
  - match: /held
    filters: [{ values.held: { upstream: "{query.to}", scheme: https } }]
    proxy: { to: old, strip: /held }
  - match: /scheme
    filters: [{ values: { scheme: "{query.to}", request: "{scheme}" } }, { values: { response: "{scheme} {port}" } }]
    proxy: { to: old, forwarded: x }
END

my $response = request($flexilib, GET => '/shop/a');
is($response->header('x-from'), 'old', 'nothing is chosen');
is($response->header('set-cookie'), undef, "without a cookie of the route's upstream");
for my $try (1 .. 4) {
    $response = request($flexilib, GET => "/shop/a$try?to=new");
    is($response->header('x-from'), 'new', 'the chosen upstream answers, one of its servers is dead');
    is($response->header('x-path'), "/a$try?to=new", "with the route's settings about paths");
    like($response->header('set-cookie') // '', qr/^shop=[0-9a-f]{16};/, "its own sticky cookie");
    like($flexilib->wait_access(qr{/shop/a$try}), qr/ upstream new server \Q@{[$new->url]}\E tries [12] /, 'and the log tells it');
}
is(request($flexilib, GET => '/shop/b?to=mute')->status, 502, 'a choice that cannot be reached is not made good by the route');
like($flexilib->wait_access(qr{/shop/b}), qr/ upstream mute server \Q$dead\E tries 1 /, 'which the log tells too');

$response = request($flexilib, GET => '/shop/c?to=nwe');
is($response->header('x-from'), 'old', 'an unknown name changes nothing');
is($response->header('x-refused'), 'set_upstream', 'and the filter is told');
$flexilib->wait_log(qr/error: filter 'values': set_upstream in on_request_head was refused: there is no upstream of that name \(request /);
$response = request($flexilib, GET => '/late');
is_deeply([$response->header('x-from'), $response->header('x-refused')], ['old', 'set_upstream'], 'a response is too late to choose');
is(request($flexilib, GET => '/url')->header('x-from'), 'new', "a route's own URL can be chosen away from");
is(request($flexilib, GET => '/shop?to=' . $old->url)->header('x-refused'), 'set_upstream', 'but a URL is no name');
$response = request($flexilib, GET => '/handled');
is_deeply([$response->status, $response->header('x-refused')], [200, 'set_upstream'], 'a route that forwards to nobody keeps its handler');
$flexilib->wait_log(qr/set_upstream in on_request_head was refused: the route forwards to no upstream/);

$response = request($flexilib, GET => '/scheme?to=https', host => 'a.example');
is($response->header('x-told'), 'https a.example', 'a server is told the scheme that a filter has set');
is($response->header('x-said'), 'https 443', 'so are later filters');
$response = request($flexilib, GET => '/scheme?to=http', host => 'a.example', headers => ['X-Forwarded-Proto' => 'https']);
is($response->header('x-told'), 'http a.example', 'also in place of what a trusted proxy has said');
$response = request($flexilib, GET => '/scheme?to=gopher', host => 'a.example');
is_deeply([$response->header('x-told'), $response->header('x-refused')], ['http a.example', 'set_scheme'], 'no other scheme is possible');

# The head is held until a first byte of the body has passed the filter.
my $connection = $flexilib->connect;
$connection->send("POST /held/a?to=new HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\nabc");
$connection->send('def');
$response = $connection->read_response('POST');
is_deeply([map { $response->header($_) } qw(x-from x-told x-path)], ['new', 'https a.example', '/a?to=new'], 'a held request can be led elsewhere');
$connection = $flexilib->connect;
$connection->send("POST /held/b?to=mute HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\nabc");
$flexilib->wait_log(qr/upstream 'mute' server \Q$dead\E: /);
$connection->send('def');
is($connection->read_response('POST')->status, 502, 'for good');

$connection = $flexilib->connect;
$connection->send_request(GET => '/shop/t?to=brief', headers => [Connection => 'upgrade', Upgrade => 'foo']);
$response = $connection->read_response;
is_deeply([$response->status, $response->header('x-from')], [101, 'new'], 'a tunnel leads there');
$flexilib->wait_log(qr/upstream 'brief': a tunnel is closed in which nothing moved for 10 ms/);
ok($connection->is_closed, 'and has its timeout');

done_testing;
