# Real clients and servers exchange trailers through FlexiLib: node's http and http2, nghttp and curl in front, node
# behind, whatever the way, plain and over TLS.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Node;

need_node();
need(qw(nghttp curl));
my $folder = make_folder();
write_file("$folder/server.js", <<'END');
const http = require('http');
http.createServer((request, response) => {
    let body = '';
    request.on('data', data => body += data).on('end', () => {
        response.setHeader('X-Asked', `${request.headers.te} ${request.headers.trailer}`);
        response.statusCode = request.url === '/none' ? 204 : 200;
        if (request.method === 'HEAD' || response.statusCode === 204) return response.end();
        response.setHeader('Trailer', 'X-Seen');
        response.flushHeaders();
        if (body) response.write(body);
        response.addTrailers({ 'X-Seen': JSON.stringify(request.trailers), 'grpc-status': '0' });
        response.end();
    });
}).listen(0, '127.0.0.1', function () { console.log(`port ${this.address().port}`); });
END
write_file("$folder/client.js", <<'END');
const http = require('http'), https = require('https'), http2 = require('http2');
const [plain, secure] = process.argv.slice(2);
const say = (name, ...rest) => console.log(name, ...rest.map(one => JSON.stringify(one)));
const by1 = (name, module, port, options, trailers, body) => new Promise((done, failed) => {
    const request = module.request({ host: '127.0.0.1', port, path: '/', rejectUnauthorized: false, agent: false, ...options }, response => {
        let text = '';
        response.on('data', data => text += data).on('end', () => { say(name, response.statusCode, text, response.headers.trailer || '', response.trailers, response.headers['x-asked']); done(); });
    });
    request.on('error', failed);
    if (body) request.write(body);
    if (trailers) request.addTrailers(trailers);
    request.end();
});
const by2 = (name, session, fields, trailers, body) => new Promise((done, failed) => {
    const stream = session.request({ ':path': '/', ...fields }, { waitForTrailers: trailers !== undefined, endStream: trailers === undefined && body === undefined });
    let text = '', status, announced = '', received = {}, asked;
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('response', headers => { status = headers[':status']; announced = headers.trailer || ''; asked = headers['x-asked']; });
    stream.on('trailers', headers => { received = { ...headers }; });
    stream.on('data', data => text += data).on('end', () => { say(name, status, text, announced, received, asked); done(); }).on('error', failed);
    if (trailers !== undefined || body !== undefined) stream.end(body);
});
const takes = { Connection: 'TE, close', TE: 'trailers' };
(async () => {
    await by1('http', http, plain, { headers: takes });
    await by1('http-upload', http, plain, { method: 'POST', headers: { ...takes, Trailer: 'X-Sum' } }, { 'X-Sum': 'abc' }, 'body');
    await by1('http-without', http, plain, { method: 'POST', headers: { Trailer: 'X-Sum' } }, { 'X-Sum': 'abc' }, 'body');
    await by1('https-upload', https, secure, { method: 'POST', headers: { ...takes, Trailer: 'X-Sum' } }, { 'X-Sum': 'abc' }, 'body');
    await by1('http-head', http, plain, { method: 'HEAD', headers: takes });
    await by1('http-204', http, plain, { path: '/none', headers: takes });
    for (const [name, url] of [['h2c', `http://127.0.0.1:${plain}`], ['h2', `https://127.0.0.1:${secure}`]]) {
        const session = http2.connect(url, { rejectUnauthorized: false });
        await by2(name, session, { te: 'trailers' });
        await by2(`${name}-upload`, session, { ':method': 'POST', te: 'trailers', trailer: 'x-sum' }, { 'x-sum': 'abc' }, 'body');
        await by2(`${name}-length`, session, { ':method': 'POST', trailer: 'x-sum', 'content-length': 4 }, { 'x-sum': 'abc' }, 'body');
        await by2(`${name}-large`, session, { ':method': 'POST', te: 'trailers' }, { 'x-sum': 'abc' }, 'x'.repeat(200));
        await by2(`${name}-head`, session, { ':method': 'HEAD', te: 'trailers' });
        await by2(`${name}-204`, session, { ':path': '/none', te: 'trailers' });
        session.close();
    }
    console.log('done');
})().catch(error => { console.error(error); process.exit(1); });
END
my (undef, $port) = split / /, (my $server = start_node("$folder/server.js"))->wait_line(stdout => qr/^port \d+$/);

my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue('server', 'DNS:localhost,IP:127.0.0.1');
my $flexilib = start_flexilib(config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: $folder/server.pem, key: $folder/server.key } }
workers: 1
routes: [{ proxy: "http://127.0.0.1:$port" }]
END

my $node = start_node("$folder/client.js", map { $flexilib->port($_) } qw(plain secure));
my $told = qr/"trailers undefined"/;
my $none = qr/200 "" "" \{\} /;
my %expected = (
    'http'         => qr/^http 200 "" "X-Seen" \{"x-seen":"\{\}","grpc-status":"0"\} $told$/,
    'http-upload'  => qr/^http-upload 200 "body" "X-Seen" \{"x-seen":"\{\\"x-sum\\":\\"abc\\"\}","grpc-status":"0"\} "trailers X-Sum"$/,
    'http-without' => qr/^http-without 200 "body" "" \{\} "undefined X-Sum"$/,
    'https-upload' => qr/^https-upload 200 "body" "X-Seen" \{"x-seen":"\{\\"x-sum\\":\\"abc\\"\}","grpc-status":"0"\} "trailers X-Sum"$/,
    'http-head'    => qr/^http-head $none/,
    'http-204'     => qr/^http-204 204 "" "" \{\} $told$/,
    map({ my $way = $_; (
        $way          => qr/^$way 200 "" "X-Seen" \{"x-seen":"\{\}","grpc-status":"0"\} $told$/,
        "$way-upload" => qr/^$way-upload 200 "body" "X-Seen" \{"x-seen":"\{\\"x-sum\\":\\"abc\\"\}","grpc-status":"0"\} "trailers x-sum"$/,
        "$way-length" => qr/^$way-length 200 "body" "X-Seen" \{"x-seen":"\{\\"x-sum\\":\\"abc\\"\}","grpc-status":"0"\} "undefined x-sum"$/,
        "$way-large"  => qr/^$way-large 200 "x{200}" "X-Seen" \{"x-seen":"\{\\"x-sum\\":\\"abc\\"\}","grpc-status":"0"\} $told$/,
        "$way-head"   => qr/^$way-head $none/,
        "$way-204"    => qr/^$way-204 204 "" "" \{\} $told$/,
    ) } 'h2c', 'h2'),
);
$node->wait_line(stdout => qr/^done$/);
my %lines = map { /^(\S+)/ ? ($1 => $_) : () } split /\n/, $node->text('stdout');
like($lines{$_} // 'nothing', $expected{$_}, "node: $_") for sort keys %expected;

write_file("$folder/upload", 'body');
my ($open, $secure) = ('http://127.0.0.1:' . $flexilib->port('plain') . '/', 'https://127.0.0.1:' . $flexilib->port('secure') . '/');
my $nghttp = run_command(['nghttp', '-v', '-H', 'te: trailers', '--data', "$folder/upload", '--trailer', 'x-sum: abc', $secure]);
my $plain  = $nghttp->{out} =~ s/\e\[[0-9;]*m//gr;
like($plain, qr/recv \(stream_id=\d+\) x-seen: \{"x-sum":"abc"\}/, 'nghttp: trailers both ways');
my $curl = curl('--insecure', '--http2', '-D', '-', '-o', '/dev/null', '-H', 'TE: trailers', '-d', 'body', $secure);
like($curl->{out}, qr/^grpc-status: 0\r$/m, 'curl by HTTP/2');
$curl = curl('-D', '-', '-o', '/dev/null', '-H', 'TE: trailers', '-H', 'Connection: TE', '-d', 'body', $open);
like($curl->{out}, qr/^grpc-status: 0\r$/m, 'curl by HTTP/1.1');
$curl = curl('-0', '-D', '-', '-H', 'TE: trailers', '-H', 'Connection: TE', '-d', 'body', $open);
like($curl->{out}, qr/\r\n\r\nbody\z/, 'curl by HTTP/1.0 gets none');

done_testing;
