# What a server behind FlexiLib sees of a request's head, and what the client sees of the response's.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(
                200,
                [
                    'Server' => 'scripted', 'Set-Cookie' => 'a=1', 'set-cookie' => 'b=2', 'Via' => '1.0 inner',
                    'Connection' => 'X-Private', 'X-Private' => 'secret', 'Keep-Alive' => 'timeout=5',
                    'Proxy-Connection' => 'keep-alive, X-Hidden', 'X-Hidden' => 'secret', 'Trailer' => 'X-T', 'Upgrade' => 'h2c',
                ],
                $request->head
            );
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /server, proxy: { to: "@{[$backend->url]}", host: server } }
  - { match: /, proxy: "@{[$backend->url]}" }
END

my $forwarding = "X-Forwarded-Proto: http\r\nX-Forwarded-Host: shop.example\r\nVia: 1.1 flexilib\r\n\r\n";

sub seen {
    my ($method, $path, @more) = @_;
    my $response = request($flexilib, $method, $path, host => 'shop.example', @more);
    is($response->status, 200, "$method $path is answered");
    return $response->body;
}

is(seen(GET => '/x?a=1&b=%20'),
    "GET /x?a=1&b=%20 HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 127.0.0.1\r\n$forwarding",
    'a plain request');

is(seen(GET => '/server'),
    "GET /server HTTP/1.1\r\nHost: @{[$backend->address]}\r\nX-Forwarded-For: 127.0.0.1\r\n$forwarding",
    'the server\'s own Host, where the route says so');

my @claims = (
    'X-Forwarded-For' => '192.0.2.1', 'x-forwarded-for' => '192.0.2.2', 'X-Forwarded-Proto' => 'https',
    'X-Forwarded-Host' => 'evil.example', 'X-Forwarded-Port' => '443', 'X-Forwarded-Prefix' => '/evil',
    'X-Forwarded-Server' => 'evil', 'X-Forwarded-Ssl' => 'on', 'Forwarded' => 'for=192.0.2.1;proto=https',
    'X-Real-IP' => '192.0.2.1', 'X_Forwarded_For' => '192.0.2.1', 'X_Real-IP' => '192.0.2.1', 'True-Client-IP' => '192.0.2.1',
);
is(seen(GET => '/', headers => \@claims),
    "GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 127.0.0.1\r\n$forwarding",
    'what anybody says of itself is not believed, nor passed on');

like(seen(GET => '/', headers => ['Via' => '1.1 outer']), qr/\r\nVia: 1\.1 outer, 1\.1 flexilib\r\n/, 'Via is continued');

my $hop = seen(
    GET     => '/',
    headers => [
        'Connection' => 'close, X-Mine, TE', 'X-Mine' => 'own', 'Keep-Alive' => '5', 'TE' => 'gzip',
        'Proxy-Connection' => 'close, X-Yours', 'X-Yours' => 'own', 'Upgrade' => 'foo', 'Accept' => 'kept',
    ]
);
is($hop, "GET / HTTP/1.1\r\nHost: shop.example\r\nAccept: kept\r\nX-Forwarded-For: 127.0.0.1\r\n$forwarding",
    'nothing that belongs to the connection goes on');

like(seen(POST => '/', body => 'hello'), qr/\r\nContent-Length: 5\r\n/, 'a body is announced by its length');
like(seen(POST => '/'), qr/\r\nContent-Length: 0\r\n/, 'and so is none, for POST');
my $chunked = seen(POST => '/', chunks => ['hel', 'lo']);
like($chunked, qr/\r\nContent-Length: 5\r\n/, 'a chunked body is collected');
unlike($chunked, qr/Transfer-Encoding/i, 'and no longer chunked');
my $expecting = seen(POST => '/', body => 'hello', headers => [Expect => '100-continue']);
unlike($expecting, qr/Expect/i, 'Expect has been met by then');

my $response = request($flexilib, GET => '/');
is($response->header('server'), 'scripted', 'the response has its end-to-end fields');
is_deeply([$response->headers('set-cookie')], ['a=1', 'b=2'], 'all of them');
is($response->header('via'), '1.0 inner, 1.1 flexilib', 'Via tells the way back too');
for my $name ('X-Private', 'X-Hidden', 'Keep-Alive', 'Proxy-Connection', 'Trailer', 'Upgrade') {
    is($response->header($name), undef, "$name was the connection's");
}

is($backend->connections, 1, 'one connection has carried all of it');

done_testing;
