# What filters do with bodies decides what is known of their length beforehand: it is exact where they collect, skip or
# only observe them, left out where they may still change, and never said of a body that is not there.

use lib 't/lib';
use FlexiLib::Test;

my $bodies  = build_folder() . '/t/lib/bodies.so';
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my $path = $request->target;
            my $seen = join ' ', $request->framing, length($request->body), $request->header('x-length') // '-';
            if ($path =~ /head/) {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nX-Seen: $seen\r\n\r\n");
            } elsif ($path =~ /(204|304)/) {
                my $length = $1 == 304 ? "Content-Length: 1234\r\n" : '';
                $connection->send("HTTP/1.1 $1 So\r\n${length}X-Seen: $seen\r\n\r\n");
            } elsif ($path =~ /slow/) {
                $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
                $connection->wait_go;
                $connection->send("6\r\n world\r\n0\r\n\r\n");
            } elsif ($path =~ /chunked/) {
                $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Seen: $seen\r\n\r\n"
                        . "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
            } else {
                $connection->respond(200, ['X-Seen' => $seen], 'hello world');
            }
        }
    }
);
my @modes    = qw(pass collect hold skip);
my $routes   = join '', map { "  - { match: /$_, filters: [{ bodies.bodies: { request: $_, response: $_, append: '!' } }], proxy: *to }\n" } @modes;
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { bodies: { path: "$bodies" } }
routes:
  - { match: /observe, filters: [bodies.observe], proxy: &to "@{[$backend->url]}" }
  - { match: /small, filters: [{ bodies.bodies: { request: collect, response: collect, limit: 10 } }], proxy: *to }
  - { match: /open, filters: [{ use: bodies.bodies, on_error: open, options: { request: collect, response: collect, limit: 10 } }], proxy: *to }
$routes
END

# bodies of requests that come with their head, and behind it; what the server sees of each
my $large = 'x' x 200_000;
my @requests = (
    # mode     comes with the head        in pieces, length known     in pieces, length unknown
    [pass    => 'length 6 -',              'chunked 200001 -',         'chunked 200001 -'],
    [collect => 'length 6 5',              'length 200001 200000',     'length 200001 200000'],
    [skip    => 'length 5 -',              'length 200000 -',          'chunked 200000 -'],
    [observe => 'length 5 -',              'length 200000 -',          'chunked 200000 -'],
    [open    => 'length 5 5',              'length 200000 -',          'chunked 200000 -'],
);
for my $row (@requests) {
    my ($mode, @seen) = @$row;
    my @bodies = ([body => 'abcde'], [body => $large], [chunks => [unpack '(a50000)*', $large]]);
    for my $i (0 .. 2) {
        my $connection = connect_to($flexilib);
        if ($i == 0) {
            $connection->send_request(POST => "/$mode", body => 'abcde');
        } else {
            # the head first, so that the body is not there with it
            my @fields = $i == 1 ? ('Content-Length' => length $large) : ('Transfer-Encoding' => 'chunked');
            $connection->send_request(POST => "/$mode", headers => [@fields, Expect => '100-continue']);
            $connection->read_until(qr/100 Continue\r\n\r\n/);
            $connection->send($i == 1 ? $large : sprintf("%x\r\n%s\r\n0\r\n\r\n", length $large, $large));
        }
        my $response = $connection->read_response;
        is($response->header('x-seen'), $seen[$i], "$mode: " . ('at hand', 'of known length', 'chunked')[$i]);
    }
}
ok($flexilib->wait_log(qr/observed 200000 and 11 bytes/), 'who observes has seen it all');
like(request($flexilib, POST => '/hold', body => $large)->header('x-seen'), qr/^chunked 200001 \d+$/, 'hold: the head waits for a first piece');
is(request($flexilib, GET => "/$_")->header('x-seen'), 'none 0 -', "$_: no body, no framing") for qw(skip observe);
is(request($flexilib, GET => "/pass")->header('x-seen'), 'length 1 -', 'unless a filter makes one');

# responses
my @responses = (
    # mode     length    chunked   head      204       304
    [pass    => '- 12',  '- 12',   '- 0',    '- 0',    '- 0'],
    [collect => '12 12', '12 12',  '- 0',    '- 0',    '- 0'],
    # all of these came with their heads
    [hold    => '12 12', '12 12',  '- 0',    '- 0',    '- 0'],
    [skip    => '11 11', '- 11',   '1234 0', '- 0',    '1234 0'],
    [observe => '11 11', '- 11',   '1234 0', '- 0',    '1234 0'],
    [open    => '11 11', '- 11',   '- 0',    '- 0',    '- 0'],
);
for my $row (@responses) {
    my ($mode, @seen) = @$row;
    for my $kind (qw(length chunked head 204 304)) {
        my $method   = $kind eq 'head' ? 'HEAD' : 'GET';
        my $response = request($flexilib, $method => "/$mode/$kind");
        my $seen     = ($response->header('content-length') // '-') . ' ' . length $response->body;
        is($seen, shift @seen, "$mode: $kind");
        ok($response->is_complete, 'and it is complete');
    }
}
is(request($flexilib, GET => '/collect/chunked')->header('x-length'), 11, 'a collected body comes in one call');

my $connection = connect_to($flexilib);
$connection->send_request(GET => '/hold/slow');
my ($head) = $connection->read_until(qr/\r\n\r\n/) =~ /(.*)/s;
like($head, qr/^x-length: 5\r$/m, 'a held head waits for a piece, and no longer');
unlike($head, qr/^content-length/mi, 'the length is not known then');
$backend->go;
like($connection->read_until(qr/\r\n0\r\n\r\n/), qr/ world/, 'and all of it follows');

# too large for those who collect
is(request($flexilib, POST => '/small', body => 'x' x 11)->status, 413, 'a request too large to be collected: 413');
is(request($flexilib, POST => '/small', chunks => ['x' x 6, 'x' x 6])->status, 413, 'in chunks too');
is(request($flexilib, GET => '/small')->status, 502, 'a response too large: 502');
is(request($flexilib, GET => '/small/chunked')->status, 502, 'in chunks too');
ok($flexilib->wait_log(qr/filter 'bodies\.bodies': the response's body has more than the 10 bytes that it takes/), 'the log says why');
is(request($flexilib, GET => '/open/chunked')->body, 'hello world', 'with on_error: open it goes by, and nothing is lost');

done_testing;
