# A listener that a proxy tells of its clients, by the PROXY protocol: they are whom it names, everywhere, over plain HTTP,
# TLS and HTTP/2; a connection without a good header ends; and nobody else can name anybody.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl', 'nginx');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('front', 'IP:127.0.0.1');
my $backend = start_backend(sub {
    my ($connection) = @_;
    my $header = $connection->read_until(qr/\n/) // return;
    while (my $request = $connection->read_request) {
        $connection->respond(200, [], $header =~ s/\r\n//r . ' for ' . join ',', $request->headers('x-forwarded-for'));
    }
});
my $folder   = make_folder();
my $tls      = 'tls: { certificate: front.pem, key: front.key }';
my $flexilib = start_flexilib(
    dir    => $folder,
    files  => { 'front.pem' => read_file($authority->path('front.pem')), 'front.key' => read_file($authority->path('front.key')) },
    config => <<"END");
listen:
  - { name: plain, address: "127.0.0.1:0", proxy_protocol: yes }
  - { name: secure, address: "127.0.0.1:0", proxy_protocol: [127.0.0.0/8], $tls }
  - { name: others, address: "127.0.0.1:0", proxy_protocol: [192.0.2.0/24, unix] }
  - { name: unix, address: "unix:$folder/front.sock", proxy_protocol: unix }
  - { name: sender, address: "127.0.0.1:0" }
  - { name: off, address: "127.0.0.1:0", proxy_protocol: no }
trusted_proxies: 127.0.0.1
workers: 1
header_timeout: 1s
upstreams:
  behind: { servers: ["@{[$backend->url]}"], proxy_protocol: v1 }
  itself: { servers: ["http+unix:$folder/front.sock"], proxy_protocol: v2 }
routes:
  - { match: { listener: sender, path: / }, proxy: { to: itself, forwarded: none } }
  - { match: /, proxy: behind }
END

my $signature = "\r\n\r\n\0\r\nQUIT\n";
my $line      = "PROXY TCP4 198.51.100.7 203.0.113.1 51000 443\r\n";
my $block     = "$signature\x21\x11" . pack('n/a', "\xc6\x33\x64\x07\xcb\x00\x71\x01" . pack('nn', 51000, 443) . "\x04\x00\x03abc");
my $six       = "$signature\x21\x21" . pack('n/a', "\x20\x01\x0d\xb8" . "\0" x 11 . "\x07" . "\0" x 15 . "\x01" . pack('nn', 51000, 443));
my $get       = "GET /NAME HTTP/1.1\r\nHost: a\r\n\r\n";
my $named     = 'PROXY TCP4 198.51.100.7 203.0.113.1 51000 443 for 198.51.100.7';

my $number = 0;
sub check {
    my ($name, $listener, $header, $body, $shown) = @_;
    my $path       = 'n' . ++$number;
    my $request    = $get =~ s/NAME/$path/r;
    my $connection = connect_to($flexilib, $listener);
    my $port       = $connection->local_address =~ s/^.*://r;
    $connection->send($header . $request);
    my $response = $connection->read_response;
    is($response->body, $body =~ s/MINE/$port/r, "$name: the server learns who it is") if $response;
    ok($response, "$name: is answered");
    $shown =~ s/MINE/$port/;
    $flexilib->wait_access(qr{ \Q$shown\E - - "GET /$path });
    $connection->send($get) if $response;
    $response = $connection->read_response;
    ok($response && $response->body eq $body =~ s/MINE/$port/r, "$name: and for the next request too");
    $connection->close;
    return;
}

my $own = 'PROXY TCP4 127.0.0.1 127.0.0.1 MINE ' . $flexilib->port('plain') . ' for 127.0.0.1';
check('version 1', 'plain', $line, $named, '198.51.100.7:51000');
check('version 2', 'plain', $block, $named, '198.51.100.7:51000');
check('IPv6', 'plain', $six, 'PROXY TCP6 2001:db8::7 ::1 51000 443 for 2001:db8::7', '[2001:db8::7]:51000');
check('unknown', 'plain', "PROXY UNKNOWN\r\n", $own, '127.0.0.1:MINE');
check("a proxy's own connection", 'plain', "$signature\x20\x00\x00\x00", $own, '127.0.0.1:MINE');
check('a client of no family', 'plain', "$signature\x21\x00\x00\x00", $own, '127.0.0.1:MINE');
check('a client on a unix socket', 'plain', "$signature\x21\x31\x00\xd8" . "\0" x 216, 'PROXY UNKNOWN for ', 'unix:');
check('a proxy on a unix socket', 'unix', $line, $named, '198.51.100.7:51000');
check('no header where none is read', 'off', '', $own =~ s/\d+ for/$flexilib->port('off') . ' for'/er, '127.0.0.1:MINE');

# Nobody else's word counts, and it is no request either.
for my $listener (qw(others off sender)) {
    my $result = raw($flexilib, $line . $get, listener => $listener);
    is($result->{status}, 400, "$listener: the header of one who is not asked for it is a malformed request");
    ok($result->{is_closed}, 'which ends the connection');
}

sub is_refused {
    my ($name, @pieces) = @_;
    my $connection = connect_to($flexilib, 'plain');
    $connection->send($_) for @pieces;
    is($connection->read_all, '', "$name: closed without an answer");
    return;
}

is_refused('no header', $get);
$flexilib->wait_log(qr/warning: no good PROXY header from 127\.0\.0\.1: it does not begin with one \(refusal 1 of this worker\)/);
is_refused('a malformed line', "PROXY TCP4 198.51.100.7\r\n$get");
is_refused('a line without an end', 'PROXY UNKNOWN ' . 'x' x 100);
is_refused('a datagram', "$signature\x21\x12\x00\x0c" . 'x' x 12);
is_refused('a header that is too long', "$signature\x20\x00\xff\xff");
is_refused('a value beyond its end', "$signature\x21\x11\x00\x0f" . 'x' x 12 . "\x04\x00\x01");
is_refused('a wrong checksum', "$signature\x21\x11\x00\x13" . 'x' x 12 . "\x03\x00\x04aaaa");
is_refused('a handshake without a header', "\x16\x03\x01\x00\x80\x01");
is_refused('a header that does not go on', 'PROXY TCP4 ');
my $half = connect_to($flexilib, 'plain');
$half->send("PROXY TCP4 ");
$half->finish;
is($half->read_all, '', 'a header that breaks off: closed');
cmp_ok(scalar(() = $flexilib->log =~ /no good PROXY header/g), '<=', 8, 'not every one is told of');

my $slow = connect_to($flexilib, 'plain');
$slow->send($_) for split //, $block;
$slow->send($get);
is($slow->read_response->body, $named, 'a header that comes byte by byte');

my @curl = ('--cacert', $authority->path);
my $url  = 'https://127.0.0.1:' . $flexilib->port('secure');
my $plain = 'http://127.0.0.1:' . $flexilib->port('plain');
like(curl(@curl, '--haproxy-protocol', "$url/")->{out}, qr/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+ for 127\.0\.0\.1$/, 'curl, over TLS and HTTP/2');
like(curl('--haproxy-protocol', "$plain/")->{out}, qr/^PROXY TCP4 127\.0\.0\.1 /, 'curl, plain');
like(curl('--haproxy-protocol', '--http2-prior-knowledge', "$plain/")->{out}, qr/^PROXY TCP4 127\.0\.0\.1 /, 'curl, HTTP/2 by prior knowledge');
isnt(curl(@curl, "$url/")->{status}, 0, 'without a header there is no handshake');

# A real load balancer, which passes TLS on as it is.
SKIP: {
    my $module = '/usr/lib/nginx/modules/ngx_stream_module.so';
    skip "$module is missing", 3 if !-e $module && !$ENV{CI};
    for my $way (['plain', 'http', '--http1.1'], ['secure', 'https', '--http2'], ['secure', 'https', '--http1.1']) {
        my ($listener, $scheme, $version) = @$way;
        my $balancer = start_nginx('proxy_protocol on; proxy_pass ' . $flexilib->address($listener) . ';', stream => $module);
        my $shown = curl(@curl, $version, '-w', ' %{local_port}', "$scheme://" . $balancer->address . '/')->{out};
        my ($port) = $shown =~ / (\d+)$/ or diag($shown);
        is($shown, "PROXY TCP4 127.0.0.1 127.0.0.1 $port " . ($balancer->address =~ s{^.*:}{}r) . " for 127.0.0.1 $port", "nginx: $scheme, $version");
    }
}

# The header and the first bytes of TLS or HTTP/2 in one piece.
my $preface = connect_to($flexilib, 'plain');
$preface->send("${block}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . "\0\0\0\x04\0\0\0\0\0");
is(unpack('x3 C', $preface->read_bytes(9)), 4, 'HTTP/2 may begin in the same packet');
$preface->close;
my $hello = connect_to($flexilib, 'secure');
$hello->send("${line}\x16\x03\x01\x00\x04\x01\x00\x00\x00");
like($hello->read_bytes(1), qr/^\x15/, 'TLS too: what is no handshake is answered with an alert');
$hello->close;

my $client = connect_to($flexilib, 'sender');
my $port   = $client->local_address =~ s/^.*://r;
$client->send_request(GET => '/');
is($client->read_response->body, "PROXY TCP4 127.0.0.1 127.0.0.1 $port " . $flexilib->port('sender') . ' for 127.0.0.1',
    "FlexiLib's own header, by way of a unix socket");
$client->close;

# A draining worker does not wait for those who have not said anything.
my $silent = connect_to($flexilib, 'plain');
$flexilib->signal('TERM');
ok($silent->is_closed, 'a stop closes connections that have sent nothing');
done_testing;
