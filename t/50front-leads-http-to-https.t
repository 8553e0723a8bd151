# https_only: who comes by http is sent to https, before any route and filter; who comes by https is told to come so again
# (HSTS), and nobody else is. A trusted proxy's word on how the client came counts.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example,IP:127.0.0.1');
my %files   = ('shop.pem' => read_file($authority->path('shop.pem')), 'shop.key' => read_file($authority->path('shop.key')));
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my @own = $request->target =~ m{^/own} ? ('STRICT-Transport-Security' => 'max-age=7') : ();
        $connection->respond($request->target eq '/404' ? 404 : 200, \@own, 'behind');
    }
});
my $age = 'max-age=31536000';

sub start {
    my ($name, $settings, @listeners) = @_;
    my $folder = make_folder();
    return start_flexilib(dir => $folder, files => \%files, config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: plain }
  - "unix:$folder/front.sock"
@{[join "\n", map { "  - $_" } @listeners]}
workers: 1
$settings
filters: [{ headers: { response_set: { x-filter: seen } } }]
routes:
  - { match: /own-by-route, filters: [{ headers: { response_set: { strict-transport-security: max-age=5 } } }], proxy: "@{[$backend->url]}" }
  - { match: /here, respond: { body: here } }
  - { match: /there, redirect: "https://other.example/" }
  - { match: /behind, proxy: "@{[$backend->url]}" }
  - { match: /own, proxy: "@{[$backend->url]}" }
  - { match: /404, proxy: "@{[$backend->url]}" }
END
}

my $tls = '{ address: "127.0.0.1:0", name: secure, tls: { certificate: shop.pem, key: shop.key } }';
my $one = start('one', 'https_only: yes', $tls, '{ address: "127.0.0.1:0", name: inside, https_only: no }');
my $at  = 'https://shop.example:' . $one->port('secure');

# what is asked for, and where that leads
for my $case (
    ['/',                          '/'],
    ['/here',                      '/here'],
    ['/here?a=b&c=%20d?',          '/here?a=b&c=%20d?'],
    ['/?',                         '/?'],
    ['//evil.example/x',           undef],
    ['/a/../b/./c',                '/b/c'],
    ['/%61%2fb%3F',                '/a%2Fb%3F'],
    ['/unknown/"quoted"',          undef],
    ['http://shop.example/by-uri', '/by-uri'],
) {
    my ($target, $location) = @$case;
    my $result = raw($one, "GET $target HTTP/1.1\r\nHost: shop.example:8080\r\nConnection: close\r\n\r\n", listener => 'plain');
    if (defined $location) {
        is($result->{status}, 308, "$target is answered with a redirect");
        is($result->{response}->header('Location'), "$at$location", 'to the same by https');
    } else {
        my $to = $result->{response}->header('Location') // '';
        ok($result->{status} == 400 || $to =~ m{^\Q$at\E/}, "$target leads to the same host or nowhere") or diag("$result->{status} $to");
    }
    is($result->{response}->header('Strict-Transport-Security'), undef, 'nothing is said by http that only https may say');
    is($result->{response}->header('X-Filter'), undef, 'no filter has seen it');
}
$one->wait_access(qr{"GET /here\?a=b&c=%20d\? HTTP/1\.1" 308 });
pass('the access log has it');

for my $method (qw(HEAD POST PUT DELETE OPTIONS)) {
    my $response = request($one, $method => '/here', host => 'shop.example', $method eq 'POST' ? (body => 'x' x 100000) : ());
    is($response->status . ' ' . $response->header('Location'), "308 $at/here", "$method");
    is($response->body, '', 'without a body') if $method eq 'HEAD';
}
my $kept = connect_to($one, 'plain');
for my $number (1 .. 3) {
    $kept->send_request(POST => "/$number", host => 'shop.example', chunks => ['abc', 'def']);
    is($kept->read_response->header('Location'), "$at/$number", "request $number of a connection");
}

# Hosts: the client's own word, if it is one
for my $case (['SHOP.example', 'SHOP.example'], ['[::1]', '[::1]'], ['[::1]:80', '[::1]'], ['127.0.0.1:80', '127.0.0.1']) {
    my ($host, $expected) = @$case;
    is(request($one, GET => '/x', host => $host)->header('Location'), "https://$expected:" . $one->port('secure') . '/x', "host $host");
}
for my $host ('', 'a/b', 'a@evil.example', 'a b', 'shop.example:80:90', "a\\evil", 'a?b', 'a#b', 'shop.example:x') {
    is(raw($one, "GET /x HTTP/1.1\r\nHost: $host\r\n\r\n")->{status}, 400, "host '$host' is none");
}
is(raw($one, "GET /x HTTP/1.1\r\n\r\n")->{status}, 400, 'no host at all');
is(raw($one, "GET /x HTTP/1.0\r\n\r\n")->{status}, 400, 'nor in HTTP/1.0');
is(raw($one, "GET /x HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n")->{status}, 400, 'two of them');
is(request($one, GET => '/x', host => 'shop.example', headers => ['X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'evil.example'])->header('Location'), "$at/x", 'what anybody can claim does not count');

# HTTP/2 without TLS is http as well
my $h2c = curl('--http2-prior-knowledge', '--include', '--header', 'Host: shop.example', 'http://' . $one->address('plain') . '/h2');
like($h2c->{out}, qr{^HTTP/2 308 \r\n}, 'HTTP/2 without TLS');
like($h2c->{out}, qr{^location: \Q$at\E/h2\r$}m, 'is led to the same');

# what is excepted
is(request($one, GET => '/here', listener => 'inside')->body, 'here', 'a listener that is excepted answers');
is(request($one, GET => '/here', listener => 'inside')->header('Strict-Transport-Security'), undef, 'without HSTS');
is(request('unix:' . $one->dir . '/front.sock', GET => '/here')->body, 'here', 'so does a unix socket');

sub secure {
    my ($flexilib, $path, @more) = @_;
    my $port = $flexilib->port('secure');
    my $result = curl('--include', '--cacert', $authority->path, '--resolve', "shop.example:$port:127.0.0.1", @more, "https://shop.example:$port$path");
    my ($head, $body) = split /\r\n\r\n/, $result->{out}, 2;
    return { status => $head =~ /^HTTP\S+ (\d+)/, said => [$head =~ /^strict-transport-security: (.*?)\r?$/mig], head => $head, body => $body };
}
for my $version (qw(--http1.1 --http2)) {
    for my $case (['/here', 200], ['/behind', 200], ['/404', 404], ['/unknown', 404], ['/there', 302]) {
        my $response = secure($one, $case->[0], $version);
        is($response->{status}, $case->[1], "$case->[0] by https ($version)");
        is_deeply($response->{said}, [$age], 'with HSTS');
    }
    is_deeply(secure($one, '/own', $version)->{said}, ['max-age=7'], 'what a server says itself stays, alone');
    is_deeply(secure($one, '/own-by-route', $version)->{said}, ['max-age=5'], 'so does what a filter says');
}
# answers that no route has part in
like(curl('--include', '--request-target', '/%', @$_)->{out}, qr{^HTTP/\S+ 400 .*^strict-transport-security: \Q$age\E\r$}msi, "a refusal by https (@$_[0])")
    for map { [$_, '--cacert', $authority->path, '--resolve', 'shop.example:' . $one->port('secure') . ':127.0.0.1', "$at/"] } qw(--http1.1 --http2);
like(curl('--include', '--request-target', '*', '--request', 'OPTIONS', @$_)->{out}, qr{^HTTP/\S+ 200 .*^strict-transport-security: \Q$age\E\r$}msi, "an answer for all of the server ($$_[0])")
    for map { [$_, '--cacert', $authority->path, '--resolve', 'shop.example:' . $one->port('secure') . ':127.0.0.1', "$at/"] } qw(--http1.1 --http2);
my $misled = raw($one, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", listener => 'secure');
is($misled->{status}, 400, 'who speaks http to the port of https is told');
is($misled->{response}->header('Strict-Transport-Security'), undef, 'and no more than that');
is(raw($one, "GET /% HTTP/1.1\r\nHost: shop.example\r\n\r\n", listener => 'plain')->{response}->header('Strict-Transport-Security'), undef, 'nor is who is refused by http');

is(curl(qw(--location --cacert), $authority->path, '--connect-to', "shop.example:80:@{[$one->address('plain')]}",
        '--connect-to', "shop.example:@{[$one->port('secure')]}:@{[$one->address('secure')]}", 'http://shop.example/here')->{out},
    'here', 'curl follows');

# the long form, and a second listener with TLS
my $long = start('long', 'https_only: { port: 443, hsts: 2y, subdomains: yes, preload: yes, except: [/here, =/.well-known/x] }', $tls);
is(request($long, GET => '/', host => 'shop.example:8080')->header('Location'), 'https://shop.example/', 'port 443 is not told');
is(request($long, GET => '/here/x', host => 'shop.example')->body, 'here', 'a path that is excepted is answered');
is(request($long, GET => '/here/x', host => 'shop.example')->header('Strict-Transport-Security'), undef, 'without HSTS');
is(request($long, GET => '/hereafter', host => 'shop.example')->status, 308, 'others are not');
is_deeply(secure($long, '/here')->{said}, ['max-age=63072000; includeSubDomains; preload'], 'all that HSTS can say');

my $quiet = start('quiet', 'https_only: { hsts: no, port: 8443 }', $tls);
is(request($quiet, GET => '/', host => 'shop.example')->header('Location'), 'https://shop.example:8443/', 'a port that is said counts');
is_deeply(secure($quiet, '/here')->{said}, [], 'HSTS can be left out');

my $off = start('off', 'https_only: no', $tls);
is(request($off, GET => '/here')->body, 'here', 'off is off');
is_deeply(secure($off, '/here')->{said}, [], 'and silent');

# behind a proxy that speaks https with clients
my $inner = start('inner', "https_only: yes\ntrusted_proxies: [127.0.0.1, unix]");
my @https = ('X-Forwarded-Proto' => 'https', 'X-Forwarded-For' => '203.0.113.9');
for my $headers (\@https, [Forwarded => 'for=203.0.113.9;proto=https'], ['X-Forwarded-Proto' => 'HTTPS']) {
    my $response = request($inner, GET => '/here', host => 'shop.example', headers => $headers);
    is($response->body, 'here', "@$headers is answered");
    is($response->header('Strict-Transport-Security'), $age, 'with HSTS');
}
for my $headers (['X-Forwarded-Proto' => 'http'], [Forwarded => 'for=203.0.113.9;proto=http'], [], ['X-Forwarded-Proto' => 'nonsense']) {
    my $response = request($inner, GET => '/here', host => 'shop.example:80', headers => $headers);
    is($response->status . ' ' . $response->header('Location'), '308 https://shop.example/here', "@$headers is led to https");
}
is(request($inner, GET => '/x', host => 'inner', headers => ['X-Forwarded-Proto' => 'http', 'X-Forwarded-Host' => 'www.example'])->header('Location'),
    'https://www.example/x', 'by the name that the client has asked for');
my $socket = 'unix:' . $inner->dir . '/front.sock';
is(request($socket, GET => '/here', host => 'shop.example', headers => \@https)->header('Strict-Transport-Security'), $age, 'also by a unix socket');
is(request($socket, GET => '/here', host => 'shop.example')->body, 'here', 'where silence is fine');
is(request($socket, GET => '/here', host => 'shop.example', headers => ['X-Forwarded-Proto' => 'http'])->header('Location'), 'https://shop.example/here', 'and http is not');

my $both = start('both', "https_only: yes\ntrusted_proxies: 127.0.0.1", $tls);
is(request($both, GET => '/x', host => 'shop.example')->header('Location'), 'https://shop.example:' . $both->port('secure') . '/x', 'a trusted address may be that of a client');
is(request($both, GET => '/x', host => 'shop.example', headers => ['X-Forwarded-Proto' => 'http'])->header('Location'), 'https://shop.example/x', 'and a proxy has ports of its own');
my $told = secure($both, '/here', '--header', 'X-Forwarded-Proto: http');
is("$told->{status} @{$told->{said}}", '308 ', 'a client that came to the proxy by http is led away, whatever the proxy speaks');

done_testing;
