# Who gets what compressed, what heads say of it, what the settings change, and that caches can rely on it.

use lib 't/lib';
use FlexiLib::Test;

my $page    = join '', map { "<p>paragraph $_ of many</p>\n" } 1 .. 300;
my %answers = (
    '/page'    => [200, ['Content-Type' => 'text/html', ETag => '"a"', Vary => 'Origin', 'Accept-Ranges' => 'bytes'], $page],
    '/image'   => [200, ['Content-Type' => 'image/png'], $page],
    '/coded'   => [200, ['Content-Type' => 'text/html', 'Content-Encoding' => 'x-own'], $page],
    '/fixed'   => [200, ['Content-Type' => 'text/html', 'Cache-Control' => 'no-transform'], $page],
    '/digest'  => [200, ['Content-Type' => 'text/html', 'Repr-Digest' => 'sha-256=:AAAA:'], $page],
    '/part'    => [206, ['Content-Type' => 'text/html', 'Content-Range' => 'bytes 0-9/10'], $page],
    '/small'   => [200, ['Content-Type' => 'text/html'], 'x' x 1023],
    '/error'   => [500, ['Content-Type' => 'application/problem+json'], $page],
    '/events'  => [200, ['Content-Type' => 'text/event-stream'], $page],
);
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my ($status, $headers, $body) = @{ $answers{ $request->target =~ s{^/\w+(?=/)}{}r } // [] };
        if (($request->header('If-None-Match') // '') =~ m{^W/"a"$}) {
            $connection->send("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n");
            next;
        }
        if ($request->target =~ m{/trailers/(\w*)}) {
            $connection->send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" . ($1 eq 'announced' ? "Trailer: Repr-Digest\r\n" : '')
                . sprintf "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nX-Sum: 1\r\nRepr-Digest: sha-256=:AAAA:\r\n\r\n", length $page, $page);
            next;
        }
        my $bytes = response_bytes($status, $headers, $body);
        $bytes =~ s/\r\n\r\n.*/\r\n\r\n/s if $request->method eq 'HEAD';
        $connection->send($bytes);
    }
});
my $flexilib = start_flexilib(
    files => {
        'public/a.html'  => $page,
        'public/b.css'   => $page,
        'public/b.css.gz' => 'packed before',
        'missing.html'   => $page,
    },
    config => <<"END");
listen: 127.0.0.1:0
workers: 1
compress: yes
error_pages: { 404: missing.html }
routes:
  - { match: /nothing, compress: no, proxy: { to: "@{[$backend->url]}", strip: /nothing } }
  - match: { path: [/outer, /inner] }
    compress: { codings: [gzip, br], types: [text/event-stream], min_length: 0 }
    routes:
      - { match: /outer, proxy: "@{[$backend->url]}" }
      - { match: /inner, compress: { codings: br }, proxy: "@{[$backend->url]}" }
  - { match: /reply, respond: { headers: { Content-Type: application/json }, body: "@{['[1,2]' x 1000]}" } }
  - { match: /files, files: { root: public } }
  - { match: { host: files.example }, files: { root: public, precompressed: yes } }
  - { match: { host: none.example, path: /none }, files: public }
  - proxy: "@{[$backend->url]}"
END

my $client = connect_to($flexilib);

sub ask {
    my ($path, %option) = @_;
    my $method = delete $option{method} // 'GET';
    $client->send_request($method, $path, headers => ['Accept-Encoding' => 'gzip, br', %option]);
    return $client->read_response($method);
}

my $response = ask('/page');
is($response->header('Content-Encoding'), 'br', 'a page is compressed, as is liked best here');
is($response->header('Content-Length'), undef, 'its length is not told');
is($response->framing, 'chunked', 'but its end');
is($response->header('ETag'), 'W/"a"', 'its tag is weak');
is($response->header('Accept-Ranges'), undef, 'parts are not offered');
is_deeply([$response->headers('Vary')], ['Origin, Accept-Encoding'], 'caches are told');
cmp_ok(length $response->body, '<', length($page) / 4, 'it is shorter');
like($flexilib->wait_access(qr{"GET /page}), qr{ 200 ttfb \S+ @{[length $response->body]} ttlb }, 'the log tells what was sent');

my $head = ask('/page', method => 'HEAD');
is_deeply([map { scalar $head->header($_) } qw(Content-Encoding ETag Vary Content-Length)], ['br', 'W/"a"', 'Origin, Accept-Encoding', undef],
    'HEAD says the same');
$response = ask('/page', 'If-None-Match' => 'W/"a"');
is($response->status, 304, 'the server knows the weak tag');
is($response->header('ETag'), 'W/"a"', 'which stays weak');
is($response->header('Vary'), 'Accept-Encoding', 'and 304 varies too');
$response = ask('/page', 'Accept-Encoding' => 'zzz');
is($response->header('Content-Encoding'), 'br', 'a second field changes nothing');
for my $accepted ('', 'identity', 'br;q=0, gzip;q=0', 'deflate') {
    $client->send_request(GET => '/page', headers => ['Accept-Encoding' => $accepted]);
    $response = $client->read_response;
    is($response->header('Content-Encoding'), undef, "plain for '$accepted'");
    is_deeply([map { scalar $response->header($_) } qw(ETag Vary Content-Length Accept-Ranges)],
        ['"a"', 'Origin, Accept-Encoding', length $page, 'bytes'], 'with the head of the plain one');
    ok($response->body eq $page, 'and its bytes');
}
is(ask('/page', 'Cache-Control' => 'no-transform')->header('Content-Encoding'), undef, 'the client may forbid it');
$response = request($flexilib, GET => '/page', version => '1.0', headers => ['Accept-Encoding' => 'gzip', Connection => 'keep-alive']);
is_deeply([map { scalar $response->header($_) } qw(Content-Encoding Content-Length)], [undef, length $page], 'HTTP/1.0 gets it plain');

for my $path (qw(/image /coded /fixed /digest /part /small /events /nothing/page)) {
    $response = ask($path);
    my ($coding) = grep { $_ ne 'x-own' } $response->header('Content-Encoding') // 'none';
    is($coding // 'none', 'none', "$path goes out as it is");
    my $varies = ($response->header('Vary') // '') =~ /Accept-Encoding/ ? 'varies' : '';
    is($varies, $path eq '/part' ? 'varies' : '', 'for everybody, unless it is a part of what is not');
    ok($response->body eq $answers{ $path =~ s{^/nothing}{}r }[2], 'byte by byte');
}
is(ask('/error')->header('Content-Encoding'), 'br', 'responses with errors are compressed');
is(ask('/reply')->header('Content-Encoding'), 'br', 'and those of the configuration');

is(ask('/outer/events')->header('Content-Encoding'), 'gzip', 'a route has codings and types of its own');
is(ask('/outer/page')->header('Content-Encoding'), undef, 'in place of those around');
is(ask('/inner/page')->header('Content-Encoding'), 'br', 'and so has one inside');
is(ask('/inner/page', 'Accept-Encoding' => '')->header('Content-Encoding'), 'br', 'whatever stands in other fields');

$response = ask('/files/a.html', Host => 'none.example');
is($response->status . ' ' . ($response->header('Content-Encoding') // ''), '404 br', 'pages of errors are compressed');
$response = ask('/a.html', Host => 'files.example');
is($response->header('Content-Encoding'), 'br', 'a file');
my $tag = $response->header('ETag');
like($tag, qr{^W/"}, 'has a weak tag');
$response = ask('/a.html', Host => 'files.example', 'If-None-Match' => $tag);
is($response->status . ' ' . $response->header('ETag'), "304 $tag", 'by which it is known');
is_deeply([$response->headers('Vary')], ['Accept-Encoding'], 'varying once');
is(ask('/a.html', Host => 'files.example', Range => 'bytes=0-9', 'If-Range' => $tag)->header('Content-Encoding'), 'br',
    'of which no part is given');
$response = ask('/a.html', Host => 'files.example', Range => 'bytes=0-9');
is($response->status . ' ' . $response->body, '206 ' . substr($page, 0, 10), 'a part is one of the plain file');
is($response->header('Content-Encoding'), undef, 'and plain itself');
is_deeply([$response->headers('Vary')], ['Accept-Encoding'], 'and varies as all of it does');
$response = ask('/b.css', Host => 'files.example');
is($response->header('Content-Encoding') . $response->body, 'gzippacked before', 'a file that is packed already');

$response = ask('/trailers/unannounced', TE => 'trailers', Connection => 'TE');
is($response->header('Content-Encoding'), 'br', 'a response with trailers');
like($response->{trailer}, qr/^X-Sum: 1\r\n/, 'still has them');
unlike($response->{trailer}, qr/Digest/, 'but for what is said of other bytes');
$response = ask('/trailers/announced', TE => 'trailers', Connection => 'TE');
is($response->header('Content-Encoding'), undef, 'where that is announced, the bytes stay as they are');
like($response->{trailer}, qr/^Repr-Digest: /m, 'and so does what is said of them');

done_testing;
