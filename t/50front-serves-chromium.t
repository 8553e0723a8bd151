# A browser through FlexiLib: Chromium comes by http, is led to https, and by HTTP/2 loads a page with its parts,
# downloads, uploads, breaks off, hears events as they happen and speaks by WebSocket, compressed where that is worth it;
# then all of it again by HTTP/1.1.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Node;
use FlexiLib::Test::Process;

need('chromium', 'openssl');
need_node('ws');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example');
my $folder = make_folder();

write_file("$folder/server.js", <<'END');
const { WebSocketServer } = require('ws');
const crypto = require('crypto');
const http = require('http').createServer();
const digest = data => crypto.createHash('sha256').update(data).digest('hex');
const large = crypto.randomBytes(8 << 20);
const streams = new Map();
const part = (number, count) => `window.parts = (window.parts || 0) + 1; // ${'x'.repeat(number * 1000)}`;
const page = require('fs').readFileSync(process.argv[2]);
const say = (...words) => console.log(words.join(' '));
const send = (response, type, body, more) => response.writeHead(200, { 'Content-Type': type, ...more }).end(body);

http.on('request', (request, response) => {
    const url = new URL(request.url, 'http://x');
    const chunks = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
        const body = Buffer.concat(chunks);
        if (url.pathname === '/')
            send(response, 'text/html', page, { 'Set-Cookie': ['a=1', 'b=2; Secure', 'c=3; HttpOnly'] });
        else if (url.pathname.startsWith('/part'))
            send(response, 'text/javascript', part(+url.pathname.slice(5)));
        else if (url.pathname === '/large')
            send(response, 'application/octet-stream', large, { 'X-Digest': digest(large) });
        else if (url.pathname === '/take')
            send(response, 'application/json', JSON.stringify({ length: body.length, digest: digest(body), proto: request.headers['x-forwarded-proto'],
                cookie: request.headers.cookie, framing: request.headers['content-length'] || request.headers['transfer-encoding'] }));
        else if (url.pathname === '/events') {
            response.writeHead(200, { 'Content-Type': 'text/event-stream' });
            response.write('id: 1\ndata: first\n\n');
            streams.set(url.search, response);
        } else if (url.pathname === '/next') {
            streams.get(url.search).write('data: ' + body + '\n\n');
            response.writeHead(204).end();
        } else if (url.pathname === '/endless') {
            response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
            const more = () => { while (!response.destroyed && response.write(large)); };
            response.on('drain', more);
            response.on('close', () => say('left', url.search));
            more();
        } else if (url.pathname === '/report') {
            response.writeHead(204).end();
            say('report', body);
        } else
            response.writeHead(404).end();
    });
});
const server = new WebSocketServer({ server: http, maxPayload: 16 << 20 });
server.on('connection', (socket, request) => {
    say('socket', request.headers['x-forwarded-proto'], request.headers.cookie);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
});
http.listen(0, '127.0.0.1', () => say('port', http.address().port));
END

write_file("$folder/page.html", '<!doctype html><meta charset=utf-8><title>All of it</title><link rel=icon href=data:,>'
    . join('', map { "<script src=/part$_></script>" } 1 .. 40) . <<'END');
<script>
const query = new URLSearchParams(location.search), name = query.get('name'), report = { name };
const hex = async data => [...new Uint8Array(await crypto.subtle.digest('SHA-256', data))].map(b => b.toString(16).padStart(2, '0')).join('');
const take = async (body, more) => (await fetch('/take', { method: 'POST', body, ...more })).json();
const filled = length => { const all = new Uint8Array(length); for (let i = 0; i < length; i += 65536) crypto.getRandomValues(all.subarray(i, Math.min(i + 65536, length))); return all; };

async function load() {
    report.parts = window.parts;
    report.missing = (await fetch('/none')).status;
    const answer = await fetch('/large');
    report.download = await hex(await answer.arrayBuffer()) === answer.headers.get('x-digest');
    const many = await Promise.all(Array.from({ length: 60 }, (_, i) => fetch('/part' + (100 + i)).then(one => one.text())));
    const parts = performance.getEntriesByType('resource').filter(one => /\/part/.test(one.name));
    // beyond some memory for all of them at once, long ones come as they are
    const short = parts.filter(one => one.decodedBodySize < 50000);
    report.compressed = short.length === 40 && short.every(one => one.encodedBodySize < one.decodedBodySize);
    report.many = many.every((text, i) => text.length > (100 + i) * 1000);
}
async function upload() {
    const body = filled(3 << 20), taken = await take(body);
    report.upload = taken.length === body.length && taken.digest === await hex(body) && taken.framing === String(body.length);
    report.cookie = taken.cookie;
    report.proto = taken.proto;
    const form = new FormData();
    form.append('file', new Blob([body.subarray(0, 100000)]), 'a.bin');
    report.form = (await take(form)).length > 100000;
    let sent = 0;
    const stream = new ReadableStream({ pull(controller) { sent++ < 20 ? controller.enqueue(new Uint8Array(50000)) : controller.close(); } });
    report.stream = await take(stream, { duplex: 'half' }).then(taken => taken.length + ' ' + taken.framing, error => error.name);
}
async function leave() {
    const abort = new AbortController();
    const answer = await fetch('/endless?' + name, { signal: abort.signal });
    const reader = answer.body.getReader();
    let length = 0;
    while (length < 1000000)
        length += (await reader.read()).value.length;
    abort.abort();
    report.left = await reader.read().then(() => 'went on', error => error.name);
}
async function peek() {
    const abort = new AbortController();
    report.coding = /^(zstd|br|gzip)$/.test((await fetch('/events?peek', { signal: abort.signal })).headers.get('content-encoding'));
    abort.abort();
}
const hear = () => new Promise((resolve, reject) => {
    const heard = [], events = new EventSource('/events?' + name);
    events.onerror = () => reject('no events');
    events.onmessage = event => {
        heard.push(event.data);
        if (heard.length < 5)
            return fetch('/next?' + name, { method: 'POST', body: 'event ' + heard.length });
        events.close();
        resolve(report.heard = heard.join(', '));
    };
});
const talk = () => new Promise((resolve, reject) => {
    const socket = new WebSocket('wss://' + location.host + '/socket'), large = filled(1 << 20), heard = [];
    socket.binaryType = 'arraybuffer';
    socket.onerror = () => reject('no socket');
    socket.onopen = () => { socket.send('hello'); socket.send(large); };
    socket.onmessage = async event => {
        heard.push(event.data);
        if (heard.length < 2)
            return;
        report.talk = heard[0] === 'hello' && await hex(heard[1]) === await hex(large);
        socket.onclose = event => resolve(report.closed = event.code + ' ' + event.wasClean);
        socket.close(4001);
    };
});
(async () => {
    try {
        await load(); await upload(); await leave(); await peek(); await hear(); await talk();
    } catch (error) {
        report.error = String(error && error.stack || error);
    }
    report.protocols = [...new Set(performance.getEntriesByType('resource').filter(one => /^https:/.test(one.name)).map(one => one.nextHopProtocol).filter(Boolean))].join(' ');
    report.page = performance.getEntriesByType('navigation')[0].nextHopProtocol;
    await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
    if (query.get('next'))
        location = query.get('next');
})();
</script>
END

my $server = start_node("$folder/server.js", "$folder/page.html");
my ($behind) = $server->wait_line(stdout => qr/^port/) =~ /(\d+)/;
my $flexilib = start_flexilib(
    files  => { map { $_ => read_file($authority->path($_)) } qw(shop.pem shop.key) },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: new, tls: { certificate: shop.pem, key: shop.key } }
  - { address: "127.0.0.1:0", name: old, http2: no, tls: { certificate: shop.pem, key: shop.key } }
workers: 2
https_only: yes
compress: { types: [text/javascript, text/html, text/event-stream] }
routes:
  - { match: /, proxy: "http://127.0.0.1:$behind" }
END

# The browser trusts this one key beside its own authorities, knows this one name, and talks to nobody else.
my $key = run_command(['sh', '-c', 'openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64',
    'sh', $authority->path('shop.pem')])->{out};
chomp $key;
my $next    = 'https://shop.example:' . $flexilib->port('old') . '/?name=old';
my $start   = 'http://shop.example:' . $flexilib->port('plain') . '/?name=new&next=' . ($next =~ s/([^\w.])/sprintf '%%%02X', ord $1/ger);
my $browser = FlexiLib::Test::Process->start(
    name    => 'chromium',
    dir     => $folder,
    env     => { HOME => $folder, XDG_CONFIG_HOME => undef, XDG_CACHE_HOME => undef, DBUS_SESSION_BUS_ADDRESS => undef, ASAN_OPTIONS => undef },
    command => ['chromium', qw(--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --no-proxy-server),
        qw(--disable-background-networking --disable-component-update --disable-default-apps --disable-sync --disable-breakpad --disable-extensions),
        '--host-resolver-rules=MAP shop.example 127.0.0.1, MAP * ~NOTFOUND', "--ignore-certificate-errors-spki-list=$key",
        "--user-data-dir=$folder/browser", $start],
);
$_->{timeout} = 100 for $server, $flexilib;

$flexilib->wait_access(qr{"GET /\?name=new\S* HTTP/1\.1" 308 });
pass('the browser is led to https');
my %expected = (
    parts => 40, missing => 404, many => 1, compressed => 1, coding => 1, download => 1, upload => 1, form => 1, cookie => 'a=1; b=2; c=3', proto => 'https',
    left => 'AbortError', heard => 'first, event 1, event 2, event 3, event 4', talk => 1, closed => '4001 true',
);
for my $case (['new', 'HTTP/2.0', 'h2', '1000000 chunked'], ['old', 'HTTP/1.1', 'http/1.1', 'TypeError']) {
    my ($name, $version, $protocol, $stream) = @$case;
    $server->wait_line(stdout => qr/^left \?$name$/);
    pass("$version: the server hears that a download was broken off");
    is($server->wait_line(stdout => qr/^socket/), 'socket https a=1; b=2; c=3', "$version: it sees whom a WebSocket is from");
    my ($text) = $server->wait_line(stdout => qr/^report /) =~ /^report (.*)/;
    require JSON::PP;
    my $report = JSON::PP::decode_json($text);
    is_deeply({ map { $_ => ref $report->{$_} ? 0 + $report->{$_} : $report->{$_} } keys %$report },
        { %expected, name => $name, protocols => $protocol, page => $protocol, stream => $stream }, "$version: all is as it should be")
        or diag(explain $report, $browser->text('stderr'));
    $flexilib->wait_access(qr{"POST /take \Q$version\E" 200 });
    $flexilib->wait_access(qr{"GET /socket \Q$version\E" 101 });
    pass("$version: so the access log says, also of the WebSocket");
}
$browser->end;
done_testing;
