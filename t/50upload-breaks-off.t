# A body that does not come to its end, for whatever reason, is never taken for a whole one by the server behind: the
# connection to it is cut in the middle, and never used again. The client is told where it can be.

use lib 't/lib';
use FlexiLib::Test;
use Time::HiRes ();

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $head = $connection->read_head or return;
        my ($path) = $head->{first} =~ / (\S+) /;
        if ($path eq '/begin') {
            $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n");
        }
        $connection->read_until(qr/hello/);
        $connection->tell('hello');
        my $rest = $connection->read_all;
        $connection->tell('cut after ' . length($rest) . ($rest =~ /0\r\n\r\n\z/ ? ' and ended' : ''));
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 1MB
body_timeout: 1s
body_rate: 100
routes:
  - { match: /slow, proxy: { to: "@{[$backend->url]}", strip: /slow } }
  - { match: /small, body_limit: 10, routes: [{ match: /small/large, body_limit: 2MB, handler: echo }, { handler: echo }] }
  - { match: /echo, handler: echo }
  - { match: /, proxy: "@{[$backend->url]}" }
END

my %framings = (
    length  => ["Content-Length: 100\r\n\r\nhello",               'x' x 10],
    chunked => ["Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "3\r\nabc\r\n"],
);
for my $framing (sort keys %framings) {
    for my $way (qw(close reset finish)) {
        my $client = connect_to($flexilib);
        $client->send("POST /$framing-$way HTTP/1.1\r\nHost: a\r\n$framings{$framing}[0]");
        $backend->wait_told(qr/^hello/);
        $client->$way;
        my $told = $backend->wait_told(qr/^cut/);
        unlike($told, qr/ended/, "$framing, $way: the server sees that the request is not whole");
        $flexilib->wait_access(qr{"POST /$framing-$way HTTP/1\.1"});
        $client->close;
    }
    my $client = connect_to($flexilib);
    $client->send("POST /begin HTTP/1.1\r\nHost: a\r\n$framings{$framing}[0]");
    $client->read_until(qr/begun/);
    $client->close;
    unlike($backend->wait_told(qr/^cut/), qr/ended/, "$framing: also where it has begun to answer");
}

# malformed further on
for my $bad ("zz\r\n", "5\r\nabcdefg", "0\r\nno colon\r\n\r\n", "\r\n", "10000000000000000\r\n", "-1\r\n", "1;\x01\r\n") {
    my $client = connect_to($flexilib);
    $client->send("POST /bad HTTP/1.1\r\nHost: a\r\n$framings{chunked}[0]");
    $backend->wait_told(qr/^hello/);
    $client->send("3\r\nabc\r\n$bad" . "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    my $response = $client->read_response;
    is($response->status, 400, 'a chunk that is malformed later on: 400');
    ok(!$response->keeps_connection && $client->read_all eq '', 'and the connection ends');
    unlike($backend->wait_told(qr/^cut/), qr/ended/, 'the server sees a cut');
}
my $client = connect_to($flexilib);
$client->send("POST /begin HTTP/1.1\r\nHost: a\r\n$framings{chunked}[0]");
$client->read_until(qr/begun/);
$client->send("zz\r\n");
unlike($client->read_all, qr/0\r\n\r\n/, 'a response that has begun by then is cut too');
unlike($backend->wait_told(qr/^cut/), qr/ended/, 'as is the request');

# too large
$client = connect_to($flexilib);
$client->send("POST /large HTTP/1.1\r\nHost: a\r\n$framings{chunked}[0]");
$backend->wait_told(qr/^hello/);
$client->send("80000\r\n" . 'x' x 0x80000 . "\r\n") for 1 .. 3;
my $response = $client->read_response;
is($response->status, 413, 'a body that grows too large: 413');
ok(!$response->keeps_connection && $client->read_all eq '' && !$client->is_reset, 'and an orderly end');
unlike($backend->wait_told(qr/^cut/), qr/ended/, 'the server sees a cut');
my $before = $backend->connections;
is(request($flexilib, POST => '/x', body => 'x' x 1_048_577)->status, 413, 'a length that is too large: 413 at once');
is($backend->connections, $before, 'and the server is not asked');

for my $row (['/small/x', 10, 200], ['/small/x', 11, 413], ['/small/large', 1_500_000, 200], ['/echo', 1_500_000, 413],
    ['/small/large', 2_097_153, 413])
{
    my ($path, $length, $status) = @$row;
    my $body = 'x' x $length;
    is(request($flexilib, POST => $path, body => $body)->status, $status, "$path has its own limit: $length is $status");
    is(request($flexilib, POST => $path, chunks => [unpack '(a60000)*', $body])->status, $status, 'in chunks too');
}

# a large body for a filter that wants it whole goes through a file, and comes back as it was
my $large = join '', map { "line $_\n" } 1 .. 150_000;
my $echo  = request($flexilib, POST => '/small/large', chunks => [unpack '(a50000)*', $large]);
ok(substr($echo->body, -length $large) eq $large, 'a collected body is what was sent, in memory or not');

# too slow
$client = connect_to($flexilib);
$client->send("POST /stops HTTP/1.1\r\nHost: a\r\n$framings{length}[0]");
is($client->read_response->status, 408, 'a body that stops coming: 408');
ok($client->is_closed && !$client->is_reset, 'and the connection ends');
unlike($backend->wait_told(qr/^cut/), qr/ended/, 'the server sees a cut');
$client = connect_to($flexilib);
$client->send("POST /drips HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhello");
while ($client->{in} eq '' && $client->send('x')) {
    $client->fill if FlexiLib::Test::Wait::wait_readable($client->{socket}, Time::HiRes::time() + 0.1);
}
is($client->read_response->status, 408, 'a body that drips: 408 too');

is(request($flexilib, GET => '/echo')->status, 200, 'others are served');

done_testing;
