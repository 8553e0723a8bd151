# A request that two readers could understand differently, or that nobody should send, is refused: the client gets the
# status and the connection ends, whatever was sent behind the request. The service behind sees nothing of it, but for
# the beginning of a body that turns out to be bad only later, which it sees cut.

use lib 't/lib';
use FlexiLib::Test;

my $backend  = start_static_backend();
my $flexilib = start_flexilib(config => <<"END");
listen: { address: "127.0.0.1:0", http2: no }
workers: 1
body_limit: 1MB
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END

my $get  = "GET / HTTP/1.1\r\nHost: a\r\n";
my $post = "POST / HTTP/1.1\r\nHost: a\r\n";
my $next = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

sub printable { return $_[0] =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger }

sub chunked { return "${post}Transfer-Encoding: chunked\r\n\r\n$_[0]" }

my @rows = (
    # name, status, bytes
    ['Content-Length and Transfer-Encoding' => 400, "${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ['Transfer-Encoding and Content-Length' => 400, "${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"],
    ['two lengths that differ'              => 400, "${post}Content-Length: 0\r\nContent-Length: 31\r\n\r\n"],
    ['two lengths that are the same'        => 400, "${post}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"],
    ['a list of lengths'                    => 400, "${post}Content-Length: 5, 5\r\n\r\nhello"],
    (map { ["length '$_'" => 400, "${post}Content-Length: $_\r\n\r\nhello"] }
            '+5', '-5', '0x5', '5e0', '5.0', '5 5', '', '18446744073709551621'),
    ['a length beyond the limit' => 413, "${post}Content-Length: 9223372036854775807\r\n\r\n"],
    (map { ["coding '$_'" => 400, "${post}Transfer-Encoding: $_\r\n\r\n0\r\n\r\n"] }
            'chunked, identity', 'identity', 'xchunked', '"chunked"', 'chunked, chunked', ',chunked', 'chunked;a=b', ''),
    ['two codings in two lines' => 400, "${post}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ['chunked in two lines'     => 400, "${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ['a coding we do not speak' => 501, "${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ['a coding in HTTP/1.0'     => 400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ['a blank before the colon' => 400, "${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"],
    ['a folded line'            => 400, "${get}Foo: bar\r\n Content-Length: 9\r\n\r\n"],
    ['a blank before the first field' => 400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"],
    ['a bare CR'                => 400, "${get}Foo: b\rar\r\n\r\n"],
    ['a NUL in a value'         => 400, "${get}Foo: b\0ar\r\n\r\n"],
    ['a NUL in a name'          => 400, "${get}F\0oo: bar\r\n\r\n"],
    ['bare LFs'                 => 400, "GET / HTTP/1.1\nHost: a\n\n"],
    ['one bare LF'              => 400, "GET / HTTP/1.1\r\nHost: a\nFoo: bar\r\n\r\n"],
    ['a field without a colon'  => 400, "${get}nothing\r\n\r\n"],
    ['a field without a name'   => 400, "${get}: nothing\r\n\r\n"],
    (map { ["chunk size '" . printable($_) . "'" => 400, chunked("$_\r\nabcde\r\n0\r\n\r\n")] }
            '0_2e', '0x5', '-1', '+1', ' 5', '5 ', '', '10000000000000005', '0' x 40 . '5', "5\r", "5\n", 'g'),
    ['chunk data that goes on'       => 400, chunked("1\r\na9\n0\r\n\r\n")],
    ['a CR in a chunk extension'     => 400, chunked("5\r\r;ABCD\r\nabcde\r\n0\r\n\r\n")],
    ['a bare LF behind a chunk size' => 400, chunked("5\nabcde\r\n0\r\n\r\n")],
    ['endless chunk extensions'      => 400, chunked(join '', map { '1;' . 'x' x 1000 . "\r\na\r\n" } 1 .. 100)],
    ['a malformed trailer'           => 400, chunked("0\r\nno colon\r\n\r\n")],
    ['a chunked body beyond the limit' => 413, chunked('100001' . "\r\n" . 'x' x 0x100001 . "\r\n0\r\n\r\n")],
    ['no Host'            => 400, "GET / HTTP/1.1\r\n\r\n"],
    ['two Hosts'          => 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
    ['the same Host twice' => 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"],
    (map { ["Host '" . printable($_) . "'" => 400, "GET / HTTP/1.1\r\nHost: $_\r\n\r\n"] }
            '', 'a/../b@c d', "\xc3\xa9", 'a, b', 'u@a', 'a:x', 'a:65536', ':80', '[::1', 'a%2eb', 'a#b', 'a?b', 'a\\b'),
    ['an absolute target without Host'     => 400, "GET http://a/ HTTP/1.1\r\n\r\n"],
    ['an absolute target with a user'      => 400, "GET http://u\@a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['an absolute target without a host'   => 400, "GET http:///p HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['an absolute target of another scheme' => 400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['CONNECT' => 405, "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['TRACE'   => 405, "TRACE / HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n"],
    (map { ["method '" . printable($_) . "'" => 400, "$_ / HTTP/1.1\r\nHost: a\r\n\r\n"] } 'G=":<>(e),[T];?"', 'G(T', '', "G\0T"),
    (map { ["target '" . printable($_) . "'" => 400, "GET $_ HTTP/1.1\r\nHost: a\r\n\r\n"] }
            '/a b', "/\x7f", "/\xff", "/?\xff", '/a#b', '/?a#b', '!', 'a', '*', '?a', '/a\\b', '/%00', '/%zz', '/%', '', "/\t"),
    ['HTTP/2.0'     => 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"],
    ['http/1.1'     => 400, "GET / http/1.1\r\nHost: a\r\n\r\n"],
    ['HTTP/0.9'     => 400, "GET /\r\n"],
    ['HTTP/2 itself' => 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"],
    ['TLS'          => 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
    ['an unknown expectation' => 417, "${post}Expect: foo\r\nContent-Length: 5\r\n\r\nhello"],
    ['a target of 20 KB'  => 414, 'GET /' . 'x' x 20_000 . " HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['a target of 70 KB'  => 414, 'GET /' . 'x' x 70_000 . " HTTP/1.1\r\nHost: a\r\n\r\n"],
    ['a field of 70 KB'   => 431, "${get}Foo: " . 'x' x 70_000 . "\r\n\r\n"],
    ['101 fields'         => 431, $get . join('', map { "F$_: x\r\n" } 1 .. 100) . "\r\n"],
    ['10,000 fields'      => 431, $get . join('', map { "F$_: x\r\n" } 1 .. 10_000) . "\r\n"],
    ['Connection naming 100 fields' => 400, "${get}Connection: " . join(',', map { "x$_" } 1 .. 100) . "\r\n\r\n"],
);

for my $row (@rows) {
    my ($name, $status, $bytes) = @$row;
    my $result = raw($flexilib, $bytes . $next, responses => 2);
    my $seen = $result->{status} // 'none';
    ok(
        $seen eq $status && @{ $result->{responses} } == 1 && $result->{is_closed} && $result->{rest} eq '' && !$result->{is_reset},
        "$name: $status, closed"
        )
        or diag("status $seen, " . @{ $result->{responses} } . " responses, rest '$result->{rest}', reset: "
            . ($result->{is_reset} // 0));
}

my @late = ('endless chunk extensions', 'a chunked body beyond the limit');
cmp_ok($backend->connections, '<=', @late, 'the service behind has seen nothing of all that');
my @heads = $backend->received =~ /^\S+ \S+ HTTP/mg;
cmp_ok(scalar @heads, '<=', @late, 'but for heads whose bodies turn out to be bad');
unlike($backend->received, qr/^0\r\n\r\n|smuggled/m, 'of which it sees no end');

my $response = raw($flexilib, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")->{response};
like($response->header('allow'), qr/^GET, HEAD, /, '405 says what is allowed');
like($response->body, qr/^405 Method Not Allowed: /, 'the body says why');

request($flexilib, GET => '/last');
$flexilib->wait_access(qr{"GET /last HTTP/1.1" 200 });
my @lines = $flexilib->access_log;
is(scalar @lines, @rows + 2, 'each has a line in the access log');
is(scalar(grep { /[^ -~]/ } @lines), 0, 'in which nothing can disturb a terminal');
is(scalar(grep { /info: refused a request from 127\.0\.0\.1 with \d+: / } split /\n/, $flexilib->log),
    @rows + 1, 'and one in the log that says why');

done_testing;
