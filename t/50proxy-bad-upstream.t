# A server that breaks the protocol: the client gets 502, or a response that it can tell is cut; nothing of one answer
# ever becomes another one's; and the worker lives on.

use lib 't/lib';
use FlexiLib::Test;

my $ok      = 'HTTP/1.1 200 OK';
my $chunked = "$ok\r\nTransfer-Encoding: chunked\r\n\r\n";

# the server's bytes, and what it does then: wait, close or reset
my @refused = (
    ['Content-Length and chunks', "$ok\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ['chunks and Content-Length', "$ok\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"],
    ['two lengths',               "$ok\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"],
    ['the same length twice',     "$ok\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"],
    ['a list of lengths',         "$ok\r\nContent-Length: 5, 5\r\n\r\nhello"],
    ['a negative length',         "$ok\r\nContent-Length: -5\r\n\r\nhello"],
    ['a signed length',           "$ok\r\nContent-Length: +5\r\n\r\nhello"],
    ['an immense length',         "$ok\r\nContent-Length: 18446744073709551621\r\n\r\nhello"],
    ['an empty length',           "$ok\r\nContent-Length:\r\n\r\nhello"],
    ['another coding',            "$ok\r\nTransfer-Encoding: gzip\r\n\r\nhello"],
    ['two codings',               "$ok\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ['chunked twice',             "$ok\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ['chunks in HTTP/1.0',        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ['101 that nobody asked for', "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
    ['status 000',                "HTTP/1.1 000 x\r\n\r\n"],
    ['status 99',                 "HTTP/1.1 99 x\r\n\r\n"],
    ['status 1000',               "HTTP/1.1 1000 x\r\n\r\n"],
    ['status 600',                "HTTP/1.1 600 x\r\nContent-Length: 0\r\n\r\n"],
    ['HTTP/2.0',                  "HTTP/2.0 200 OK\r\n\r\n"],
    ['no HTTP at all',            "220 mail.example ESMTP\r\n"],
    ['an HTML page alone',        "<html>hello</html>\r\n\r\n", 'close'],
    ['a bare CR',                 "$ok\r\nA: b\rc\r\n\r\n"],
    ['a NUL',                     "$ok\r\nA: b\0c\r\n\r\n"],
    ['a blank before the colon',  "$ok\r\nA : b\r\n\r\n"],
    ['a blank in a name',         "$ok\r\nA B: c\r\n\r\n"],
    ['a folded line',             "$ok\r\nA: b\r\n c\r\n\r\n"],
    ['bare LF',                   "$ok\nContent-Length: 0\n\n"],
    ['nothing',                   '', 'close'],
    ['nothing and a reset',       '', 'reset'],
    ['half a head',               "$ok\r\nContent-Le", 'close'],
    ['a head without end',        "$ok\r\n" . "A: bbbbbbbbbbbbbbbb\r\n" x 100 . 'B: ' . 'x' x 70_000],
    ['too many fields',           "$ok\r\n" . "A: b\r\n" x 201 . "\r\n"],
    ['200 interim responses',     "HTTP/1.1 102 Processing\r\n\r\n" x 200 . "$ok\r\nContent-Length: 0\r\n\r\n"],
    ['an empty chunk size',       "$chunked\r\nhello"],
    ['a signed chunk size',       "$chunked+5\r\nhello\r\n0\r\n\r\n"],
    ['a chunk that is too long',  "${chunked}5\r\nhelloX\r\n0\r\n\r\n"],
);
my @cut = (
    ['a short body',                 "$ok\r\nContent-Length: 6\r\n\r\nhello", 'close'],
    ['a short body and a reset',     "$ok\r\nContent-Length: 6\r\n\r\nhello", 'reset'],
    ['no last chunk',                "${chunked}5\r\nhello\r\n", 'close'],
    ['half a last chunk',            "${chunked}5\r\nhello\r\n0\r\n", 'close'],
    ['a reset instead of an end',    "$ok\r\n\r\nhello", 'reset'],
    ['chunks that go wrong later',   "${chunked}4e20\r\n" . 'x' x 20_000 . "\r\nzz\r\n"],
);
my @good = (
    ['bytes behind the body',     "$ok\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"],
    ['bytes behind the chunks',   "${chunked}5\r\nhello\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"],
    ['a body behind 204',         "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil"],
    ['a body behind 304',         "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil"],
    ['sixteen interim responses', "HTTP/1.1 102 Processing\r\n\r\n" x 16 . "$ok\r\nContent-Length: 5\r\n\r\nhello"],
);

my @all = (@refused, @cut, @good);
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my ($number) = $request->target =~ m{^/(\d+)$};
            if (!defined $number) {
                $connection->respond(200, [], 'fine');
                next;
            }
            my (undef, $bytes, $then) = @{ $all[$number] };
            $connection->send($bytes);
            $then //= '';
            $connection->wait_go if $then eq 'reset' && length $bytes;
            return $connection->reset if $then eq 'reset';
            return if $then eq 'close';
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  bad: { servers: "@{[$backend->url]}" }
routes:
  - { match: /, proxy: bad }
END
my ($worker) = $flexilib->worker_pids;

my $number = 0;
for my $case (@refused) {
    my $response = request($flexilib, GET => '/' . $number++);
    is($response->status, 502, "$case->[0] is refused");
    unlike($response->body, qr/127\.0\.0\.1|Content-Length|chunk/i, 'and the client is not told the details');
    $flexilib->wait_log(qr/error: upstream 'bad' server \Q@{[$backend->url]}\E: .+ \(request [0-9a-f]{16}\)$/);
    is(request($flexilib, GET => '/fine')->body, 'fine', 'the next request is answered');
}
for my $case (@cut) {
    my $client = connect_to($flexilib);
    $client->send_request(GET => '/' . $number++);
    my $head = $client->read_until(qr/\r\n\r\n/);
    like($head, qr{^HTTP/1\.1 200 }, "$case->[0]: the response has begun");
    my $is_chunked = $head =~ /Transfer-Encoding: chunked/;
    $backend->go if ($case->[2] // '') eq 'reset';
    my $rest = $client->read_all;
    $is_chunked ? unlike($rest, qr/\r\n0\r\n\r\n\z/, 'the last chunk never comes') : cmp_ok(length $rest, '<', 6, 'it is short');
    $flexilib->wait_log(qr/error: upstream 'bad' server /);
    is(request($flexilib, GET => '/fine')->body, 'fine', 'the next request is answered');
}
for my $case (@good) {
    my $client = connect_to($flexilib);
    $client->send_request(GET => '/' . $number++);
    my $response = $client->read_response;
    unlike($response->body, qr/evil/, "$case->[0]: the response ends where it should");
    for (1 .. 2) {
        $client->send_request(GET => '/fine');
        is($client->read_response->body, 'fine', 'and the next one is the next one\'s');
    }
}
is_deeply([$flexilib->worker_pids], [$worker], 'it is still the same worker');

done_testing;
