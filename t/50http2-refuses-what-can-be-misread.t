# HTTP/2 requests that RFC 9113 calls malformed, or that would mean something else in HTTP/1, end their stream before
# anything goes to the service behind: by PROTOCOL_ERROR or by a status. The connection goes on, unless it is the framing
# itself that is wrong.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;

my $backend  = start_static_backend();
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 100KB
routes:
  - { match: /alive, respond: { body: "alive" } }
  - { match: /, proxy: "@{[$backend->url]}" }
END

sub printable { return $_[0] =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger }

# The request's fields with some replaced (undef: left out), and others behind them.
sub fields {
    my ($change, @more) = @_;
    my %value = (':method' => 'GET', ':scheme' => 'http', ':authority' => 'localhost', ':path' => '/', %$change);
    return [(map { defined $value{$_} ? ($_ => $value{$_}) : () } ':method', ':scheme', ':authority', ':path'), @more];
}

sub frames { return join '', map { FlexiLib::Test::Http2::frame_bytes(@$_) } @_ }
sub block  { return FlexiLib::Test::Http2::fields_bytes(@_) }

my $post = fields({ ':method' => 'POST' });
my @rows = (
    # name, outcome (a status, "reset CODE" or "goaway CODE"), fields
    (map { ["method '" . printable($_) . "'" => qr/^(?:400|reset 1)$/, fields({ ':method' => $_ })] }
            '', 'G(T', "G\0T", 'G T', "GET\r\nX: y", "\xc3\xa9", 'GET '),
    (map { ["path '" . printable($_) . "'" => qr/^(?:400|reset 1)$/, fields({ ':path' => $_ })] }
            '', 'a', '*', '/a b', '/a#b', '/?a#b', "/\xff", "/?\xff", "/\x7f", "/\0", "/\r\n", '/a\\b', '/%00', '/%zz', '/%', '?a',
            'http://localhost/', ' /'),
    (map { ["authority '" . printable($_) . "'" => qr/^(?:400|reset 1)$/, fields({ ':authority' => $_ })] }
            'a b', 'u@a', 'a/x', '', "a\0", 'a, b', 'a:x', 'a:65536', ':80', '[::1', 'a%2eb', 'a?b', 'a\\b', "\xc3\xa9", 'http://a'),
    (map { ["scheme '" . printable($_) . "'" => qr/^(?:400|reset 1)$/, fields({ ':scheme' => $_ })] } '', 'ftp', 'ht tp', '1'),
    (map { ["no $_" => 'reset 1', fields({ $_ => undef })] } ':method', ':scheme', ':path'),
    ['neither :authority nor Host' => 'reset 1', fields({ ':authority' => undef })],
    ['Host that differs'           => 400,       fields({}, host => 'other')],
    ['Host twice'                  => qr/^(?:400|reset 1)$/, fields({}, host => 'localhost', host => 'localhost')],
    ['an empty Host alone'         => qr/^(?:400|reset 1)$/, fields({ ':authority' => undef }, host => '')],
    (map { ["$_ twice" => 'reset 1', [@{ fields({}) }, $_ => 'GET']] } ':method', ':path'),
    ['an unknown pseudo-field'             => 'reset 1', [@{ fields({}) }, ':unknown' => 'a']],
    ["a response's pseudo-field"           => 'reset 1', [@{ fields({}) }, ':status' => '200']],
    ['a pseudo-field behind a field'       => 'reset 1', [@{ fields({ ':path' => undef }) }, 'x-a' => 'b', ':path' => '/']],
    ['CONNECT'                             => 405, [':method' => 'CONNECT', ':authority' => 'a:22']],
    ['CONNECT with a path'                 => 'reset 1', fields({ ':method' => 'CONNECT' })],
    ['CONNECT for a protocol, unasked'     => 'reset 1', [@{ fields({ ':method' => 'CONNECT' }) }, ':protocol' => 'websocket']],
    ['TRACE'                               => 405, fields({ ':method' => 'TRACE' }, cookie => 'secret')],
    (map { ["name '" . printable($_) . "'" => 'reset 1', fields({}, $_ => 'x')] }
            'X-Upper', 'x y', 'x:y', '', "x\0", "x\r\ny", "\xc3\xa9", 'x(', ' x'),
    (map { ["value '" . printable($_) . "'" => qr/^(?:400|reset 1)$/, fields({}, 'x-a' => $_)] }
            "a\0b", "a\rb", "a\nb", "a\r\nx-b: c", ' a', "a ", "\ta", "a\t", "\x7f", "\x01"),
    (map { ["the field $_" => 'reset 1', fields({}, $_ => 'x')] }
            'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'),
    (map { ["te: $_" => 'reset 1', fields({}, te => $_)] } 'gzip', 'trailers, gzip', 'chunked'),
    ['an unknown expectation' => 417, fields({ ':method' => 'POST' }, expect => 'foo')],
    (map { ["content-length '$_'" => qr/^(?:400|reset 1)$/, fields({ ':method' => 'POST' }, 'content-length' => $_)] }
            '+5', '-5', '0x5', '5 5', '', '5, 5', '18446744073709551621', '5'),
    ['two content-lengths'    => 'reset 1', fields({}, 'content-length' => 0, 'content-length' => 0)],
    ['a target of 20 KB'      => 414, fields({ ':path' => '/' . 'x' x 16_384 })],
    ['101 fields'             => 431, fields({}, map { ("f$_" => 'x') } 1 .. 101)],
    ['2,000 fields'           => 431, fields({}, map { ("f$_" => '') } 1 .. 2_000)],
    ['a length beyond the limit' => 413, fields({ ':method' => 'POST' }, 'content-length' => '200000'), 'open'],
);

# Those that take more frames than one.
my @framed = (
    ['more data than announced'   => 'reset 1', frames([HEADERS => 4, 1, block([@$post, 'content-length' => 2])], [DATA => 1, 1, 'abc'])],
    ['less data than announced'   => 'reset 1', frames([HEADERS => 4, 1, block([@$post, 'content-length' => 9])], [DATA => 1, 1, 'abc'])],
    ['trailers with a pseudo-field' => 'reset 1', frames([HEADERS => 4, 1, block($post)], [HEADERS => 5, 1, block([':path' => '/'])])],
    ['trailers that end nothing'  => 'reset 1', frames([HEADERS => 4, 1, block($post)], [HEADERS => 4, 1, block(['x-a' => 'b'])])],
    ['a window update of nothing' => 'goaway 1', frames([HEADERS => 4, 1, block($post)], [WINDOW_UPDATE => 0, 1, pack 'N', 0])],
    ['a window beyond all bounds' => 'reset 3', frames([HEADERS => 4, 1, block($post)], [WINDOW_UPDATE => 0, 1, pack 'N', 0x7fffffff])],
    ['an even stream'             => 'goaway 1', frames([HEADERS => 5, 2, block(fields({}))])],
    ['stream 0'                   => 'goaway 1', frames([HEADERS => 5, 0, block(fields({}))])],
    ['data for no stream'         => 'goaway 1', frames([DATA => 0, 1, 'abc'])],
    ['a frame that is too large'  => 'goaway 6', frames([DATA => 0, 1, 'x' x 20_000])],
    ['fields that are no HPACK'   => 'goaway 9', frames([HEADERS => 5, 1, "\xff\xff\xff\xff\xff\xff"])],
    ['another frame within fields' => 'goaway 1', frames([HEADERS => 0, 1, block(fields({}))], [PING => 0, 0, 'x' x 8])],
    ['a push'                     => 'goaway 1', frames([PUSH_PROMISE => 4, 1, pack('N', 2) . block(fields({}))])],
    ['settings that cannot be'    => 'goaway 3', frames([SETTINGS => 0, 0, pack 'nN', 4, 0xffffffff])],
    ['settings of a wrong size'   => 'goaway 6', frames([SETTINGS => 0, 0, 'xxx'])],
    ['a ping of a wrong size'     => 'goaway 6', frames([PING => 0, 0, 'xxx'])],
    ['a stream as its own parent' => qr/^(?:goaway 1|200)$/, frames([HEADERS => 0x25, 1, pack('NC', 1, 0) . block(fields({ ':path' => '/alive' }))])],
    ['padding beyond the frame'   => 'goaway 1', frames([HEADERS => 0xd, 1, "\xff" . block(fields({ ':path' => '/alive' }))])],
);

sub describe {
    my ($outcome) = @_;
    return "reset $outcome->{reset}"   if defined $outcome->{reset} && !defined $outcome->{status};
    return $outcome->{status}          if defined $outcome->{status};
    return "goaway $outcome->{goaway}" if defined $outcome->{goaway};
    return 'nothing';
}

my ($refused, $named) = (0, 0);

sub check {
    my ($name, $expected, $http2) = @_;
    my $seen = $expected =~ /^goaway/ ? 'goaway ' . ($http2->wait_close // 'none') : describe($http2->wait_stream(1));
    my $is_ok = ref $expected ? $seen =~ $expected : $seen eq $expected;
    if ($seen !~ /^goaway/) {
        $http2->request(5, GET => '/alive');
        my $alive = $http2->wait_stream(5);
        $is_ok &&= ($alive->{status} // 0) == 200 && $alive->{body} eq 'alive';
    }
    ok($is_ok, "$name: $seen");
    $http2->close;
    return;
}

for my $row (@rows) {
    my ($name, $expected, $fields, $is_open) = @$row;
    my $http2 = FlexiLib::Test::Http2->open($flexilib);
    my $bytes = FlexiLib::Test::Http2::fields_bytes($fields);
    my $first = substr $bytes, 0, 16_000, '';
    my $end   = $is_open ? 0 : 1;
    $http2->frame(HEADERS => $end | (length $bytes ? 0 : 4), 1, $first);
    while (length $bytes) {
        $first = substr $bytes, 0, 16_000, '';
        $http2->frame(CONTINUATION => length $bytes ? 0 : 4, 1, $first);
    }
    check($name, $expected, $http2);
}

for my $row (@framed) {
    my ($name, $expected, $bytes) = @$row;
    my $http2 = FlexiLib::Test::Http2->open($flexilib);
    $http2->send($bytes);
    check($name, $expected, $http2);
}

is($backend->connections, 0, 'the service behind has seen nothing of all that');

my $http2 = FlexiLib::Test::Http2->open($flexilib);
$http2->request(1, POST => '/', [], end => 0);
$http2->data(1, 'x' x 110_000);
check('a body beyond the limit' => 413, $http2);

my $wrong = connect_to($flexilib);
$wrong->send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
is($wrong->read_response->status, 505, 'what only begins as HTTP/2 does is no HTTP/1');

my $halting = connect_to($flexilib);
$halting->send($_) for split //, $FlexiLib::Test::Http2::PREFACE;
$halting->send(frames([SETTINGS => 0, 0, '']));
is(length $halting->read_bytes(9), 9, 'a preface that comes byte by byte is known');

my $old = request($flexilib, GET => '/alive');
is($old->body, 'alive', 'HTTP/1 goes on beside it');

done_testing;
