# What RFC 9112 asks a server to take is taken, and reaches the service behind in one plain form.

use lib 't/lib';
use FlexiLib::Test;

# Answers with the request as it came.
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(200, [], $request->head . $request->body);
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 8MB
routes:
  - { match: { host: other, path: / }, proxy: "@{[$backend->url]}" }
  - { match: { host: a, path: / }, proxy: "@{[$backend->url]}" }
END

sub seen {
    my ($bytes, %option) = @_;
    my $result = raw($flexilib, $bytes, %option);
    return $result->{response} ? $result->{response}->body : 'nothing';
}

my $get = "GET / HTTP/1.1\r\nHost: a\r\n";

# the request line
my @lines = (
    ['GET / HTTP/1.1'              => 'GET / HTTP/1.1'],
    ['GET / HTTP/1.9'              => 'GET / HTTP/1.1'],
    ['FOO /a HTTP/1.1'             => 'FOO /a HTTP/1.1'],
    ['get /a HTTP/1.1'             => 'get /a HTTP/1.1'],
    ['GET /a?b=c HTTP/1.1'         => 'GET /a?b=c HTTP/1.1'],
    ['GET /a? HTTP/1.1'            => 'GET /a? HTTP/1.1'],
    ['GET /?/../?%zz HTTP/1.1'     => 'GET /?/../?%zz HTTP/1.1'],
    ['GET /a/%2e%2E/b HTTP/1.1'    => 'GET /b HTTP/1.1'],
    ['GET /a/../../b HTTP/1.1'     => 'GET /b HTTP/1.1'],
    ['GET //x///y HTTP/1.1'        => 'GET /x/y HTTP/1.1'],
    ['GET /%2fadmin%5c HTTP/1.1'   => 'GET /%2Fadmin%5C HTTP/1.1'],
    ['GET /%61%7e HTTP/1.1'        => 'GET /a~ HTTP/1.1'],
    ['OPTIONS /a HTTP/1.1'         => 'OPTIONS /a HTTP/1.1'],
);
for my $line (@lines) {
    my ($sent, $wanted) = @$line;
    like(seen("$sent\r\nHost: a\r\n\r\n"), qr{^\Q$wanted\E\r\n}, "'$sent' is understood");
}

# an absolute target decides about the host
for my $target ('http://other/p', 'HTTP://other/p', 'http://other/a/../p') {
    my $seen = seen("GET $target HTTP/1.1\r\nHost: nobody\r\n\r\n");
    like($seen, qr{^GET /p HTTP/1.1\r\n}, "'$target' becomes a path");
    like($seen, qr{^host: other\r$}mi, 'its host replaces the Host');
}
like(seen("GET http://other?q HTTP/1.1\r\nHost: a\r\n\r\n"), qr{^GET /\?q HTTP}, 'an absolute target may have no path');
like(seen("GET / HTTP/1.1\r\nHost: A:8080\r\n\r\n"), qr{^host: A:8080\r$}mi, 'a Host stays as it was sent');
is(raw($flexilib, "GET / HTTP/1.0\r\n\r\n")->{status}, 404, 'HTTP/1.0 needs no Host, and then matches no host');

# OPTIONS * is about FlexiLib itself
my $options = raw($flexilib, "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n${get}\r\n", responses => 2);
is($options->{status}, 200, 'OPTIONS * is answered');
like($options->{response}->header('allow'), qr/\bGET\b/, 'with what is allowed');
is($options->{responses}[1] && $options->{responses}[1]->status, 200, 'and the connection goes on');

# fields
is(seen("\r\n\r\n$get\r\n") =~ /^GET/ ? 1 : 0, 1, 'empty lines before a request are passed over');
like(seen("${get}X:\t a b \t\r\n\r\n"), qr{^X: a b\r$}m, 'blanks around a value are taken off');
like(seen("${get}X: \xc3\xa9\r\n\r\n"), qr{^X: \xc3\xa9\r$}m, 'eight-bit values pass');
my $connection_fields = seen("${get}Connection: x-a, keep-alive\r\nX-A: 1\r\nx-a: 2\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n"
        . "TE: gzip\r\nUpgrade: foo\r\nHTTP2-Settings: x\r\nX-B: kept\r\n\r\n");
unlike($connection_fields, qr{^(?:connection|x-a|keep-alive|proxy-connection|te|upgrade|http2-settings):}mi,
    'what belongs to the connection stays here');
like($connection_fields, qr{^X-B: kept\r$}m, 'what does not goes on');
my $essential = seen("${get}Connection: host, authorization, cookie\r\nAuthorization: x\r\nCookie: y\r\n\r\n");
like($essential, qr{^host: a\r$}mi,        'Connection cannot take Host away');
like($essential, qr{^Authorization: x\r$}m, 'nor Authorization');
like($essential, qr{^Cookie: y\r$}m,        'nor Cookie');
unlike(seen("${get}X_Forwarded_For: x\r\nContent_Length: 9\r\nX-Real_IP: x\r\n\r\n"),
    qr{^(?:x_forwarded_for|content_length|x-real_ip):}mi, 'what looks like ours behind a CGI is dropped');

# bodies
my $post = "POST / HTTP/1.1\r\nHost: a\r\n";
like(seen("${post}Content-Length: 5 \r\n\r\nhello"), qr{\r\n\r\nhello\z}, 'a length may have blanks behind it');
my $chunked = seen("${post}Transfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nhel\r\n02\r\nlo\r\n0\r\nHost: b\r\nX-Forwarded-For: x\r\n\r\n");
like($chunked, qr{\r\n\r\nhello\z},                  'chunks are put together');
like($chunked, qr{^content-length: 5\r$}mi,          'and their length is told');
unlike($chunked, qr{^host: b|^x-forwarded-for: x\r}mi, 'trailers are not merged');
my $large = join '', map { chr(33 + $_ % 90) } 1 .. 3_000_000;
my $response = request($flexilib, POST => '/', host => 'a', body => $large);
ok($response->body =~ /\r\n\r\n\Q$large\E\z/, 'a large body arrives whole');
$response = request($flexilib, POST => '/', host => 'a', chunks => [unpack '(a70000)*', $large]);
ok($response->body =~ /\r\n\r\n\Q$large\E\z/, 'in chunks too');

# Expect
my $connection = connect_to($flexilib);
$connection->send("${post}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
is($connection->read_until(qr/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n", 'a client that asks first is told to go on');
$connection->send('hello');
$response = $connection->read_response;
like($response->body, qr{\r\n\r\nhello\z}, 'then its body is taken');
unlike($response->body, qr{^expect:}mi, 'and the expectation is met, not passed on');
$connection->send("${post}Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
is(scalar @{ $connection->read_response->{interim} }, 0, 'a client that does not wait needs no telling');
my $refused = raw($flexilib, "${post}Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
is($refused->{status}, 413, 'a body beyond the limit is refused before it is sent');
is(scalar @{ $refused->{response}{interim} }, 0, 'without telling the client to go on');
my $old = raw($flexilib, "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
is($old->{status}, 200, 'HTTP/1.0 knows no expectations');
is(scalar @{ $old->{response}{interim} }, 0, 'and no 100');

done_testing;
