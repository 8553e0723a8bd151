# Clients that make a connection work for nothing are sent away with ENHANCE_YOUR_CALM, named in the log once and
# counted, before the service behind notices much; all others are served meanwhile.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;

use constant CALM => 11;

# Answers nothing but /quick, so that every request is one that is under way.
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        return $connection->read_all if $request->target ne '/quick';
        $connection->respond(200, [], 'quick');
    }
});
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
header_timeout: 1s
write_timeout: 1s
routes:
  - { match: /own, respond: { body: "own" } }
  - { match: /large, respond: { body: "@{['x' x 100_000]}" } }
  - { match: /, proxy: "@{[$backend->url]}" }
END

sub frames { return join '', map { FlexiLib::Test::Http2::frame_bytes(@$_) } @_ }
sub block  { return FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(@_)) }

sub flood {
    my ($name, $bytes) = @_;
    my $http2 = FlexiLib::Test::Http2->open($flexilib, is_passive => 1);
    $http2->send($bytes);
    is($http2->wait_close // 'none', CALM, "$name: ENHANCE_YOUR_CALM");
    $http2->close;
    return;
}

my $get = block(GET => '/slow');
flood('requests that are withdrawn at once', frames(map { [HEADERS => 5, 2 * $_ - 1, $get], [RST_STREAM => 0, 2 * $_ - 1, pack 'N', 8] } 1 .. 300));
is($backend->connections, 0, 'of which the service behind has seen nothing');

# Each is withdrawn when it has been begun.
my $patient = FlexiLib::Test::Http2->open($flexilib);
my $count   = 0;
while (!defined $patient->{goaway} && $count < 300) {
    $patient->request(2 * ++$count - 1, GET => '/slow');
    $patient->wait_ping or last;
    $patient->reset(2 * $count - 1);
    $patient->wait_ping or last;
}
is($patient->wait_close, CALM, 'requests that are withdrawn one by one: ENHANCE_YOUR_CALM');
cmp_ok($count, '<=', 100, "after $count of them");

# A hundred at a time: of those that follow no more are begun.
my $known = $backend->connections;
my $waves = FlexiLib::Test::Http2->open($flexilib);
my ($begun, @open) = (0);
for (1 .. 4) {
    push @open, 2 * ++$begun - 1 while @open < 100 && $waves->request(2 * $begun + 1, GET => '/slow');
    $waves->wait_ping or last;
    $waves->reset($_) for splice @open, 0, 50;
    $waves->wait_ping or last;
}
is($waves->wait_close, CALM, 'requests that are withdrawn in waves: ENHANCE_YOUR_CALM');
cmp_ok($backend->connections - $known, '<=', 100, 'of which the service behind has seen a hundred at most');

flood('requests that make us break them off',
    frames(map { [HEADERS => 4, 2 * $_ - 1, $get], [WINDOW_UPDATE => 0, 2 * $_ - 1, pack 'N', 0x7fffffff] } 1 .. 300));
flood('malformed requests', frames(map { [HEADERS => 5, 2 * $_ - 1, $get . "\0\1X\0"] } 1 .. 300));
flood('pings',          frames(map { [PING     => 0, 0, 'x' x 8] } 1 .. 2_500));
flood('settings',       frames(map { [SETTINGS => 0, 0, ''] } 1 .. 2_500));
flood('priorities',     frames(map { [PRIORITY => 0, 1, pack 'NC', 3, 1] } 1 .. 2_500));
flood('empty data',     frames([HEADERS => 4, 1, block(POST => '/slow')], map { [DATA => 0, 1, ''] } 1 .. 2_500));
flood('window updates', frames([HEADERS => 4, 1, block(POST => '/slow')], map { [WINDOW_UPDATE => 0, 1, pack 'N', 1] } 1 .. 2_500));
flood('frames of unknown types', frames(map { [0x77 => 0, 0, 'x'] } 1 .. 2_500));
flood('data of streams that are over', frames([HEADERS => 5, 1, block(GET => '/own')], [RST_STREAM => 0, 1, pack 'N', 8], map { [DATA => 0, 1, ''] } 1 .. 2_500));
my $dribble = FlexiLib::Test::Http2->open($flexilib, settings => { 4 => 0 }, is_passive => 1);
$dribble->request(1, GET => '/large');
$dribble->send(frames(map { [WINDOW_UPDATE => 0, 1, pack 'N', 1] } 1 .. 200)), $dribble->wait_ping for 1 .. 10;
is($dribble->wait_close, CALM, 'windows that are opened byte by byte: ENHANCE_YOUR_CALM');
my $shut = FlexiLib::Test::Http2->open($flexilib, settings => { 4 => 0 }, is_passive => 1);
$shut->request(2 * $_ - 1, GET => '/own') for 1 .. 60;
is($shut->wait_close, CALM, 'responses that nobody takes: ENHANCE_YOUR_CALM');
flood('continuations',  frames([HEADERS => 1, 1, $get], map { [CONTINUATION => 0, 1, "\0\1a\1b"] } 1 .. 100));
flood('fields that never end', frames([HEADERS => 1, 1, $get]));

# 127 fields of 4,000 bytes from 4 KB: one literal that is remembered, and then referred to.
my $http2 = FlexiLib::Test::Http2->open($flexilib);
$http2->frame(HEADERS => 5, 1, $get . "\x40\1a" . FlexiLib::Test::Http2::number(0, 7, 4_000) . 'x' x 4_000 . "\xbe" x 10_000);
is($http2->wait_stream(1)->{status}, 431, 'fields that grow when they are unpacked are counted as they are then');

my $served = 0;
for (1 .. 200) {
    $http2->request(2 * $_ + 1, GET => '/quick');
    $served += ($http2->wait_stream(2 * $_ + 1)->{body} // '') eq 'quick';
}
is($served, 200, 'the connection goes on');
$http2->request(2 * $_ + 1, GET => '/slow') for 201 .. 300;
$http2->reset(2 * $_ + 1) for 201 .. 300;
$http2->request(1001, GET => '/own');
is($http2->wait_stream(1001)->{body}, 'own', 'a client that withdraws some of many requests is served on');

my @lines = grep { /warning: ended the HTTP\/2 connection from 127\.0\.0\.1: / } split /\n/, $flexilib->log;
is(scalar @lines, 16, 'each offender has one line');
like($lines[-1], qr/\(16 such connections so far\)$/, 'and is counted');

done_testing;
