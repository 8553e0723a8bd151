# Server-sent events reach the client one by one, each before the next is made, however client and service speak and
# whoever reads along; no time limit of other things cuts a silent stream, a drain lets it go on, and a client that leaves
# is gone for the service too.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Http2;
use FlexiLib::Test::Node;

need_node();
my $events  = 3;
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my ($framing) = $request->target =~ m{\bby=(\w+)};
        my $send = sub {
            my ($text) = @_;
            return $connection->send($framing eq 'chunks' ? sprintf("%x\r\n%s\r\n", length $text, $text) : $text);
        };
        my $framed = { chunks => "Transfer-Encoding: chunked\r\n", close => "Connection: close\r\n", length => "Content-Length: " . 9 * $events . "\r\n" }->{$framing};
        $connection->send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n$framed\r\n");
        for my $number (1 .. $events) {
            $connection->tell('ready');
            if ($request->target =~ /watched/) {
                $connection->tell($connection->is_closed ? 'left' : 'not left');
                return;
            }
            $connection->wait_go;
            $send->("data: $number\n\n");
        }
        $connection->send("0\r\n\r\n") if $framing eq 'chunks';
        return if $framing eq 'close';
    }
});

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('server', 'DNS:localhost,IP:127.0.0.1');
sub config {
    my ($upstream, $limits) = @_;
    return <<"END";
listen:
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: "@{[$authority->path('server.pem')]}", key: "@{[$authority->path('server.key')]}" } }
workers: 1
$limits
libraries: { rewrite: @{[test_library('rewrite')]}, order: @{[test_library('order')]} }
upstreams:
  events: { $upstream, idle_timeout: 1h }
routes:
  - { match: /own, respond: { body: own } }
  - { match: /read, filters: [order: { name: a }], proxy: events }
  - { match: /changed, filters: [rewrite: { append: "" }], proxy: events }
  - { match: /compressed, compress: { types: [text/event-stream] }, proxy: events }
  - { match: /, proxy: events }
END
}
my $flexilib = start_flexilib(config => config("servers: \"@{[$backend->url]}\"", ''));
# which speaks TLS to the one behind
my $front = start_flexilib(config => config("servers: \"https://127.0.0.1:@{[$flexilib->port('secure')]}\", tls: { ca: \"@{[$authority->path]}\" }", ''));
my $hasty = start_flexilib(config => config("servers: \"@{[$backend->url]}\", response_timeout: 1s, send_timeout: 1s",
    join '', map { "$_: 1s\n" } qw(body_timeout keep_alive_timeout write_timeout)));

# A real client prints what it gets, as soon as it has it.
my $folder = make_folder();
write_file("$folder/client.js", <<'END');
const http = require('http'), https = require('https'), http2 = require('http2'), zlib = require('zlib');
const [kind, port, ...paths] = process.argv.slice(2);
const hear = (path, stream) => new Promise(done => { stream.on('data', data => console.log(`${path} ${JSON.stringify(String(data))}`)).on('end', () => { console.log(`${path} end`); done(); }); });
const unpacked = (encoding, stream) => encoding === 'gzip' ? stream.pipe(zlib.createGunzip()) : stream;
const headers = path => path.includes('compressed') ? { 'accept-encoding': 'gzip' } : {};
const by1 = module => path => new Promise(done => module.get({ host: '127.0.0.1', port, path, headers: headers(path), rejectUnauthorized: false, agent: false }, response => {
    console.log(`${path} head ${response.headers['content-encoding'] || 'plain'}`);
    done(hear(path, unpacked(response.headers['content-encoding'], response)));
}));
let session;
const by2 = scheme => path => new Promise(done => {
    session = session || http2.connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
    const stream = session.request({ ':path': path, ...headers(path) });
    stream.on('response', fields => { console.log(`${path} head ${fields['content-encoding'] || 'plain'}`); done(hear(path, unpacked(fields['content-encoding'], stream))); });
});
const ways = { http: by1(http), https: by1(https), h2c: by2('http'), h2: by2('https') };
(async () => { for (const path of paths) await ways[kind](path); if (session) session.close(); console.log('done'); })();
END

my @paths = ((map { "/?by=$_" } qw(chunks close length)), '/read?by=chunks', '/read?by=length', '/changed?by=chunks', '/compressed?by=chunks');

sub hear {
    my ($name, $kind, $server, $listener) = @_;
    my $client = start_node("$folder/client.js", $kind, $server->port($listener), @paths);
    my $heard  = 0;
    for my $path (@paths) {
        my $coding = $path =~ /compressed/ ? 'gzip' : 'plain';
        # the head comes before there is any event
        $heard += $client->wait_line(stdout => qr/^\Q$path\E head/) =~ /head \Q$coding\E$/;
        for my $number (1 .. $events) {
            $backend->wait_told(qr/^ready$/);
            $backend->go;
            my $line = $client->wait_line(stdout => qr/^\Q$path\E "/);
            my $said = $path =~ /changed/ ? 'DATA' : 'data';
            $heard += $line eq "$path \"$said: $number\\n\\n\"";
        }
        $heard += $client->wait_line(stdout => qr/^\Q$path\E end/) ne '';
    }
    is($heard, ($events + 2) * @paths, "$name: each event came before the next was made");
    return;
}
hear('HTTP/1.1', 'http', $flexilib, 'plain');
hear('HTTP/1.1 over TLS', 'https', $flexilib, 'secure');
hear('HTTP/2', 'h2c', $flexilib, 'plain');
hear('HTTP/2 over TLS', 'h2', $flexilib, 'secure');
hear('HTTP/1.1 and a service by TLS', 'http', $front, 'plain');
hear('HTTP/2 over TLS and a service by TLS', 'h2', $front, 'secure');

for my $path (@paths) {
    next if $path =~ /compressed/;
    my $client = connect_to($flexilib->address('plain'));
    $client->send_request(GET => $path, version => '1.0');
    my $heard = $client->read_until(qr/\r\n\r\n/) ? 1 : 0;
    for my $number (1 .. $events) {
        $backend->wait_told(qr/^ready$/);
        $backend->go;
        $heard += $client->read_bytes(9) =~ /^data: $number\n\n\z/i;
    }
    ok($heard == 1 + $events && $client->is_closed, "HTTP/1.0: $path");
}

# Silence: the limits of one second are over twice for others, and the stream goes on.
sub open_stream {
    my ($way, $path, $server) = @_;
    $server //= $flexilib;
    if ($way eq 'HTTP/2') {
        my $http2 = FlexiLib::Test::Http2->open($server->address('plain'));
        $http2->request(1, GET => $path);
        1 while !defined $http2->stream(1)->{status} && $http2->read_frame;
        return $http2;
    }
    my $client = connect_to($server->address('plain'));
    $client->send_request(GET => $path);
    $client->read_until(qr/\r\n\r\n/);
    return $client;
}

sub next_event {
    my ($way, $client) = @_;
    return $client->read_until(qr/\r\n.*\n\n\r\n/) =~ s/^\w+\r\n(.*?)\r\n\z/$1/sr if $way ne 'HTTP/2';
    my $before = length $client->stream(1)->{body};
    1 while length $client->stream(1)->{body} == $before && $client->read_frame;
    return substr $client->stream(1)->{body}, $before;
}

my $generation = 1;
for my $way ('HTTP/1.1', 'HTTP/2') {
    my $stream = open_stream($way, '/?by=chunks', $hasty);
    $backend->wait_told(qr/^ready$/);
    for (1 .. 2) {
        my $idle = connect_to($hasty->address('plain'));
        $idle->send_request(GET => '/own');
        $idle->read_response;
        $idle->is_closed;
    }
    $backend->go;
    is(next_event($way, $stream), "data: 1\n\n", "$way: a silent stream lives on");
    $backend->wait_told(qr/^ready$/);
    $hasty->reload;
    $hasty->wait_serving($generation + 1);
    $backend->go;
    is(next_event($way, $stream), "data: 2\n\n", 'also in a generation that drains');
    $backend->wait_told(qr/^ready$/);
    $backend->go;
    is(next_event($way, $stream), "data: 3\n\n", 'until it ends by itself');
    $stream->close;
    $hasty->wait_log(qr/info: generation $generation has drained/);
    $generation++;
}

# Who leaves is gone for the service at once.
for my $way ('HTTP/1.1', 'HTTP/2') {
    my $client = open_stream($way, '/watched?by=chunks');
    $backend->wait_told(qr/^ready$/);
    $client->close;
    is($backend->wait_told(qr/left$/), 'left', "$way: the service hears that the client has left");
}
my $http2 = open_stream('HTTP/2', '/read/watched?by=chunks');
$backend->wait_told(qr/^ready$/);
$http2->reset(1);
is($backend->wait_told(qr/left$/), 'left', 'HTTP/2: that it has withdrawn the request');

done_testing;
