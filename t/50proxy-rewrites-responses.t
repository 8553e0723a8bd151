# Redirects and cookies of a server are led back to the host and the paths that the client knows.

use lib 't/lib';
use FlexiLib::Test;

my $nginx = start_nginx(<<'END', files => { 'dir/file.txt' => "file\n" });
location = /v1/login { add_header Set-Cookie "sid=a=b;c; Domain=.inner.example; Path=/v1/x; HttpOnly" always; add_header Set-Cookie "b=c; Path=/" always; return 302 /v1/here?x=$http_x_forwarded_proto; }
location = /v1/away { return 301 http://elsewhere.example/v1/x; }
location = /v1/refresh { add_header Refresh "3; url=$scheme://$http_host/v1/next"; return 200 ok; }
location = /v1/upgrade { return 301 https://$http_host/v1/secure; }
location /v1/ { alias html/; }
END

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
trusted_proxies: [127.0.0.1]
upstreams: { inner: "@{[$nginx->url]}" }
routes:
  - match: /api
    proxy:
      to: inner
      strip: /api
      prefix: /v1
      host: server
      cookie_domain: { inner.example: shop.example }
      cookie_path: { /v1: /api }
  - { match: /named, proxy: { to: inner, strip: /named, prefix: /v1, host: app.internal } }
  - { match: /kept, proxy: { to: inner, strip: /kept, prefix: /v1 } }
  - { match: /left, proxy: { to: inner, strip: /left, prefix: /v1, host: server, location: keep } }
END

sub get {
    my ($path, @headers) = @_;
    return request($flexilib, GET => $path, host => 'shop.example:8080', headers => [@headers]);
}

my $response = get('/api/dir/file.txt');
is($response->body, "file\n", 'a file below the prefix');
$response = get('/api/dir');
is($response->status, 301, 'a redirect of nginx\'s own');
is($response->header('location'), 'http://shop.example:8080/api/dir/', 'leads to where the client has asked');
is(get('/api/dir', 'X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'www.example')->header('location'),
    'https://www.example/api/dir/', 'also where a trusted proxy tells where that was');
$response = get('/api/login');
is($response->header('location'), 'http://shop.example:8080/api/here?x=http', 'query and all');
is_deeply(
    [$response->headers('set-cookie')],
    ['sid=a=b;c; Domain=shop.example; Path=/api/x; HttpOnly', 'b=c; Path=/'],
    'cookies are for the client\'s host and path'
);
is(get('/api/away')->header('location'), 'http://elsewhere.example/v1/x', 'other hosts are left alone');
is(get('/api/refresh')->header('refresh'), '3; url=http://shop.example:8080/api/next', 'Refresh leads back too');
is(get('/api/refresh', 'X-Forwarded-Proto' => 'https')->header('refresh'), '3; url=https://shop.example:8080/api/next', 'by https');

is(get('/named/refresh')->header('refresh'), '3; url=http://shop.example:8080/named/next', 'a host of the configuration\'s own');
is(get('/named/upgrade')->header('location'), 'https://shop.example/named/secure', 'a change to https stays one');
is(get('/kept/refresh')->header('refresh'), '3; url=http://shop.example:8080/kept/next', 'the client\'s own host');
is(get('/kept/refresh', 'X-Forwarded-Proto' => 'https')->header('refresh'), '3; url=https://shop.example:8080/kept/next', 'is asked by https, if it was');
like(get('/left/refresh')->header('refresh'), qr{^3; url=http://127\.0\.0\.1:\d+/v1/next$}, 'nothing changes where the route says so');

my $old = connect_to($flexilib);
$old->send("GET /api/refresh HTTP/1.0\r\n\r\n");
is($old->read_response->header('refresh'), '3; url=/api/next', 'a client that named no host stays where it is');

done_testing;
