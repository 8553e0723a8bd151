package FlexiLib::Test::Http1Table;

# Requests of HTTP/1.1 that somebody could misread, and what becomes of each: a table that runs over any kind of
# connection (t/50front-refuses-what-can-be-misread.t). A row is a hash:
#
#   name    what is odd about it
#   bytes   what the client sends; the runner sends another request behind it, which is no part of the row
#   status  of the response to it, or of the first where there are more
#   more    [status, ...] of responses that follow from the same bytes
#   kept    whether the connection goes on; a refused request ends it
#   seen    what the server behind receives because of it: the exact bytes, or a pattern; '' is nothing
#   cut     true where that server may have seen a beginning, as it came out later only that the request is bad

use strict;
use warnings;

use FlexiLib::Test::Connection;

my $get  = "GET / HTTP/1.1\r\nHost: a\r\n";
my $post = "POST / HTTP/1.1\r\nHost: a\r\n";
my $end  = "0\r\n\r\n";

# The routes that rows rely on, before the one to the server behind: what is private is answered 403 here. body_limit
# is 100KB.
sub routes {
    return <<'END';
  - { match: /end, respond: { body: "the end" } }
  - { match: /private, respond: { status: 403, body: "private" } }
END
}

sub printable { return FlexiLib::Test::Connection::printable($_[0]) }

# Answered with a status and closed; nothing goes on.
sub refused {
    my ($name, $status, $bytes, %more) = @_;
    return { name => $name, status => $status, bytes => $bytes, kept => 0, seen => '', %more };
}

# Passed on as what is given, and the connection goes on.
sub passed {
    my ($name, $bytes, $seen, %more) = @_;
    return { name => $name, status => 200, bytes => $bytes, kept => 1, seen => $seen, %more };
}

# Answered here, and the connection goes on.
sub answered {
    my ($name, $status, $bytes) = @_;
    return { name => $name, status => $status, bytes => $bytes, kept => 1, seen => '' };
}

# What the server behind gets of a request: its first words, lines of fields, its body.
sub plain {
    my ($words, $fields, $body) = @_;
    my $framing = defined $body ? 'Content-Length: ' . length($body) . "\r\n" : '';
    return "$words HTTP/1.1\r\nHost: a\r\n" . ($fields // '') . "${framing}Via: 1.1 flexilib\r\n\r\n" . ($body // '');
}

sub chunked { return "${post}Transfer-Encoding: chunked\r\n\r\n$_[0]" }

my $hello = plain('POST /', '', 'hello');

sub lengths {
    return (
        refused('a length and a coding', 400, "${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('a coding and a length', 400, "${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n$end"),
        refused('a length of 0 and a coding', 400, "${post}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('two lengths that differ', 400, "${post}Content-Length: 0\r\nContent-Length: 31\r\n\r\n"),
        refused('two lengths that are the same', 400, "${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        refused('two lengths in different case', 400, "${post}Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello"),
        (map { refused('length ' . printable($_), 400, "${post}Content-Length: $_\r\n\r\nhello") }
                '5, 5', '5,6', '+5', '-5', '0x5', '5e0', '5.0', '5 5', '', '5_0', '"5"', '5;', ',5', '5,', '18446744073709551621',
                "\xd9\xa5", '0b101', '5h', '1' . '0' x 30),
        refused('a length beyond the limit', 413, "${post}Content-Length: 9223372036854775807\r\n\r\n"),
        refused('a length behind a vertical tab', 400, "${post}Content-Length: \x0b5\r\n\r\nhello"),
        refused('a folded length', 400, "${post}Content-Length:\r\n 5\r\n\r\nhello"),
        refused('a blank between Content-Length and colon', 400, "${post}Content-Length : 5\r\n\r\nhello"),
        refused('a tab between Content-Length and colon', 400, "${post}Content-Length\t: 5\r\n\r\nhello"),
        refused('a NUL in the name Content-Length', 400, "${post}Content-Length\0: 5\r\n\r\nhello"),
        refused('a length that folds the field before it', 400, "${post}X: y\r\n\tContent-Length: 5\r\n\r\nhello"),
        passed('blanks behind a length', "${post}Content-Length: 5 \t\r\n\r\nhello", $hello),
        passed('tabs before a length', "${post}Content-Length:\t\t5\r\n\r\nhello", $hello),
        passed('no blank before a length', "${post}Content-Length:5\r\n\r\nhello", $hello),
        passed('a length with zeros', "${post}Content-Length: 0005\r\n\r\nhello", $hello),
        passed('what only looks like a length', "${get}Content_Length: 5\r\nContentLength: 5\r\n\r\n", plain('GET /', "ContentLength: 5\r\n")),
        passed('a GET with a body', "${get}Content-Length: 5\r\n\r\nhello", plain('GET /', '', 'hello')),
        passed('a request as a body', "${post}Content-Length: " . length("$get\r\n") . "\r\n\r\n$get\r\n", plain('POST /', '', "$get\r\n")),
        passed('a body of empty lines', "${post}Content-Length: 4\r\n\r\n\r\n\r\n", plain('POST /', '', "\r\n\r\n")),
        passed('Connection that names Content-Length', "${post}Connection: content-length\r\nContent-Length: 5\r\n\r\nhello", $hello),
        passed('a POST without a length', "${post}\r\n", plain('POST /', '', '')),
    );
}

sub codings {
    return (
        (map { refused('coding ' . printable($_), 400, "${post}Transfer-Encoding: $_\r\n\r\n$end") }
                'chunked, identity', 'identity', 'xchunked', '"chunked"', 'chunked, chunked', ',chunked', 'chunked,', 'chunked;a=b', '',
                'chunkedx', 'x', 'chunked x', "chunked\x0b", "\x0cchunked", 'identity, chunked', 'chunked, gzip', "chun\xe2\x84\xaaed",
                'cow, chunked', 'chunke', '"chunked, ', 'trailers'),
        refused('two codings in two lines', 400, "${post}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('chunked in two lines', 400, "${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('chunked, and then something else', 400, "${post}Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n$end"),
        refused('an empty coding before chunked', 400, "${post}Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('a coding we do not speak', 501, "${post}Transfer-Encoding: gzip, chunked\r\n\r\n$end"),
        refused('a coding in HTTP/1.0', 400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('a coding and a length in HTTP/1.0', 400,
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n$end"),
        refused('a blank between Transfer-Encoding and colon', 400, "${post}Transfer-Encoding : chunked\r\n\r\n$end"),
        refused('a coding on a folded line', 400, "${post}Transfer-Encoding:\r\n chunked\r\n\r\n$end"),
        refused('a coding that folds the field before it', 400, "${post}X: y\r\n Transfer-Encoding: chunked\r\n\r\n$end"),
        refused('a coding behind a bare CR', 400, "${post}X: y\rTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('a coding behind a bare LF', 400, "${post}X: y\nTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('a coding behind LF CR', 400, "${post}X: y\n\rTransfer-Encoding: chunked\r\n\r\n$end"),
        refused('a coding whose line ends in CR CR LF', 400, "${post}Transfer-Encoding: chunked\r\r\n\r\n$end"),
        passed('chunked in another case', "${post}transfer-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n$end", $hello),
        passed('Connection that names Transfer-Encoding',
            "${post}Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n$end", $hello),
        passed('what only looks like a coding', "${get}Transfer_Encoding: chunked\r\nTransferEncoding: x\r\n\r\n",
            plain('GET /', "TransferEncoding: x\r\n")),
        passed('a GET in chunks', "${get}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n$end", plain('GET /', '', 'hello')),
    );
}

sub chunks {
    return (
        (map { refused('chunk size ' . printable($_), 400, chunked("$_\r\nabcde\r\n$end")) }
                '0_2e', '0x5', '-1', '+1', ' 5', '5 ', "5\t", '', '10000000000000005', '0' x 40 . '5', "5\r", "5\n", 'g', '5 ;x', "\x0b5",
                '5,', '5 5', "5\0", 'ffffffffffffffff5', '5.0'),
        refused('chunk data that goes on', 400, chunked("1\r\na9\n$end")),
        refused('chunk data that ends in a bare LF', 400, chunked("5\r\nabcde\n$end")),
        refused('chunk data that ends in a bare CR', 400, chunked("5\r\nabcde\r$end")),
        refused('chunk data that is short', 400, chunked("6\r\nabcde\r\n$end")),
        refused('two bytes that are no CRLF behind data', 400, chunked("5\r\nabcdeXX$end")),
        refused('two bytes that are no CRLF at the end', 400, chunked("5\r\nabcde\r\n0\r\nXX")),
        refused('a CR in a chunk extension', 400, chunked("5\r\r;ABCD\r\nabcde\r\n$end")),
        refused('a bare CR behind an extension', 400, chunked("5;a\rabcde\r\n$end")),
        refused('a bare LF in a chunk extension', 400, chunked("5;\nabcde\r\n$end")),
        refused('a bare LF in a quoted extension', 400, chunked("5;a=\"\n\"\r\nabcde\r\n$end")),
        refused('a NUL in a chunk extension', 400, chunked("5;a=\0\r\nabcde\r\n$end")),
        refused('a bare LF behind a chunk size', 400, chunked("5\nabcde\r\n$end")),
        refused('a bare LF behind the last chunk', 400, chunked("0\n\r\n")),
        refused('a bare LF as the end', 400, chunked("0\r\n\n")),
        refused('an empty line before the first chunk', 400, chunked("\r\n5\r\nabcde\r\n$end")),
        refused('an empty line between chunks', 400, chunked("5\r\nabcde\r\n\r\n$end")),
        refused('endless chunk extensions', 400, chunked(join '', map { '1;' . 'x' x 1000 . "\r\na\r\n" } 1 .. 100), cut => 1),
        refused('an extension of 5 KB', 400, chunked('1;' . 'x' x 5000 . "\r\na\r\n$end"), cut => 1),
        (map { refused('trailer line ' . printable($_), 400, chunked("0\r\n$_\r\n\r\n")) }
                'no colon', 'blank : x', ' x: y', ': x', "x: a\0b", "x: a\rb", "x: y\r\n z: a", "x\ty: z"),
        refused('a trailer that ends in a bare LF', 400, chunked("0\r\nx: y\n\r\n")),
        refused('a trailer of 70 KB', 431, chunked("0\r\nx: " . 'y' x 70_000 . "\r\n\r\n"), cut => 1),
        refused('a chunked body beyond the limit', 413, chunked('19001' . "\r\n" . 'x' x 0x19001 . "\r\n$end"), cut => 1),
        passed('chunk extensions', chunked("3;x=\"y;\\\"\"\r\nhel\r\n02;a;b=c\r\nlo\r\n0;last\r\n\r\n"), $hello),
        passed('chunk sizes in both cases and with zeros', chunked("A\r\n0123456789\r\n00a\r\n0123456789\r\n000\r\n\r\n"),
            plain('POST /', '', '01234567890123456789')),
        # whether they go on as trailers or are left out: never as fields, and the dangerous ones not at all
        passed('trailers that would be dangerous as fields',
            chunked("5\r\nhello\r\n0\r\nHost: b\r\nContent-Length: 99\r\nX-Forwarded-For: 1.2.3.4\r\nTransfer-Encoding: gzip\r\n"
                    . "Authorization: x\r\nConnection: close\r\nCookie: x\r\n\r\n"),
            qr{\A(?:\Q$hello\E|POST / HTTP/1\.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n(?:Trailer: [^\r\n]*\r\n)?Via: 1\.1 flexilib\r\n\r\n5\r\nhello\r\n0\r\n\r\n)\z}),
        passed('a chunked request as a body', chunked("1b\r\nGET /inner HTTP/1.1\r\nX: y\r\n\r\n$end"),
            plain('POST /', '', "GET /inner HTTP/1.1\r\nX: y\r\n")),
    );
}

sub field_lines {
    return (
        refused('a folded line', 400, "${get}Foo: bar\r\n Content-Length: 9\r\n\r\n"),
        refused('a line folded by a tab', 400, "${get}Foo: bar\r\n\tbaz\r\n\r\n"),
        refused('a blank before the first field', 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        refused('a line of blanks alone', 400, "${get}  \r\n\r\n"),
        refused('a bare CR', 400, "${get}Foo: b\rar\r\n\r\n"),
        refused('a bare CR in the request line', 400, "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused('a bare CR before a field', 400, "${get}\rFoo: bar\r\n\r\n"),
        refused('a NUL in a value', 400, "${get}Foo: b\0ar\r\n\r\n"),
        refused('a NUL in a name', 400, "${get}F\0oo: bar\r\n\r\n"),
        refused('an escape in a value', 400, "${get}Foo: \x1b[2J\r\n\r\n"),
        refused('a DEL in a value', 400, "${get}Foo: \x7f\r\n\r\n"),
        (map { refused('name ' . printable($_), 400, "${get}$_: x\r\n\r\n") }
                'a b', 'a"b', "\xc3\xa9", '(a)', 'a,b', 'a/b', 'a=b', 'a@b', '[a]', 'a\\b', '{a}', 'a;b', "a\x80", ' a'),
        refused('bare LFs', 400, "GET / HTTP/1.1\nHost: a\n\n"),
        refused('one bare LF', 400, "GET / HTTP/1.1\r\nHost: a\nFoo: bar\r\n\r\n"),
        refused('a head that ends in a bare LF', 400, "$get\n"),
        refused('a bare LF before the request', 400, "\n$get\r\n"),
        refused('a bare CR before the request', 400, "\r$get\r\n"),
        refused('a field without a colon', 400, "${get}nothing\r\n\r\n"),
        refused('a field without a name', 400, "${get}: nothing\r\n\r\n"),
        refused('a field of 70 KB', 431, "${get}Foo: " . 'x' x 70_000 . "\r\n\r\n"),
        refused('101 fields', 431, $get . join('', map { "F$_: x\r\n" } 1 .. 100) . "\r\n"),
        refused('10,000 fields', 431, $get . join('', map { "F$_: x\r\n" } 1 .. 10_000) . "\r\n"),
        refused('Connection naming 100 fields', 400, "${get}Connection: " . join(',', map { "x$_" } 1 .. 100) . "\r\n\r\n"),
        passed('empty lines before the request', "\r\n\r\n$get\r\n", plain('GET /')),
        passed('an empty line behind a body', "${post}Content-Length: 5\r\n\r\nhello\r\n", $hello),
        passed('blanks around a value', "${get}X:\t a b \t\r\n\r\n", plain('GET /', "X: a b\r\n")),
        passed('empty values', "${get}X:\r\nY: \r\n\r\n", plain('GET /', "X: \r\nY: \r\n")),
        passed('eight-bit values', "${get}X: \xc3\xa9\xff\r\n\r\n", plain('GET /', "X: \xc3\xa9\xff\r\n")),
        passed('a value with a colon', "${get}X: a: b\r\n\r\n", plain('GET /', "X: a: b\r\n")),
        passed('fields of the connection',
            "${get}Connection: x-a, keep-alive\r\nX-A: 1\r\nx-a: 2\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: foo\r\n"
                . "HTTP2-Settings: x\r\nX-B: kept\r\n\r\n",
            plain('GET /', "X-B: kept\r\n")),
        passed('Connection that names fields of the whole way',
            "${get}Connection: host, authorization, cookie, x-forwarded-for\r\nAuthorization: x\r\nCookie: y\r\n\r\n",
            plain('GET /', "Authorization: x\r\nCookie: y\r\n")),
        passed('names that a CGI would misread', "${get}X_Forwarded_For: x\r\nX-Real_IP: x\r\nX_B: kept\r\n\r\n", plain('GET /', "X_B: kept\r\n")),
    );
}

sub hosts {
    return (
        refused('no Host', 400, "GET / HTTP/1.1\r\n\r\n"),
        refused('two Hosts', 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        refused('the same Host twice', 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        refused('two Hosts and an absolute target', 400, "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        refused('a blank between Host and colon', 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
        (map { refused('Host ' . printable($_), 400, "GET / HTTP/1.1\r\nHost: $_\r\n\r\n") }
                '', 'a/../b@c d', "\xc3\xa9", 'a, b', 'u@a', 'a:x', 'a:65536', ':80', '[::1', 'a%2eb', 'a#b', 'a?b', 'a\\b', 'a b', 'a:80:80',
                '[::1]x', 'http://a', "a\x7f", 'a:-1', '[]', '*'),
        refused('a Host of more than 1 KB', 400, "GET / HTTP/1.1\r\nHost: @{['x' x 1025]}\r\n\r\n"),
        passed('a Host of 1 KB', "GET /p HTTP/1.1\r\nHost: @{['x' x 1024]}\r\n\r\n",
            "GET /p HTTP/1.1\r\nHost: @{['x' x 1024]}\r\nVia: 1.1 flexilib\r\n\r\n"),
        refused('an absolute target without Host', 400, "GET http://a/ HTTP/1.1\r\n\r\n"),
        refused('an absolute target with a user', 400, "GET http://u\@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused('an absolute target without a host', 400, "GET http:///p HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused('an absolute target of another scheme', 400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused('an absolute target with one slash', 400, "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused('an absolute target and a malformed Host', 400, "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n"),
        refused('an absolute target with a backslash', 400, "GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        passed('an absolute target and another Host', "GET http://a/p HTTP/1.1\r\nHost: b\r\n\r\n", plain('GET /p')),
        passed('an absolute target in capitals', "GET HTTP://a/a/../p HTTP/1.1\r\nHost: b\r\n\r\n", plain('GET /p')),
        passed('an absolute target without a path', "GET http://a?q HTTP/1.1\r\nHost: b\r\n\r\n", plain('GET /?q')),
        answered('an absolute target to what is private', 403, "GET http://a/x/../private HTTP/1.1\r\nHost: b\r\n\r\n"),
    );
}

sub request_lines {
    return (
        (map { refused("CONNECT $_", 405, "CONNECT $_ HTTP/1.1\r\nHost: a\r\n\r\n") } '127.0.0.1:22', '/', 'http://a/'),
        refused('TRACE', 405, "TRACE / HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n"),
        refused('TRACE with a body', 405, "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"),
        (map { refused('method ' . printable($_), 400, "$_ / HTTP/1.1\r\nHost: a\r\n\r\n") }
                'G=":<>(e),[T];?"', 'G(T', '', "G\0T", "\xc3\xa9", 'G@T', "GET\t", 'GET '),
        (map { refused('target ' . printable($_), 400, "GET $_ HTTP/1.1\r\nHost: a\r\n\r\n") }
                '/a b', "/\x7f", "/\xff", "/?\xff", '/a#b', '/?a#b', '!', 'a', '*', '?a', '/a\\b', '/%00', '/%zz', '/%', '', "/\t", ' /', '/ ',
                "/\0", '/%4', '/a%', 'a:80', '\\', '//a\\b', "/\x01"),
        (map { refused("version '$_'", 505, "GET / $_\r\nHost: a\r\n\r\n") } 'HTTP/2.0', 'HTTP/0.9', 'HTTP/3.1'),
        (map { refused("version '$_'", 400, "GET / $_\r\nHost: a\r\n\r\n") }
                'http/1.1', 'HTTP/1.1 ', 'HTTP/1.', 'HTTP/1', 'HTTP/1.10', 'HTTP/1,1', 'HTTP/+1.1', 'HTTP /1.1', 'HTTP/1.1x', 'HTTPS/1.1', 'XTTP/1.1',
                'HTTP/01.1'),
        refused('no version', 400, "GET /\r\n"),
        refused('no version, but fields', 400, "GET /\r\nHost: a\r\n\r\n"),
        refused('HTTP/2 itself', 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
        refused('TLS within', 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        (map { refused("expectation '$_'", 417, "${post}Expect: $_\r\nContent-Length: 5\r\n\r\nhello") }
                'foo', '100-continue, foo', 'y 100-continue', '100-continue=x', ''),
        refused('a target of 20 KB', 414, 'GET /' . 'x' x 20_000 . " HTTP/1.1\r\nHost: a\r\n\r\n"),
        refused('a target of 70 KB', 414, 'GET /' . 'x' x 70_000 . " HTTP/1.1\r\nHost: a\r\n\r\n"),
        answered('OPTIONS *', 200, "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n"),
        passed('HTTP/1.9', "GET / HTTP/1.9\r\nHost: a\r\n\r\n", qr{\AGET / HTTP/1\.1\r\nHost: a\r\nVia: 1\.[19] flexilib\r\n\r\n\z}),
        passed('an unknown method', "FOO /a HTTP/1.1\r\nHost: a\r\n\r\n", plain('FOO /a')),
        passed('a method in small letters', "get /a HTTP/1.1\r\nHost: a\r\n\r\n", plain('get /a')),
        passed('an expectation that is met', "${post}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", $hello),
        passed('an expectation without a body', "${get}Expect: 100-continue\r\n\r\n", plain('GET /')),
        passed('HTTP/1.0', "GET / HTTP/1.0\r\nHost: a\r\n\r\n", qr{\AGET / HTTP/1\.1\r\nHost: a\r\nVia: 1\.0 flexilib\r\n\r\n\z}, kept => 0),
        passed('Connection: close', "${get}Connection: x, Close\r\n\r\n", plain('GET /'), kept => 0),
    );
}

sub paths {
    my @passed = (
        ['/a/%2e%2E/b' => '/b'], ['/a/../../b' => '/b'], ['//x///y' => '/x/y'], ['/%2fprivate' => '/%2Fprivate'], ['/%61%7e' => '/a~'],
        ['/?/../private' => '/?/../private'], ['/x/..;/private' => '/x/..;/private'], ['/%5cprivate' => '/%5Cprivate'], ['/a?' => '/a?'],
        ['/a?%zz%00' => '/a?%zz%00'], ['/private%2f' => '/private%2F'], ['/PRIVATE' => '/PRIVATE'], ['/%2523' => '/%2523'], ['/;a=b' => '/;a=b'],
        ['/private/../x' => '/x'], ['/a/./b/.' => '/a/b/'], ['/%3fprivate' => '/%3Fprivate'], ['/privates' => '/privates'],
    );
    my @private = ('/private', '//private', '/./private', '/x/../private', '/%70rivate', '/x/%2e%2e/private', '/private/', '/private?x', '/private//x',
        '/..//private', '/%2e/private', 'http://b//private');
    return (
        (map { passed("path $_->[0]", "GET $_->[0] HTTP/1.1\r\nHost: a\r\n\r\n", plain("GET $_->[1]")) } @passed),
        (map { answered("path $_", 403, "GET $_ HTTP/1.1\r\nHost: a\r\n\r\n") } @private),
    );
}

# What follows a request is read as what it is, whatever becomes of the request.
sub sequences {
    my $inner   = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n";
    my $private = "POST /private HTTP/1.1\r\nHost: a\r\n";
    my $length  = length $inner;
    return (
        passed('pipelined requests', "$get\r\n$inner", plain('GET /') . plain('GET /inner'), more => [200]),
        passed('a request behind chunks', chunked("5\r\nhello\r\n$end") . $inner, $hello . plain('GET /inner'), more => [200]),
        passed('a body for what is answered at once', "${private}Content-Length: $length\r\n\r\n$inner", '', status => 403),
        passed('chunks for what is answered at once', "${private}Transfer-Encoding: chunked\r\n\r\n" . sprintf("%x\r\n", $length) . "$inner\r\n$end",
            '', status => 403),
        refused('a good request before a bad Host', 200, "$get\r\nGET /x HTTP/1.1\r\nHost: a b\r\n\r\n", more => [400], seen => plain('GET /')),
        refused('a good request before a length and a coding', 200,
            "$get\r\n${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n$end", more => [400], seen => plain('GET /')),
        passed('a body for what is answered at once, announced by Expect',
            "${private}Expect: 100-continue\r\nContent-Length: $length\r\n\r\n$inner", '', status => 403),
        # a connection on which another protocol was offered ends after the answer
        passed('an offer of HTTP/2 by Upgrade',
            "${get}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", plain('GET /'),
            kept => 0),
        passed('an offer of WebSocket with a body',
            "${post}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello", $hello, kept => 0),
        # the server says no; what was sent meanwhile may be of the other protocol, and is nothing
        passed('an offer of WebSocket that is not taken', "${get}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            qr{\AGET / HTTP/1\.1\r\nHost: a\r\nVia: 1\.1 flexilib\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\z}i,
            kept => 0),
        answered('OPTIONS that goes no further', 200, "OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n"),
        refused('OPTIONS * with a body', 200, "OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: $length\r\n\r\n$inner"),
    );
}

sub rows {
    return (lengths(), codings(), chunks(), field_lines(), hosts(), request_lines(), paths(), sequences());
}

1;
