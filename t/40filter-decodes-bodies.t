# A filter that wants plain bodies gets them, whatever the server or the client has compressed them with; what is said of
# the coded bytes goes with the coding. The route may compress again. Broken bodies are put down to those who sent them.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;
use Compress::Zlib ();

my $text = join '', map { "line $_ of a text that is worth compressing\n" } 1 .. 20_000;
my $zeros = "\0" x (64 << 20);
my %bodies = (
    gzip      => Compress::Zlib::memGzip($text),
    'x-gzip'  => Compress::Zlib::memGzip('one ') . Compress::Zlib::memGzip('two'),
    deflate   => Compress::Zlib::compress($text),
    raw       => substr(Compress::Zlib::compress($text), 2, -4),
    bomb      => Compress::Zlib::memGzip($zeros),
    broken    => substr(Compress::Zlib::memGzip($text), 0, 3000) . 'x' x 3000,
    short     => substr(Compress::Zlib::memGzip($text), 0, 3000),
    unknown   => 'whatever',
    both      => Compress::Zlib::memGzip(Compress::Zlib::memGzip($text)),
    empty     => '',
    plain     => $text,
);
my %codings = (raw => 'deflate', bomb => 'gzip', broken => 'gzip', short => 'gzip', both => 'gzip, gzip', empty => 'gzip', part => 'gzip', piece => 'plain', beyond => 'plain', whole_range => 'gzip');
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my ($kind) = $request->target =~ m{([\w-]+)$};
            my @seen = ('X-Accept' => $request->header('accept-encoding') // '-', 'X-Range' => $request->header('range') // '-');
            if ($request->method eq 'POST') {
                my $sum = unpack '%32C*', $request->body;
                my @told = map { $request->header($_) // '-' } qw(content-encoding x-decoded);
                $connection->respond(200, [@seen], join ' ', length $request->body, $sum, @told);
                next;
            }
            my $coding = $codings{$kind} // $kind;
            push @seen, 'Content-Encoding' => $coding if $coding ne 'plain';
            push @seen, ETag => '"tag"', 'Content-MD5' => 'x', Digest => 'sha-256=x', 'Accept-Ranges' => 'bytes', 'Content-Type' => 'text/plain';
            if ($kind eq 'bare') {
                $connection->respond(200, ['Content-Type' => 'text/plain'], $text);
            } elsif ($kind eq 'beyond') {
                $connection->respond(416, [@seen, 'Content-Range' => 'bytes */100'], 'part');
            } elsif ($kind eq 'whole_range') {
                $connection->respond(200, [@seen, 'Content-Range' => 'bytes 0-3/100'], $bodies{gzip});
            } elsif ($kind eq 'part' || $kind eq 'piece') {
                $connection->respond(206, [@seen, 'Content-Range' => 'bytes 0-3/100'], 'part');
            } elsif ($request->method eq 'HEAD') {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 77\r\nContent-Encoding: gzip\r\nETag: \"tag\"\r\n\r\n");
            } elsif ($kind eq 'chunked') {
                my $coded = $bodies{gzip};
                $connection->send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
                $connection->send(sprintf "%x\r\n%s\r\n", length, $_) for unpack '(a7)*', $coded;
                $connection->send("0\r\n\r\n");
            } else {
                $connection->respond(200, \@seen, $bodies{$kind});
            }
        }
    }
);
my $coder = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
routes:
  - { match: /br, compress: { codings: [br] }, proxy: { to: "@{[$backend->url]}", strip: /br } }
  - { match: /zstd, compress: { codings: [zstd] }, proxy: { to: "@{[$backend->url]}", strip: /zstd } }
END
my $bodies   = build_folder() . '/t/lib/bodies.so';
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 32MB
libraries: { bodies: { path: "$bodies" } }
routes:
  - { match: [/br, /zstd], filters: [{ bodies.bodies: &decode { decode: yes } }], proxy: "@{[$coder->url]}" }
  - { match: /again, compress: yes, filters: [{ bodies.bodies: *decode }], proxy: { to: "@{[$backend->url]}", strip: /again } }
  - match: /whole
    filters: [{ bodies.bodies: { decode: yes, request: collect, response: collect, limit: 2MB } }]
    proxy: { to: "@{[$backend->url]}", strip: /whole }
  - { match: /, filters: [{ bodies.bodies: *decode }], proxy: "@{[$backend->url]}" }
END

sub get {
    my ($path, %option) = @_;
    return request($flexilib, GET => $path, %option);
}

# responses
my %expected = (gzip => $text, 'x-gzip' => 'one two', deflate => $text, raw => $text, plain => $text, empty => '', chunked => $text);
for my $kind (sort keys %expected) {
    my $response = get("/$kind");
    ok($response->is_complete && $response->body eq $expected{$kind}, "$kind: the plain body arrives");
    is($response->header('content-encoding'), undef, 'without its coding');
    is($response->header('x-decoded'), 'yes', 'as the filter is told');
    next if $kind eq 'plain' || $kind eq 'chunked';
    is(join(' ', map { $response->header($_) // '-' } qw(etag content-md5 digest accept-ranges)), 'W/"tag" - - -', 'and what was said of its bytes');
}
for my $coding (qw(br zstd)) {
    my $response = get("/$coding/bare", headers => ['Accept-Encoding' => $coding]);
    is($response->header('x-decoded'), 'yes', "$coding: it is decoded");
    ok($response->body eq $text, 'and arrives');
    is(request($coder, GET => "/$coding/bare", headers => ['Accept-Encoding' => $coding])->header('content-encoding'), $coding, 'it was coded before');
}
is(get('/whole/gzip')->header('content-length'), length $text, 'of a collected one the length is known');
my $head = request($flexilib, HEAD => '/head');
is(join(' ', map { $head->header($_) // '-' } qw(content-length content-encoding etag)), '- - W/"tag"', 'HEAD says what GET would');
for my $kind (qw(unknown both part piece)) {
    my $response = get("/$kind");
    is($response->header('x-decoded'), 'no', "$kind: it cannot be decoded");
    ok($response->body eq ($bodies{$kind} // 'part'), 'and arrives as it is');
    is($response->header('etag'), '"tag"', 'with what is said of it');
}
is(get('/beyond')->header('x-decoded'), 'yes', 'that there is no such part is told by a whole body');
is(get('/whole_range')->body, $text, 'what is no part is whole, whatever range it tells');

# what servers are asked for
my $asked = get('/plain', headers => ['Accept-Encoding' => 'compress, br;q=0.5, *', Range => 'bytes=0-3', 'If-Range' => '"tag"']);
is($asked->header('x-accept'), 'br;q=0.5', 'servers are asked for what can be decoded');
is($asked->header('x-range'), '-', 'and not for parts');
is(get('/plain', headers => ['Accept-Encoding' => 'compress'])->header('x-accept'), 'identity', 'or for the plain bytes');

# compressed again
my $again = get('/again/deflate', headers => ['Accept-Encoding' => 'gzip']);
is($again->header('content-encoding'), 'gzip', 'a route that compresses does so afterwards');
ok(Compress::Zlib::memGunzip($again->body) eq $text, 'and it is the same');
is(get('/again/gzip')->header('content-encoding'), undef, 'unless the client wants it plain');

# broken ones
for my $kind (qw(broken short)) {
    my $connection = connect_to($flexilib);
    $connection->send_request(GET => "/$kind");
    unlike($connection->read_all, qr/\r\n0\r\n\r\n$/, "$kind: the response is cut");
    is(get("/whole/$kind")->status, 502, 'or it is 502 while the head is held');
}
ok($flexilib->wait_log(qr/upstream '.*': server http:\S+ sent a body that is not what its Content-Encoding says/), 'the server is blamed');

# a bomb
my $before_kb = $flexilib->worker_memory_kb;
my $bomb = connect_to($flexilib);
$bomb->send_request(GET => '/bomb');
$bomb->read_bytes(100_000);
get('/plain') for 1 .. 3;
cmp_ok($flexilib->worker_memory_kb - $before_kb, '<', 4096, 'a bomb goes off as the client takes it') if !is_sanitized();
$bomb->close;
is(get('/whole/bomb')->status, 502, 'or is too large for who collects');

# requests
sub post {
    my ($path, $coding, $body, @how) = @_;
    return request($flexilib, POST => $path, headers => ['Content-Encoding' => $coding], @how ? (chunks => [unpack '(a5000)*', $body]) : (body => $body));
}
my $sum = join ' ', length $text, unpack('%32C*', $text), '- yes';
for my $path ('/', '/whole/') {
    is(post($path, gzip => $bodies{gzip})->body, $sum, "$path: requests are decoded too");
    is(post($path, deflate => $bodies{deflate}, 'in chunks')->body, $sum, 'also in chunks');
    is(post($path, gzip => $bodies{broken})->status, 400, 'a broken one: 400');
    is(post($path, gzip => $bodies{short}, 'in chunks')->status, 400, 'one cut short too');
    is(post($path, gzip => $bodies{bomb}, 'in chunks')->status, 413, 'a bomb has the limit of any body');
    like(post($path, compress => 'xyz')->body, qr/^3 363 compress no/, 'an unknown coding stays');
}
like(post('/', gzip => Compress::Zlib::memGzip('small'))->body, qr/^5 537 - yes/, 'a small one');

# A client of many bodies has a share of the room for windows: here of 8 MB each, behind a frame's head and one byte.
my $window = "\x28\xb5\x2f\xfd\x00\x68" . "\x08\x00\x00x";
my $greedy = FlexiLib::Test::Http2->open($flexilib);
for my $stream (map { 2 * $_ - 1 } 1 .. 20) {
    $greedy->request($stream, POST => '/', ['content-encoding' => 'zstd'], end => 0);
    $greedy->data($stream, $window);
}
my $refused = sub { scalar grep { ($greedy->stream(2 * $_ - 1)->{status} // 0) == 503 } 1 .. 20 };
1 while !$refused->() && $greedy->read_frame;
ok($refused->(), 'one client cannot have room for all');
$greedy->wait_ping for 1 .. 5;
my $modest = FlexiLib::Test::Http2->open($flexilib);
for my $stream (1, 3, 5) {
    $modest->request($stream, POST => '/', ['content-encoding' => 'zstd'], end => 0);
    $modest->data($stream, $window);
}
$modest->wait_ping;
$modest->data($_, "\x01\x00\x00", end => 1) for 1, 3, 5;
is(join(' ', map { $modest->wait_stream($_)->{status} } 1, 3, 5), '200 200 200', 'and leaves some to others');
like($modest->wait_stream(1)->{body}, qr/^1 120 - yes/, 'whose bodies are decoded');
$modest->close;
$greedy->close;

done_testing;
