# Whatever a server sends, in whatever pieces, and wherever it stops: the client gets all of a response, or 502, or one
# that it can tell is cut; the next request gets its own response, by the same connection where that is safe and by
# another one where it is not; and the worker stays as large as it was. By http:// and by https://.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl', 'node');

my $ok      = "HTTP/1.1 200 OK\r\n";
my $chunked = "${ok}Transfer-Encoding: chunked\r\n\r\n";
my $five    = "${ok}Content-Length: 5\r\n\r\n";

# How the server goes on after its bytes.
use constant { STAYS => 'stays', CLOSES => 'closes', RESETS => 'resets' };

# [claim, bytes (or a list of pieces, each sent when the client has what came before), outcome, the connection afterwards,
#  what the server does, method]. The outcome is a body, or one of:
use constant { REFUSED => \'refused', CUT_OR_REFUSED => \'cut or refused' };
my @rows = (
    # good ones, the connection to be used again
    ['a length',                     "${five}hello",                                             'hello', 'kept'],
    ['no reason phrase',             "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello",          'hello', 'kept'],
    ['not even its blank',           "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",           'hello', 'kept'],
    ['bytes above 127 in a reason',  "HTTP/1.1 200 \xfc\r\nContent-Length: 5\r\n\r\nhello",      'hello', 'kept'],
    ['chunks',                       "${chunked}5\r\nhello\r\n0\r\n\r\n",                        'hello', 'kept'],
    ['chunks with extensions',       "${chunked}5;a=\"b\";c\r\nhello\r\n0;d\r\n\r\n",            'hello', 'kept'],
    ['chunks with trailers',         "${chunked}005\r\nhello\r\n000\r\nA: b\r\nC:\r\n\r\n",      'hello', 'kept'],
    ['a coding in capitals',         "${ok}transfer-encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 'hello', 'kept'],
    ['an empty body',                "${ok}Content-Length: 0\r\n\r\n",                           '',      'kept'],
    ['204',                          "HTTP/1.1 204 No Content\r\n\r\n",                          '',      'kept'],
    ['304 with a length',            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",   '',      'kept'],
    ['HEAD with a length',           $five,                                                      '',      'kept', STAYS, 'HEAD'],
    ['HEAD with chunks',             $chunked,                                                   '',      'kept', STAYS, 'HEAD'],
    ['HEAD with neither',            "$ok\r\n",                                                  '',      'kept', STAYS, 'HEAD'],
    ['HTTP/1.0 that keeps',          "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", 'hello', 'kept'],
    ['an interim response, 100',     "HTTP/1.1 100 Continue\r\n\r\n${five}hello",                'hello', 'kept'],
    # good ones that end their connection
    ['Connection: close',            "${ok}Connection: close\r\nContent-Length: 5\r\n\r\nhello", 'hello', 'closed'],
    ['HTTP/1.0',                     "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",        'hello', 'closed'],
    ['neither length nor chunks',    "$ok\r\nhello",                                             'hello', 'closed', CLOSES],
    ['an early end',                 "${five}hello",                                             'hello', 'closed', CLOSES],
    # more than the response
    ['another response behind it',   "${five}hello${five}wrong",                                 'hello', 'closed'],
    ['another one later',            ["${five}hello", "${five}wrong"],                           'hello', 'closed'],
    ['a byte behind the body',       "${five}hello!",                                            'hello', 'closed'],
    ['an empty line behind it',      "${five}hello\r\n",                                         'hello', 'closed'],
    ['a response behind chunks',     "${chunked}5\r\nhello\r\n0\r\n\r\n${five}wrong",            'hello', 'closed'],
    ['one later behind chunks',      ["${chunked}5\r\nhello\r\n0\r\n\r\n", "${five}wrong"],      'hello', 'closed'],
    ['a body with 204',              "HTTP/1.1 204 No Content\r\n\r\n${five}wrong",              '',      'closed'],
    ['204 with a length',            "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",     '',      'closed'],
    ['204 with a length and a body', ["HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 'hello'], '', 'closed'],
    ['204 with chunks later',        ["HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\n\r\n"], '', 'closed'],
    ['a body with 304',              "HTTP/1.1 304 Not Modified\r\n\r\nhello",                   '',      'closed'],
    ['a body with 304 later',        ["HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 'hello'], '', 'closed'],
    ['a body with HEAD',             "${five}hello",                                             '',      'closed', STAYS, 'HEAD'],
    ['a body with HEAD later',       [$five, 'hello'],                                           '',      'closed', STAYS, 'HEAD'],
    ['chunks with HEAD later',       [$chunked, "5\r\nhello\r\n0\r\n\r\n"],                      '',      'closed', STAYS, 'HEAD'],
    # no responses
    (
        map { [$_->[0], $_->[1], REFUSED, 'closed', $_->[2] // STAYS] }
            ['HTTP/0.9',                    "<html>hello</html>\n", CLOSES],
            ['HTTP/0.9 that stays',         "<html>hello</html>\n"],
            ['HTTP/2 frames',               "\0\0\6\4\0\0\0\0\0\0\3\0\0\0d"],
            ['a TLS alert',                 "\x15\3\1\0\2\2\x46"],
            ['random bytes',                join('', map { chr(($_ * 7919 + 13) % 256) } 1 .. 5000)],
            ['zeros',                       "\0" x 100_000],
            ['empty lines first',           "\r\n\r\n${five}hello"],
            ['HTTP/1.2',                    "HTTP/1.2 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
            ['HTTP/1.10',                   "HTTP/1.10 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
            ['HTTP/3',                      "HTTP/3 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
            ['another name',                "ICY 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
            ['a name in small letters',     "http/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
            ['status 0',                    "HTTP/1.1 0 OK\r\n\r\n"],
            ['status 099',                  "HTTP/1.1 099 OK\r\n\r\n"],
            ['status 999',                  "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n"],
            ['a status of four digits',     "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"],
            ['a status with a sign',        "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n"],
            ['no status',                   "HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n"],
            ['two blanks before it',        "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n"],
            ['a CR in the reason',          "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"],
            ['a NUL in the reason',         "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"],
            ['101 that switches to more',   "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket, x\r\n\r\nframes"],
            ['a NUL in a name',             "${ok}A\0: b\r\nContent-Length: 0\r\n\r\n"],
            ['a NUL in a value',            "${ok}A: \0\r\nContent-Length: 0\r\n\r\n"],
            ['a DEL in a value',            "${ok}A: \x7f\r\nContent-Length: 0\r\n\r\n"],
            ['a CR in a value',             "${ok}A: b\rContent-Length: 5\r\n\r\nhello"],
            ['an LF in a value',            "${ok}A: b\nContent-Length: 5\r\n\r\nhello"],
            ['an LF at the head\'s end',    "${ok}Content-Length: 5\r\n\nhello"],
            ['a blank before a colon',      "${ok}Content-Length : 5\r\n\r\nhello"],
            ['a TAB before a colon',        "${ok}Content-Length\t: 5\r\n\r\nhello"],
            ['no colon',                    "${ok}Content-Length 5\r\n\r\nhello"],
            ['no name',                     "${ok}: 5\r\n\r\nhello"],
            ['a folded line',               "${ok}A: b\r\n\tc\r\nContent-Length: 5\r\n\r\nhello"],
            ['a folded line at first',      "${ok} A: b\r\nContent-Length: 5\r\n\r\nhello"],
            ['a folded length',             "${ok}Content-Length:\r\n 5\r\n\r\nhello"],
            ['a hexadecimal length',        "${ok}Content-Length: 0x5\r\n\r\nhello"],
            ['a length with a fraction',    "${ok}Content-Length: 5.0\r\n\r\nhello"],
            ['a length in two words',       "${ok}Content-Length: 5 0\r\n\r\nhello"],
            ['a length of 2^63',            "${ok}Content-Length: 9223372036854775808\r\n\r\nhello"],
            ['a length of 40 digits',       "${ok}Content-Length: " . '1' x 40 . "\r\n\r\nhello"],
            ['two lengths apart',           "${ok}Content-Length: 5\r\nA: b\r\ncontent-length: 50\r\n\r\nhello"],
            ['a length with 101 others',    "${ok}Content-Length: 5\r\n" . "Content-Length: 5\r\n" x 100 . "\r\nhello"],
            ['the coding identity',         "${ok}Transfer-Encoding: identity\r\n\r\nhello", CLOSES],
            ['a list of codings',           "${ok}Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
            ['chunked and then gzip',       "${ok}Transfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
            ['a coding like chunked',       "${ok}Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
            ['an empty coding',             "${ok}Transfer-Encoding:\r\n\r\nhello"],
            ['identity and a length',       "${ok}Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello"],
            ['both with 304',               "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"],
            ['200 interim responses',       "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" x 200 . "${five}hello"],
            ['interim ones without end',    "HTTP/1.1 100 Continue\r\n\r\n" x 10_000],
            ['10,000 fields',               $ok . "A: b\r\n" x 10_000 . "Content-Length: 5\r\n\r\nhello"],
            ['a field of 10 MB',            "${ok}A: " . 'b' x 10_000_000 . "\r\nContent-Length: 5\r\n\r\nhello"],
            ['a name of 10 MB',             $ok . 'A' x 10_000_000 . ": b\r\nContent-Length: 5\r\n\r\nhello"],
            ['a reason of 10 MB',           'HTTP/1.1 200 ' . 'A' x 10_000_000 . "\r\nContent-Length: 5\r\n\r\nhello"],
            ['10 MB of fields',             $ok . ('A: ' . 'b' x 1000 . "\r\n") x 10_000 . "Content-Length: 5\r\n\r\nhello"],
            ['10 MB of anything',           'abcdefghi' x 1_111_111],
    ),
    # chunks that are none: the head may have gone on before that is found
    (
        map { [$_->[0], $_->[1], CUT_OR_REFUSED, 'closed', $_->[2] // STAYS] }
            ['a negative size',             "${chunked}-5\r\nhello\r\n0\r\n\r\n"],
            ['a size with 0x',              "${chunked}0x5\r\nhello\r\n0\r\n\r\n"],
            ['a size of 2^64',              "${chunked}10000000000000000\r\nhello\r\n0\r\n\r\n"],
            ['a size of many zeros',        $chunked . '0' x 100 . "5\r\nhello\r\n0\r\n\r\n"],
            ['a size that is no number',    "${chunked}hello\r\n0\r\n\r\n"],
            ['a size of blanks',            "${chunked}  \r\nhello\r\n0\r\n\r\n"],
            ['a size that ends in LF',      "${chunked}5\nhello\r\n0\r\n\r\n"],
            ['a size that ends in CR',      "${chunked}5\rhello\r\n0\r\n\r\n"],
            ['a chunk that ends in LF',     "${chunked}5\r\nhello\n0\r\n\r\n"],
            ['a chunk that is too short',   "${chunked}6\r\nhello\r\n0\r\n\r\n"],
            ['an LF in an extension',       "${chunked}5;a\nb\r\nhello\r\n0\r\n\r\n"],
            ['a NUL in an extension',       "${chunked}5;a\0b\r\nhello\r\n0\r\n\r\n"],
            ['an extension of 4 MB',        "${chunked}5;" . 'a' x 4_000_000 . "\r\nhello\r\n0\r\n\r\n"],
            ['4 MB of extensions',          $chunked . ('1;' . 'a' x 100 . "\r\nx\r\n") x 40_000 . "0\r\n\r\n"],
            ['a trailer of 4 MB',           "${chunked}5\r\nhello\r\n0\r\nA: " . 'b' x 4_000_000 . "\r\n\r\n"],
            ['4 MB of trailers',            "${chunked}5\r\nhello\r\n0\r\n" . "A: b\r\n" x 700_000 . "\r\n"],
            ['a trailer that is none',      "${chunked}5\r\nhello\r\n0\r\nA b\r\n\r\n"],
            ['a folded trailer',            "${chunked}5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"],
            ['a NUL in a trailer',          "${chunked}5\r\nhello\r\n0\r\nA: \0\r\n\r\n"],
            ['a trailer that ends in LF',   "${chunked}5\r\nhello\r\n0\r\nA: b\n\r\n"],
            ['a response in a trailer',     "${chunked}5\r\nhello\r\n0\r\n${five}wrong"],
            ['an immense chunk that ends',  "${chunked}ffffffffffffffff\r\n" . 'x' x 100, CLOSES],
            ['an immense length that ends', "${ok}Content-Length: 9223372036854775807\r\n\r\n" . 'x' x 100, CLOSES],
    ),
);

# Two responses that end after each of their bytes, and that arrive in two pieces, split behind each of them.
my $length_whole = "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 7\r\n\r\nhello\r\n";
my $chunks_whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n2\r\n\r\n\r\n0\r\nA: b\r\n\r\n";
for my $whole ($length_whole, $chunks_whole) {
    my $head = index($whole, "\r\n\r\n") + 4;
    push @rows, ['a whole one in one piece', $whole, "hello\r\n", 'kept'];
    for my $end (0 .. length($whole) - 1) {
        my $part = substr $whole, 0, $end;
        push @rows, ["an end after $end bytes", $part, $end < $head ? REFUSED : CUT_OR_REFUSED, 'closed', CLOSES];
        push @rows, ["a reset after $end bytes", $part, $end < $head ? REFUSED : CUT_OR_REFUSED, 'closed', RESETS]
            if $end % 5 == 0;
        push @rows, ["a pause after $end bytes", [$part, substr $whole, $end], "hello\r\n", 'kept', 'in pieces'] if $end;
    }
}

for my $row (@rows) {
    $row->[4] //= STAYS;
    $row->[5] //= 'GET';
}

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my ($number) = $request->target =~ m{/(\d+)$};
            if (!defined $number) {
                $connection->respond(200, [], 'own ' . $connection->number);
                next;
            }
            my (undef, $bytes, undef, $afterwards, $end) = @{ $rows[$number] };
            $connection->tell("row $number on " . $connection->number);
            my @pieces = ref $bytes ? @$bytes : $bytes;
            while (defined(my $piece = shift @pieces)) {
                $connection->send($piece);
                next if !@pieces;
                $end eq 'in pieces' ? select(undef, undef, undef, 0.001) : $connection->wait_go;
            }
            return                    if $end eq CLOSES;
            return $connection->reset if $end eq RESETS;
            next                      if $afterwards eq 'kept';
            $connection->read_all;
            return $connection->tell('left ' . $connection->number);
        }
    }
);

# https:// with the same servers behind it: each connection is carried to one of theirs, its end too.
my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue('good', 'DNS:localhost,IP:127.0.0.1');
write_file("$folder/carrier.js", <<'END');
const fs = require('fs'), net = require('net'), tls = require('tls');
const [, , folder, port] = process.argv;
const options = { cert: fs.readFileSync(`${folder}/good.pem`), key: fs.readFileSync(`${folder}/good.key`), allowHalfOpen: true };
const server = tls.createServer(options, client => {
    const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.setNoDelay(), server.setNoDelay();
    client.on('error', () => server.destroy()).on('close', () => server.destroy());
    server.on('error', () => client.destroy());
    client.pipe(server).pipe(client);
});
server.on('tlsClientError', () => {}).listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
END
my $node = FlexiLib::Test::Process->start(name => 'node', dir => make_folder(), command => ['node', "$folder/carrier.js", $folder, $backend->port],
    env => { ASAN_OPTIONS => undef, UBSAN_OPTIONS => undef });
my ($port) = $node->wait_line(stdout => qr/^port \d+$/) =~ /(\d+)/;

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  plain:  { servers: "@{[$backend->url]}", eject: no, retry: no }
  secure: { servers: "https://127.0.0.1:$port", tls: { ca: '$folder/ca.pem' }, eject: no, retry: no }
routes:
  - { match: /plain, proxy: plain }
  - { match: /secure, proxy: secure }
END
my ($worker) = $flexilib->worker_pids;

sub most_memory_kb {
    return read_file("/proc/$worker/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : die 'no memory figure';
}

# What came of one row: a sentence where it is wrong, or undef.
sub judge {
    my ($response, $outcome) = @_;
    return 'no response' if !$response;
    my ($status, $body) = ($response->status, $response->body);
    return "passed on as complete: $body" if ref $outcome && $status != 502 && $response->is_complete;
    return $response->is_complete && $body eq $outcome ? undef : "status $status, body '$body'" if !ref $outcome;
    return $status == 502 ? undef : "status $status" if $outcome == REFUSED;
    return 'bytes of another response' if $body =~ /wrong/;
    return;
}

sub play {
    my ($kind, $number) = @_;
    my ($claim, $bytes, $outcome, $afterwards, $end, $method) = @{ $rows[$number] };
    my $client = connect_to($flexilib);
    $client->send_request($method => "/$kind/$number");
    my ($on) = $backend->wait_told(qr/^row $number on /) =~ / (\d+)$/;
    my $response = eval { $client->read_response($method) };
    my $wrong    = judge($response, $outcome);
    return $wrong if $wrong;
    if ($afterwards eq 'closed') {
        # bytes that come later close a connection that was kept
        $backend->go if ref $bytes && @$bytes > 1;
        $backend->wait_told($end eq STAYS ? qr/^left $on$/ : qr/^closed $on$/);
    }
    my $own = request($flexilib, GET => "/$kind/own")->body;
    return "the next request got '$own'" if $own !~ /^own (\d+)$/;
    return $1 == $on ? 'the connection is used again' : 'the connection is not used again' if ($1 == $on) != ($afterwards eq 'kept');
    return;
}

# memory that is kept for reuse is there from here on
is(play(plain => $_), undef, "$rows[$_][0]") for 0 .. 3;
my $before_kb = most_memory_kb();
for my $kind (qw(plain secure)) {
    for my $number (0 .. $#rows) {
        # TLS differs in what goes on below
        next if $kind eq 'secure' && $rows[$number][0] =~ /^a(n end| pause| reset) after (\d+) bytes/ && $2 % 7;
        my $wrong = eval { play($kind, $number) } // $@;
        is($wrong || undef, undef, "$kind: $rows[$number][0]");
    }
}
SKIP: {
    skip 'sanitizers keep what was freed', 1 if FlexiLib::Test::Wait::is_sanitized();
    cmp_ok(most_memory_kb() - $before_kb, '<', 4096, 'the worker stays small');
}
is_deeply([$flexilib->worker_pids], [$worker], 'it is still the same worker');

done_testing;
