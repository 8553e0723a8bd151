# Trailers come through in both directions where both sides can take them, and only what may stand there: no field of a
# trailer section ever becomes a header field. What the service behind has seen is compared byte by byte.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;

my $chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
my %answers = (
    '/sum'     => "${chunked}Trailer: X-Sum, Content-Length\r\n\r\n4\r\nbody\r\n0\r\nX-Sum:  1 2\t\r\nx-b:\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\n\r\n",
    '/none'    => "${chunked}Trailer: X-Sum\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    '/only'    => "${chunked}\r\n0\r\nX-Sum: 1\r\n\r\n",
    '/named'   => "${chunked}Connection: x-sum\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n",
    '/many'    => "${chunked}\r\n4\r\nbody\r\n0\r\n" . "X-A: 1\r\n" x 201 . "\r\n",
    '/large'   => "${chunked}\r\n4\r\nbody\r\n0\r\nX-A: " . 'x' x 65_536 . "\r\n\r\n",
    '/bad'     => "${chunked}\r\n4\r\nbody\r\n0\r\nX-A : 1\r\n\r\n",
    '/changed' => "${chunked}Trailer: X-Sum\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n",
    '/small'   => "${chunked}Content-Type: text/plain\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\nETag: \"a\"\r\nContent-Digest: x\r\n\r\n",
    '/exact'   => "${chunked}Content-Type: text/plain\r\nTrailer: Content-Digest\r\n\r\n4\r\nbody\r\n0\r\nContent-Digest: x\r\n\r\n",
    '/same'    => "${chunked}Trailer: X-Sum\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n",
);
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my ($path) = $request->target =~ m{^([^?]*)};
        if ($answers{$path}) {
            $connection->send($answers{$path});
            next;
        }
        # the first connection's requests find no answer
        return if $path eq '/again' && $connection->number == 1;
        my $seen = join '', map { "$_->[0]: $_->[1]\n" } grep { $_->[0] !~ /^(?:Host|Via|X-Order|X-Forwarded-.*)$/i } @{ $request->{fields} };
        my $end  = ($request->{trailer} // 'no chunks') =~ s/\r\n/\n/gr;
        $connection->respond(200, [], "$seen\n" . $request->body . "\n$end");
    }
});

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
head_limit: 2KB
header_limit: 20
libraries: { rewrite: @{[test_library('rewrite')]}, order: @{[test_library('order')]} }
upstreams:
  one: { servers: "@{[$backend->url]}", eject: no }
routes:
  - { match: /changed, filters: [rewrite: { request: yes }], proxy: one }
  - { match: /same, filters: [order: { name: a }], proxy: one }
  - { match: [/small, /exact], compress: yes, proxy: one }
  - { match: /, proxy: one }
END

# What the service has seen of a request: its fields, the body, and what came behind the last chunk.
my @requests = (
    ['/again', 'a request that is sent twice',   "X-A: b\r\n" => "X-A: b\n\n"],
    ['/',      'a field',                        "X-A: b\r\n" => "X-A: b\n\n"],
    ['/',      'blanks',                         "X-A: \t b c \r\nX-B:\r\n" => "X-A: b c\nX-B: \n\n"],
    ['/',      'two of a name',                  "X-A: b\r\nx-a: c\r\n" => "X-A: b\nx-a: c\n\n"],
    ['/',      'none',                           '' => undef],
    ['/',      'what frames the message',        "Content-Length: 9\r\nTransfer-Encoding: x\r\nX-A: b\r\nTrailer: x\r\n" => "X-A: b\n\n"],
    ['/',      'nothing but such',               "Content-Length: 9\r\ncontent_length: 9\r\nCONTENT-TYPE: x\r\n" => undef],
    ['/',      'what leads it somewhere',        "Host: b\r\nX-A: b\r\nX-Original-URL: /c\r\nVia: 1.1 x\r\n" => "X-A: b\n\n"],
    ['/',      'what modifies it',               "Range: bytes=1\r\nIf-Match: x\r\nExpect: 100-continue\r\nX-HTTP-Method-Override: PUT\r\nX-A: b\r\n" => "X-A: b\n\n"],
    ['/',      'what grants it',                 "Authorization: x\r\nCookie: a=b\r\nProxy-Authorization: x\r\nX-A: b\r\n" => "X-A: b\n\n"],
    ['/',      'who is said to have sent it',    "X-Forwarded-For: x\r\nForwarded: for=x\r\nX_Forwarded_For: x\r\nX-Real-IP: x\r\nX-A: b\r\n" => "X-A: b\n\n"],
    ['/',      'what belongs to the connection', "Connection: close\r\nKeep-Alive: 5\r\nTE: x\r\nUpgrade: h2c\r\nX-Hop: 1\r\nX-A: b\r\n" => "X-A: b\n\n"],
    ['/same',    'with a filter that reads the body',    "X-A: b\r\n" => "X-A: b\n\n"],
    ['/changed', 'with a filter that makes another one', "X-A: b\r\n" => undef],
);

sub ask {
    my ($path, $trailers, $more) = @_;
    my $response = raw($flexilib, "PUT $path?x HTTP/1.1\r\nHost: a\r\nConnection: x-hop\r\n$more"
            . "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n$trailers\r\n");
    return $response->{response};
}

for my $row (@requests) {
    my ($path, $name, $trailers, $expected) = @$row;
    my $target = $path =~ m{^/(?:same|changed)$} ? "$path/x" : $path;
    my $body   = $path eq '/changed' ? 'BODY' : 'body';
    my $seen   = lc ask($target, $trailers, '')->body;
    my $framed = defined $expected ? "transfer-encoding: chunked\n\n$body\n$expected" : "content-length: 4\n\n$body\nno chunks";
    is($seen, lc $framed, "trailers of requests: $name");
    # byte by byte, so that it comes in pieces
    my $connection = connect_to($flexilib);
    $connection->send("PUT $target HTTP/1.1\r\nHost: a\r\nConnection: x-hop\r\nTransfer-Encoding: chunked\r\n\r\n");
    $connection->send($_) for split //, "4\r\nbody\r\n0\r\n$trailers\r\n";
    my $body_seen = lc $connection->read_response->body;
    # where there are none, chunks are not needed, but may have begun
    $body_seen =~ s/no chunks\z/\n/;
    is($body_seen =~ s/^.*?\n\n//sr, lc("$body\n" . ($expected // "\n")), "$name, in pieces");
}
is(lc ask('/', "X-A: b\r\n", "Trailer: X-A, Content-Length,, ,b c\r\nTrailer: x-b\r\n")->body,
    "trailer: x-a, x-b\ntransfer-encoding: chunked\n\nbody\nx-a: b\n\n", 'what is announced');
unlike(ask('/', '', "Trailer: X-A\r\n")->body, qr/trailer/i, 'is not where it does not come');

# Within limits, and well-formed.
sub refused {
    my ($trailers) = @_;
    return raw($flexilib, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n$trailers\r\n");
}
is(refused("X-A: b\r\n" x 20)->{status}, 200, 'as many trailers as header fields');
for my $row (['one more', 431, "X-A: b\r\n" x 21], ['too long ones', 431, 'X-A: ' . 'b' x 2048 . "\r\n"],
    ['one that is none', 400, "X-A b\r\n"], ['a folded one', 400, "X-A: b\r\n c\r\n"], ['a blank before the colon', 400, "X-A : b\r\n"],
    ['no name', 400, ": b\r\n"], ['a bare line feed', 400, "X-A: b\nX-B: c\r\n"], ['a control character', 400, "X-A: \x01\r\n"])
{
    my ($name, $status, $trailers) = @$row;
    my $outcome = refused($trailers);
    is($outcome->{status} . ($outcome->{is_closed} ? ' closed' : ''), "$status closed", $name);
}

# Responses: to whoever says that trailers are of use.
sub answer {
    my ($path, $fields, %option) = @_;
    my $version = $option{version} // '1.1';
    my $method = $option{method} // 'GET';
    return raw($flexilib, "$method $path HTTP/$version\r\nHost: a\r\n$fields\r\n", method => $method)->{response};
}
my $takes = "Connection: TE\r\nTE: gzip;q=0.5, Trailers\r\n";
my $response = answer('/sum', $takes);
is($response->{trailer}, "X-Sum: 1 2\r\nx-b: \r\n\r\n", 'trailers of a response, without what must not stand there');
is($response->header('trailer'), 'X-Sum', 'are announced as they were');
is($response->header('set-cookie') // 'none', 'none', 'and are no header fields');
is($response->body, 'body', 'nor a part of the body');
for my $row (['who does not ask' => ''], ['a TE that Connection does not name' => "TE: trailers\r\n"],
    ['who asks for something else' => "Connection: TE\r\nTE: gzip\r\n"], ['who has them at no price' => "Connection: TE\r\nTE: trailers;q=0\r\n"])
{
    $response = answer('/sum', $row->[1]);
    is($response->{trailer} . ($response->header('trailer') // ''), "\r\n", "none for $row->[0]");
}
$response = answer('/sum', $takes, version => '1.0');
is($response->framing . $response->body, 'closebody', 'nor for HTTP/1.0');
is(answer('/none', $takes)->{trailer}, "\r\n", 'none where there are none');
is(answer('/only', $takes)->{trailer}, "X-Sum: 1\r\n\r\n", 'behind a body of no bytes');
is(answer('/named', $takes)->{trailer}, "X-B: 2\r\n\r\n", 'what the service names in Connection stays behind');
is(answer('/same', $takes)->{trailer}, "X-Sum: 1\r\n\r\n", 'past a filter that reads the body');
$response = answer('/changed', $takes);
is($response->body . $response->{trailer}, "BODY\r\n", 'not past one that makes another');
$response = answer('/small', "${takes}Accept-Encoding: gzip\r\n");
is(($response->header('content-encoding') // 'none') . " $response->{trailer}", "gzip X-Sum: 1\r\nETag: W/\"a\"\r\n\r\n",
    'a compressed body has the trailers that are still true');
$response = answer('/exact', "${takes}Accept-Encoding: gzip\r\n");
is($response->body . $response->{trailer}, "bodyContent-Digest: x\r\n\r\n", 'one whose digest was announced is left as it is');
for my $path ('/many', '/large', '/bad') {
    $response = answer($path, $takes);
    ok($response->status == 502 || !$response->is_complete, "$path: a response with such trailers is no good");
}
like(answer('/', $takes)->body, qr/^Connection: TE\nTE: trailers\n/m, 'the service is told who takes them');
unlike(answer('/', '')->body, qr/^(?:Connection|TE):/m, 'and who does not');
like(answer('/', "Connection: TE, upgrade\r\nUpgrade: websocket\r\nTE: trailers\r\n")->body,
    qr/^Connection: upgrade, TE\nTE: trailers\nUpgrade: websocket\n/m, 'together with an upgrade');

# HTTP/2: a HEADERS frame behind the body.
my $http2 = FlexiLib::Test::Http2->open($flexilib);
my $id    = 1;

sub upload {
    my ($fields, $trailers, @data) = @_;
    my $stream = $id;
    $id += 2;
    $http2->request($stream, PUT => '/', [@$fields], end => 0);
    $http2->data($stream, $_) for @data;
    $http2->headers($stream, $trailers, end => 1);
    my $outcome = $http2->wait_stream($stream);
    return $outcome->{status} && $outcome->{status} == 200 ? lc $outcome->{body} : $outcome->{status} // "reset $outcome->{reset}";
}
my $seen = "transfer-encoding: chunked\n\nbody\nx-a: b\n\n";
is(upload([], ['x-a' => 'b'], 'body'), $seen, 'trailers of HTTP/2');
is(upload([trailer => 'x-a, content-length', 'content-length' => 4], ['x-a' => 'b'], 'body'), "trailer: x-a\n$seen",
    'announced, behind a body of known length');
like(upload([trailer => 'x-a', 'content-length' => 4], ['content-type' => 'b'], 'bo', 'dy'),
    qr/\n\nbody\n(?:\n|no chunks)\z/, 'announced, but of no good');
is(upload([], ['x-a' => 'b']), "transfer-encoding: chunked\n\n\nx-a: b\n\n", 'behind a body of no bytes');
is(upload([trailer => 'x-a', 'content-length' => 0], ['x-a' => 'b']), "trailer: x-a\ntransfer-encoding: chunked\n\n\nx-a: b\n\n",
    'that was announced');
is(upload([], ['x-a' => 'b', 'set-cookie' => 'a=b', 'x-forwarded-for' => 'x', host => 'b'], 'body'), $seen, 'only what may stand there');
is(upload([], [map { ('x-a' => 'b') } 1 .. 21], 'body'), 431, 'too many');
is(upload([], ['x-a' => 'b' x 2048], 'body'), 431, 'too long ones');
is(upload([], ['x-a' => "b\x01"], 'body'), 'reset 1', 'a malformed one');
is(upload([], ['X-A' => 'b'], 'body'), 'reset 1', 'one in upper case');
is(upload([], [':path' => '/'], 'body'), 'reset 1', 'a pseudo-field');
like(upload([te => 'trailers'], ['x-a' => 'b'], 'body'), qr/^transfer-encoding: chunked\nconnection: te\nte: trailers\n/, 'the service is told');

done_testing;
