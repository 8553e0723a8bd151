# A handler's reply that comes by and by: the client gets each piece as soon as it is there, a client that does not read
# stalls the handler and not the worker's memory, and other filters see the reply as they see any response.

use lib 't/lib';
use FlexiLib::Test;

my $piece    = join '', map { chr(33 + $_ % 90) } 0 .. 65535;
my $produce  = build_folder() . '/t/lib/produce.so';
my $rewrite  = build_folder() . '/t/lib/rewrite.so';
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { produce: { path: "$produce" }, rewrite: { path: "$rewrite" } }
routes:
  - { match: /upper, filters: [rewrite, { headers: {} }], handler: produce }
  - { match: /, handler: produce }
END

sub counts { return split ' ', request($flexilib, GET => '/counts')->body }

my $response = request($flexilib, GET => '/stream/3');
is($response->framing, 'chunked', 'the length is not known beforehand');
ok($response->is_complete && $response->body eq $piece x 3, 'all of it arrives');
is(request($flexilib, GET => '/ticks/3')->body, "tick\n" x 3, 'also with pauses in between');
my $head = request($flexilib, HEAD => '/stream/3');
is($head->status . $head->body, 200, 'for HEAD there is no body');
is((counts())[0], 6, 'and none is asked for');
my $old = raw($flexilib, "GET /stream/1 HTTP/1.0\r\nHost: a\r\n\r\n")->{response};
ok($old->framing eq 'close' && $old->body eq $piece, 'for HTTP/1.0 the end of the connection is the end of the body');
my $curl = curl('--http2-prior-knowledge', $flexilib->url('/ticks/3'));
is($curl->{out}, "tick\n" x 3, 'HTTP/2 carries it too');

my $connection = connect_to($flexilib);
$connection->send_request(GET => '/fails');
ok(!$connection->read_response->is_complete, 'a failure on the way cuts it');
$flexilib->wait_log(qr/filter 'produce': failed in on_reply_body/);
my $kept = connect_to($flexilib);
$kept->send_request(GET => '/ticks/1');
$kept->read_response;
$kept->send_request(GET => '/fails/0');
like($kept->read_all, qr{^HTTP/1\.1 200 OK\r\n.*\r\n\r\n\z}s, 'one before anything is written leaves a head, or clients would ask again');

# a client that does not read
request($flexilib, GET => '/ticks/1') for 1 .. 10;
my $before_kb = $flexilib->worker_memory_kb;
my ($before)  = counts();
my $slow      = connect_to($flexilib);
$slow->limit_buffer(65536);
$slow->send_request(GET => '/stream/100000');
my ($last, $produced) = (-1, 0);
while ($produced != $last) {
    $last = $produced;
    request($flexilib, GET => '/ticks/1') for 1 .. 20;
    ($produced) = counts();
    $produced -= $before += 20;
}
cmp_ok($produced, '<', 1000, 'a client that does not read stalls the handler');
cmp_ok($flexilib->worker_memory_kb - $before_kb, '<', 2048, 'and costs little memory') if !is_sanitized();
$slow->close;
$flexilib->wait_log(qr/filter 'produce': end/);

# lent bodies
is(length request($flexilib, GET => '/lent/3000000')->body, 3_000_000, 'a lent body arrives');
is(request($flexilib, HEAD => '/lent/30')->header('content-length'), 30, 'with its length');
is((counts())[1], 0, 'and is given back');
my $leaving = connect_to($flexilib);
$leaving->limit_buffer(65536);
$leaving->send_request(GET => '/lent/30000000');
$leaving->read_bytes(100);
is((counts())[1], 1, 'but not while the client still reads it');
$leaving->reset;
my $tries = 0;
++$tries while (counts())[1] != 0 && $tries < 10_000;
is((counts())[1], 0, 'a client that leaves gives it back as well');

done_testing;
