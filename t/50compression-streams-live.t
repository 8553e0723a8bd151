# What a server sends in pieces reaches the client piece by piece, compressed or not: each event is read before the server
# sends the next one, by both fronts.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Node;

need_node();
need('zstd');
my $folder = make_folder();
write_file("$folder/streams.js", <<'END');
const http = require('http'), http2 = require('http2'), zlib = require('zlib');
const url = process.argv[2], events = 20, waiting = {};
const text = number => `data: event ${number} ${'x'.repeat(number * 37)}\n\n`;
const unpack = { gzip: zlib.createGunzip, br: zlib.createBrotliDecompress };
const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://a');
    let number = 0;
    response.writeHead(200, { 'Content-Type': pathname.startsWith('/events') ? 'text/event-stream' : 'application/x-ndjson' });
    waiting[pathname] = () => number < events ? response.write(text(number++)) : response.end();
    waiting[pathname]();
});
// reads an event, then has the server send the next one
const follow = (stream, coding, path, then) => {
    let seen = '', number = 0;
    const check = data => {
        seen += data;
        for (; number < events && seen === text(number); seen = '') {
            ++number;
            waiting[path]();
        }
    };
    stream.pipe(unpack[coding]()).on('data', check).on('end', () => then(number));
};
const byHttp1 = (path, coding, then) =>
    http.get(url + path, { headers: { 'accept-encoding': coding } }, response => {
        if (response.headers['content-encoding'] !== coding) throw new Error(`${path} is ${response.headers['content-encoding']}`);
        follow(response, coding, path, then);
    });
const byHttp2 = (path, coding, then) => {
    const session = http2.connect(url), stream = session.request({ ':path': path, 'accept-encoding': coding });
    stream.on('response', headers => {
        if (headers['content-encoding'] !== coding) throw new Error(`${path} is ${headers['content-encoding']}`);
        follow(stream, coding, path, number => { session.close(); then(number); });
    });
};
server.listen(process.argv[3], () => {
    let left = 8;
    for (const coding of ['gzip', 'br']) {
        for (const kind of ['events', 'lines']) {
            const done = name => number => { console.log(`${name} ${number}`); if (--left === 0) process.exit(0); };
            byHttp1(`/${kind}/1/${coding}`, coding, done(`HTTP/1.1 ${coding} ${kind}`));
            byHttp2(`/${kind}/2/${coding}`, coding, done(`HTTP/2 ${coding} ${kind}`));
        }
    }
});
END
my $backend = start_backend(sub {
    my ($connection) = @_;
    if ($connection->read_request->target eq '/zstd/trickle') {
        my $bits = '';
        vec($bits, fileno $connection->{go}, 1) = 1;
        $connection->send("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n");
        $connection->send("1\n") while !select my $ready = $bits, undef, undef, 0.001;
        return;
    }
    $connection->send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    for my $number (1 .. 5) {
        $connection->send("data: $number\n\n");
        $connection->wait_go;
    }
});
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
compress: { types: [text/event-stream, application/*], min_length: 0 }
routes:
  - { match: /zstd, proxy: "@{[$backend->url]}" }
  - proxy: { to: "http+unix:$folder/socket" }
END
my $node = FlexiLib::Test::Process->start(
    dir => make_folder(), command => ['node', "$folder/streams.js", $flexilib->url(''), "$folder/socket"]);
is($node->wait_status, 0, 'node is content') or diag($node->text('stderr'));
$node->wait_streams;
is(join("\n", sort split /\n/, $node->text('stdout')),
    join("\n", sort map { my $way = $_; map { ("$way $_ events 20", "$way $_ lines 20") } qw(gzip br) } 'HTTP/1.1', 'HTTP/2'),
    'every event arrives before the next one is sent');

# zstd is something that this Node does not know: its tool says what can be read of what is there.
my $client = connect_to($flexilib);
$client->send_request(GET => '/zstd', headers => ['Accept-Encoding' => 'zstd']);
like($client->read_until(qr/\r\n\r\n/), qr/^Content-Encoding: zstd\r$/m, 'an event stream by zstd');
sub read_length { return hex $client->read_until(qr/\r\n/) =~ s/\r\n//r }

my ($packed, $seen) = ('', '');
for my $number (1 .. 5) {
    my $expected = join '', map { "data: $_\n\n" } 1 .. $number;
    while ($seen ne $expected) {
        my $length = read_length() or last;
        $packed .= substr $client->read_bytes($length + 2), 0, $length;
        write_file("$folder/packed", $packed);
        $seen = run_command(['zstd', '-dcq', "$folder/packed"])->{out};
    }
    is($seen, $expected, "event $number is there before the next one");
    $backend->go;
}
cmp_ok(read_length(), '>', 0, 'then the end of the frame');

# A stream that never pauses for as long as a flush is put off for.
for my $coding (qw(gzip br zstd)) {
    my $trickle = connect_to($flexilib);
    $trickle->send_request(GET => '/zstd/trickle', headers => ['Accept-Encoding' => $coding]);
    $trickle->read_until(qr/\r\n\r\n/);
    my $length = hex $trickle->read_until(qr/\r\n/) =~ s/\r\n//r;
    cmp_ok($length, '>', 0, "$coding: a stream that trickles comes along");
    $backend->go;
    $trickle->close;
}

done_testing;
