# Long bodies that no filter reads are moved from connection to connection by the kernel (splice). Nobody can tell, but
# for what the worker has open: bytes, connections, timeouts and cut responses are as ever.

use lib 't/lib';
use FlexiLib::Test;

# no two pieces of it are alike
my $stream = join '', map { sprintf '%08x', $_ } 1 .. 1 << 20;
my $most   = length $stream;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my ($kind, $start, $length) = $request->target =~ m{/(\w+)/(\d+)/(\d+)$} or return;
            my $body = substr $stream, $start, $length;
            $connection->send("HTTP/1.1 200 OK\r\nContent-Length: $length\r\nX-Kind: $kind\r\n\r\n");
            next if $request->method eq 'HEAD';
            if ($kind eq 'plain') {
                $connection->send($body);
            } elsif ($kind eq 'surplus') {
                $connection->send("${body}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
            } elsif ($kind eq 'closed') {
                return $connection->send(substr $body, 0, $length / 2);
            } elsif ($kind eq 'reset') {
                $connection->send(substr $body, 0, $length / 2);
                $connection->wait_go;
                return $connection->reset;
            } elsif ($kind eq 'halves') {
                $connection->send(substr $body, 0, $length / 2);
                $connection->wait_go;
                $connection->send(substr $body, $length / 2);
            } elsif ($kind eq 'stuck') {
                $connection->send(substr $body, 0, $length / 2);
                $connection->tell('left') if $connection->is_closed;
                return;
            } elsif ($kind eq 'endless') {
                1 while $connection->send($body) == length $body;
                $connection->tell('left');
                return;
            }
        }
    }
);
my $rewrite  = test_library('rewrite');
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { rewrite: $rewrite }
upstreams:
  impatient: { servers: ["@{[$backend->url]}"], idle_timeout: 100ms }
routes:
  - { match: /impatient, proxy: impatient }
  - { match: /heads, filters: [{ headers: { response_set: { X-Seen: "yes" } } }], proxy: "@{[$backend->url]}" }
  - { match: /bodies, filters: [{ rewrite: { append: "!" } }], proxy: "@{[$backend->url]}" }
  - { match: /, proxy: "@{[$backend->url]}" }
END
my ($worker) = $flexilib->worker_pids;

sub count_pipes { return scalar grep { (readlink // '') =~ /^pipe:/ } glob "/proc/$worker/fd/*" }

my $pipes_before = count_pipes();
is(request($flexilib, GET => '/plain/0/1000')->body, substr($stream, 0, 1000), 'a short body');
is(count_pipes(), $pipes_before, 'is copied');

my $client = connect_to($flexilib);
for my $length (65536, 100 * 1024, 131071, 131072 + 16384, 262147, 1_000_003, $most) {
    my $start = ($most - $length) % 4099;
    for my $round (1, 2) {
        $client->send_request(GET => "/plain/$start/$length");
        my $response = $client->read_response;
        ok($response->is_complete && $response->body eq substr($stream, $start, $length), "$length bytes, time $round");
        like($flexilib->wait_access(qr{"GET /plain/$start/$length }), qr{ 200 ttfb \S+ $length ttlb }, 'and as many in the log');
    }
}
is(count_pipes(), $pipes_before + 2, 'they went through a pipe, which is kept');
is($backend->connections, 1, 'both connections are kept all the time');

$client->send_request(HEAD => "/plain/0/$most");
is($client->read_response('HEAD')->header('Content-Length'), $most, 'HEAD has the length alone');
$client->send_request(GET => '/heads/plain/7/500001');
my $changed = $client->read_response;
is($changed->header('X-Seen'), 'yes', 'filters of heads have them');
ok($changed->body eq substr($stream, 7, 500001), 'and the body comes as it was');
$client->send_request(GET => '/bodies/plain/7/500001');
ok($client->read_response->body eq uc(substr $stream, 7, 500001) . '!', 'filters of bodies have those');
$client->send_request(GET => '/halves/11/700001');
$client->read_until(qr/\r\n\r\n/);
my $first = $client->read_bytes(350_000);
$backend->go;
ok($first . $client->read_bytes(350_001) eq substr($stream, 11, 700_001), 'a pause in the middle changes nothing');
$client->close;

my $old = raw($flexilib, "GET /plain/3/900001 HTTP/1.0\r\nHost: x\r\n\r\n");
ok($old->{response}->body eq substr($stream, 3, 900001), 'HTTP/1.0 gets all of it');
ok($old->{is_closed} && !$old->{is_reset}, 'and then the end');

for my $kind (qw(closed reset)) {
    $client = connect_to($flexilib);
    $client->send_request(GET => "/$kind/0/2000000");
    $client->read_until(qr/\r\n\r\n/);
    my $got = $client->read_bytes(900_000);
    $backend->go if $kind eq 'reset';
    $got .= $client->read_all;
    ok($client->is_reset, "$kind: the client can tell that its response is cut");
    cmp_ok(length $got, '<=', 1_000_000, 'it has no more than there was');
    ok($got eq substr($stream, 0, length $got), 'and that is right');
    $flexilib->wait_log(qr/error: .* in the middle of the response's body/);
}

$client = connect_to($flexilib);
for my $round (1 .. 3) {
    $client->send_request(GET => "/surplus/$round/300000");
    ok($client->read_response->body eq substr($stream, $round, 300000), 'a body with something behind it ends where it should');
}
$client->send_request(GET => '/plain/5/300000');
ok($client->read_response->body eq substr($stream, 5, 300000), 'and what follows is no response');

for my $leave (qw(close reset)) {
    for my $kind (qw(stuck endless)) {
        $client = connect_to($flexilib);
        $client->limit_buffer(65536);
        $client->send_request(GET => $kind eq 'stuck' ? "/stuck/0/$most" : '/endless/0/1000000000');
        $client->read_bytes(400_000);
        $client->$leave;
        is($backend->wait_told(qr/left/), 'left', "$kind, $leave: the server notices that the client has left");
    }
}

$client = connect_to($flexilib);
$client->send_request(GET => '/impatient/stuck/0/2000000');
$client->read_all;
ok($client->is_reset, 'a server that sends nothing for too long ends the response');
$flexilib->wait_log(qr/nothing more of the response within 100 ms/);

my @clients = map { connect_to($flexilib) } 1 .. 20;
$_->limit_buffer(65536) for @clients;
$clients[$_]->send_request(GET => "/plain/${\($_ * 1001)}/2000000") for keys @clients;
my @wrong = grep { $clients[$_]->read_response->body ne substr($stream, $_ * 1001, 2_000_000) } keys @clients;
is_deeply(\@wrong, [], 'of many at a time each gets its own');
$_->close for @clients;
is(request($flexilib, GET => '/plain/0/1000')->status, 200, 'everything goes on');
is_deeply([$flexilib->worker_pids], [$worker], 'in the same worker');
cmp_ok(count_pipes(), '<=', $pipes_before + 2 * 20, 'and no pipe is lost');

done_testing;
