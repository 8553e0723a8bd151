package FlexiLib::Test::Floods;

# What clients of HTTP/2 send to make a server work, wait or remember for nothing: a table, each row { name, bytes }, where
# the bytes stand behind the client's preface and its SETTINGS. Requests go to /slow, which is not answered. The names are
# those of the attacks, with their numbers where they have any.

use strict;
use warnings;

use FlexiLib::Test::Http2;

use constant {
    REQUESTS        => 400,
    FRAMES          => 3_000,
    PRIORITY_UPDATE => 0x10,
};

sub frames { return join '', map { FlexiLib::Test::Http2::frame_bytes(@$_) } @_ }
sub block  { return FlexiLib::Test::Http2::fields_bytes(@_) }

my $get  = block(FlexiLib::Test::Http2::request_fields(GET  => '/slow'));
my $post = block(FlexiLib::Test::Http2::request_fields(POST => '/slow'));
my $none = block(FlexiLib::Test::Http2::request_fields(POST => '/slow', ['content-length' => 0]));
my $web_socket =
    block([':method' => 'CONNECT', ':protocol' => 'websocket', ':scheme' => 'http', ':authority' => 'localhost', ':path' => '/slow']);
my $cancel = pack 'N', 8;

# The same for many streams.
sub streams {
    my ($name, $make) = @_;
    return { name => $name, bytes => frames(map { $make->(2 * $_ - 1) } 1 .. REQUESTS) };
}

# The same frame many times, behind a request whose body is awaited.
sub repeated {
    my ($name, @frame) = @_;
    return { name => $name, bytes => frames([HEADERS => 4, 1, $post]) . frames(\@frame) x FRAMES };
}

# Streams that are broken off: by the client, or because it makes the server do so.
sub resets {
    return (
        streams('rapid reset, CVE-2023-44487', sub { ([HEADERS => 5, $_[0], $get], [RST_STREAM => 0, $_[0], $cancel]) }),
        streams('rapid reset of uploads',    sub { ([HEADERS => 4, $_[0], $post], [RST_STREAM => 0, $_[0], $cancel]) }),
        streams('rapid reset of WebSockets', sub { ([HEADERS => 4, $_[0], $web_socket], [RST_STREAM => 0, $_[0], $cancel]) }),
        streams('MadeYouReset, CVE-2025-8671: windows too large',
            sub { ([HEADERS => 5, $_[0], $get], [WINDOW_UPDATE => 0, $_[0], pack 'N', 0x7fffffff]) }),
        streams('MadeYouReset: windows opened by nothing', sub { ([HEADERS => 5, $_[0], $get], [WINDOW_UPDATE => 0, $_[0], pack 'N', 0]) }),
        streams('MadeYouReset: DATA behind the end', sub { ([HEADERS => 5, $_[0], $get], [DATA => 0, $_[0], 'x']) }),
        streams('MadeYouReset: HEADERS behind the end', sub { ([HEADERS => 5, $_[0], $get], [HEADERS => 5, $_[0], $get]) }),
        streams('MadeYouReset: PRIORITY on itself', sub { ([HEADERS => 5, $_[0], $get], [PRIORITY => 0, $_[0], pack 'NC', $_[0], 1]) }),
        streams('MadeYouReset: PRIORITY too short', sub { ([HEADERS => 5, $_[0], $get], [PRIORITY => 0, $_[0], 'x']) }),
        streams('MadeYouReset: more DATA than announced', sub { ([HEADERS => 4, $_[0], $none], [DATA => 0, $_[0], 'x']) }),
        streams('HEADERS that depend on themselves', sub { [HEADERS => 0x25, $_[0], pack('NC', $_[0], 1) . $get] }),
        streams('empty HEADERS',     sub { [HEADERS => 5, $_[0], ''] }),
        streams('malformed HEADERS', sub { [HEADERS => 5, $_[0], "$get\0\1X\0"] }),
    );
}

sub repetitions {
    return (
        repeated('SETTINGS, CVE-2019-9515', SETTINGS => 0, 0, ''),
        repeated('SETTINGS that change windows', SETTINGS => 0, 0, pack '(nN)2', 4, 65_535, 4, 1),
        repeated('SETTINGS that change tables',  SETTINGS => 0, 0, pack '(nN)2', 1, 0, 1, 4_096),
        repeated('PING, CVE-2019-9512',     PING     => 0, 0, 'x' x 8),
        repeated('PING nobody has asked for', PING   => 1, 0, 'x' x 8),
        repeated('empty DATA, CVE-2019-9518', DATA   => 0, 1, ''),
        repeated('DATA of padding',         DATA     => 8, 1, "\3\0\0\0"),
        repeated('PRIORITY, CVE-2019-9513', PRIORITY => 0, 3, pack 'NC', 5, 1),
        repeated('PRIORITY_UPDATE',         PRIORITY_UPDATE, 0, 0, pack('N', 1) . 'u=3'),
        repeated('WINDOW_UPDATE by a byte', WINDOW_UPDATE => 0, 1, pack 'N', 1),
        repeated('WINDOW_UPDATE by a byte, of the connection', WINDOW_UPDATE => 0, 0, pack 'N', 1),
        repeated('RST_STREAM of the same',  RST_STREAM => 0, 1, $cancel),
        repeated('GOAWAY',                  GOAWAY   => 0, 0, pack 'NN', 0, 0),
        repeated('frames of unknown types', 0x77     => 0, 0, 'x'),
    );
}

sub heads {
    my $cut = frames([HEADERS => 1, 1, $get]);
    return (
        { name => 'CONTINUATION, CVE-2024-27316', bytes => $cut . frames([CONTINUATION => 0, 1, "\0\1a\1b"]) x FRAMES },
        { name => 'large CONTINUATION',           bytes => $cut . frames([CONTINUATION => 0, 1, ("\0\1a\x7f\x81\x7e" . 'b' x 16_384)]) x 20 },
        { name => 'empty CONTINUATION',           bytes => $cut . frames([CONTINUATION => 0, 1, '']) x FRAMES },
        { name => 'SETTINGS without an end',      bytes => frames([SETTINGS => 0, 0, pack('nN', 4, 65_535) x 2_000]) },
    );
}

sub rows { return (resets(), repetitions(), heads()) }

1;
