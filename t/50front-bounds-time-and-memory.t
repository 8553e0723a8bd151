# Whoever is slow or sends too much is told so, in a bounded time and with bounded memory.

use lib 't/lib';
use FlexiLib::Test;
use Time::HiRes ();

my $limits = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
header_timeout: 1s
body_timeout: 1s
keep_alive_timeout: 1s
body_limit: 1MB
head_limit: 2KB
header_limit: 10
routes:
  - { match: /, handler: echo }
END

# time
my $silent = connect_to($limits);
my $idle   = connect_to($limits);
$idle->send_request(GET => '/');
is($idle->read_response->status, 200, 'a connection works');
my $result = raw($limits, "GET / HTTP/1.1\r\nHo");
is($result->{status}, 408, 'a head that stops coming is given up');
ok($result->{is_closed} && !$result->{is_reset}, 'and the connection closed');
$result = raw($limits, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
is($result->{status}, 408, 'so is a body');
$result = raw($limits, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
is($result->{status}, 408, 'in chunks too');
is($silent->read_all, '', 'a connection without a request is closed without a word');
is($idle->read_all,   '', 'and one without another request');
ok(!$silent->is_reset && !$idle->is_reset, 'in good order');
my $drip = connect_to($limits);
my $next = "GET / HTTP/1.1\r\nX: ";
while ($drip->{in} eq '' && $drip->send($next)) {
    $next = 'x';
    $drip->fill if FlexiLib::Test::Wait::wait_readable($drip->{socket}, Time::HiRes::time() + 0.05);
}
like($drip->{in}, qr{^HTTP/1.1 408 }, 'bytes that drip in do not prolong a head');

# size
is(raw($limits, 'GET /' . 'x' x 3000 . " HTTP/1.1\r\nHost: a\r\n\r\n")->{status}, 414, 'a long target is refused');
is(raw($limits, "GET / HTTP/1.1\r\nHost: a\r\nX: " . 'x' x 3000 . "\r\n\r\n")->{status}, 431, 'so is a large head');
is(raw($limits, "GET / HTTP/1.1\r\nHost: a\r\n" . "X: x\r\n" x 10 . "\r\n")->{status}, 431, 'and one of many fields');
is(raw($limits, "GET / HTTP/1.1\r\nHost: a\r\n" . "X: x\r\n" x 8 . "\r\n")->{status}, 200, 'but not of as many as allowed');
for my $extra (0, 1) {
    my $body = 'x' x (1024 * 1024 + $extra);
    my $wanted = $extra ? 413 : 200;
    is(request($limits, POST => '/', body => $body)->status, $wanted, "a body of 1 MB and $extra bytes: $wanted");
    is(request($limits, POST => '/', chunks => [unpack '(a65536)*', $body])->status, $wanted, 'in chunks too');
}
my $large = connect_to($limits);
$large->send_request(POST => '/', body => 'x' x 20_000_000);
is($large->read_response->status, 413, 'a client that sends a body far too large still gets to see the answer');
ok($large->is_closed && !$large->is_reset, 'and an orderly end');

# memory: what is announced is not allocated, what is not read is not collected
my $endless = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        my $chunk = "10000\r\n" . 'x' x 65536 . "\r\n";
        # each piece is told, so that the test sees when nothing is taken any more
        while ($connection->send($chunk) == length $chunk) {
            $connection->tell('piece');
        }
    }
);
my $roomy = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 1024GB
routes:
  - { match: /endless, proxy: "@{[$endless->url]}" }
  - { match: /, handler: echo }
END
request($roomy, POST => '/', body => 'x' x 100_000) for 1 .. 3;
my $before_kb = $roomy->worker_memory_kb;
my @waiting   = map { connect_to($roomy) } 1 .. 100;
$_->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\nExpect: 100-continue\r\n\r\n") for @waiting;
$_->read_until(qr/100 Continue\r\n\r\n/) for @waiting;
$_->send('x')                            for @waiting;
request($roomy, GET => '/');
my $grown_kb   = $roomy->worker_memory_kb - $before_kb;
my $allowed_kb = is_sanitized() ? 58_000 : 9_700;
ok($grown_kb < $allowed_kb, "100 bodies of a terabyte announced cost little ($grown_kb kB)");
$_->close for @waiting;

my $slow = connect_to($roomy);
$slow->limit_buffer(16384);
$slow->send_request(GET => '/endless');
$slow->read_bytes(1_000_000);
$before_kb = $roomy->worker_memory_kb;
my $told = 0;
while (FlexiLib::Test::Wait::wait_readable($endless->{told_read}, Time::HiRes::time() + 0.5)) {
    sysread $endless->{told_read}, my $lines, 65536;
    $told += $lines =~ tr/\n//;
    last if $told > 2000;
}
ok($told < 2000, "a client that does not read stops the service behind it (after $told pieces)");
$grown_kb = $roomy->worker_memory_kb - $before_kb;
ok($grown_kb < $allowed_kb, "and nothing piles up in between ($grown_kb kB)");
$slow->close;

done_testing;
