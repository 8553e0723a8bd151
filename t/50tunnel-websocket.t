# WebSockets through FlexiLib, between node's ws at both ends, over HTTP/1.1 and HTTP/2 (RFC 8441).

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Node;

need('openssl');
need_node('ws');

my $folder = make_folder();
write_file("$folder/server.js", <<'END');
const { WebSocketServer } = require('ws');
const fs = require('fs');
const secure = process.argv[2];
const http = secure
    ? require('https').createServer({ cert: fs.readFileSync(secure + '.pem'), key: fs.readFileSync(secure + '.key') })
    : require('http').createServer();
http.on('request', (request, response) => response.end('plain\n'));
const server = new WebSocketServer({ server: http, perMessageDeflate: { threshold: 100 }, maxPayload: 64 << 20,
    handleProtocols: protocols => protocols.has('second') ? 'second' : false });
server.on('connection', socket => {
    socket.on('message', (data, binary) => {
        if (data.toString() === 'leave') return socket.close(4001, 'as you like');
        if (data.toString() === 'ping me') return socket.ping('from server');
        socket.send(data, { binary });
    });
    socket.on('pong', data => socket.send('pong ' + data));
});
http.listen(0, '127.0.0.1', () => console.log('port ' + http.address().port));
END
write_file("$folder/client.js", <<'END');
const WebSocket = require('ws');
const crypto = require('crypto');
const url = process.argv[2];
const fail = what => { console.log('wrong: ' + what); process.exit(1); };
const check = (condition, what) => { if (!condition) fail(what); };
const session = url.startsWith('h2:') ? require('http2').connect('http:' + url.slice(3)) : null;
const settings = session && new Promise(resolve => session.once('remoteSettings', resolve));
const pathname = session ? new URL('http:' + url.slice(3)).pathname.replace(/\/$/, '') : '';
const openStream = async path => {
    check((await settings).enableConnectProtocol, 'the setting');
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': pathname + path,
        'sec-websocket-version': '13', 'sec-websocket-protocol': 'first, second' });
    const headers = await new Promise((resolve, reject) => stream.once('response', resolve).once('error', reject));
    check(headers[':status'] === 200, 'status ' + headers[':status']);
    const socket = new WebSocket(null);
    Object.assign(socket, { _isServer: false, _protocol: headers['sec-websocket-protocol'], headers });
    stream.setNoDelay = () => {};
    socket.setSocket(stream, Buffer.alloc(0), { maxPayload: 64 << 20, skipUTF8Validation: false });
    return socket;
};
const open = (path, options) => session ? openStream(path) : new Promise((resolve, reject) => {
    const socket = new WebSocket(url + path, ['first', 'second'], options);
    socket.headers = new Promise(done => socket.on('upgrade', response => done(response.headers)));
    socket.on('open', () => resolve(socket));
    socket.on('error', reject);
});
const next = (socket, event = 'message') => new Promise(resolve => socket.once(event, (...all) => resolve(all)));
const echo = async (socket, data) => { const answer = next(socket); socket.send(data); return (await answer)[0]; };

(async () => {
    let socket = await open('/a');
    check(socket.protocol === 'second', 'the subprotocol');
    check(session || socket.extensions.startsWith('permessage-deflate'), 'the extension ' + socket.extensions);
    check((await socket.headers).via === '1.1 flexilib', 'Via');
    check((await echo(socket, 'hello')).toString() === 'hello', 'a short message');
    for (const size of [0, 1, 125, 126, 65535, 65536, 1000000, 20000000]) {
        const data = crypto.randomBytes(size);
        check(data.equals(await echo(socket, data)), size + ' bytes');
    }
    const text = 'compressible '.repeat(100000);
    check((await echo(socket, text)).toString() === text, 'a compressed message');
    const pong = next(socket, 'pong');
    socket.ping('from client');
    check((await pong)[0].toString() === 'from client', 'ping of the client');
    const ponged = next(socket);
    socket.send('ping me');
    check((await ponged)[0].toString() === 'pong from server', 'ping of the server');
    const closed = next(socket, 'close');
    socket.send('leave');
    const [code, reason] = await closed;
    check(code === 4001 && reason.toString() === 'as you like', 'close of the server');

    socket = await open('/b', { perMessageDeflate: false });
    check(socket.extensions === '', 'no extension');
    const left = next(socket, 'close');
    socket.close(4002);
    check((await left)[0] === 4002, 'close of the client');

    const many = await Promise.all(Array.from({ length: session ? 90 : 200 }, (_, i) => open('/many/' + i)));
    const answers = await Promise.all(many.map((one, i) => echo(one, 'number ' + i + 'x'.repeat(i * 100))));
    check(answers.every((answer, i) => answer.toString() === 'number ' + i + 'x'.repeat(i * 100)), 'many at once');
    await Promise.all(many.map(one => { const end = next(one, 'close'); one.close(); return end; }));
    if (session) session.close();
    console.log('all right');
})().catch(error => fail(error.stack));
END

my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue('server', 'DNS:localhost');

sub port_of {
    my ($server) = @_;
    my ($port) = $server->wait_line(stdout => qr/^port \d+$/) =~ /(\d+)/;
    return $port;
}

my @servers  = (start_node("$folder/server.js"), start_node("$folder/server.js", "$folder/server"));
my @ports    = map { port_of($_) } @servers;
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
access_log: "-"
upstreams:
  secure: { servers: "https://localhost:$ports[1]", tls: { ca: "$folder/ca.pem" } }
routes:
  - { match: /secure, proxy: { to: secure, strip: /secure } }
  - { match: /closed, proxy: { to: "http://127.0.0.1:$ports[0]", upgrade: no } }
  - { match: /, proxy: "http://127.0.0.1:$ports[0]" }
END

for my $case (['ws', ''], ['ws', '/secure'], ['h2', ''], ['h2', '/secure']) {
    my ($scheme, $path) = @$case;
    my $client = start_node("$folder/client.js", "$scheme://" . $flexilib->address . $path);
    is($client->wait_status, 0, "$scheme $path/: two ws understand each other") or diag($client->text('stderr'));
    $client->wait_streams;
    is($client->text('stdout'), "all right\n", 'in everything');
    my $version = $scheme eq 'h2' ? 2 : 1;
    my $line    = $flexilib->wait_access(qr{GET \Q$path\E/a HTTP/$version});
    like($line, qr/ 101 /, 'the access log says 101');
}
is(request($flexilib, GET => '/plain')->body, "plain\n", 'ordinary requests go to the same server');
my $key     = 'dGhlIHNhbXBsZSBub25jZQ==';
my @headers = (Connection => 'Upgrade', Upgrade => 'websocket', 'Sec-WebSocket-Key' => $key, 'Sec-WebSocket-Version' => 13);
is(request($flexilib, GET => '/closed', headers => \@headers)->status, 200, 'a route may let nothing through');

done_testing;
