# Another real server behind: node, with streams, chunks and trailers, 100 and 103, uploads that it does not wait for, and
# kept connections that it gives up after a millisecond, under load.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Node;

need_node();
need('curl');
my $folder = make_folder();
write_file("$folder/server.js", <<'END');
const http = require('http'), crypto = require('crypto'), { Readable, pipeline } = require('stream');
const hash = (source, then) => { const sum = crypto.createHash('md5'); source.on('data', data => sum.update(data)).on('end', () => then(sum.digest('hex'))); };
const routes = {
    '/stream': (request, response) => pipeline(Readable.from((function* () { for (let i = 0; i < 2000; ++i) yield `${i}:${'x'.repeat(i)}\n`; })()), response, () => {}),
    '/trailers': (request, response) => { response.writeHead(200, { Trailer: 'X-Sum' }); response.write('body'); response.addTrailers({ 'X-Sum': '1' }); response.end(); },
    '/hints': (request, response) => response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' }, () => response.end('hinted')),
    '/processing': (request, response) => { response.writeProcessing(); response.end('processed'); },
    '/sum': (request, response) => hash(request, sum => response.end(sum)),
    '/echo': (request, response) => pipeline(request, response, () => {}),
    '/refuse': (request, response) => { response.writeHead(413, { Connection: 'close' }); response.end('refused'); },
    '/ignore': (request, response) => response.end('ignored'),
    '/head': (request, response) => { response.setHeader('Content-Length', 1234); response.end(); },
    '/none': (request, response) => { response.writeHead(204); response.end(); },
    '/same': (request, response) => { response.writeHead(304, { ETag: '"a"' }); response.end(); },
    '/half': (request, response) => response.write('half', () => setImmediate(() => request.socket.destroy())),
    '/cookies': (request, response) => { response.setHeader('Set-Cookie', ['a=1', 'b=2']); response.end(request.headers.cookie); },
    '/kept': (request, response) => { const socket = request.socket; socket.count = (socket.count || 0) + 1; response.end(`${socket.count}`); },
    // a connection is good for some requests only, and then ends just when it is used
    '/fickle': (request, response) => {
        const socket = request.socket;
        if (socket.uses === undefined) socket.uses = Math.floor(Math.random() * 4);
        if (--socket.uses === -2) return socket.destroy();
        response.end('fickle');
    },
};
const serve = (request, response) => routes[request.url.split('?')[0]](request, response);
const continued = http.createServer(serve).on('checkContinue', (request, response) => { response.writeContinue(); serve(request, response); });
continued.keepAliveTimeout = 300000;
const brief = http.createServer(serve);
brief.keepAliveTimeout = 1;
continued.listen(0, '127.0.0.1', () => brief.listen(0, '127.0.0.1', () => console.log(`ports ${continued.address().port} ${brief.address().port}`)));
END
my (undef, $port, $brief) = split / /, (my $node = start_node("$folder/server.js"))->wait_line(stdout => qr/^ports \d+ \d+$/);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  node:  { servers: "http://127.0.0.1:$port" }
  brief: { servers: "http://127.0.0.1:$brief", retry: no, eject: no }
  fickle: { servers: "http://127.0.0.1:$port", retry: no, eject: no }
routes:
  - { match: /brief, proxy: { to: brief, strip: /brief } }
  - { match: /fickle, proxy: fickle }
  - { match: /, proxy: node }
END

my $client = connect_to($flexilib);

sub ask {
    my ($method, $path, %option) = @_;
    $client->send_request($method => $path, %option);
    return $client->read_response($method);
}

my $expected = join '', map { "$_:" . 'x' x $_ . "\n" } 0 .. 1999;
my $response = ask(GET => '/stream');
is($response->framing, 'chunked', 'a stream');
ok($response->is_complete && $response->body eq $expected, 'comes as it was written');
is(ask(GET => '/trailers')->body, 'body', 'trailers behind a body are no part of it');
$response = ask(GET => '/hints');
is($response->body, 'hinted', 'a response behind early hints');
is_deeply([map { $_->status . ' ' . $_->header('link') } @{ $response->{interim} }], ['103 </style.css>; rel=preload; as=style'], 'and they');
$response = ask(GET => '/processing');
is($response->body . join(' ', map { $_->status } @{ $response->{interim} }), 'processed102', 'one that says first that it is at work');
my $upload = join '', map { sprintf "%07d\n", $_ } 1 .. 1 << 17;
require Digest::MD5;
my $sum = Digest::MD5::md5_hex($upload);
is(ask(POST => '/sum', body => $upload)->body, $sum, 'an upload with a length');
is(ask(POST => '/sum', chunks => [unpack '(a9999)*', $upload])->body, $sum, 'and in chunks');
ok(ask(POST => '/echo', body => $upload)->body eq $upload, 'what is echoed while it comes in');
is(ask(POST => '/ignore', body => $upload)->body, 'ignored', 'an upload that is not looked at');
is(ask(POST => '/refuse', body => $upload)->status, 413, 'one that is refused');
is(ask(POST => '/sum', body => 'a', headers => [Expect => '100-continue'])->body, Digest::MD5::md5_hex('a'), '100-continue');
is(ask(HEAD => '/head')->header('content-length'), 1234, 'HEAD');
is(ask(GET => '/none')->status, 204, 'no content');
is(ask(GET => '/same')->header('etag'), '"a"', 'not modified');
is(join('; ', ask(GET => '/cookies', headers => [Cookie => 'c=3'])->headers('set-cookie')), 'a=1; b=2', 'cookies stay apart');
my $first = ask(GET => '/kept')->body;
is(ask(GET => '/kept')->body, $first + 1, 'the connection is used again');
$response = ask(GET => '/half');
ok($response->status == 200 && !$response->is_complete, 'a response that breaks off is cut');
is(request($flexilib, GET => '/kept')->status, 200, 'and the next one is answered');
write_file("$folder/upload", $upload);
my $curl = curl('--header', 'Expect: 100-continue', '--data-binary', "\@$folder/upload", $flexilib->url('/sum'));
is($curl->{out}, $sum, 'curl that waits for 100 is content');
unlike($flexilib->log =~ s/.*in the middle of the response's body.*//r, qr/error: /, 'nothing else went wrong');

# both at once: whatever is kept may be gone by the time it is used
for my $path ('/brief/kept', '/fickle') {
    my @loads = map { start_load($flexilib, path => $path, connections => 3) } 1 .. 3;
    my $asked = 0;
    $_->wait_running for @loads;
    request($flexilib, GET => $path) for 1 .. 300;
    for my $result (map { $_->stop } @loads) {
        $asked += $result->{requests};
        is_deeply($result->{failures}, [], "$path: no request has failed");
    }
    cmp_ok($asked, '>', 100, "$path: of $asked");
}
unlike($flexilib->log, qr/upstream '(?:brief|fickle)'/, 'nor was that worth a word');

done_testing;
