# WebSockets over HTTP/2 (RFC 8441): what a client of HTTP/2 says in a stream, and a server of HTTP/1.1 in a connection, reach
# each other unchanged, with their ends and breaks; the server and filters see what they would see of HTTP/1.1.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;
use Digest::SHA qw(sha1_base64);

use constant { CANCEL => 8, CONNECT_PROTOCOL => 8 };

my $size    = 5_000_000;
my $pattern = join '', map { chr(32 + $_ * 7 % 90) } 0 .. 9999;
my $backend = start_backend(sub {
    my ($connection) = @_;
    my $request = $connection->read_request or return;
    my ($path)  = $request->target =~ m{([^/?]*)(?:\?.*)?$};
    my $key     = $request->header('sec-websocket-key') // '';
    my $accept  = sha1_base64("${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11") . '=';
    $connection->tell($request->head =~ s/\r\n/|/gr) if $path eq 'head';
    return $connection->respond(200, [], 'no WebSocket here') if $path eq 'plain';
    return $connection->respond(403, ['X-Why' => 'because'], 'not you') if $path eq 'refused';
    if ($path eq 'endless') {
        $connection->send("HTTP/1.1 200 OK\r\n\r\nabc");
        $connection->tell('endless left with ' . length $connection->read_all);
        return;
    }
    $accept = 'x' . substr $accept, 1 if $path eq 'wrong-accept';
    $connection->limit_buffer(65536);
    $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            . ($path eq 'no-accept' ? '' : "Sec-WebSocket-Accept: $accept\r\n") . "Sec-WebSocket-Protocol: second\r\n\r\n"
            . ($path eq 'early' ? 'early bytes' : ''));
    if ($path eq 'flood') {
        my $sent = 0;
        $sent += $connection->send($pattern) while $sent < $size;
        $connection->finish;
        $connection->read_all;
    } elsif ($path eq 'sink') {
        $connection->tell('sink is ready');
        $connection->wait_go;
        my $all = $connection->read_all;
        $connection->tell('sink got ' . length($all) . ($all eq $pattern x ($size / length $pattern) ? ' exactly' : ' wrongly'));
    } elsif ($path eq 'client-finishes') {
        my $all = $connection->read_all;
        $connection->send("after the end of $all");
    } elsif ($path eq 'server-finishes') {
        $connection->send('all of it');
        $connection->finish;
        $connection->tell('finished, got ' . $connection->read_all);
    } elsif ($path eq 'resets') {
        $connection->read_bytes(1);
        $connection->reset;
    } else {
        $connection->send('ready');
        $connection->tell("$path: " . $connection->read_all . ($connection->is_reset ? ' and a reset' : ' and an end'));
    }
});
my ($order, $veto, $blocking) = map { test_library($_) } qw(order veto blocking);
my $url      = $backend->url;
my $flexilib = start_flexilib(files => { 'www/file' => 'a file' }, config => <<"END");
listen: 127.0.0.1:0
workers: 1
access_log: "-"
libraries: { order: $order, veto: $veto, blocking: $blocking }
upstreams:
  one: { servers: "$url", retry: no, eject: no }
  hasty: { servers: "$url", tunnel_timeout: 100ms }
routes:
  - { match: /hasty, proxy: { to: hasty, strip: /hasty } }
  - { match: /release, handler: { blocking.plain: { reply: yes } } }
  - { match: /slow, filters: [{ blocking.concurrent: { hook: end, hold: yes } }], proxy: { to: hasty, strip: /slow } }
  - { match: /closed, proxy: { to: one, upgrade: no } }
  - { match: /file, files: ./www }
  - { match: /gone, respond: { status: 410, body: "gone" } }
  - { match: /seen, filters: [{ order: { name: a } }], proxy: one }
  - { match: /vetoed, filters: [{ veto: { status: 403 } }], proxy: one }
  - { match: /, proxy: one }
END

my $http2 = FlexiLib::Test::Http2->open($flexilib);
my $next  = -1;

sub ask {
    my ($path, $more, %option) = @_;
    my $client = $option{client} // $http2;
    $client->headers($next += 2, [
        ':method' => 'CONNECT', ':protocol' => 'websocket', ':scheme' => 'http', ':authority' => 'localhost', ':path' => $path,
        'sec-websocket-version' => 13, @{ $more // [] }
    ], end => $option{end} // 0);
    return $next;
}

sub wait_body {
    my ($stream, $text, $client) = @_;
    $client //= $http2;
    1 while ($client->stream($stream)->{body} // '') ne $text && $client->read_frame;
    return $client->stream($stream)->{body};
}

my $settings = $http2->read_frame;
is({ unpack '(nN)*', $settings->{payload} }->{ +CONNECT_PROTOCOL }, 1, 'the server says that it knows the method');

my $stream = ask('/head?q', ['sec-websocket-protocol' => 'first, second', 'sec-websocket-key' => 'mine', origin => 'http://localhost']);
is(wait_body($stream, 'ready'), 'ready', 'the tunnel stands');
is($http2->stream($stream)->{status}, 200, 'which is told by 200');
my $head = $backend->wait_told(qr/^GET/);
like($head, qr{^GET /head\?q HTTP/1\.1\|}, 'the server gets GET');
like($head, qr{\|Connection: upgrade\|Upgrade: websocket\|}i, 'with a wish to switch');
like($head, qr{\|sec-websocket-key: [A-Za-z0-9+/]{22}==\|}i, 'and a key');
unlike($head, qr{mine|:protocol}, 'of ours');
like($head, qr{\|sec-websocket-version: 13\|.*sec-websocket-protocol: first, second\|.*origin: http://localhost\|}, 'and the rest as it was');
$http2->data($stream, 'hello');
$http2->data($stream, ' there', end => 1);
is($backend->wait_told(qr/^head:/), 'head: hello there and an end', 'the server gets it all, and the end');
my $outcome = $http2->wait_stream($stream);
ok($outcome->{is_ended} && !defined $outcome->{reset}, 'the client gets the end');
like($flexilib->wait_access(qr{"GET /head}), qr{"GET /head\?q HTTP/2(?:\.0)?" 101 }, 'the access log says 101');

is(wait_body(ask('/early'), 'early bytesready'), 'early bytesready', 'bytes right behind the head are passed on');
$stream = ask('/seen/echo');
is(wait_body($stream, 'ready'), 'ready', 'filters see');
like($flexilib->wait_log(qr/order a request_head/), qr/request_head/, 'the request');
like($flexilib->wait_log(qr/order a response_head/), qr/response_head/, 'and the response');
$http2->reset($stream);
like($backend->wait_told(qr/^echo:/), qr/and a reset/, 'a stream that is reset resets the connection behind');

$stream = ask('/client-finishes');
$http2->data($stream, 'mine', end => 1);
is($http2->wait_stream($stream)->{body}, 'after the end of mine', 'who has ended still receives');
$stream = ask('/server-finishes');
is($http2->wait_stream($stream)->{body}, 'all of it', 'the server has ended');
$http2->data($stream, 'still', end => 1);
is($backend->wait_told(qr/^finished/), 'finished, got still', 'and still receives');
$stream = ask('/resets');
$http2->data($stream, 'x');
is($http2->wait_stream($stream)->{reset}, CANCEL, 'what breaks behind breaks the stream');
$stream = ask('/hasty/idle');
is($http2->wait_stream($stream)->{reset}, CANCEL, 'a tunnel in which nothing moves is closed');
$stream = ask('/slow/quiet');
is($http2->wait_stream($stream)->{reset}, CANCEL, 'also where a filter takes its time to hear of it');
# it may be about to wait when it is released
request($flexilib, GET => '/release') until $flexilib->log =~ /'blocking\.concurrent': end/;
$flexilib->wait_log(qr/a tunnel is closed in which nothing moved for 100 ms/);

$stream = ask('/flood');
$outcome = $http2->wait_stream($stream);
ok($outcome->{body} eq $pattern x ($size / length $pattern), 'much from the server arrives exactly');
$http2->data($stream, '', end => 1);

my $sender = FlexiLib::Test::Http2->open($flexilib);
$sender->wait_ping;
my $sink = ask('/sink', [], client => $sender);
$backend->wait_told(qr/^sink is ready/);
my ($sent, $stalls) = (0, 0);
while ($stalls < 20 && $sent < $size) {
    if ($sender->may_send($sink) < length $pattern) {
        $stalls++;
        $sender->wait_ping;
    } else {
        $sender->data($sink, $pattern);
        $sent += length $pattern;
        $stalls = 0;
    }
}
cmp_ok($sent, '<', $size, 'a client waits for a server that reads nothing');
$backend->go;
while ($sent < $size) {
    $sender->data($sink, $pattern), $sent += length $pattern if $sender->may_send($sink) >= length $pattern;
    next if $sender->may_send($sink) >= length $pattern;
    $sender->read_frame or last;
}
$sender->data($sink, '', end => 1);
is($backend->wait_told(qr/^sink got/), "sink got $size exactly", 'and all arrives exactly');

sub refused {
    my ($path, $status, $body, $name) = @_;
    my $result = $http2->wait_stream(ask($path));
    is($result->{status}, $status, "$name: $status");
    is($result->{body}, $body, 'with its body') if defined $body;
    return;
}
refused('/refused', 403, 'not you', 'a refusal of the server');
refused('/gone', 410, 'gone', 'a refusal of the route');
refused('/plain', 501, '', 'a server that knows no WebSocket');
refused('/closed/echo', 502, undef, 'a server that switches although the route forbids it');
refused('/file', 501, '', 'a file');
refused('/vetoed/echo', 403, '', 'a filter that refuses');
refused('/wrong-accept', 502, undef, 'a wrong Sec-WebSocket-Accept');
refused('/no-accept', 502, undef, 'no Sec-WebSocket-Accept');
refused('/endless', 501, '', 'a response without end');
is($backend->wait_told(qr/^endless/), 'endless left with 0', 'which is not waited for');
$flexilib->wait_log(qr/its Sec-WebSocket-Accept is not for the key/);

sub malformed {
    my ($name, $status, $fields, %option) = @_;
    $http2->headers($next += 2, $fields, end => $option{end} // 0);
    my $result = $http2->wait_stream($next);
    is($result->{status} // 'none', $status, "$name: $status");
    return;
}
my @rest = (':scheme' => 'http', ':authority' => 'localhost', ':path' => '/echo');
malformed('another protocol', 501, [':method' => 'CONNECT', ':protocol' => 'connect-udp', @rest]);
malformed('a length', 400, [':method' => 'CONNECT', ':protocol' => 'websocket', @rest, 'content-length' => 5]);
malformed('nothing to come', 400, [':method' => 'CONNECT', ':protocol' => 'websocket', @rest], end => 1);
malformed('another method', 'none', [':method' => 'GET', ':protocol' => 'websocket', @rest]);
malformed('no path', 'none', [':method' => 'CONNECT', ':protocol' => 'websocket', @rest[0 .. 3]]);
malformed('plain CONNECT', 405, [':method' => 'CONNECT', ':authority' => 'localhost:80']);

my $leaver = FlexiLib::Test::Http2->open($flexilib);
wait_body(ask('/leaving', [], client => $leaver), 'ready', $leaver);
$leaver->close;
like($backend->wait_told(qr/^leaving/), qr/^leaving/, 'who leaves ends the tunnel');
$stream = ask('/last');
is(wait_body($stream, 'ready'), 'ready', 'the connection goes on after all of this');
unlike($flexilib->log, qr/ended the HTTP\/2 connection/, 'and nobody was blamed');

done_testing;
