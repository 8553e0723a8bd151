# Clients by https: TLS 1.2 and 1.3, exact bytes both ways, HTTP/1.1 agreed on where HTTP/2 is not wanted, what cannot be
# TLS, handshakes that never end, a certificate that a reload replaces, and connections that are cut.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue($_, 'DNS:shop.example,IP:127.0.0.1') for qw(old new);
my $large   = join '', map { sprintf "%09d\n", $_ } 1 .. 1 << 20;
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $answer = $request->target eq '/large' ? $large : $request->method eq 'PUT' ? $request->body : $request->head;
        $connection->respond(200, ['Content-Type' => 'text/plain'], $answer);
    }
});
my $flexilib = start_flexilib(
    files  => { 'shop.pem' => read_file($authority->path('old.pem')), 'shop.key' => read_file($authority->path('old.key')) },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: secure, http2: no, tls: { certificate: shop.pem, key: shop.key } }
  - { address: "127.0.0.1:0", name: plain }
workers: 1
header_timeout: 1s
body_limit: 20MB
routes:
  - { match: /away, redirect: "{scheme}://{host}/there" }
  - { match: /, proxy: "@{[$backend->url]}" }
END
my $port   = $flexilib->port('secure');
my @client = ('--cacert', $authority->path, '--resolve', "shop.example:$port:127.0.0.1");
my $url    = "https://shop.example:$port";
my $folder = make_folder();
write_file("$folder/upload", $large);

for my $version ('1.2', '1.3') {
    my @tls  = (@client, "--tlsv$version", '--tls-max', $version);
    my $curl = curl(@tls, '--write-out', '%{http_version} %{num_connects} ', "$url/a", "$url/b");
    is($curl->{status}, 0, "TLS $version: a client that checks the certificate is content") or diag($curl->{err});
    like($curl->{out}, qr{^GET /a .*1\.1 1 GET /b .*1\.1 0 $}s, 'HTTP/1.1, and one connection for two requests');
    like($curl->{out}, qr{^X-Forwarded-Proto: https\r$}m, 'the server is told that it was https');
    $curl = curl(@tls, "$url/large");
    ok($curl->{out} eq $large, '10 MB come exact');
    $curl = curl(@tls, '--upload-file', "$folder/upload", "$url/upload");
    ok($curl->{out} eq $large, '10 MB go exact, and come back');
    is(curl(@tls, '--write-out', '%{redirect_url}', '--output', '/dev/null', "$url/away")->{out},
        'https://shop.example/there', '{scheme} is https');
}

sub handshake {
    my (@arguments) = @_;
    return run_command(['sh', '-c', 'exec openssl s_client "$@" </dev/null 2>&1', 'sh', '-connect', "127.0.0.1:$port",
        '-CAfile', $authority->path, @arguments])->{out};
}

like(handshake('-alpn', 'h2,http/1.1'), qr/^ALPN protocol: http\/1\.1$/m, 'http/1.1 is chosen where it is offered');
like(handshake('-alpn', 'h2'), qr/no application protocol/, 'who offers HTTP/2 alone is told that it is not spoken');
like(handshake('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'), qr/alert protocol version/, 'TLS 1.1 is refused');
like(handshake('-tls1_2', '-cipher', 'AES128-GCM-SHA256'), qr/handshake failure/, 'so is a cipher without forward secrecy');
handshake('-tls1_2', '-sess_out', "$folder/session");
like(handshake('-tls1_2', '-sess_in', "$folder/session"), qr/^Reused, TLSv1\.2/m, 'a session is taken up again');

my $plain = connect_to($flexilib->address('secure'));
$plain->send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
like($plain->read_all, qr{^HTTP/1\.1 400 .*Connection: close.*this port speaks https}s, 'a request without TLS is told what is spoken here');
my $silent = connect_to($flexilib->address('secure'));
$silent->send("\x16\x03\x01\x02\x00");
ok($silent->is_closed, 'a handshake that does not go on is ended');
my $response = request($flexilib, GET => '/', listener => 'plain');
is($response->status, 200, 'the plain listener is plain');
like($response->body, qr{^X-Forwarded-Proto: http\r$}m, 'and says so');

my $break_off = q{printf 'GET /large HTTP/1.1\r\nHost: shop.example\r\n\r\n'; read -r forever};
my $cut = run_command(['sh', '-c', "mkfifo $folder/hold; exec 3<>$folder/hold; { $break_off <&3; } | "
        . "openssl s_client -quiet -connect 127.0.0.1:$port 2>/dev/null | { head -c 100000 | wc -c; echo >&3; }"]);
is($cut->{out} + 0, 100_000, 'a client that breaks off in the middle');
is(curl(@client, '--output', '/dev/null', '--write-out', '%{http_code}', "$url/after")->{out}, '200', 'disturbs nobody');

sub served { return handshake() =~ /^subject=(.*)$/m ? $1 : '' }
$flexilib->write_file('shop.pem', read_file($authority->path('new.pem')));
$flexilib->write_file('shop.key', read_file($authority->path('new.key')));
like(served(), qr/old/, 'a new certificate does not count at once');
$flexilib->reload;
$flexilib->wait_serving(2);
like(served(), qr/new/, 'a reload takes it up');
$flexilib->write_file('shop.key', read_file($authority->path('old.key')));
$flexilib->reload;
$flexilib->wait_log(qr/generation 3 failed: .*flexilib\.yaml:2:\d+: .*shop\.key/);
like(served(), qr/new/, 'a key that does not fit changes nothing');
done_testing;
