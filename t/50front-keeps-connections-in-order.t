# Many requests on one connection get their answers in order; the connection ends when both sides know it.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my $target = $request->target;
            if ($target eq '/unknown-length') {
                $connection->send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
                last;
            } elsif ($target eq '/chunked') {
                $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
            } elsif ($target eq '/204') {
                $connection->send("HTTP/1.1 204 No Content\r\n\r\n");
            } elsif ($target eq '/304') {
                $connection->send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
            } elsif ($request->method eq 'HEAD') {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
            } else {
                $connection->respond(200, [Server => 'scripted'], "this is $target\n");
            }
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /hello, handler: hello }
  - { match: /, proxy: "@{[$backend->url]}" }
END

sub get {
    my ($target, $more, $version) = @_;
    return "GET $target HTTP/" . ($version // '1.1') . "\r\nHost: a\r\n" . ($more // '') . "\r\n";
}

# pipelining, answered by a handler and by the service behind in turn
my $connection = connect_to($flexilib);
$connection->send(join '', map { get($_ % 2 ? '/hello' : "/$_") } 1 .. 100);
my @wrong = grep { my $body = $connection->read_response->body; $body !~ ($_ % 2 ? qr/^Hello/ : qr{^this is /$_\n}) } 1 .. 100;
is("@wrong", '', '100 pipelined requests get their answers in order');
$connection->send(get('/once-more'));
is($connection->read_response->body, "this is /once-more\n", 'and the connection goes on');
$connection->send("\r\n" . get('/behind-an-empty-line'));
is($connection->read_response->body, "this is /behind-an-empty-line\n", 'also behind an empty line');
$connection->close;

# more requests than fit into what is read ahead, while the first answer is still to come
my $held = start_backend(
    sub {
        my ($backend_connection) = @_;
        while (my $request = $backend_connection->read_request) {
            $backend_connection->tell('asked');
            $backend_connection->wait_go if $request->target eq '/held';
            $backend_connection->respond(200, [], $request->target);
        }
    }
);
my $second = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, proxy: "@{[$held->url]}" }
END
$connection = connect_to($second);
$connection->send(get('/held'));
$held->wait_told(qr/asked/);
my $many = 600;
$connection->send(join '', map { get("/$_", 'X-Padding: ' . 'x' x 100 . "\r\n") } 1 .. $many);
$held->go;
is($connection->read_response->body, '/held', 'an answer that takes its time');
@wrong = grep { $connection->read_response->body ne "/$_" } 1 .. $many;
is("@wrong", '', 'is followed by those that were asked for meanwhile');
$connection->close;

# who ends it
my $result = raw($flexilib, get('/a', "Connection: close\r\n") . get('/b'), responses => 2);
is($result->{response}->header('connection'), 'close', 'a client that wants to close is told so');
is(scalar @{ $result->{responses} }, 1, 'and what it sends behind that is not looked at');
ok($result->{is_closed} && !$result->{is_reset}, 'the connection ends in good order');

# HTTP/1.0
$result = raw($flexilib, get('/a', '', '1.0'));
is($result->{response}->header('connection'), 'close', 'HTTP/1.0 closes');
$result = raw($flexilib, get('/a', "Connection: keep-alive\r\n", '1.0') . get('/b', "Connection: keep-alive\r\n", '1.0'),
    responses => 2);
is($result->{response}->header('connection'), 'keep-alive', 'unless the client would like to go on');
is($result->{responses}[1] && $result->{responses}[1]->body, "this is /b\n", 'and then it can');
for my $target ('/unknown-length', '/chunked') {
    $result = raw($flexilib, get($target, "Connection: keep-alive\r\n", '1.0'));
    is($result->{response}->framing, 'close', "an unknown length ($target) to HTTP/1.0 ends with the connection");
    is($result->{response}->body,    'hello', 'as it should be');
    is($result->{response}->header('connection'), 'close', 'and says so');
    is($result->{response}->header('transfer-encoding'), undef, 'without chunks, which it does not know');
}
$result = raw($flexilib, get('/unknown-length') . get('/b'), responses => 2);
is($result->{response}->framing, 'chunked', 'an unknown length goes out in chunks otherwise');
is($result->{response}->body, 'hello', 'whole');
is($result->{responses}[1]->body, "this is /b\n", 'and the connection goes on');

# answers without a body
$connection = connect_to($flexilib);
for my $target ('/a', '/hello') {
    $connection->send("HEAD $target HTTP/1.1\r\nHost: a\r\n\r\n" . get('/next'));
    my $response = $connection->read_response('HEAD');
    ok($response->header('content-length') > 0, "HEAD $target tells a length");
    is($connection->read_response->body, "this is /next\n", 'and has no body');
}
for my $status (204, 304) {
    $connection->send(get("/$status") . get('/next'));
    my $response = $connection->read_response;
    is($response->status, $status, "a $status comes through");
    is($response->header('content-length'), $status == 304 ? 7 : undef, 'has the length that it may have');
    is($response->header('transfer-encoding'), undef, 'no chunks');
    is($connection->read_response->body, "this is /next\n", 'and no body');
}
$connection->close;

# fields of our own
my $response = request($flexilib, GET => '/a');
like($response->header('date'), qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'a Date is added');
is($response->header('server'), 'scripted', 'the service names itself');
is(request($flexilib, GET => '/hello')->header('server'), undef, 'FlexiLib does not');

done_testing;
