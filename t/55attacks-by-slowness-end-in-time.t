# Clients at once that are slow on purpose, in every part of every protocol, are each ended in a bounded time, and named in
# the log where they had begun anything. The worker lives on, holds at most 2 MB more for each of them, and all others are
# served meanwhile.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Attack;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Http2;
use FlexiLib::Test::Wait qw(deadline);
use Time::HiRes ();

need('openssl');

use constant {
    PLAIN  => 6,
    SECURE => 2,
    TICK_S => 0.1,    # between the bytes of those who let them drip
};

my $backend = build_folder() . '/bench/backend';
plan(skip_all => 'bench/ is not built') if !-x $backend;

# A server of many connections; that one, which honest clients ask, has few.
my $port  = free_port();
my $many  = FlexiLib::Test::Process->start(name => 'backend', dir => make_folder(), command => [$backend, $port]);
my $quick = start_static_backend(body => 'quick');
my $taker = start_backend(sub { $_[0]->read_all });
my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example');
my $flexilib = start_flexilib(
    files  => { 'www/files/large' => 'x' x 3_000_000, map { ("shop.$_" => read_file($authority->path("shop.$_"))) } qw(pem key) },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0" }
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: shop.pem, key: shop.key } }
workers: 1
header_timeout: 2s
body_timeout: 2s
keep_alive_timeout: 6s
write_timeout: 2s
routes:
  - { match: /files, files: ./www }
  - { match: /upload, proxy: "@{[$taker->url]}" }
  - { match: /quick, proxy: "@{[$quick->url]}" }
  - { match: /, proxy: "http://127.0.0.1:$port" }
END

sub frames  { return join '', map { FlexiLib::Test::Http2::frame_bytes(@$_) } @_ }
sub block   { return FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(@_)) }
sub preface { return $FlexiLib::Test::Http2::PREFACE . frames([SETTINGS => 0, 0, join '', map { pack 'nN', @$_ } @_]) }

my $shut    = preface([4, 0]);
my $open    = preface([4, 1 << 30]) . frames([WINDOW_UPDATE => 0, 0, pack 'N', 1 << 30]);
my $post    = "POST /upload HTTP/1.1\r\nHost: a\r\n";
my $chunked = "${post}Transfer-Encoding: chunked\r\n\r\n";

# A hundred streams that ask for the same.
sub hundred {
    my ($path, $length) = @_;
    my @head = defined $length ? (4, block(POST => $path, ['content-length' => $length])) : (5, block(GET => $path));
    return frames(map { [HEADERS => $head[0], 2 * $_ - 1, $head[1]] } 1 .. 100);
}

# first: what is sent at once; more: what is sent again and again; raw: below TLS; deaf: takes nothing of what comes;
# silent: no request has begun, so the log does not tell of each.
my @ways = (
    { name => 'nothing at all', first => '', silent => 1 },
    { name => 'nothing at all below TLS', first => '', raw => 1, silent => 1 },
    { name => 'half a ClientHello', first => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'r' x 32, raw => 1, silent => 1 },
    { name => 'a ClientHello that drips', first => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", more => 'r', raw => 1, silent => 1 },
    { name => 'half a head',     first => "GET /bytes/8000000 HTTP/1.1\r\nHost: a\r\nX: y", both => 1 },
    { name => 'a head that drips', first => "GET /bytes/8000000 HTTP/1.1\r\nHost: a\r\nX: y", more => 'y', both => 1 },
    { name => 'fields that drip', first => "GET /bytes/8000000 HTTP/1.1\r\nHost: a\r\n", more => "X: y\r\n" },
    { name => 'empty lines that drip', first => "\r\n", more => "\r\n", silent => 1 },
    { name => 'half a body',     first => "${post}Content-Length: 1000000\r\n\r\nx", both => 1 },
    { name => 'a body that drips', first => "${post}Content-Length: 1000000\r\n\r\nx", more => 'x', both => 1 },
    { name => 'chunks that drip', first => $chunked, more => "1\r\nx\r\n" },
    { name => 'a size that drips', first => "${chunked}1", more => ' ' },
    { name => 'an extension that drips', first => "${chunked}1;", more => 'x' },
    { name => 'trailers that drip', first => "${chunked}1\r\nx\r\n0\r\n", more => "X: y\r\n" },
    { name => 'no body after 100', first => "${post}Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n" },
    { name => 'a response that is not read', first => "GET /bytes/8000000 HTTP/1.1\r\nHost: a\r\n\r\n", deaf => 1, both => 1 },
    { name => 'a file that is not read', first => "GET /files/large HTTP/1.1\r\nHost: a\r\n\r\n", deaf => 1 },
    { name => 'many responses that are not read', first => "GET /bytes/8000000 HTTP/1.1\r\nHost: a\r\n\r\n" x 400, deaf => 1 },
    { name => 'no request, HTTP/2', first => preface(), silent => 1, both => 'h2' },
    { name => 'half a preface',  first => 'PRI * HTTP/2.0' },
    { name => 'half a head, HTTP/2', first => preface() . frames([HEADERS => 1, 1, block(GET => '/bytes/1000000')]), both => 'h2' },
    { name => 'CONTINUATION that drips', first => preface() . frames([HEADERS => 1, 1, block(GET => '/bytes/1000000')]),
        more => frames([CONTINUATION => 0, 1, '']) },
    { name => 'PING instead of requests', first => preface(), more => frames([PING => 0, 0, 'x' x 8]), silent => 1 },
    { name => 'half a body, HTTP/2', first => preface() . hundred('/bytes/1', 1_000_000) },
    { name => 'bodies that drip, HTTP/2', first => preface() . hundred('/bytes/1', 1_000_000), more => frames([DATA => 0, 1, 'x'], [DATA => 0, 199, 'x']) },
    { name => 'large responses without a window', first => $shut . hundred('/bytes/1000000'), both => 'h2' },
    { name => 'large files without a window', first => $shut . hundred('/files/large') },
    { name => 'windows that drip', first => $shut . hundred('/bytes/1000000'), more => frames([WINDOW_UPDATE => 0, 1, pack 'N', 1]) },
    { name => 'large responses that are not read, HTTP/2', first => $open . hundred('/bytes/1000000'), deaf => 1, both => 'h2' },
    { name => 'PING whose answers are not read', first => $open . frames(map { [HEADERS => 5, 2 * $_ - 1, block(GET => '/bytes/1000000')] } 1 .. 3),
        more => frames([PING => 0, 0, 'x' x 8]), deaf => 1 },
);

my $attack = FlexiLib::Test::Attack->begin($flexilib, '/quick');
my @attackers;
for my $number (0 .. $#ways) {
    my $way = $ways[$number];
    $way->{from} = '127.0.1.' . ($number + 1);
    my %option = (from => $way->{from}, buffer => $way->{deaf} ? 4096 : undef);
    my @opened = $attack->open(PLAIN, %option, listener => $way->{raw} ? 'secure' : 0);
    push @opened, $attack->open(SECURE, %option, listener => 'secure', secure => 1, ($way->{both} // '') eq 'h2' ? (alpn => 'h2') : ())
        if $way->{both};
    $way->{count} = @opened;
    push @attackers, map { { way => $way, connection => $_ } } @opened;
    $_->send($way->{first}) for @opened;
}
my $count = @attackers;

# How many connections of each address there are, as far as the worker has not ended them.
sub count_open {
    my %is_ours = map { sprintf('%04X', $flexilib->port($_)) => 1 } 0, 1;
    my %count;
    for (split /\n/, read_file('/proc/net/tcp')) {
        my ($port, $peer, $state) = /^ *\d+: [0-9A-F]{8}:([0-9A-F]{4}) ([0-9A-F]{8}):[0-9A-F]{4} (..)/ or next;
        $count{ join '.', reverse unpack 'C4', pack 'H8', $peer }++ if $is_ours{$port} && ($state eq '01' || $state eq '08');
    }
    return \%count;
}

my $deadline = deadline();
my $left     = count_open();
cmp_ok(scalar keys %$left, '>', 0, 'attackers are at it');
while (Time::HiRes::time() < $deadline && grep { $left->{ $_->{from} } } @ways) {
    for my $attacker (grep { $left->{ $_->{way}{from} } } @attackers) {
        my ($way, $socket) = ($attacker->{way}, $attacker->{connection}{socket});
        local $SIG{PIPE} = 'IGNORE';
        syswrite $socket, $way->{more} if defined $way->{more};
        sysread $socket, my $taken, 1 << 20 if !$way->{deaf};
    }
    $attack->ask;
    select undef, undef, undef, TICK_S;
    $left = count_open();
}
for my $way (@ways) {
    is($left->{ $way->{from} } // 0, 0, "$way->{name}: all are ended");
    cmp_ok($attack->count_named($way->{from}, 1), '>=', 1, 'and the log names who it was') if !$way->{silent};
}
like($flexilib->log, qr/a TLS handshake with 127\.0\.1\.\d+ failed: it took too long/, 'the log tells of handshakes that do not end');
$attack->check('all of it', $count);
$attack->finish;
done_testing;
