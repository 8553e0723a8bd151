# A server that falls silent, at whatever point, is left when the time for that is over: before its response, 504; within
# it, one that the client can tell is cut. One that goes on byte by byte is heard to the end.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Node;
use Time::HiRes ();

need('openssl');
need_node();

my $whole = "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n there\r\n0\r\nA: b\r\n\r\n";
my $head  = index($whole, "\r\n\r\n") + 4;

# [where it stops, how much it has sent by then]
my @stops = (
    ['before its first byte',  0],
    ['in the status line',     12],
    ['in a field',             20],
    ['in the last empty line', $head - 1],
    ['behind the head',        $head],
    ['in a size',              $head + 1],
    ['in an extension',        $head + 4],
    ['in a chunk',             $head + 10],
    ['behind a chunk',         $head + 13],
    ['behind all chunks',      index($whole, "\r\n0\r\n") + 2],
    ['in the last chunk',      index($whole, "\r\n0\r\n") + 4],
    ['in the trailers',        length($whole) - 5],
    ['before the last byte',   length($whole) - 1],
);
my $limit_s = 1;
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        if ($request->target eq '/drip') {
            my ($last, $longest_s) = (Time::HiRes::time(), 0);
            for my $byte (split //, "HTTP/1.1 200 OK\r\nContent-Length: 150\r\n\r\n" . 'x' x 150) {
                $connection->send($byte);
                select undef, undef, undef, 0.01;
                my $now = Time::HiRes::time();
                $longest_s = $now - $last if $now - $last > $longest_s;
                $last = $now;
            }
            return $connection->tell('dripped ' . ($longest_s < $limit_s / 4 ? 'steadily' : 'not so'));
        }
        my ($kind, $number) = $request->target =~ m{^/(\w+)/(\d+)$};
        $connection->send(substr $whole, 0, $stops[$number][1]);
        $connection->tell("left $kind $number") if $connection->is_closed;
    }
);
my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue('good', 'DNS:localhost,IP:127.0.0.1');
write_file("$folder/carrier.js", <<'END');
const fs = require('fs'), net = require('net'), tls = require('tls');
const [, , folder, port] = process.argv;
tls.createServer({ cert: fs.readFileSync(`${folder}/good.pem`), key: fs.readFileSync(`${folder}/good.key`) }, client => {
    const server = net.connect(port, '127.0.0.1');
    client.on('error', () => server.destroy()).on('close', () => server.destroy());
    server.on('error', () => client.destroy());
    client.pipe(server).pipe(client);
}).on('tlsClientError', () => {}).listen(0, '127.0.0.1', function () { console.log(`port ${this.address().port}`); });
END
my $node = start_node("$folder/carrier.js", $folder, $backend->port);
my ($port) = $node->wait_line(stdout => qr/^port \d+$/) =~ /(\d+)/;

my $times    = 'response_timeout: 1s, idle_timeout: 1s, eject: no, retry: no';
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  plain:  { servers: "@{[$backend->url]}", $times }
  secure: { servers: "https://127.0.0.1:$port", tls: { ca: '$folder/ca.pem' }, $times }
  drip:   { servers: "@{[$backend->url]}", response_timeout: 1m, idle_timeout: ${limit_s}s }
routes:
  - { match: /plain, proxy: plain }
  - { match: /secure, proxy: secure }
  - { match: /drip, proxy: drip }
END

for my $kind (qw(plain secure)) {
    # all wait at once
    my @clients = map { connect_to($flexilib) } @stops;
    $clients[$_]->send_request(GET => "/$kind/$_") for 0 .. $#stops;
    for my $number (0 .. $#stops) {
        my ($where, $bytes) = @{ $stops[$number] };
        my $response = $clients[$number]->read_response;
        is($response->status, $bytes < $head ? 504 : 200, "$kind: a server that stops $where");
        ok($bytes < $head || !$response->is_complete, 'is not taken for one that has ended');
    }
    my %left = map { $backend->wait_told(qr/^left $kind /) => 1 } @stops;
    is(scalar keys %left, scalar @stops, 'all of them are left alone');
}

SKIP: {
    my ($response, $end);
    for (1 .. 10) {
        $response = request($flexilib, GET => '/drip');
        $end      = $backend->wait_told(qr/^dripped/);
        last if $end =~ /steadily/;
    }
    skip 'this machine is too busy to send steadily', 1 if $end !~ /steadily/;
    is($response->body, 'x' x 150, 'one that drips for longer than it may be silent is heard to the end');
}

done_testing;
