# A response may be there before the request's body is: the client gets it at once, and no byte of a body that nobody
# has read is ever taken for a request. Where little of the body is left, the connection goes on.

use lib 't/lib';
use FlexiLib::Test;

need('curl', 'node');

# Answers a chunked request with its own chunks, each as soon as it has come.
sub pass_back {
    my ($connection) = @_;
    $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (my $line = $connection->read_until(qr/\r\n/)) {
        my ($size) = map { hex } $line =~ /^(\w+)/;
        $connection->send($line . $connection->read_bytes($size + 2));
        last if $size == 0;
    }
    return;
}

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $head = $connection->read_head) {
            my ($path) = $head->{first} =~ / (\S+) /;
            if ($path =~ m{^/refuse}) {
                $connection->send(response_bytes(401, [], 'who are you?'));
                $connection->tell('left') if $path eq '/refuse-and-wait' && defined $connection->read_all;
                return;
            }
            if ($path eq '/both-ways') {
                pass_back($connection);
            } else {
                $connection->read_body($head, 1, 0);
                $connection->respond(200, [], 'got ' . length $head->body);
            }
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 1GB
body_timeout: 60s
routes:
  - { match: /fixed, respond: { status: 403, body: "no\\n" } }
  - { match: /proxied, proxy: { to: "@{[$backend->url]}", strip: /proxied } }
  - { match: /, handler: hello }
END

my $folder = make_folder();
open my $sparse, ">", "$folder/upload" or die;
truncate $sparse, 200 << 20 or die;

# curl: a large file, sent without asking first
for my $path ('/proxied/refuse', '/fixed') {
    my $wanted = $path eq '/fixed' ? 403 : 401;
    for my $framing ([], ['--header', 'Transfer-Encoding: chunked']) {
        my $curl = curl('--upload-file', "$folder/upload", '--header', 'Expect:', @$framing, '--write-out', '%{http_code}',
            '--output', '/dev/null', $flexilib->url($path));
        is($curl->{out}, $wanted, "$path: curl sees the answer in mid-upload" . (@$framing ? ', in chunks too' : ''));
    }
}

# curl asks first, and is told before it has sent anything; or it is told to go on
my $curl = curl('--upload-file', "$folder/upload", '--write-out', '%{http_code} %{size_upload}', '--output', '/dev/null',
    $flexilib->url('/fixed'));
is($curl->{out}, '403 0', 'nothing is uploaded that nobody wants');
write_file("$folder/small", 'x' x 5_000_000);
$curl = curl('--upload-file', "$folder/small", '--header', 'Expect: 100-continue', '--write-out', ' %{http_code} %{size_upload}',
    $flexilib->url('/proxied/take'));
is($curl->{out}, 'got 5000000 200 5000000', 'what is wanted is');

my $asking = connect_to($flexilib);
$asking->send_request(POST => '/fixed', headers => ['Content-Length' => 5, Expect => '100-continue']);
my $answer = $asking->read_response;
is($answer->status, 403, 'a client that asks gets its answer');
is(scalar @{ $answer->{interim} }, 0, 'and no 100');
ok(!$answer->keeps_connection && $asking->is_closed, 'since it may send its body or not, the connection ends');
$asking = connect_to($flexilib);
$asking->send_request(POST => '/proxied/take', headers => ['Content-Length' => 5, Expect => '100-continue']);
is($asking->read_until(qr/\r\n\r\n/), "HTTP/1.1 100 Continue\r\n\r\n", 'one whose body is wanted is told so');
$asking->send('hello');
is($asking->read_response->body, 'got 5', 'and served');

# what is left of a body is not a request
my $smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
my $hidden   = $smuggled x 1000;
for my $path ('/fixed', '/hello') {
    my $status = $path eq '/fixed' ? 403 : 200;
    for my $way ('length', 'chunked') {
        my $client = connect_to($flexilib);
        my $wire   = $way eq 'length' ? $hidden : sprintf("%x\r\n%s\r\n0\r\nTrailer: x\r\n\r\n", length $hidden, $hidden);
        my @fields = $way eq 'length' ? ('Content-Length' => length $hidden) : ('Transfer-Encoding' => 'chunked');
        $client->send_request(POST => $path, headers => \@fields);
        $client->send(substr $wire, 0, 100);
        my $response = $client->read_response;
        is($response->status, $status, "$path, $way: answered before the body is there");
        ok($response->keeps_connection, 'the connection is to go on');
        $client->send(substr($wire, 100) . "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
        is($client->read_response->status, 200, 'and does, behind the body');
        $client->finish;
        is($client->read_all, '', 'with no response to anything in it');
    }
}
my $client = connect_to($flexilib);
$client->send_request(POST => '/fixed', headers => ['Content-Length' => 100 << 20]);
$client->send($hidden);
my $response = $client->read_response;
ok(!$response->keeps_connection, 'where much of the body is left, the connection ends');
$client->send($hidden) for 1 .. 10;
$client->finish;
is($client->read_all, '', 'and what comes is thrown away');
ok(!$client->is_reset, 'in good order');
$client = connect_to($flexilib);
$client->send_request(POST => '/fixed', headers => ['Transfer-Encoding' => 'chunked']);
is($client->read_response->status, 403, 'a body of unknown length');
$client->send(sprintf("%x\r\n%s\r\n", length $hidden, $hidden)) for 1 .. 100;
$client->finish;
is($client->read_all, '', 'is not read for ever');
$flexilib->wait_access(qr{"POST /fixed HTTP/1.1" 403 });
unlike(join("\n", $flexilib->access_log), qr/smuggled/, 'nothing hidden was read as a request');

# clients on slow lines, that look for the answer when they have sent enough
my @slow = map { connect_to($flexilib) } 1 .. 2;
$slow[0]->send_request(POST => '/fixed', headers => ['Content-Length' => 100 << 20]);
$slow[1]->send_request(POST => '/fixed', headers => ['Transfer-Encoding' => 'chunked']);
for (1 .. 60) {
    $_->send("3e8\r\n" . 'x' x 1000 . "\r\n") for @slow;
    select undef, undef, undef, 0.1;
}
is($_->read_response->status, 403, 'a client that sends for seconds before it reads sees the answer') for @slow;
$slow[1]->send("0\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
is($slow[1]->read_response->status, 200, 'and goes on, where that was agreed on');

# the server is left in a way that it cannot take for a whole request
$client = connect_to($flexilib);
$client->send_request(POST => '/proxied/refuse-and-wait', headers => ['Transfer-Encoding' => 'chunked']);
$client->send("5\r\nhello\r\n");
is($client->read_response->status, 401, 'a server answers early');
is($backend->wait_told(qr/^left/), 'left', 'and is left');
unlike($backend->received, qr/hello\r\n0\r\n/, 'without having been told that the body has ended');

# both ways at the same time
$client = connect_to($flexilib);
$client->send_request(POST => '/proxied/both-ways', headers => ['Transfer-Encoding' => 'chunked']);
my $head = $client->read_until(qr/\r\n\r\n/);
like($head, qr{^HTTP/1.1 200 }, 'a response begins before the body does');
for my $word ('one', 'two', 'three') {
    $client->send(sprintf "%x\r\n%s\r\n", length $word, $word);
    is($client->read_until(qr/$word\r\n/), sprintf("%x\r\n%s\r\n", length $word, $word), "'$word' goes and comes back");
}
$client->send("0\r\n\r\n");
is($client->read_until(qr/0\r\n\r\n/), "0\r\n\r\n", 'both end');
$client->send_request(GET => '/hello');
is($client->read_response->status, 200, 'and the connection goes on');

# node's fetch with a stream as its body
write_file("$folder/client.mjs", <<'END');
const url = process.argv[2];
let count = 0;
const body = new ReadableStream({
    pull(controller) { if (++count > 3000) controller.close(); else controller.enqueue(new Uint8Array(65536)); },
});
const refused = await fetch(url + '/proxied/refuse', { method: 'POST', body: 'x'.repeat(30_000_000) }).then(r => r.status, e => 'failed');
const taken = await fetch(url + '/proxied/take', { method: 'POST', body, duplex: 'half' }).then(r => r.text());
console.log(refused, taken, count);
END
my $node = run_command(['node', "$folder/client.mjs", $flexilib->url('')]);
is($node->{out}, "401 got 196608000 3001\n", 'node uploads a stream, and sees an early answer') or diag($node->{err});

done_testing;
