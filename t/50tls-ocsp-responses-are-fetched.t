# OCSP responses that FlexiLib fetches by itself: from a real responder, also one that is not there at first; and never a
# response that is not signed, not for the certificate or not good. Nobody waits for any of that.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Process;

need('openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
my $strangers = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('delegate',  "DNS:responder.example\nextendedKeyUsage=OCSPSigning");
$authority->issue('pretender', 'DNS:pretender.example');
$authority->issue('other',     'DNS:other.example');
$authority->respond(other => 'other.ocsp');
$strangers->issue('signer', "DNS:signer.example\nextendedKeyUsage=OCSPSigning");
write_file($authority->path("signer.$_"), read_file($strangers->path("signer.$_"))) for 'pem', 'key';

sub answer {
    my ($name, $request, %option) = @_;
    local $SIG{CHLD} = 'DEFAULT';
    my $file = $authority->path("$name.$$");
    write_file("$file.request", $request->body);
    $authority->answer($name, "$file.request", "$file.response", %option);
    return read_file("$file.response");
}
my $backend = start_backend(sub {
    my ($connection) = @_;
    my $request = $connection->read_request // return;
    my ($what)  = $request->target =~ m{^/ocsp/(\w+)$};
    my %answer  = (
        good      => sub { answer('good', $request) },
        delegated => sub { answer('delegated', $request, signer => 'delegate') },
        pretended => sub { answer('pretended', $request, signer => 'pretender') },
        foreign   => sub { answer('foreign', $request, signer => 'signer') },
        revoked   => sub { answer('revoked', $request, status => 'R') },
        unknown   => sub { answer('unknown', $request, index => 'other') },
        replaced  => sub { read_file($authority->path('other.ocsp')) },
        garbage   => sub { "hello\n" },
        later     => sub { "\x30\x03\x0a\x01\x03" },
        large     => sub { 'x' x 70_000 },
    );
    if ($what eq 'chunked') {
        my $bytes = answer('chunked', $request);
        $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" . sprintf("%x\r\n%s\r\n", 10, substr $bytes, 0, 10)
            . sprintf("%x\r\n%s\r\n0\r\n\r\n", length($bytes) - 10, substr $bytes, 10));
    } elsif ($what eq 'silent') {
        $connection->wait_go;
    } elsif ($what eq 'away') {
        $connection->respond(503, [], 'not now');
    } elsif ($what ne 'closed') {
        $connection->respond(200, ['Content-Type' => 'application/ocsp-response'], $answer{$what}->());
    }
});
my %reasons = (
    good      => undef,
    delegated => undef,
    chunked   => undef,
    pretended => qr/its response is not signed by the certificate's authority/,
    foreign   => qr/its response is not signed by the certificate's authority/,
    revoked   => qr/the certificate is revoked/,
    unknown   => qr/the responder does not know the certificate/,
    replaced  => qr/its response is for another certificate/,
    garbage   => qr/what it sent is no OCSP response/,
    later     => qr/trylater/,
    large     => qr/its response is larger than 64 KB/,
    away      => qr/it answered with status 503/,
    closed    => qr/it closed the connection without a whole response/,
);
my $port = free_port();
sub extended { return "DNS:$_[0].example\nauthorityInfoAccess=OCSP;URI:$_[1]" }
$authority->issue($_, extended($_, $backend->url . "/ocsp/$_")) for keys %reasons, 'silent';
$authority->issue('real',  extended('real', "http://127.0.0.1:$port"));
$authority->issue('bare',  extended('bare', $backend->url . '/ocsp/good'));
$authority->issue('mute',  'DNS:mute.example');
my @names = (sort(keys %reasons), 'silent', 'real', 'mute');
my $list  = join "\n", map { "        - { certificate: $_.pem, key: $_.key, ocsp_fetch: yes }" } @names, 'bare';
my $flexilib = start_flexilib(
    files => {
        (map { ("$_.key" => read_file($authority->path("$_.key"))) } @names, 'bare'),
        (map { ("$_.pem" => read_file($authority->path("$_.pem")) . read_file($authority->path)) } @names),
        'bare.pem' => read_file($authority->path('bare.pem')),
    },
    config => <<"END");
listen:
  - address: 127.0.0.1:0
    tls:
      certificates:
$list
workers: 1
routes:
  - { match: /, respond: { body: "fine" } }
END

sub has_staple {
    my ($name) = @_;
    my $out = run_command(['sh', '-c', 'exec openssl s_client "$@" </dev/null 2>&1', 'sh', '-connect', $flexilib->address,
        '-CAfile', $authority->path, '-verify_return_error', '-status', '-servername', "$name.example"])->{out};
    return $out =~ /OCSP Response Status: successful.*Cert Status: good/s ? 1 : $out =~ /OCSP response: no response sent/ ? 0 : $out;
}
# They come in any order.
sub await {
    my ($pattern) = @_;
    $flexilib->wait_log(qr/OCSP/) while $flexilib->log !~ $pattern;
    return;
}
for my $name (sort keys %reasons) {
    my $is_good = !defined $reasons{$name};
    await($is_good ? qr/info: fetched the OCSP response for the certificate in '\S*\/$name\.pem'/
        : qr/warning: no OCSP response for the certificate in '\S*\/$name\.pem' could be fetched from http:\S*: $reasons{$name}/);
    is(has_staple($name), $is_good ? 1 : 0, $is_good ? "$name: the response is sent" : "$name: none is sent");
}
is(has_staple('silent'), 0, 'nobody waits for a responder that is silent');
await(qr/warning: no OCSP response can be fetched for the certificate in '\S*\/bare\.pem': its authority's certificate does not follow it/);
await(qr/warning: no OCSP response can be fetched for the certificate in '\S*\/mute\.pem': it names no responder by http/);

await(qr/real\.pem' could be fetched from http:\S*: connection refused/);
is(has_staple('real'), 0, 'a responder that is not there');
$authority->write_index('real', 'V');
my $responder = FlexiLib::Test::Process->start(
    name    => 'responder',
    dir     => $authority->path(''),
    command => ['openssl', 'ocsp', '-port', $port, qw(-CA ca.pem -rsigner ca.pem -rkey ca.key -index real.index -ndays 1)],
);
await(qr/info: fetched the OCSP response for the certificate in '\S*\/real\.pem'/);
is(has_staple('real'), 1, 'is asked again until it is');
$responder->end;

my $log = $flexilib->log;
is(scalar(() = $log =~ /warning: no OCSP response for .*real\.pem'/g), 1, 'its failures were told once');
$flexilib->reload;
$flexilib->wait_serving(2);
is(run_command(['sh', '-c', 'exec openssl s_client "$@" </dev/null 2>&1', 'sh', '-connect', $flexilib->address, '-servername', 'good.example'])->{status}, 0,
    'a reload begins anew');
done_testing;
