# What one stream of a connection does is nothing to the others: they share it fairly, each waits for its own body and its
# own reader, and one that is withdrawn is withdrawn from the service behind too.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;

my $large   = join '', map { sprintf "%09d\n", $_ } 1 .. 100_000;
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_head) {
        my ($method, $target) = split / /, $request->{first};
        @$request{qw(method target)} = ($method, $target);
        if ($target eq '/held') {
            $connection->tell('held');
            $connection->wait_go;
        }
        $connection->read_body($request, 1, 0);
        if ($request->target eq '/slow') {
            $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
            return $connection->read_all;
        }
        $connection->respond(200, [], $request->method eq 'PUT' ? $request->body : 'ok');
    }
});

sub start {
    my (@lines) = @_;
    my $more = join '', map { "$_\n" } @lines;
    return start_flexilib(files => { 'www/files/large' => $large, 'www/files/huge' => $large x 40 }, config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 100MB
$more
routes:
  - { match: /files, files: ./www }
  - { match: /own, respond: { body: "own" } }
  - { match: /, proxy: "@{[$backend->url]}" }
END
}
my $flexilib = start();
my $hasty    = start('body_timeout: 1s', 'write_timeout: 1s', 'keep_alive_timeout: 1s');

sub open_http2 { return FlexiLib::Test::Http2->open($flexilib, @_) }
sub open_hasty { return FlexiLib::Test::Http2->open($hasty, @_) }

my $http2 = open_http2();
$http2->request(1, GET => '/slow');
1 while !length($http2->stream(1)->{body} // '') && $http2->read_frame;
$http2->request(3, GET => '/own');
is($http2->wait_stream(3)->{body}, 'own', 'a stream is served beside one that waits');
$http2->reset(1);
like($backend->wait_told(qr/^closed 1$/), qr/closed/, 'what is withdrawn is withdrawn from the service behind');
$http2->request(5, GET => '/own');
is($http2->wait_stream(5)->{body}, 'own', 'and the connection goes on');

my $slow = open_hasty();
$slow->request(7, PUT => '/x', ['content-length' => 6], end => 0);
$slow->data(7, 'abc');
$slow->request(9, GET => '/own');
is($slow->wait_stream(9)->{body}, 'own', 'a body that does not come keeps nobody waiting');
my $late = $slow->wait_stream(7);
is($late->{status}, 408, 'and is waited for in bounded time');
$http2->request(11, PUT => '/x', ['x-a' => 'b'], end => 0);
$http2->data(11, 'abc');
$http2->headers(11, ['x-trailer' => 'c'], end => 1);
is($http2->wait_stream(11)->{body}, 'abc', 'trailers end a body');

# Both may send all at once, as far as windows go.
my $eager = open_http2(settings => { 4 => 10_000_000 }, is_passive => 1);
$eager->open_window(0, 20_000_000);
$eager->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 5, $_,
    FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(GET => '/files/large'))) } 1, 3);
my @order;
while (grep { !$eager->stream($_)->{is_ended} } 1, 3) {
    my $frame = $eager->read_frame or last;
    push @order, $frame->{stream} if $frame->{type} == 0;
}
ok($eager->stream($_)->{body} eq $large, "body $_ is exact") for 1, 3;
like(join('', @order), qr/13+1+3/, 'two bodies take turns');
$eager->request(5, GET => '/files/huge', [priority => 'u=5']);
$eager->request(7, GET => '/files/large', [priority => 'u=0']);
$eager->open_window($_, 100_000_000) for 0, 5;
$eager->wait_stream(7);
ok(!$eager->stream(5)->{is_ended}, 'the more urgent one is done first');

my $full = open_http2();
$full->request(2 * $_ - 1, POST => '/x', [], end => 0) for 1 .. 101;
is($full->wait_stream(201)->{reset}, 7, 'stream 101 at once is refused');
$full->data(1, 'abc', end => 1);
is($full->wait_stream(1)->{status}, 200, 'while those before it are served');

sub memory {
    my ($server) = @_;
    my ($worker) = $server->worker_pids;
    return 1024 * (read_file("/proc/$worker/status") =~ /^VmRSS:\s+(\d+) kB/m)[0];
}

my $before = memory($hasty);
my $shut = open_hasty(settings => { 4 => 0 }, is_passive => 1);
$shut->request(2 * $_ - 1, GET => '/files/huge') for 1 .. 20;
my $deaf = open_hasty(settings => { 4 => 100_000_000 }, is_passive => 1, buffer => 4096);
$deaf->open_window(0, 500_000_000);
$deaf->request(2 * $_ - 1, GET => '/files/huge') for 1 .. 20;
my @outcomes = map { $shut->wait_stream(2 * $_ - 1) } 1 .. 20;
is(join(' ', map { $_->{reset} // 'none' } @outcomes), join(' ', (8) x 20), 'responses that nobody takes are given up');
is(join('', map { $_->{body} } @outcomes), '', 'of which nothing was sent');
cmp_ok(memory($hasty) - $before, '<', (is_sanitized() ? 50 : 10) << 20, 'and costs little memory, whichever way it is not taken');

# A client that sends whatever it may, until it may not for long.
$before = memory($flexilib);
my $piece = 'x' x 16_384;
my ($sent, $rounds) = (0, 0);
my $busy = open_http2();
$busy->wait_ping;
$busy->request(1, PUT => '/held', ['x-a' => 'b'], end => 0);
$backend->wait_told(qr/^held$/);
while ($rounds < 50 && $sent < 90 << 20) {
    if ($busy->may_send(1) < length $piece) {
        $rounds++;
        $busy->wait_ping;
    } else {
        $busy->data(1, $piece);
        $sent += length $piece;
        $rounds = 0;
    }
}
cmp_ok($sent, '<', 90 << 20, 'who sends what nobody takes has to wait');
cmp_ok(memory($flexilib) - $before, '<', (is_sanitized() ? 50 : 10) << 20, 'and costs little memory');
$busy->request(3, GET => '/own');
is($busy->wait_stream(3)->{body}, 'own', 'beside which others are served');
$backend->go;
1 while $busy->may_send(1) < 3 && $busy->read_frame;
$busy->data(1, 'end', end => 1);
$busy->wait_stream(1);
ok($busy->stream(1)->{body} eq 'x' x $sent . 'end', 'what is taken in the end is what was sent');

my $idle = open_hasty();
$idle->request(1, GET => '/own');
$idle->wait_stream(1);
is($idle->wait_close, 0, 'a connection without requests is ended in an orderly way');

my $gone = open_http2();
$gone->request(1, GET => '/slow');
1 while !length($gone->stream(1)->{body} // '') && $gone->read_frame;
$gone->close;
like($backend->wait_told(qr/^closed \d+$/), qr/closed/, 'who leaves takes all requests along');

done_testing;
