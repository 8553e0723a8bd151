# What is small on the wire and large when it is understood, or never ends, or is wanted whole by a filter, costs a worker at
# most 2 MB for each connection, from many connections at once; what is too much is refused, and all others are served
# meanwhile.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Attack;
use FlexiLib::Test::Http2;
use IO::Compress::Gzip qw(gzip);

use constant {
    COUNT   => 20,
    STREAMS => 100,
};

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my @cookies = $request->headers('cookie');
        my $answer = $request->target eq '/quick' ? 'quick' : $request->target eq '/cookies' ? @cookies . ' of ' . length $cookies[0] : length $request->body;
        $connection->respond(200, [], $answer);
    }
});
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 100MB
routes:
  - { match: /whole, handler: echo }
  - { match: /own, respond: { body: "own" } }
  - { match: /, proxy: "@{[$backend->url]}" }
END
my $attack = FlexiLib::Test::Attack->begin($flexilib, '/quick');

sub frames { return join '', map { FlexiLib::Test::Http2::frame_bytes(@$_) } @_ }
sub block  { return FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(@_)) }
sub literal { my ($name, $value) = @_; return "\x40" . join '', map { FlexiLib::Test::Http2::number(0, 7, length) . $_ } $name, $value }

# Over HTTP/2: the same head on each of many streams, the first of which also has what the table is to remember.
sub heads {
    my ($first, $rest) = @_;
    return map { [HEADERS => 5, 2 * $_ - 1, block(GET => '/cookies') . ($_ == 1 ? $first : '') . $rest] } 1 .. STREAMS;
}

sub bomb2 {
    my ($name, $bytes, $judge, %option) = @_;
    my @clients = map { FlexiLib::Test::Http2->open($flexilib, connection => $_, settings => $option{settings}) } $attack->open(COUNT, from => '127.0.0.9');
    $attack->send_all([map { $_->connection } @clients], $bytes);
    $judge->($_) for @clients;
    $attack->check($name, COUNT);
    $_->close for @clients;
    return;
}

sub refused {
    my ($http2) = @_;
    my @outcomes = map { my $stream = $http2->wait_stream(2 * $_ - 1); $stream->{status} // "reset $stream->{reset}" } 1 .. STREAMS;
    is(join(' ', grep { !/^(?:431|reset 7)$/ } @outcomes), '', 'what is too much is refused');
    return;
}

my $giant = literal(a => 'x' x 4_000);
bomb2('4 KB that are 480 KB, a hundred times', frames(heads($giant, "\xbe" x 120)), \&refused);
my $crumb = literal(cookie => 'a=b');
bomb2('10,000 crumbs of a cookie, a hundred times', frames(heads($crumb, "\xbe" x 10_000)), \&refused);
bomb2('1,000 crumbs of a cookie', frames((heads($crumb, "\xbe" x 1_000))[0]), sub {
    is($_[0]->wait_stream(1)->{body}, '1 of ' . (5 * 1_001 - 2), 'they are one cookie');
});
bomb2('a table of 4 GB', frames(map { [HEADERS => 5, 2 * $_ - 1, block(GET => '/own')] } 1 .. STREAMS), sub {
    my ($http2) = @_;
    is(join(' ', grep { ($http2->wait_stream(2 * $_ - 1)->{body} // '') ne 'own' } 1 .. STREAMS), '', 'is not filled');
}, settings => { 1 => 0xffffffff });

# Bodies for a filter that wants them whole, of which the last byte does not come.
my $piece = 'x' x 16_384;
bomb2('many bodies that are collected, HTTP/2', frames(map { [HEADERS => 4, 2 * $_ - 1, block(POST => '/whole')] } 1 .. STREAMS), sub {
    my ($http2) = @_;
    $http2->wait_ping;
    for my $round (1 .. 20) {
        for my $stream (map { 2 * $_ - 1 } 1 .. 20) {
            1 while $http2->may_send($stream) < length $piece && $http2->read_frame;
            $http2->data($stream, $piece);
        }
    }
    $http2->wait_ping;
});

sub bomb {
    my ($name, $bytes, $judge) = @_;
    my @clients = $attack->open(COUNT, from => '127.0.0.9', buffer => 4096);
    $attack->send_all(\@clients, $bytes);
    $judge->($_) for @clients;
    $attack->check($name, COUNT);
    $_->close for @clients;
    return;
}

sub answered {
    my ($status) = @_;
    return sub {
        is(eval { $_[0]->read_response->status }, $status, "is answered $status");
    };
}

my $post    = "POST / HTTP/1.1\r\nHost: a\r\n";
my $chunked = "${post}Transfer-Encoding: chunked\r\n\r\n";
bomb('half a head of 60 KB', "GET / HTTP/1.1\r\nHost: a\r\nX: " . 'x' x 60_000, sub { });
bomb('a head without an end', "GET / HTTP/1.1\r\nHost: a\r\nX: " . 'x' x 500_000, answered(431));
bomb('fields without an end', "GET / HTTP/1.1\r\nHost: a\r\n" . "X: y\r\n" x 10_000, answered(431));
bomb('an extension without an end', "${chunked}5;" . 'x' x 1_000_000, answered(400));
bomb('a size without an end', $chunked . '0' x 100_000, answered(400));
bomb('trailers without an end', "${chunked}0\r\n" . "X: y\r\n" x 20_000, answered(431));
bomb('a chunk of 256 EB', "${chunked}fffffffffffffffff\r\nx", answered(400));
bomb('a chunk of 16 EB', "${chunked}ffffffffffffffff\r\nx", sub { });
bomb('chunks of a byte', $chunked . "1\r\nx\r\n" x 50_000 . "0\r\n\r\n", sub { is($_[0]->read_response->body, 50_000, 'arrive') });
bomb('5,000 requests, of whose responses none is read', "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n" x 5_000, sub { });
my $zeros = "\0" x 50_000_000;
gzip(\$zeros => \my $packed);
bomb('50 MB of zeros, packed', "${post}Content-Encoding: gzip\r\nContent-Length: @{[length $packed]}\r\n\r\n$packed",
    sub { is($_[0]->read_response->body, length $packed, 'pass as they are') });
bomb('bodies that are collected', "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" . 'x' x 2_999_999, sub { });
$attack->finish;
done_testing;
