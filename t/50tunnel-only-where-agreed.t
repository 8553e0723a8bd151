# A connection becomes a tunnel only where client, route and server agree on the protocol; otherwise it goes on as HTTP.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my $path = $request->target;
            my $switch = sub { $connection->send("HTTP/1.1 101 Switching Protocols\r\n$_[0]\r\n") };
            if ($path eq '/upgrade') {
                $switch->('Connection: Upgrade, x-hop' . "\r\nX-Hop: 1\r\nUPGRADE: " . uc($request->header('upgrade') // 'none')
                        . "\r\nX-Kept: 2\r\nContent-Length: 0\r\n");
                $connection->send(uc $connection->read_bytes(5));
                return;
            }
            if ($path eq '/early') {
                $connection->wait_go;
                $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\nfirst bytes\n");
                $connection->tell('got ' . $connection->read_bytes(11));
                return;
            }
            if ($path eq '/late') {
                $connection->wait_go;
                $connection->respond(426, ['Upgrade' => 'bar', 'X-Kept' => 1], "no\n");
                next;
            }
            $switch->("Connection: upgrade\r\nUpgrade: bar\r\n")               if $path eq '/other';
            $switch->("Connection: upgrade\r\n")                              if $path eq '/none';
            $switch->("Connection: upgrade\r\nUpgrade: foo, bar\r\n")         if $path eq '/both';
            return                                                            if $path =~ m{^/(?:other|none|both)};
            $connection->respond($1, [], "status\n")                          if $path =~ m{^/status/(\d+)};
            $connection->respond(200, [], $request->head)                     if $path eq '/show';
        }
    }
);
my $url      = $backend->url;
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
access_log: "-"
routes:
  - { match: /foo, proxy: { to: "$url", strip: /foo, upgrade: [foo, bar/2] } }
  - { match: /any, proxy: { to: "$url", strip: /any, upgrade: any } }
  - { match: /no, proxy: { to: "$url", strip: /no, upgrade: no } }
  - { match: /fixed, respond: { status: 200, body: fixed } }
  - { match: /, proxy: "$url" }
END

my $ask = sub {
    my ($path, $token, %option) = @_;
    my $client = connect_to($flexilib);
    $client->send_request($option{method} // 'GET', $path, %option,
        headers => [Connection => 'keep-alive, Upgrade', Upgrade => $token, 'X-Own' => 'x']);
    return $client;
};

my $client   = $ask->('/foo/upgrade', 'foo');
my $response = $client->read_response;
is($response->status, 101, 'the server agrees');
is($response->reason, 'Switching Protocols', 'and the client is told so');
is($response->header('connection'), 'upgrade', 'in its connection');
is($response->header('upgrade'), 'foo', 'which protocol it is');
is($response->header('x-kept'), '2', 'with what else the server says');
is($response->header('via'), '1.1 flexilib', 'by us');
ok(!defined $response->header($_), "not $_") for qw(x-hop content-length transfer-encoding);
$client->send('hello');
is($client->read_all, 'HELLO', 'bytes go both ways, and the end comes after them');
$client->close;
like($flexilib->wait_access(qr{/foo/upgrade }), qr/" 101 ttfb \S+ 5 ttlb /, 'the access log counts them');

for my $row (
    ['/show',     'websocket',        'websocket', 'WebSocket is let through by itself'],
    ['/show',     'WEBSOCKET',        'WEBSOCKET', 'in any case'],
    ['/show',     'foo',              undef,       'nothing else is'],
    ['/foo/show', 'bar/1, bar/2, foo', 'bar/2',    'the first that the route allows'],
    ['/foo/show', 'websocket',        undef,       'a route has its own list'],
    ['/any/show', 'foo/3',            'foo/3',     'any'],
    ['/any/show', 'h2c',              undef,       'HTTP/2 never is'],
    ['/any/show', 'h2c, foo',         'foo',       'what comes behind it may'],
    ['/no/show',  'websocket',        undef,       'none'],
) {
    my ($path, $token, $expected, $what) = @$row;
    my $connection = $ask->($path, $token);
    my $head       = $connection->read_response->body;
    my ($upgrade)  = $head =~ /^Upgrade: (.*)\r$/mi;
    my ($options)  = $head =~ /^Connection: (.*)\r$/mi;
    is($upgrade, $expected, "$what ($path $token)");
    is($options, defined $expected ? 'upgrade' : undef, 'Connection goes with it');
    $connection->send_request(GET => '/status/200');
    is($connection->read_response->status, 200, 'the connection goes on as HTTP');
}
my $body = $ask->('/foo/show', 'foo', method => 'POST', body => 'a body')->read_response->body;
unlike($body, qr/^(?:upgrade|connection):/mi, 'a request with a body is an ordinary one');
$body = raw($flexilib, "GET /foo/show HTTP/1.1\r\nHost: a\r\nUpgrade: foo\r\n\r\n")->{response}->body;
unlike($body, qr/^(?:upgrade|connection):/mi, 'so is one whose Connection does not say so');
$body = raw($flexilib, "GET /foo/show HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n")->{response}->body;
unlike($body, qr/^(?:upgrade|connection):/mi, 'and one of HTTP/1.0');
is($ask->('/fixed', 'websocket')->read_response->body, 'fixed', 'and one that no server sees');

for my $status (200, 403, 426, 500) {
    my $connection = $ask->("/foo/status/$status", 'foo');
    is($connection->read_response->status, $status, "the server may say $status instead");
    $connection->send_request(GET => '/status/201');
    is($connection->read_response->status, 201, 'and the connection goes on as HTTP');
}

for my $path (qw(/foo/other /foo/none /foo/both)) {
    my $connection = $ask->($path, 'foo');
    is($connection->read_response->status, 502, "$path: not what was asked for");
    $flexilib->wait_log(qr/error: .*: bad response: it switches to another protocol than was asked for \(request/);
    $connection->send_request(GET => '/status/201');
    is($connection->read_response->status, 201, 'the connection goes on as HTTP');
}
for my $path (qw(/foo/other /foo/upgrade)) {
    is(request($flexilib, GET => $path)->status, 502, "$path: nobody asked");
    $flexilib->wait_log(qr/error: .*: bad response: it switches to a protocol that nobody asked for \(request/);
}

# bytes that the client sends before it knows
$client = $ask->('/foo/early', 'foo');
$client->send('early bytes');
$backend->go;
is($client->read_response->status, 101, 'the server agrees');
is($client->read_until(qr/\n/), "first bytes\n", 'what it sent at once comes behind its head');
is($backend->wait_told(qr/got/), 'got early bytes', 'and it gets what the client sent too soon');

$client = $ask->('/foo/late', 'foo');
$client->send("GET /status/201 HTTP/1.1\r\nHost: smuggled\r\n\r\n");
is(request($flexilib, GET => '/status/200')->status, 200, 'the early bytes are there by now');
$backend->go;
$response = $client->read_response;
is($response->status, 426, 'the server refuses');
is($response->header('connection'), 'close', 'then what followed is not looked at');
is($client->read_all, '', 'and the connection ends');
unlike($backend->received, qr/smuggled/, 'nothing of it reached the server');

done_testing;
