# Body hooks change bodies of every framing, in both halves, and the framing follows.

use lib 't/lib';
use FlexiLib::Test;

my $rewrite = test_library('rewrite');
my $large   = join '', map { "line $_\n" } 1 .. 50_000;
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my ($kind) = $request->target =~ m{^/(\w*)};
            if ($kind eq 'chunked') {
                $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
            } elsif ($kind eq 'close') {
                $connection->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end");
                return;
            } elsif ($kind eq 'none') {
                $connection->send("HTTP/1.1 204 No Content\r\n\r\n");
            } elsif ($kind eq 'empty') {
                $connection->respond(200, [], '');
            } elsif ($kind eq 'large') {
                $connection->respond(200, [], $large);
            } elsif ($request->method eq 'HEAD') {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
            } else {
                $connection->respond(200, [], 'got ' . $request->body . ' of ' . $request->header('content-length'));
            }
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { rewrite: $rewrite }
routes:
  - match: /whole
    filters: [{ rewrite: { append: "!?" } }]
    handler: { use: hello, options: { greeting: good morning } }
  - match: /twice
    filters: [{ rewrite: { append: b } }, { rewrite: { append: a } }]
    handler: { use: hello, options: { greeting: x } }
  - match: /
    filters: [{ rewrite: { append: "!?", request: yes } }]
    proxy: "@{[$backend->url]}"
END

my $connection = $flexilib->connect;
my $whole = ask(GET => '/whole');
is($whole->body, "GOOD MORNING\n!?", 'a whole body is rewritten');
is($whole->header('content-length'), 15, 'its length is exact');
is(ask(GET => '/twice')->body, "X\nAb", 'two filters, one after the other');
my $empty_head = ask(HEAD => '/whole');
is($empty_head->header('content-length'), undef, 'HEAD promises no length that nobody knows');

my $posted = ask(POST => '/', body => 'question');
is($posted->body, 'GOT QUESTION!? OF 10!?', 'request and response are rewritten, the length of the request too');
is($posted->framing, 'chunked', 'a streamed response of unknown length is chunked');
is(ask(GET => '/chunked')->body, 'ABCD!?', 'a chunked response');
is(ask(GET => '/close')->body, 'UNTIL THE END!?', 'one that ends with the connection');
is(ask(GET => '/empty')->body, '!?', 'an empty one');
my $large_response = ask(GET => '/large');
ok($large_response->is_complete && $large_response->body eq uc($large) . '!?', 'one of many pieces');
my $none = ask(GET => '/none');
is($none->status, 204, 'a response without a body');
is($none->body, '', 'stays without one');
is(ask(HEAD => '/')->header('content-length'), undef, 'HEAD is forwarded without the old length');
is(ask(GET => '/whole')->status, 200, 'all that on one connection');

$connection = $flexilib->connect;
$connection->send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
my $old = $connection->read_response;
is($old->framing, 'close', 'for HTTP/1.0 the end of the connection is the end of the body');
is($old->body, 'GOT !? OF 2!?', 'which is whole');

done_testing;

sub ask {
    my ($method, $path, %option) = @_;
    $connection->send_request($method, $path, %option);
    return $connection->read_response($method);
}
