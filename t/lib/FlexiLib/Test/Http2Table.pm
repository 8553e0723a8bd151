package FlexiLib::Test::Http2Table;

# Requests of HTTP/2 that RFC 9113 calls malformed, or that would mean something else in HTTP/1, and odd ones that are
# fine: a table that runs over any kind of connection (t/50http2-refuses-what-can-be-misread.t). A row is a hash:
#
#   name     what is odd about it
#   bytes    the frames behind the client's preface and SETTINGS; the request is stream 1
#   outcome  of that stream: a status or "reset CODE"; or "goaway CODE" of the connection; or a pattern of these
#   seen     what the server behind receives because of it: the exact bytes, or a pattern; '' is nothing
#   logged   how many lines the log gets of it

use strict;
use warnings;

use FlexiLib::Test::Connection;
use FlexiLib::Test::Http2;

use constant MOST_IN_FRAME => 16_000;

my $malformed = qr/^(?:400|reset 1)$/;

# The routes that rows rely on, before the one to the server behind: what is private is answered 403 here.
sub routes {
    return <<'END';
  - { match: /end, respond: { body: "the end" } }
  - { match: /private, respond: { status: 403, body: "private" } }
END
}

sub printable { return FlexiLib::Test::Connection::printable($_[0]) }
sub frames    { return join '', map { FlexiLib::Test::Http2::frame_bytes(@$_) } @_ }
sub block     { return FlexiLib::Test::Http2::fields_bytes(@_) }

# The request's fields with some replaced (undef: left out), and others behind them.
sub fields {
    my ($change, @more) = @_;
    my %value = (':method' => 'GET', ':scheme' => 'http', ':authority' => 'a', ':path' => '/', %$change);
    return [(map { defined $value{$_} ? ($_ => $value{$_}) : () } ':method', ':scheme', ':authority', ':path'), @more];
}

# HEADERS, and CONTINUATION where it is long.
sub head {
    my ($fields, $has_body) = @_;
    my $bytes  = block($fields);
    my $first  = substr $bytes, 0, MOST_IN_FRAME, '';
    my @frames = [HEADERS => ($has_body ? 0 : 1) | (length $bytes ? 0 : 4), 1, $first];
    while (length $bytes) {
        $first = substr $bytes, 0, MOST_IN_FRAME, '';
        push @frames, [CONTINUATION => length $bytes ? 0 : 4, 1, $first];
    }
    return frames(@frames);
}

sub bad_frames {
    my ($name, $outcome, @frames) = @_;
    return { name => $name, outcome => $outcome, bytes => frames(@frames), seen => '', logged => 1 };
}

sub bad {
    my ($name, $outcome, $fields, $has_body) = @_;
    return { name => $name, outcome => $outcome, bytes => head($fields, $has_body), seen => '', logged => 1 };
}

sub passed {
    my ($name, $bytes, $seen) = @_;
    return { name => $name, outcome => '200', bytes => $bytes, seen => $seen, logged => 0 };
}

sub answered {
    my ($name, $status, $bytes) = @_;
    return { name => $name, outcome => $status, bytes => $bytes, seen => '', logged => 0 };
}

# What the server behind gets of a request: its first words, lines of fields, its body.
sub plain {
    my ($words, $fields, $body) = @_;
    my $framing = defined $body ? 'Content-Length: ' . length($body) . "\r\n" : '';
    return "$words HTTP/1.1\r\nHost: a\r\n" . ($fields // '') . "${framing}Via: 2.0 flexilib\r\n\r\n" . ($body // '');
}

my $post  = fields({ ':method' => 'POST' });
my $hello = plain('POST /', '', 'hello');

sub pseudo_fields {
    return (
        (map { bad('method ' . printable($_), $malformed, fields({ ':method' => $_ })) }
                '', 'G(T', "G\0T", 'G T', "GET\r\nX: y", "\xc3\xa9", 'GET ', ' GET', "GET / HTTP/1.1\r\nHost: b\r\n\r\nGET", 'G:T', "GET\t"),
        (map { bad('path ' . printable($_), $malformed, fields({ ':path' => $_ })) }
                '', 'a', '*', '/a b', '/a#b', '/?a#b', "/\xff", "/?\xff", "/\x7f", "/\0", "/\r\n", '/a\\b', '/%00', '/%zz', '/%', '?a', 'http://a/',
                ' /', "/ HTTP/1.1\r\nHost: b\r\nX: y", '/ HTTP/1.1', "/\t", "/\n", "/\r", "/?a\r\nb", '/ ', '//a\\b', '/%4'),
        (map { bad('authority ' . printable($_), $malformed, fields({ ':authority' => $_ })) }
                'a b', 'u@a', 'a/x', '', "a\0", 'a, b', 'a:x', 'a:65536', ':80', '[::1', 'a%2eb', 'a?b', 'a\\b', "\xc3\xa9", 'http://a',
                "a\r\nX: y", "a\n", 'a:80:80', ' a', 'a ', '*', 'a#b', '[::1]x'),
        (map { bad('scheme ' . printable($_), $malformed, fields({ ':scheme' => $_ })) }
                '', 'ftp', 'ht tp', '1', "http\r\nX: y", 'http://b/?', "http\0", 'https://'),
        (map { bad("no $_", 'reset 1', fields({ $_ => undef })) } ':method', ':scheme', ':path'),
        bad('no field at all', 'reset 1', []),
        bad('neither :authority nor Host', 'reset 1', fields({ ':authority' => undef })),
        bad('Host that differs', '400', fields({}, host => 'other')),
        bad('Host with another port', '400', fields({}, host => 'a:80')),
        bad('Host twice', $malformed, fields({}, host => 'a', host => 'a')),
        bad('Host twice alone', $malformed, fields({ ':authority' => undef }, host => 'a', host => 'b')),
        bad('an empty Host alone', $malformed, fields({ ':authority' => undef }, host => '')),
        bad('an empty Host beside :authority', $malformed, fields({}, host => '')),
        bad('a malformed Host alone', $malformed, fields({ ':authority' => undef }, host => 'a b')),
        (map { bad("$_->[0] twice", 'reset 1', [@{ fields({}) }, @$_]) }
                [':method' => 'GET'], [':path' => '/'], [':scheme' => 'http'], [':authority' => 'a']),
        bad('an unknown pseudo-field', 'reset 1', [@{ fields({}) }, ':unknown' => 'a']),
        bad('a pseudo-field without a name', 'reset 1', [@{ fields({}) }, ':' => 'a']),
        bad('a pseudo-field in capitals', 'reset 1', [@{ fields({ ':path' => undef }) }, ':Path' => '/']),
        bad("a response's pseudo-field", 'reset 1', [@{ fields({}) }, ':status' => '200']),
        bad('a pseudo-field behind a field', 'reset 1', [@{ fields({ ':path' => undef }) }, 'x-a' => 'b', ':path' => '/']),
        bad('CONNECT', '405', [':method' => 'CONNECT', ':authority' => 'a:22']),
        bad('CONNECT with a path', 'reset 1', fields({ ':method' => 'CONNECT' })),
        bad('CONNECT for a protocol that we do not speak', qr/^(?:reset 1|4\d\d|501)$/, [@{ fields({ ':method' => 'CONNECT' }) }, ':protocol' => 'foo']),
        bad('a protocol without CONNECT', 'reset 1', [@{ fields({}) }, ':protocol' => 'websocket']),
        bad('TRACE', '405', fields({ ':method' => 'TRACE' }, cookie => 'secret')),
    );
}

sub field_lines {
    return (
        (map { bad('name ' . printable($_), 'reset 1', fields({}, $_ => 'x')) }
                'X-Upper', 'x y', 'x:y', '', "x\0", "x\r\ny", "\xc3\xa9", 'x(', ' x', 'x ', "x: y\r\nz", 'transfer-encoding: chunked', "x\t",
                'content-length ', 'Host', 'x,y', "x\x7f", 'x/y'),
        (map { bad('value ' . printable($_), $malformed, fields({}, 'x-a' => $_)) }
                "a\0b", "a\rb", "a\nb", "a\r\nx-b: c", ' a', 'a ', "\ta", "a\t", "\x7f", "\x01", "a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n", "\n",
                "\r\n b"),
        bad('CR LF in a cookie', $malformed, fields({}, cookie => "a=b\r\nx: y")),
        bad('CR LF in a second cookie', $malformed, fields({}, cookie => 'a=b', cookie => "c\r\nx: y")),
        (map { bad("the field $_", 'reset 1', fields({}, $_ => 'x')) } 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'),
        bad('transfer-encoding: chunked', 'reset 1', fields({ ':method' => 'POST' }, 'transfer-encoding' => 'chunked'), 1),
        (map { bad("te: $_", 'reset 1', fields({}, te => $_)) } 'gzip', 'trailers, gzip', 'chunked', ''),
        (map { bad("expect: $_", '417', fields({ ':method' => 'POST' }, expect => $_)) } 'foo', '100-continue, foo'),
        (map { bad('content-length ' . printable($_), $malformed, fields({ ':method' => 'POST' }, 'content-length' => $_)) }
                '+5', '-5', '0x5', '5 5', '', '5, 5', '18446744073709551621', '5', '5_0', "5\r\nx: y", '0, 0', '99999999999999999999999'),
        bad('two content-lengths', 'reset 1', fields({}, 'content-length' => 0, 'content-length' => 0)),
        bad('two content-lengths that differ', 'reset 1', fields({}, 'content-length' => 0, 'content-length' => 1)),
        bad('a target of 20 KB', '414', fields({ ':path' => '/' . 'x' x 16_384 })),
        bad('101 fields', '431', fields({}, map { ("f$_" => 'x') } 1 .. 101)),
        bad('2,000 fields', '431', fields({}, map { ("f$_" => '') } 1 .. 2_000)),
        bad('a field of 70 KB', qr/^(?:431|goaway 9)$/, fields({}, 'x-a' => 'x' x 70_000)),
        bad('a length beyond the limit', '413', fields({ ':method' => 'POST' }, 'content-length' => '200000'), 1),
        # 4 KB that unpack to 2 MB
        {
            name    => 'fields that are far more than their bytes', outcome => '431', seen => '', logged => 1,
            bytes   => frames([HEADERS => 5, 1, block(fields({})) . "\x40\x01b\x7f\xa1\x1e" . 'x' x 4000 . "\xbe" x 500]),
        },
    );
}

sub framings {
    my @post = (HEADERS => 4, 1);
    return (
        bad_frames('more data than announced', 'reset 1', [@post, block([@$post, 'content-length' => 2])], [DATA => 1, 1, 'abc']),
        bad_frames('less data than announced', 'reset 1', [@post, block([@$post, 'content-length' => 9])], [DATA => 1, 1, 'abc']),
        bad_frames('data where none is announced', 'reset 1', [@post, block([@$post, 'content-length' => 0])], [DATA => 1, 1, 'abc']),
        bad_frames('less data than announced, and trailers', 'reset 1',
            [@post, block([@$post, 'content-length' => 9])], [DATA => 0, 1, 'abc'], [HEADERS => 5, 1, block(['x-a' => 'b'])]),
        bad_frames('trailers with a pseudo-field', 'reset 1', [@post, block($post)], [HEADERS => 5, 1, block([':path' => '/'])]),
        bad_frames('trailers with a line break', 'reset 1', [@post, block($post)], [HEADERS => 5, 1, block(['x-a' => "b\r\nc: d"])]),
        bad_frames('trailers with a name in capitals', 'reset 1', [@post, block($post)], [HEADERS => 5, 1, block(['X-A' => 'b'])]),
        bad_frames('trailers with a field of the connection', 'reset 1',
            [@post, block($post)], [HEADERS => 5, 1, block(['transfer-encoding' => 'chunked'])]),
        bad_frames('trailers that end nothing', 'reset 1', [@post, block($post)], [HEADERS => 4, 1, block(['x-a' => 'b'])]),
        bad_frames('a window update of nothing', 'goaway 1', [@post, block($post)], [WINDOW_UPDATE => 0, 1, pack 'N', 0]),
        bad_frames('a window beyond all bounds', 'reset 3', [@post, block($post)], [WINDOW_UPDATE => 0, 1, pack 'N', 0x7fffffff]),
        bad_frames('a window beyond all bounds for all', 'goaway 3', [WINDOW_UPDATE => 0, 0, pack 'N', 0x7fffffff]),
        bad_frames('an even stream', 'goaway 1', [HEADERS => 5, 2, block(fields({}))]),
        bad_frames('stream 0', 'goaway 1', [HEADERS => 5, 0, block(fields({}))]),
        bad_frames('data for stream 0', 'goaway 1', [DATA => 0, 0, 'abc']),
        bad_frames('data for no stream', 'goaway 1', [DATA => 0, 1, 'abc']),
        bad_frames('a reset for no stream', 'goaway 1', [RST_STREAM => 0, 1, pack 'N', 8]),
        bad_frames('a window for no stream', 'goaway 1', [WINDOW_UPDATE => 0, 1, pack 'N', 8]),
        bad_frames('a frame that is too large', 'goaway 6', [DATA => 0, 1, 'x' x 20_000]),
        bad_frames('fields that are no HPACK', 'goaway 9', [HEADERS => 5, 1, "\xff\xff\xff\xff\xff\xff"]),
        (map { bad_frames("HPACK: $_->[0]", 'goaway 9', [HEADERS => 5, 1, $_->[1]]) }
            ['field 0', "\x80"], ['a field that no table has', "\xfe"], ['a table that is too large', "\x3f\xe1\xff\x03"],
            ['a size behind a field', "\x82\x20"], ['text that is cut', "\0\x05ab"], ['a number that is cut', "\x82\xff"],
            ['wrong padding of a code', "\0\x01a\x81\x00"], ['the end within a code', "\0\x01a\x84\xff\xff\xff\xff"],
            ['a number without end', "\0\x7f" . "\x80" x 20 . "\x01"]),
        bad_frames('another frame within fields', 'goaway 1', [HEADERS => 0, 1, block(fields({}))], [PING => 0, 0, 'x' x 8]),
        bad_frames('fields of another stream within fields', 'goaway 1',
            [HEADERS => 1, 1, block(fields({}))], [CONTINUATION => 4, 3, block(['x-a' => 'b'])]),
        bad_frames('CONTINUATION of nothing', 'goaway 1', [CONTINUATION => 4, 1, block(fields({}))]),
        bad_frames('a push', 'goaway 1', [PUSH_PROMISE => 4, 1, pack('N', 2) . block(fields({}))]),
        bad_frames('settings that cannot be', 'goaway 3', [SETTINGS => 0, 0, pack 'nN', 4, 0xffffffff]),
        bad_frames('a frame size that cannot be', 'goaway 1', [SETTINGS => 0, 0, pack 'nN', 5, 1]),
        bad_frames('a push setting that cannot be', 'goaway 1', [SETTINGS => 0, 0, pack 'nN', 2, 2]),
        bad_frames('settings of a wrong size', 'goaway 6', [SETTINGS => 0, 0, 'xxx']),
        bad_frames('settings of a stream', 'goaway 1', [SETTINGS => 0, 1, '']),
        bad_frames('agreement that says something', 'goaway 6', [SETTINGS => 1, 0, pack 'nN', 4, 1]),
        bad_frames('a ping of a wrong size', 'goaway 6', [PING => 0, 0, 'xxx']),
        bad_frames('a ping of a stream', 'goaway 1', [PING => 0, 1, 'x' x 8]),
        bad_frames('a reset of a wrong size', 'goaway 6', [@post, block($post)], [RST_STREAM => 0, 1, 'xxx']),
        bad_frames('a window of a wrong size', 'goaway 6', [@post, block($post)], [WINDOW_UPDATE => 0, 1, 'xxx']),
        bad_frames('padding beyond the frame', 'goaway 1', [HEADERS => 0xd, 1, "\xff" . block(fields({}))]),
        bad_frames('padding beyond the data', 'goaway 1', [@post, block($post)], [DATA => 9, 1, "\x05abc"]),
    );
}

sub good {
    my @post = (HEADERS => 4, 1);
    my @path = (
        ['/a/%2e%2E/b' => '/b'], ['/a/../../b' => '/b'], ['//x///y' => '/x/y'], ['/%2fprivate' => '/%2Fprivate'], ['/%61%7e' => '/a~'],
        ['/?/../private' => '/?/../private'], ['/x/..;/private' => '/x/..;/private'], ['/%5cprivate' => '/%5Cprivate'], ['/a?' => '/a?'],
        ['/a?%zz%00' => '/a?%zz%00'], ['/private%2f' => '/private%2F'], ['/%0d%0ax:y' => '/%0D%0Ax:y'], ['/private/../x' => '/x'],
    );
    my @private = ('/private', '//private', '/./private', '/x/../private', '/%70rivate', '/private?x', '/..//private');
    return (
        (map { passed("path $_->[0]", head(fields({ ':path' => $_->[0] })), plain("GET $_->[1]")) } @path),
        (map { answered("path $_", '403', head(fields({ ':path' => $_ }))) } @private),
        answered('OPTIONS *', '200', head(fields({ ':method' => 'OPTIONS', ':path' => '*' }))),
        passed('an unknown method', head(fields({ ':method' => 'FOO' })), plain('FOO /')),
        passed('Host alone', head(fields({ ':authority' => undef }, host => 'a')), plain('GET /')),
        passed('Host that is the same', head(fields({}, host => 'A')), plain('GET /')),
        passed('te: trailers', head(fields({}, te => 'trailers')), qr{\AGET / HTTP/1\.1\r\nHost: a\r\n(?:(?:TE|Connection): [^\r\n]*\r\n)*Via: 2\.0 flexilib\r\n(?:(?:TE|Connection): [^\r\n]*\r\n)*\r\n\z}i),
        passed('cookie crumbs', head(fields({}, cookie => 'a=b', cookie => 'c=d', cookie => '', cookie => 'e')),
            plain('GET /', "cookie: a=b; c=d; e\r\n")),
        passed('an empty value', head(fields({}, 'x-a' => '')), plain('GET /', "x-a: \r\n")),
        passed('eight-bit values', head(fields({}, 'x-a' => "\xc3\xa9\xff")), plain('GET /', "x-a: \xc3\xa9\xff\r\n")),
        passed('names that a CGI would misread', head(fields({}, 'content_length' => '9', 'x_forwarded_for' => 'x', 'transfer_encoding' => 'chunked')),
            plain('GET /')),
        passed('fields that HTTP/1 means something by', head(fields({}, 'http2-settings' => 'x', 'trailer' => 'x')),
            qr{\AGET / HTTP/1\.1\r\nHost: a\r\n(?:trailer: x\r\n)?Via: 2\.0 flexilib\r\n\r\n\z}i),
        passed('a length that is met', frames([@post, block([@$post, 'content-length' => 5])], [DATA => 1, 1, 'hello']), $hello),
        passed('no length', frames([@post, block($post)], [DATA => 1, 1, 'hello']), $hello),
        passed('data with padding and in pieces', frames([@post, block($post)], [DATA => 8, 1, "\x03he\0\0\0"], [DATA => 0, 1, 'll'], [DATA => 1, 1, 'o']),
            $hello),
        passed('no data, but its end', frames([@post, block($post)], [DATA => 1, 1, '']), plain('POST /', '', '')),
        passed('a request as a body', frames([@post, block($post)], [DATA => 1, 1, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"]),
            plain('POST /', '', "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")),
        passed('an expectation', frames([@post, block([@$post, expect => '100-continue'])], [DATA => 1, 1, 'hello']), $hello),
        passed('trailers that would be dangerous as fields',
            frames([@post, block($post)], [DATA => 0, 1, 'hello'],
                [HEADERS => 5, 1, block(['x-forwarded-for' => '1.2.3.4', 'authorization' => 'x', 'cookie' => 'x'])]),
            qr{\A(?:\Q$hello\E|POST / HTTP/1\.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n(?:Trailer: [^\r\n]*\r\n)?Via: 2\.0 flexilib\r\n\r\n5\r\nhello\r\n0\r\n\r\n)\z}),
        passed('a frame that nobody knows', frames([0xee => 0xff, 1, 'x'], [HEADERS => 5, 1, block(fields({}))], [0xee => 0xff, 0, 'x']), plain('GET /')),
        passed('old priorities', frames([PRIORITY => 0, 1, pack 'NC', 0, 5], [HEADERS => 0x25, 1, pack('NC', 0, 5) . block(fields({}))]), plain('GET /')),
        passed('fields with padding', frames([HEADERS => 0xd, 1, "\x02" . block(fields({})) . "\0\0"]), plain('GET /')),
        passed('fields byte by byte', frames([HEADERS => 1, 1, ''], map({ [CONTINUATION => 0, 1, $_] } block(fields({})) =~ /\A(..)(.+)(.)\z/s),
            [CONTINUATION => 4, 1, '']), plain('GET /')),
        passed('a body that nobody asked for', head(fields({}), 1) . frames([DATA => 1, 1, 'hello']), plain('GET /', '', 'hello')),
    );
}

sub rows { return (pseudo_fields(), field_lines(), framings(), good()) }

1;
