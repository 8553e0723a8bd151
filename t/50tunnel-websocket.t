# WebSockets through FlexiLib, between node's ws at both ends.

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
const open = (path, options) => new Promise((resolve, reject) => {
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
    check(socket.extensions.startsWith('permessage-deflate'), 'the extension ' + socket.extensions);
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

    const many = await Promise.all(Array.from({ length: 200 }, (_, i) => open('/many/' + i)));
    const answers = await Promise.all(many.map((one, i) => echo(one, 'number ' + i + 'x'.repeat(i * 100))));
    check(answers.every((answer, i) => answer.toString() === 'number ' + i + 'x'.repeat(i * 100)), '200 at once');
    await Promise.all(many.map(one => { const end = next(one, 'close'); one.close(); return end; }));
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

for my $path ('', '/secure') {
    my $client = start_node("$folder/client.js", 'ws://' . $flexilib->address . $path);
    is($client->wait_status, 0, "$path/: two ws understand each other") or diag($client->text('stderr'));
    is($client->text('stdout'), "all right\n", 'in everything');
    $client->wait_streams;
    my $line = $flexilib->wait_access(qr{GET \Q$path\E/a\b});
    like($line, qr/ 101 /, 'the access log says 101');
}
is(request($flexilib, GET => '/plain')->body, "plain\n", 'ordinary requests go to the same server');
my $key     = 'dGhlIHNhbXBsZSBub25jZQ==';
my @headers = (Connection => 'Upgrade', Upgrade => 'websocket', 'Sec-WebSocket-Key' => $key, 'Sec-WebSocket-Version' => 13);
is(request($flexilib, GET => '/closed', headers => \@headers)->status, 200, 'a route may let nothing through');

done_testing;
