# Certificates of clients, required and optional, by their authority or one by one; and OCSP responses that are sent along
# while they are good.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
my $members   = FlexiLib::Test::Certificates->new(make_folder());
my $strangers = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue($_, "DNS:$_.example") for qw(shop stale other);
$authority->respond($_ => "$_.ocsp") for qw(shop stale);
$members->issue($_, "DNS:$_.example") for qw(alice bob);
$members->issue('late', 'DNS:late.example', days => 0);
$strangers->issue('eve', 'DNS:eve.example');
$members->issue('mallory', 'DNS:mallory.example');
$members->revoke('revoked.crl', ['mallory']);
$members->revoke('old.crl', [], days => 0);
my %files = (
    (map { ("$_.crl" => read_file($members->path("$_.crl"))) } qw(revoked old)),
    (map { ("$_.pem" => read_file($authority->path("$_.pem")), "$_.key" => read_file($authority->path("$_.key"))) } qw(shop stale other)),
    (map { ("$_.ocsp" => read_file($authority->path("$_.ocsp"))) } qw(shop stale)),
    'members.pem' => read_file($members->path),
    'alice.pem'   => read_file($members->path('alice.pem')),
);
$files{'stale.ocsp'} =~ s/20\d\d(?=\d{10}Z)/2020/g;
my $config = <<"END";
listen:
  - { address: "127.0.0.1:0", name: required, tls: { certificate: shop.pem, key: shop.key, clients: { ca: members.pem } } }
  - { address: "127.0.0.1:0", name: optional, tls: { certificate: shop.pem, key: shop.key, clients: { ca: members.pem, verify: optional } } }
  - { address: "127.0.0.1:0", name: alice, tls: { certificate: shop.pem, key: shop.key, clients: { ca: alice.pem } } }
  - { address: "127.0.0.1:0", name: listed, tls: { certificate: shop.pem, key: shop.key, clients: { ca: members.pem, crl: revoked.crl } } }
  - { address: "127.0.0.1:0", name: outdated, tls: { certificate: shop.pem, key: shop.key, clients: { ca: members.pem, crl: old.crl } } }
  - address: 127.0.0.1:0
    name: staples
    tls:
      certificates:
        - { certificate: shop.pem, key: shop.key, ocsp: shop.ocsp }
        - { certificate: stale.pem, key: stale.key, ocsp: stale.ocsp }
        - { certificate: other.pem, key: other.key, ocsp: shop.ocsp }
workers: 1
routes:
  - { match: /, respond: { body: "fine" } }
END
my $flexilib = start_flexilib(files => \%files, config => $config);

sub ask {
    my ($listener, $version, $client) = @_;
    my $port = $flexilib->port($listener);
    my @client = $client ? ('--cert', $client->[0]->path("$client->[1].pem"), '--key', $client->[0]->path("$client->[1].key")) : ();
    my $curl = curl('--cacert', $authority->path, '--resolve', "shop.example:$port:127.0.0.1", "--tlsv$version", '--tls-max', $version,
        @client, "https://shop.example:$port/");
    return $curl->{status} == 0 ? $curl->{out} : 'refused';
}
for my $case (
    ['required', undef,               'refused', 'no certificate where one is required'],
    ['required', [$members, 'alice'], 'fine',    'a good one'],
    ['required', [$strangers, 'eve'], 'refused', 'one by another authority'],
    ['required', [$members, 'late'],  'refused', 'one that has expired'],
    ['optional', undef,               'fine',    'no certificate where one may be shown'],
    ['optional', [$members, 'bob'],   'fine',    'a good one'],
    ['optional', [$strangers, 'eve'], 'refused', 'a bad one is no better than where it is required'],
    ['alice',    [$members, 'alice'], 'fine',    'the client that is trusted by itself'],
    ['alice',    [$members, 'bob'],   'refused', 'not its sibling'],
    ['required', [$members, 'mallory'], 'fine',  'one of whose revocation nobody asks'],
    ['listed',   [$members, 'bob'],   'fine',    'a good one that is not on the list'],
    ['listed',   [$members, 'mallory'], 'refused', 'one that is revoked'],
    ['outdated', [$members, 'bob'],   'refused', 'a good one by a list that is out of date'],
) {
    my ($listener, $client, $outcome, $claim) = @$case;
    is(ask($listener, $_, $client), $outcome, "TLS $_, $listener: $claim") for '1.2', '1.3';
}

$flexilib->wait_access(qr/"CN=alice"/) for 1 .. 4;
my @lines = $flexilib->access_log;
is(scalar(grep { / - "CN=alice" "GET \/ HTTP\/2\.0" 200 / } @lines), 4, 'the access log tells who it was') or diag(join "\n", @lines);
is(scalar(grep { / - "CN=bob" "GET / } @lines), 4, 'each time');
is(scalar(grep { / - - "GET / } @lines), 2, 'and nothing of who has shown nothing');

sub handshake {
    my ($listener, @arguments) = @_;
    return run_command(['sh', '-c', 'exec openssl s_client "$@" </dev/null 2>&1', 'sh', '-connect',
        $flexilib->address($listener), '-CAfile', $authority->path, @arguments])->{out};
}
like(handshake('required'), qr/Acceptable client certificate CA names\nCN = Authority of the test/, 'clients are told whose certificates are fine');
my $session = make_folder() . '/session';
my @alice   = map { ("-$_->[0]", $members->path("alice.$_->[1]")) } ['cert', 'pem'], ['key', 'key'];
handshake('optional', '-tls1_2', '-sess_out', $session);
like(handshake('optional', '-tls1_2', '-sess_in', $session), qr/^Reused/m, 'a session without a certificate');
like(handshake('required', '-tls1_2', '-sess_in', $session, @alice), qr/^New/m, 'is not taken up where one is required');
handshake('required', '-tls1_2', '-sess_out', $session, @alice);
like(handshake('required', '-tls1_2', '-sess_in', $session), qr/^Reused/m, 'one that was begun with a good one is');
like(handshake('alice', '-tls1_2', '-sess_in', $session, @alice), qr/^New/m, 'but not where others are trusted');

for my $version ('-tls1_2', '-tls1_3') {
    like(handshake('staples', '-status', $version), qr/OCSP Response Status: successful.*Cert Status: good/s, "$version: a good response is sent");
    like(handshake('staples', '-status', $version, '-servername', "$_.example"), qr/OCSP response: no response sent/, "that of $_ is not")
        for qw(stale other);
}
like($flexilib->log, qr/warning: the OCSP response in '.*stale\.ocsp' is out of date, so it is not sent/, 'which is warned of');
like($flexilib->log, qr/warning: the OCSP response in '.*shop\.ocsp' is for another certificate, so it is not sent/, 'in both cases');

for my $case (
    ['is none',         "hello\n",                   qr/holds no OCSP response in DER/],
    ['is empty',        '',                          qr/holds no OCSP response in DER/],
    ['goes on',         $files{'shop.ocsp'} . "\n",  qr/holds no OCSP response in DER/],
    ['says try later',  "\x30\x03\x0a\x01\x03",      qr/holds an OCSP response that says nothing but 'trylater'/],
) {
    my ($claim, $content, $pattern) = @$case;
    my $result = run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config, files => { %files, 'stale.ocsp' => $content });
    like($result->{err}, qr/\Aflexilib\.yaml:\d+:\d+: '.*stale\.ocsp' $pattern/, "a response that $claim is refused");
}
like($flexilib->log, qr/warning: a list in '.*old\.crl' is out of date, so no certificate/, 'a list that is out of date is warned of');
my $result = run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config, files => { %files, 'old.crl' => $files{'shop.pem'} });
like($result->{err}, qr/\Aflexilib\.yaml:\d+:\d+: '.*old\.crl' holds no list of revoked certificates \(CRL\) in PEM/, 'a file without a list is refused');
$result = run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config, files => { %files, 'old.crl' => $files{'old.crl'} =~ s/\n.{9}/\nAAAAAAAAA/r });
like($result->{err}, qr/\Aflexilib\.yaml:\d+:\d+: '.*old\.crl' holds a list of revoked certificates that cannot be read: /, 'so is a list that is none');
done_testing;
