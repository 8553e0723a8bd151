# A response's body arrives as it was sent, however it is framed; and the connection to the server is used again where
# the framing allows it.

use lib 't/lib';
use FlexiLib::Test;

my $large = join '', map { chr(97 + $_ % 26) x 1000 } 1 .. 10_000;
my $chunks = sub {
    my ($text, $size) = @_;
    return join('', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack "(a$size)*", $text) . "0\r\n\r\n";
};
my %answers = (
    '/length'        => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    '/empty'         => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    '/chunked'       => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nT: x\r\n\r\n",
    '/no-chunks'     => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    '/close'         => "HTTP/1.1 200 OK\r\n\r\nhello",
    '/old'           => "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    '/204'           => "HTTP/1.1 204 No Content\r\n\r\n",
    '/304'           => "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n",
    '/head'          => "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
    '/no-reason'     => "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    '/interim'       => "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    '/large-length'  => "HTTP/1.1 200 OK\r\nContent-Length: @{[length $large]}\r\n\r\n$large",
    '/large-chunked' => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" . $chunks->($large, 7777),
    '/large-close'   => "HTTP/1.1 200 OK\r\n\r\n$large",
);
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->send($answers{ $request->target });
            return if $request->target =~ /close/;
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END

# path, method, status, body, framing in front, whether the server's connection lives on
my @cases = (
    ['/length',        GET  => 200, 'hello', 'length',  1],
    ['/empty',         GET  => 200, '',      'length',  1],
    ['/chunked',       GET  => 200, 'hello', 'chunked', 1],
    ['/no-chunks',     GET  => 200, '',      'chunked', 1],
    ['/close',         GET  => 200, 'hello', 'chunked', 0],
    ['/old',           GET  => 200, 'hello', 'length',  0],
    ['/204',           GET  => 204, '',      'none',    1],
    ['/304',           GET  => 304, '',      'none',    1],
    ['/head',          HEAD => 200, '',      'none',    1],
    ['/no-reason',     GET  => 200, 'hello', 'length',  1],
    ['/interim',       GET  => 200, 'hello', 'length',  1],
    ['/large-length',  GET  => 200, $large,  'length',  1],
    ['/large-chunked', GET  => 200, $large,  'chunked', 1],
    ['/large-close',   GET  => 200, $large,  'chunked', 0],
);
my $client = connect_to($flexilib);
for my $case (@cases) {
    my ($path, $method, $status, $body, $framing, $is_kept) = @$case;
    $client->send_request($method, $path);
    my $response = $client->read_response($method);
    is($response->status, $status, "$method $path: the status");
    ok($response->body eq $body, 'the body') or diag(length($response->body) . ' bytes instead of ' . length $body);
    ok($response->is_complete && $response->keeps_connection, 'whole, and the client can go on');
    is($response->framing, $framing, 'framed as it should be');
    my $before = $backend->connections;
    request($flexilib, GET => '/length');
    is($backend->connections - $before, $is_kept ? 0 : 1, 'the connection behind is ' . ($is_kept ? 'kept' : 'not kept'));
}

is(request($flexilib, HEAD => '/head')->header('content-length'), 77, 'HEAD tells the length that GET would have');
is(request($flexilib, GET => '/304')->header('content-length'), 77, 'and so does 304');

my $old = connect_to($flexilib);
$old->send("GET /large-chunked HTTP/1.0\r\nHost: x\r\n\r\n");
my $response = $old->read_response;
ok($response->framing eq 'close' && $response->body eq $large, 'a client of HTTP/1.0 gets the bytes up to the end');
$client->close;

done_testing;
