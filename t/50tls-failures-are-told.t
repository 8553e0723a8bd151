# What goes wrong before a request can be read: plain HTTP is answered, handshakes that fail are logged with the reason and
# the address, one line a second at most; who says nothing is no failure.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use Time::HiRes 'time';

need('openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example');
my $strangers = FlexiLib::Test::Certificates->new(make_folder());
$strangers->issue('eve', 'DNS:eve.example');
my $flexilib = start_flexilib(
    files => {
        'shop.pem' => read_file($authority->path('shop.pem')),
        'shop.key' => read_file($authority->path('shop.key')),
        'ca.pem'   => read_file($authority->path),
    },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: any, tls: { certificate: shop.pem, key: shop.key } }
  - { address: "127.0.0.1:0", name: members, tls: { certificate: shop.pem, key: shop.key, clients: { ca: ca.pem } } }
workers: 1
header_timeout: 2s
routes:
  - { match: /, respond: { body: "fine" } }
END

sub handshake {
    my ($listener, @arguments) = @_;
    return run_command(['sh', '-c', 'exec openssl s_client "$@" </dev/null 2>&1', 'sh', '-connect',
        $flexilib->address($listener), @arguments])->{out};
}
sub lines { return scalar(() = $flexilib->log =~ /info: a TLS handshake with/g) }

for (1 .. 3) {
    my $silent = connect_to($flexilib->address('any'));
    $silent->close;
}
handshake('members');
like($flexilib->wait_log(qr/handshake/), qr/info: a TLS handshake with 127\.0\.0\.1 failed: it showed no certificate \(failure 1 of this worker\)/,
    'a failure is told, with the reason and the address; who was silent did not fail');

my ($began, $before) = (time, lines());
handshake('members') for 1 .. 20;
my $most = 2 + int(time - $began);
my $told = lines() - $before;
cmp_ok($told, '<=', $most, 'twenty more are told by one line a second at most');

my $eve = $strangers->path('eve.pem');
for my $case (
    ['TLS 1.1',                 'speaks no version of TLS that is spoken here',      sub { handshake('any', '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0') }],
    ['an old cipher',           'has no cipher or signature in common with us',      sub { handshake('any', '-tls1_2', '-cipher', 'AES128-SHA') }],
    ['HTTP/2 alone, or more',   'offers only protocols that are not spoken here',    sub { handshake('any', '-alpn', 'imap') }],
    ['a certificate by others', 'certificate is by an unknown authority',            sub { handshake('members', '-cert', $eve, '-key', $eve =~ s/pem$/key/r) }],
    ['no trust in us',          "refused our certificate with the alert 'unknown CA'", sub { handshake('any', '-verify_return_error') }],
    ['something else',          'does not speak TLS',                                sub { my $c = connect_to($flexilib->address('any')); $c->send("\x00\x01\x02\x03\x04\x05"); $c->read_all }],
    ['a hello and no more',     'took too long',                                     sub { my $c = connect_to($flexilib->address('any')); $c->send("\x16\x03\x01\x02\x00"); $c->is_closed }],
) {
    my ($claim, $reason, $fail) = @$case;
    my $pattern = qr/handshake with 127\.0\.0\.1 failed: its? \Q$reason\E/;
    my $until = time + 60;
    $fail->() while $flexilib->log !~ $pattern && time < $until;
    like($flexilib->log, $pattern, $claim);
}

for my $request ("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", "DELETE /a HTTP/1.1\r\nHost: b\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "POST /upload HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 300000\r\n\r\n" . 'x' x 300_000)
{
    my $plain = connect_to($flexilib->address('members'));
    $plain->send($request);
    my ($what) = $request =~ /^(\S+ \S+)/;
    like($plain->read_all, qr{^HTTP/1\.1 400 Bad Request\r\n.*Connection: close\r\n.*400 Bad Request: this port speaks https\n$}s, "plain HTTP is answered: $what");
}
like($flexilib->wait_log(qr{refused a request}), qr/info: refused a request from 127\.0\.0\.1 with 400: this port speaks https/, 'which is logged as other refusals are');
is(curl('--insecure', "https://@{[$flexilib->address('any')]}/")->{out}, 'fine', 'clients that do it right are served');
done_testing;
