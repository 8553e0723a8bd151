# A real server behind: nginx, with files small and large, ranges, conditional requests, chunked responses and uploads,
# over connections that are kept.

use lib 't/lib';
use FlexiLib::Test;

my $small = "hello from nginx\n";
my $large = join '', map { sprintf "%07d\n", $_ } 1 .. 1 << 20;
my $nginx = start_nginx(<<'END', files => { 'small.txt' => $small, 'large.txt' => $large });
keepalive_requests 100000;
client_max_body_size 32m;
location /api { return 200 "$request_method $request_uri $http_host $http_x_forwarded_for $http_via\n"; }
location /ssi/ { ssi on; ssi_types *; alias html/; }
location /upload { dav_methods PUT; create_full_put_path on; dav_access all:rw; }
END

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, proxy: "@{[$nginx->url]}" }
END

my $client = connect_to($flexilib);

sub get {
    my ($path, @headers) = @_;
    $client->send_request(GET => $path, headers => [@headers]);
    return $client->read_response;
}

my $response = get('/small.txt');
is($response->status, 200, 'a small file');
is($response->body, $small, 'as it is');
like($response->header('server'), qr/^nginx/, 'from nginx');
my $etag = $response->header('etag');
for my $round (1 .. 3) {
    $response = get('/large.txt');
    ok($response->is_complete && $response->body eq $large, "8 MB, round $round");
    is(get('/small.txt')->body, $small, 'and a small one on the same connection');
}
$response = get('/small.txt', 'If-None-Match' => $etag);
is($response->status, 304, 'a conditional request');
$response = get('/large.txt', Range => 'bytes=8000-8015');
is($response->status, 206, 'a range');
is($response->body, "0001001\n0001002\n", 'of the right bytes');
$client->send_request(HEAD => '/large.txt');
$response = $client->read_response('HEAD');
is($response->header('content-length'), length $large, 'HEAD');
is(get('/nothing')->status, 404, 'an error page');
is(get('/api/x?y=z')->body, "GET /api/x?y=z localhost 127.0.0.1 1.1 flexilib\n", 'what nginx has seen');
$response = get('/ssi/large.txt');
is($response->framing, 'chunked', 'a response whose length is not known');
ok($response->body eq $large, 'arrives as it is');
$client->send_request(PUT => '/upload/large.txt', body => $large);
is($client->read_response->status, 201, 'a large upload');
ok(get('/upload/large.txt')->body eq $large, 'is what comes back');

$client->send_request(POST => '/small.txt', body => $large);
is($client->read_response->status, 405, 'an upload that is not wanted is answered too');

my $out = curl('--include', '--compressed', $flexilib->url('/small.txt'))->{out};
like($out, qr/\Q$small\E\z/, 'curl is content');

my $load = start_load($flexilib, path => '/small.txt', expect => qr/\A\Q$small\E\z/);
$load->wait_running;
get('/large.txt') for 1 .. 5;
my $result = $load->stop;
is_deeply($result->{failures}, [], "$result->{requests} requests at the same time");
unlike($flexilib->log, qr/error: /, 'without an error');
$client->close;

done_testing;
