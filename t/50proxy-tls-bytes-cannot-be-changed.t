# Somebody on the way to an https:// server changes a byte, puts some in or takes the rest away, at any point: the client
# never gets a response that is not the server's own and whole.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Node;

need('openssl');
need_node();

my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue('good', 'DNS:localhost,IP:127.0.0.1');
write_file("$folder/servers.js", <<'END');
const fs = require('fs'), https = require('https'), net = require('net');
const folder = process.argv[2];
const server = https.createServer({ cert: fs.readFileSync(`${folder}/good.pem`), key: fs.readFileSync(`${folder}/good.key`), secureOptions: require('constants').SSL_OP_NO_TICKET },
    (request, response) => { response.writeHead(200, { Connection: 'close' }); response.write('one '); setImmediate(() => response.end('and two')); });
// each connection is meddled with a little later than the one before; no session is used again, so each is as long
const step = 13;
let connections = 0;
const meddle = [
    (bytes, at) => { bytes[at] ^= 1; return bytes; },
    (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.from('\x17\x03\x03\x00\x05hello', 'latin1'), bytes.subarray(at)]),
    (bytes, at) => bytes.subarray(0, at),
];
const middle = net.createServer(client => {
    const number = connections++, kind = number % meddle.length, place = Math.floor(number / meddle.length) * step;
    const far = net.connect(server.address().port, '127.0.0.1');
    let passed = 0, done = false;
    client.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => client.destroy()).on('end', () => client.end());
    client.pipe(far);
    far.on('data', bytes => {
        if (done && kind === 2) return;
        const at = place - passed;
        passed += bytes.length;
        if (done || at >= bytes.length) return client.write(bytes);
        done = true;
        client.write(meddle[kind](bytes, at));
        if (kind === 2) client.end();
    });
});
server.on('tlsClientError', () => {}).listen(0, '127.0.0.1', () => middle.listen(0, '127.0.0.1', () => console.log(`ports ${server.address().port} ${middle.address().port}`)));
END
my $node = start_node("$folder/servers.js", $folder);
my (undef, $direct, $middle) = split / /, $node->wait_line(stdout => qr/^ports \d+ \d+$/);
my $tls      = "tls: { ca: '$folder/ca.pem' }, tls_timeout: 300ms, response_timeout: 300ms, idle_timeout: 300ms, eject: no, retry: no";
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  direct: { servers: "https://127.0.0.1:$direct", $tls }
  middle: { servers: "https://127.0.0.1:$middle", $tls }
routes:
  - { match: /direct, proxy: direct }
  - { match: /, proxy: middle }
END
my ($worker) = $flexilib->worker_pids;

# until it is meddled with behind the end
my %seen;
for my $number (0 .. 2999) {
    my $response = request($flexilib, GET => '/');
    my ($status, $body) = ($response->status, $response->body);
    my $is_whole = $status == 200 && $response->is_complete;
    my $is_right = $is_whole ? $body eq 'one and two' : $status == 200 ? 'one and two' =~ /^\Q$body\E/ : $status == 502 || $status == 504;
    ok($is_right, "meddled with, $number") or diag("status $status, body '$body'");
    $seen{ $is_whole ? 'whole' : $status }++;
    last if ($seen{whole} // 0) >= 3;
}
cmp_ok($seen{502}, '>', 50, 'most of it is refused');
cmp_ok($seen{200} // 0, '>', 0, 'some of it is cut');
is(request($flexilib, GET => '/direct')->body, 'one and two', 'who is not meddled with is served');
is_deeply([$flexilib->worker_pids], [$worker], 'by the same worker');

done_testing;
