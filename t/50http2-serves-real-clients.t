# Real clients of HTTP/2, over TLS and with prior knowledge: curl, nghttp, h2load and Node's http2. Bodies are exact both
# ways, heads are what both sides expect, and the log says which version it was.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Node;

need('curl', 'openssl', 'nghttp', 'h2load');
need_node();

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example,IP:127.0.0.1');
my $large   = join '', map { sprintf "%09d\n", $_ } 1 .. 1 << 20;
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $path = $request->target;
        if ($path eq '/fields') {
            $connection->respond(200, [map { ("X-$_" => 'Zq!' x 500) } 1 .. 30], 'many');
        } elsif ($path eq '/none') {
            $connection->send("HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n");
        } elsif ($path eq '/same') {
            $connection->send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n");
        } elsif ($path eq '/early') {
            $connection->send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" . response_bytes(200, [], 'late'));
        } elsif ($path eq '/chunks') {
            $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-UPPER: Value\r\nConnection: x-hop\r\n"
                . "X-Hop: 1\r\nKeep-Alive: timeout=5\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
        } elsif ($path eq '/broken') {
            $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
            return;
        } else {
            $connection->respond(200, ['Content-Type' => 'text/plain'],
                $path eq '/large' ? $large : $request->method eq 'PUT' ? $request->body : $request->head);
        }
    }
});
my $flexilib = start_flexilib(
    files  => { 'shop.pem' => read_file($authority->path('shop.pem')), 'shop.key' => read_file($authority->path('shop.key')) },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: shop.pem, key: shop.key } }
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: old, http2: no }
  - { address: "127.0.0.1:0", name: oldsecure, http2: no, tls: { certificate: shop.pem, key: shop.key } }
workers: 1
body_limit: 20MB
routes:
  - { match: /own, respond: { body: "own" } }
  - { match: /, proxy: "@{[$backend->url]}" }
END
my $folder = make_folder();
write_file("$folder/upload", $large);
my $port  = $flexilib->port('secure');
my @trust = ('--cacert', $authority->path, '--resolve', "shop.example:$port:127.0.0.1");
my %way   = (
    'over TLS'             => ["https://shop.example:$port", '--http2', @trust],
    'with prior knowledge' => ['http://' . $flexilib->address('plain'), '--http2-prior-knowledge'],
);

for my $way (sort keys %way) {
    my ($url, @options) = @{ $way{$way} };
    # Debian 12's curl fails with its second request on a connection that it has not negotiated
    my @urls = $way eq 'over TLS' ? ("$url/a", "$url/b?c=d") : ("$url/a");
    my $curl = curl(@options, '--write-out', '%{http_version} %{num_connects} ', @urls);
    is($curl->{status}, 0, "$way: curl is content") or diag($curl->{err});
    like($curl->{out}, @urls == 2 ? qr{^GET /a HTTP/1\.1\r\n.*2 1 GET /b\?c=d HTTP/1\.1\r\n.*2 0 $}s
        : qr{^GET /a HTTP/1\.1\r\n.*2 1 $}s, 'and its connection serves all it asks');
    like($curl->{out}, qr{^Via: 2\.0 flexilib\r$}mi, 'the server is told how the request came');
    like($curl->{out}, qr{^Host: (?:shop\.example|127\.0\.0\.1):\d+\r$}m, 'and which host was meant');
    ok(curl(@options, "$url/large")->{out} eq $large, '10 MB come exact');
    ok(curl(@options, '--upload-file', "$folder/upload", "$url/upload")->{out} eq $large, '10 MB go exact, and come back');
    ok(curl(@options, '--header', 'Content-Length:', '--upload-file', "$folder/upload", "$url/upload")->{out} eq $large,
        'without an announced length too');
    my $head = curl(@options, '--head', "$url/large");
    like($head->{out}, qr{^HTTP/2 200 \r\n.*^content-length: 10485760\r$}ms, 'HEAD tells the length');
    like(curl(@options, '--include', "$url/none")->{out}, qr{^HTTP/2 204 \r\n(?!.*content-length).*^x-a: b\r$}ms, '204 has no length');
    like(curl(@options, '--include', "$url/same")->{out}, qr{^HTTP/2 304 \r\n(?!.*content-length).*^etag: "a"\r$}ms, '304 passes');
    my $chunks = curl(@options, '--include', "$url/chunks")->{out};
    like($chunks, qr{^HTTP/2 200 \r\n.*^x-upper: Value\r\n.*\r\n\r\nabcdef$}ms, 'chunks become data');
    unlike($chunks, qr{hop|keep-alive|transfer-encoding|connection}i, 'fields of the connection behind are left out');
    like($chunks, qr{^date: \w{3}, }m, 'the date is added');
    like(curl(@options, '--include', "$url/early")->{out}, qr{^HTTP/2 103 \r\nlink: </a\.css>\r\n.*^HTTP/2 200 .*late$}ms, '103 goes ahead');
    my $fields = curl(@options, '--include', "$url/fields")->{out};
    is(scalar(() = $fields =~ /^x-\d+: (?:Zq!){500}\r$/mg), 30, 'a head of 45 KB comes whole');
    my $broken = curl(@options, "$url/broken");
    is($broken->{status}, 92, 'a response that breaks off is told from a whole one') or diag($broken->{err});
    is(curl(@options, '--request', 'OPTIONS', '--request-target', '*', '--write-out', '%{http_code}', $url)->{out}, '200',
        'OPTIONS * is answered');
    like(curl(@options, '--header', 'X_Forwarded_For: 1.2.3.4', '--header', 'X-Forwarded-For: 1.2.3.4', "$url/a")->{out},
        qr{^(?!.*1\.2\.3\.4)}s, 'what others claim about the client is left out');
    like(curl(@options, '--header', 'Expect: 100-continue', '--data', 'abc', '--request', 'PUT', "$url/x")->{out}, qr/^abc$/,
        'who waits to be told to go on is told');
}
$flexilib->wait_access(qr{"GET /a HTTP/2\.0" 200 });
$flexilib->wait_access(qr{"OPTIONS \* HTTP/2\.0" 200 });

my $nghttp = run_command(['nghttp', '-H', 'cookie: a=b', '-H', 'cookie: c=d', 'http://' . $flexilib->address('plain') . '/cookies']);
is($nghttp->{status}, 0, 'nghttp is content');
like($nghttp->{out}, qr{^cookie: a=b; c=d\r\n}mi, 'cookies in pieces are joined');

my $load = run_command(['h2load', '-n', 2000, '-c', 4, '-m', 50, 'http://' . $flexilib->address('plain') . '/own']);
like($load->{out}, qr/2000 done, 2000 succeeded, 0 failed, 0 errored/, 'h2load: every request is answered');
$load = run_command(['h2load', '-n', 400, '-c', 2, '-m', 16, "https://127.0.0.1:$port/many"]);
like($load->{out}, qr/400 done, 400 succeeded, 0 failed, 0 errored/, 'and over TLS, by a server behind');

my $script = write_file("$folder/client.js", <<'END');
const http2 = require('http2'), crypto = require('crypto');
const client = http2.connect('http://' + process.argv[2]);
const body = Buffer.alloc(300000, 'x'), jobs = [];
for (let i = 0; i < 100; ++i) {
    jobs.push(new Promise((done, fail) => {
        const request = client.request({ ':path': '/' + i, ':method': 'PUT' });
        const pieces = [];
        let status;
        request.on('response', head => { status = head[':status']; });
        request.on('data', piece => pieces.push(piece));
        request.on('end', () => Buffer.concat(pieces).equals(body) && status === 200 ? done() : fail(new Error('wrong ' + i)));
        request.on('error', fail);
        request.end(body);
    }));
}
Promise.all(jobs).then(() => { console.log('all of', jobs.length); client.close(); }, e => { console.log(e); process.exit(1); });
END
my $node = start_node($script, $flexilib->address('plain'));
is($node->wait_status, 0, "Node's client is content");
$node->wait_streams;
is($node->text('stdout'), "all of 100\n", '100 bodies at once come back exact');

my ($old, $old_port) = ($flexilib->address('old'), $flexilib->port('oldsecure'));
isnt(curl('--http2-prior-knowledge', "http://$old/own")->{status}, 0, 'http2: no refuses prior knowledge');
is(curl('--http2', "http://$old/own", '--write-out', ' %{http_version}')->{out}, 'own 1.1', 'and serves HTTP/1.1');
is(curl('--http2', '--cacert', $authority->path, "https://127.0.0.1:$old_port/own", '--write-out', ' %{http_version}')->{out},
    'own 1.1', 'as it does over TLS');

done_testing;
