# Requests of all kinds at once, as they come over months: what is good arrives whole, what is bad is told, and when it
# is over the worker has no more descriptors, memory, connections or requests under way than before. With sanitizers,
# nothing has leaked when it ends. FLEXILIB_SOAK_REQUESTS says how many there are.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Node;
use FlexiLib::Test::Wait qw(deadline is_sanitized);
use Time::HiRes ();

need_node();
my $count  = $ENV{FLEXILIB_SOAK_REQUESTS} // 24_000;
my $folder = make_folder();
write_file("$folder/server.js", <<'END');
const http = require('http'), net = require('net');
const large = Buffer.alloc(300000, 'large');
const seen = new Set();
const whole = (request, then) => { let size = 0; request.on('data', data => { size += data.length; }).on('end', () => then(size)).on('error', () => {}); };
const serve = {
    small: (request, response) => response.end('small'),
    large: (request, response) => response.end(large),
    stream: (request, response) => { for (let i = 0; i < 20; ++i) response.write(`piece ${i} `); response.addTrailers({ 'X-End': '1' }); response.end(); },
    count: (request, response) => whole(request, size => response.end(`${size}`)),
    closing: (request, response) => { response.setHeader('Connection', 'close'); response.end('closing'); },
    old: (request, response) => { response.useChunkedEncodingByDefault = false; response.removeHeader('Transfer-Encoding'); response.setHeader('Connection', 'close'); response.write('old '); response.end('ways'); },
    unchanged: (request, response) => { response.statusCode = 304; response.setHeader('ETag', '"a"'); response.end(); },
    empty: (request, response) => { response.statusCode = 204; response.end(); },
    hints: (request, response) => response.writeEarlyHints({ link: '</a>; rel=preload' }, () => response.end('hinted')),
    failing: (request, response) => { response.statusCode = 503; response.end('failing'); },
    early: (request, response) => { response.statusCode = 413; response.setHeader('Connection', 'close'); response.end('too much'); },
    // gone at the first try, answered at the second
    flaky: (request, response) => { if (!seen.delete(request.url)) { seen.add(request.url); return request.socket.destroy(); } response.end('at last'); },
    stale: (request, response) => { if (request.socket.used) return request.socket.destroy(); request.socket.used = true; response.end('fresh'); },
    cut: (request, response) => { response.setHeader('Content-Length', 300000); response.write(large.subarray(0, 1000), () => setImmediate(() => request.socket.destroy())); },
    slow: (request, response) => { response.write(large); const timer = setInterval(() => response.write('more'), 20); response.on('close', () => clearInterval(timer)); },
    mute: () => {},
    well: (request, response) => response.end('ok'),
};
const server = http.createServer((request, response) => serve[request.url.split('/')[1]](request, response));
server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
    if (head.length) socket.write(head);
    socket.pipe(socket);
});
server.keepAliveTimeout = 300000;
const garbage = net.createServer(socket => { socket.on('error', () => {}); socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello')); });
server.listen(0, '127.0.0.1', () => garbage.listen(0, '127.0.0.1', () => console.log(`ports ${server.address().port} ${garbage.address().port}`)));
END
write_file("$folder/client.js", <<'END');
const http = require('http');
const [, , port, text] = process.argv;
let left = Number(text), number = 0, wrong = 0;
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
const upload = Buffer.alloc(200000, 'up');
const ask = (method, path, options, then) => {
    const request = http.request({ host: '127.0.0.1', port, agent, method, path: `${path}/${number}`, headers: options.headers });
    request.on('error', error => then({ error: error.code || error.message }));
    request.on('response', response => {
        let body = '';
        if (options.leave) return response.once('data', () => { request.on('error', () => {}); request.destroy(); then({ left: true }); });
        response.setEncoding('latin1');
        response.on('data', data => { body += data; });
        response.on('error', () => {});
        response.on('close', () => then({ status: response.statusCode, body, complete: response.complete }));
    });
    if (options.chunks) for (const chunk of options.chunks) request.write(chunk);
    request.end(options.body);
    if (options.give_up) setTimeout(() => { request.on('error', () => {}); request.destroy(); then({ left: true }); }, 5);
    return request;
};
const is = (status, test) => answer => answer.status === status && answer.complete && (typeof test === 'function' ? test(answer.body) : answer.body === test);
const tunnel = then => {
    const request = http.request({ host: '127.0.0.1', port, agent: false, path: `/upgrade/${number}`, headers: { Connection: 'upgrade', Upgrade: 'echo' } });
    request.on('error', error => then({ error: error.code }));
    request.on('response', response => then({ status: response.statusCode }));
    request.on('upgrade', (response, socket) => {
        let got = '';
        socket.on('data', data => { got += data; if (got.length === 50000) socket.end(); });
        socket.on('error', () => {});
        socket.on('close', () => then({ status: 101, body: `${got.length}`, complete: true }));
        socket.write('x'.repeat(50000));
    });
    request.end();
};
// [how often, what it is, how it is asked, whether it went well]
const kinds = [
    [8, 'small', then => ask('GET', '/small', {}, then), is(200, 'small')],
    [3, 'large', then => ask('GET', '/large', {}, then), is(200, body => body.length === 300000)],
    [2, 'head', then => ask('HEAD', '/large', {}, then), is(200, '')],
    [2, 'stream', then => ask('GET', '/stream', {}, then), is(200, body => body.startsWith('piece 0') && body.endsWith('piece 19 '))],
    [3, 'post', then => ask('POST', '/count', { body: 'hello' }, then), is(200, '5')],
    [2, 'upload', then => ask('POST', '/count', { body: upload }, then), is(200, '200000')],
    [2, 'chunks', then => ask('PUT', '/count', { chunks: ['a', upload, 'b'] }, then), is(200, '200002')],
    [1, 'early', then => ask('POST', '/early', { body: upload }, then), is(413, 'too much')],
    [1, 'closing', then => ask('GET', '/closing', {}, then), is(200, 'closing')],
    [1, 'old', then => ask('GET', '/old', {}, then), is(200, 'old ways')],
    [1, 'unchanged', then => ask('GET', '/unchanged', {}, then), is(304, '')],
    [1, 'empty', then => ask('GET', '/empty', {}, then), is(204, '')],
    [1, 'hints', then => ask('GET', '/hints', {}, then), is(200, 'hinted')],
    [1, 'failing', then => ask('GET', '/failing', {}, then), is(503, 'failing')],
    [2, 'flaky', then => ask('GET', '/flaky', {}, then), is(200, 'at last')],
    [2, 'stale', then => ask('GET', '/stale', {}, then), is(200, 'fresh')],
    [1, 'cut', then => ask('GET', '/cut', {}, then), answer => answer.status === undefined ? answer.error === 'ECONNRESET' : !answer.complete],
    [1, 'garbage', then => ask('GET', '/garbage', {}, then), is(502, () => true)],
    [1, 'leaving', then => ask('GET', '/slow', { leave: true }, then), answer => answer.left],
    [1, 'giving up', then => ask('GET', '/mute', { give_up: true }, then), answer => answer.left],
    [1, 'upgrade', tunnel, is(101, '50000')],
];
const turns = kinds.flatMap(kind => Array(kind[0]).fill(kind));
const next = () => {
    if (left-- <= 0) return;
    const kind = turns[number++ % turns.length], of = number;
    let told = false;
    kind[2](answer => {
        if (told) return;
        told = true;
        if (!kind[3](answer) && ++wrong <= 10) console.log(`wrong: ${kind[1]} ${of}: ${JSON.stringify(answer).slice(0, 300)}`);
        next();
    });
};
for (let i = 0; i < 32; ++i) next();
process.on('exit', () => console.log(`asked ${number}, ${wrong} wrong`));
const wait = setInterval(() => { if (left > -32) return; clearInterval(wait); agent.destroy(); }, 10);
END

my $server = start_node("$folder/server.js");
my (undef, $port, $garbage) = split / /, $server->wait_line(stdout => qr/^ports \d+ \d+$/);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
access_log: off
upstreams:
  soak: { servers: [ "http://127.0.0.1:$port", "http://localhost:$port" ], health: { path: /well, every: 100ms, body: ok }, keep_alive: 200ms,
          max_requests: 24, max_connections: 40, retry: { tries: 3, budget: 100 }, eject: no }
  garbage: { servers: "http://127.0.0.1:$garbage", eject: no, retry: no }
routes:
  - { match: /garbage, proxy: garbage }
  - { match: /, proxy: { to: soak, upgrade: echo } }
END
my ($worker) = $flexilib->worker_pids;

sub soak {
    my ($requests) = @_;
    my $client = start_node("$folder/client.js", $flexilib->port, $requests);
    my $status = $client->wait_status(deadline(600));
    $client->wait_streams;
    is($status, 0, 'the client comes to its end');
    is($client->text('stdout'), "asked $requests, 0 wrong\n", "$requests requests, each with its own answer");
    return;
}

# What the worker has open besides what it always has: kept connections end soon. Not the pipes that bodies go through,
# of which some wait for their next use.
sub wait_descriptors {
    my ($most) = @_;
    my $deadline = deadline();
    my $open;
    while (1) {
        opendir my $handle, "/proc/$worker/fd" or die "descriptors: $!";
        $open = grep { /^\d/ && (readlink("/proc/$worker/fd/$_") // '') !~ /^pipe:/ } readdir $handle;
        return $open if $open <= $most || Time::HiRes::time() > $deadline;
        select undef, undef, undef, 0.05;
    }
}

sub memory_kb {
    return read_file("/proc/$worker/smaps_rollup") =~ /^Pss_Anon:\s+(\d+) kB/m ? $1 : die 'no memory figure';
}

my $idle = wait_descriptors(0xffff);
soak($count / 4);
# a check that is under way has one
my $most = $idle + 2;
cmp_ok(wait_descriptors($most), '<=', $most, 'its connections are closed');
my $before_kb = memory_kb();
soak($count * 3 / 4);
cmp_ok(wait_descriptors($most), '<=', $most, 'all of them');
my $after_kb = memory_kb();
SKIP: {
    skip 'sanitizers keep what was freed', 1 if is_sanitized();
    cmp_ok($after_kb, '<', $before_kb + 512, "its memory stays ($before_kb kB, then $after_kb kB)");
}
my $standing = run_command([build_folder() . '/flexilib', 'server', '-c', 'flexilib.yaml', 'soak'], dir => $flexilib->dir)->{out};
is(() = $standing =~ /^soak +\S+ +0 +[01] +ready$/mg, 2, 'no request is under way') or diag($standing);
is_deeply([$flexilib->worker_pids], [$worker], 'it is still the same worker');

done_testing;
