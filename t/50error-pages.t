# Error pages take the place of FlexiLib's own answers, of whatever status, and of nobody else's.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        return $connection->wait_go if $request->target eq '/silent';
        my $body = "the server's own\n";
        $connection->send("HTTP/1.1 502 Bad Gateway\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
    }
});
my $failing = test_library('failing');
my $closed  = free_port();
my $large   = join '', map { sprintf "%07d\n", $_ } 1 .. 1 << 17;
my $outside = "<!doctype html><title>outside</title>\n";
my %files   = (
    'outside.html' => $outside,
    'inside.html'  => "inside\n",
    'inside.json'  => '{"error": true}',
    'large.txt'    => $large,
    'empty.html'   => '',
    'binary.png'   => "a\0b",
    'there.txt'    => "0123456789\n",
);
my $config = <<"END";
listen: 127.0.0.1:0
workers: 1
head_limit: 2KB
body_limit: 1KB
error_pages: { 404: outside.html, 408: binary.png, 413: large.txt, 431: outside.html, 400: outside.html, 5xx: outside.html }
upstreams:
  silent: { servers: ["@{[$backend->url]}"], response_timeout: 50ms, retry: no, eject: no }
routes:
  - match: /inner
    error_pages: { 502: inside.html, 500-503: inside.json, 404: inside.html }
    routes:
      - match: /inner/most
        error_pages: { 404: large.txt }
        routes:
          - { match: /inner/most/refused, proxy: "http://127.0.0.1:$closed" }
          - { match: /inner/most/files, files: . }
      - { match: /inner/files, files: . }
      - { match: /inner/refused, proxy: "http://127.0.0.1:$closed" }
      - match: /inner/failing
        filters: [{ use: $failing, options: { hook: request_head } }]
        handler: hello
  - { match: /refused, proxy: "http://127.0.0.1:$closed" }
  - { match: /silent, proxy: silent }
  - { match: /server, proxy: "@{[$backend->url]}" }
  - { match: /respond, respond: { status: 404, body: "as it is written" } }
  - match: /files
    error_pages: { 405: empty.html, 412: inside.html, 416: inside.html }
    files: .
  - { match: /wrong, handler: { use: $failing, options: { hook: end } } }
  - match: /filtered
    filters: [{ headers: { response_set: { x-seen: "yes" } } }]
    proxy: "http://127.0.0.1:$closed"
END
my $flexilib = start_flexilib(config => $config, files => \%files);
my $client   = connect_to($flexilib);

sub check {
    my ($method, $path, $status, $type, $body, $what, @headers) = @_;
    $client->send_request($method => $path, headers => [@headers]);
    my $response = $client->read_response($method);
    is($response->status, $status, "$what: the status");
    is($response->header('content-type'),   $type,         'the type of the page') if defined $type;
    is($response->header('content-length'), length($body), 'its length');
    ok($response->body eq ($method eq 'HEAD' ? '' : $body), 'and its bytes');
    ok($response->keeps_connection,                         'on a connection that stays');
    return $response;
}

my ($html, $json) = ('text/html; charset=utf-8', 'application/json');
check(GET  => '/',                   404, $html, $outside,           'no route');
check(HEAD => '/',                   404, $html, $outside,           'asked with HEAD');
check(GET  => '/refused',            502, $html, $outside,           'a server that is not there');
check(GET  => '/silent',             504, $html, $outside,           'one that is silent');
check(GET  => '/wrong',              500, $html, $outside,           'a handler that does not answer');
check(GET  => '/inner/failing',      503, $json, $files{'inside.json'}, 'a filter that fails');
check(GET  => '/inner/refused',      502, $html, "inside\n",         'the first that fits');
check(GET  => '/inner/most/refused', 502, $html, "inside\n",         'pages of a route around');
check(GET  => '/inner/nothing',      404, $html, $outside,           'no route within one');
check(GET  => '/inner/files/gone',   404, $html, "inside\n",         'a file that is missing');
check(GET  => '/inner/most/files/x', 404, 'text/plain; charset=utf-8', $large, 'a large page');
check(HEAD => '/inner/most/files/x', 404, 'text/plain; charset=utf-8', $large, 'a large page that is not sent');
is(check(POST => '/files/there.txt', 405, $html, '', 'an empty page')->header('allow'), 'GET, HEAD', 'with fields that belong to the status');
check(GET => '/files/files/there.txt', 404, $html, $outside, 'statuses that the route has no page for');
check(GET => '/server',              502, undef, "the server's own\n", "a server's response");
check(GET => '/respond',             404, undef, 'as it is written', 'a fixed response');
is(check(GET => '/filtered', 502, $html, $outside, 'a page')->header('x-seen'), 'yes', 'passes filters');

# What the front refuses has no route yet; it ends the connection.
sub check_refusal {
    my ($request, $status, $type, $body, $what) = @_;
    my $connection = connect_to($flexilib);
    $connection->send($request);
    my $response = $connection->read_all;
    like($response, qr{\AHTTP/1\.1 $status }, "$what: the status");
    like($response, qr/^Content-Type: \Q$type\E\r$/mi, 'the type of the page');
    ok(substr($response, 4 + index $response, "\r\n\r\n") eq $body, 'and its bytes') or diag(substr $response, 0, 500);
    return;
}
check_refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, $html, $outside, 'a bad request');
check_refusal("HEAD / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, $html, '', 'one with HEAD');
check_refusal("GET / HTTP/1.1\r\nHost: a\r\nX: " . 'x' x 3000 . "\r\n\r\n", 431, $html, $outside, 'a large head');
check_refusal("POST /inner HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n", 413, 'text/plain; charset=utf-8', $large, 'a large body');

my $old = connect_to($flexilib);
$old->send_request(GET => '/respond');
$old->read_response;
$flexilib->write_file('outside.html', "changed\n");
is(request($flexilib, GET => '/nothing')->body, $outside, 'a page that has changed is not read again');
$flexilib->reload;
$flexilib->wait_serving(2);
is(request($flexilib, GET => '/nothing')->body, "changed\n", 'but with the configuration');
$old->send_request(GET => '/nothing');
is($old->read_response->body, $outside, 'while older workers have the older one');

unlink "$flexilib->{dir}/outside.html";
$flexilib->reload;
$flexilib->wait_log(qr/error: generation 3 failed: flexilib.yaml:5:21: .*outside\.html.*No such file/);
is(request($flexilib, GET => '/nothing')->body, "changed\n", 'a page that is missing is an error of the configuration');

my $plain = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /nothing-else, handler: hello }
END
is(request($plain, GET => '/')->header('content-type'), 'text/plain', 'without pages answers are short texts');

done_testing;
