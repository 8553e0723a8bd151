# HTTP/2 requests that RFC 9113 calls malformed, or that would mean something else in HTTP/1, end their stream before
# anything goes to the service behind: by PROTOCOL_ERROR or by a status. The connection goes on, unless it is the framing
# itself that is wrong. What is odd but fine passes in one plain form. Over TLS as without it, the server behind sees
# exactly what it is to see, byte by byte.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Http2;
use FlexiLib::Test::Http2Table;
use FlexiLib::Test::Recorder;
use FlexiLib::Test::TlsClient;

need('openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('front', 'DNS:a');
my $recorder = FlexiLib::Test::Recorder->new;
my $routes   = FlexiLib::Test::Http2Table::routes();
my $flexilib = start_flexilib(
    files  => { map { $_ => read_file($authority->path($_)) } 'front.pem', 'front.key' },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: front.pem, key: front.key } }
workers: 1
body_limit: 100KB
routes:
$routes
  - { match: /, proxy: { to: "@{[$recorder->url]}", forwarded: none } }
END

sub open_client {
    my ($listener) = @_;
    return FlexiLib::Test::Http2->open($flexilib, listener => 'plain') if $listener eq 'plain';
    my $tls = FlexiLib::Test::TlsClient::open($flexilib->address('secure'), alpn => 'h2');
    return FlexiLib::Test::Http2->open($flexilib, connection => $tls);
}

# Reads until the stream has ended, in whatever way, or the connection.
sub wait_stream {
    my ($http2, $id) = @_;
    while (1) {
        my $stream = $http2->stream($id);
        return $stream if $stream->{is_ended} || defined $stream->{reset};
        $recorder->serve_until_readable($http2->connection) if length $http2->connection->{in} < 9;
        $http2->read_frame or return $stream;
    }
}

# What became of stream 1, and whether the connection has gone on, as it has to but after GOAWAY.
sub run {
    my ($http2, $bytes) = @_;
    $http2->send($bytes);
    my $stream = wait_stream($http2, 1);
    my $outcome = $stream->{status} // (defined $stream->{reset} ? "reset $stream->{reset}" : 'goaway ' . ($http2->{goaway} // 'none'));
    my $is_kept = 0;
    if ($outcome !~ /^goaway/) {
        $http2->request(5, GET => '/end');
        $is_kept = wait_stream($http2, 5)->{body} eq 'the end';
    }
    $http2->close;
    return { outcome => $outcome, is_fine => $outcome =~ /^goaway/ ? $http2->{is_closed} : $is_kept, seen => $recorder->take };
}

sub is_as { return ref $_[1] ? $_[0] =~ $_[1] : $_[0] eq $_[1] }

my @rows = FlexiLib::Test::Http2Table::rows();
cmp_ok(scalar @rows, '>=', 120, 'the table is long');
my $refusals = 0;

for my $listener ('plain', 'secure') {
    for my $row (@rows) {
        $refusals += $row->{logged};
        my $result = eval { run(open_client($listener), $row->{bytes}) } // { outcome => $@, is_fine => 0, seen => '' };
        ok(is_as($result->{outcome}, $row->{outcome}) && is_as($result->{seen}, $row->{seen}) && $result->{is_fine},
            "$listener: $row->{name}: " . $result->{outcome})
            or diag('the connection ' . ($result->{is_fine} ? 'is' : 'is not') . " as expected; seen:\n$result->{seen}");
    }
}
is($recorder->take, '', 'nothing comes later');

my $http2 = FlexiLib::Test::Http2->open($flexilib);
$http2->request(1, POST => '/private', [], end => 0);
$http2->data(1, 'x' x 110_000);
is($http2->wait_stream(1)->{status}, 403, 'a body that nobody wants is passed over');
$http2->close;

my $wrong = connect_to($flexilib);
$wrong->send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
is($wrong->read_response->status, 505, 'what only begins as HTTP/2 does is no HTTP/1');

my $late = connect_to($flexilib);
$late->send("\r\n$FlexiLib::Test::Http2::PREFACE");
is($late->read_response->status, 505, 'nor is what comes behind an empty line');

my $halting = connect_to($flexilib);
$halting->send($_) for split //, $FlexiLib::Test::Http2::PREFACE;
$halting->send(FlexiLib::Test::Http2::frame_bytes(SETTINGS => 0, 0, ''));
is(length $halting->read_bytes(9), 9, 'a preface that comes byte by byte is known');

my $old = request($flexilib, GET => '/end?last');
is($old->body, 'the end', 'HTTP/1 goes on beside it');

$flexilib->wait_access(qr{"GET /end\?last HTTP/1.1" 200 });
$flexilib->wait_log(qr/info: (?:refused a (?:request|frame) from|ended a connection) /) for 0 .. $refusals + 1;
my @lines = $flexilib->access_log;
is(scalar(grep { /[^ -~]/ } @lines), 0, 'nothing in the access log can disturb a terminal');
my @logged = $flexilib->log =~ /^.*info: (?:refused a (?:request|frame) from|ended a connection) .*$/mg;
is(scalar @logged, $refusals + 2, 'each refusal has its line in the log');

done_testing;
