# What is known of the client's TLS and of its certificate: filters get every fact, over HTTP/1 and HTTP/2, also when the
# client has left; servers get the certificate (RFC 9440), and never what a client writes in its place.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use MIME::Base64 'decode_base64';

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
my $members   = FlexiLib::Test::Certificates->new(make_folder());
my $strangers = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:*.shop.example,DNS:shop.example');
$members->issue('alice', "\@names\n[names]\nDNS=alice.example\nURI=spiffe://a/b,c\nemail=alice\@a.example\nIP.1=10.0.0.1\nIP.2=2001:db8::1");
$members->issue('late', 'DNS:late.example', days => 0);
$strangers->issue('eve', 'DNS:eve.example');
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        $connection->respond(200, [], $request->head);
    }
});
my ($library, $tls) = (test_library('tls_facts'), 'certificate: shop.pem, key: shop.key');
my @names = (qw(version cipher protocol sni resumed), map { "client.$_" } qw(verified subject issuer serial fingerprint names not_before not_after));
my $named = join '|', map { "{tls.$_}" } @names, 'client.cert';
my $flexilib = start_flexilib(
    files => {
        (map { ("shop.$_" => read_file($authority->path("shop.$_"))) } qw(pem key)),
        'members.pem' => read_file($members->path),
        'threads.so'  => read_file($library),
    },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: none, tls: { $tls } }
  - { address: "127.0.0.1:0", name: optional, tls: { $tls, clients: { ca: members.pem, verify: optional } } }
  - { address: "127.0.0.1:0", name: unchecked, tls: { $tls, clients: { ca: members.pem, verify: unchecked } } }
  - { address: "127.0.0.1:0", name: anybody, tls: { $tls, clients: { verify: unchecked } } }
  - { address: "127.0.0.1:0", name: plain }
workers: 1
trusted_proxies: [127.0.0.2]
libraries: { facts: $library, threads: { path: ./threads.so, blocking: yes }, values: @{[test_library('values')]} }
routes:
  - { match: /named, filters: [{ values: { response: "$named|{client.name}" } }], handler: hello }
  - { match: /facts, handler: facts.tell }
  - { match: /late, handler: facts.late }
  - { match: /threads, handler: threads.tell }
  - { match: /told, proxy: { to: "@{[$backend->url]}", client_certificate: yes } }
  - { match: /untold, proxy: "@{[$backend->url]}" }
END

sub ask {
    my ($listener, $path, $client, @arguments) = @_;
    my $port   = $flexilib->port($listener);
    my @client = $client ? ('--cert', $client->[0]->path("$client->[1].pem"), '--key', $client->[0]->path("$client->[1].key")) : ();
    my $scheme = $listener eq 'plain' ? 'http' : 'https';
    my $curl   = curl('--cacert', $authority->path, '--resolve', "Www.shop.example:$port:127.0.0.1", @client, @arguments,
        "$scheme://Www.shop.example:$port$path");
    return $curl->{status} == 0 ? $curl->{out} : "failed: $curl->{err}";
}
sub facts { return { map { /^(-?\d+)=(.*)\z/s } split /\n(?=-?\d+=)/, ask($_[0], '/facts', @_[1 .. $#_]) =~ s/\n\z//r } }
sub openssl { return run_command(['openssl', 'x509', '-noout', '-in', @_])->{out} }

is_deeply(facts('plain'), {}, 'a plain connection has no facts');
is_deeply(facts('none', undef, '--tlsv1.3', '--http2'),
    { 1 => 'TLSv1.3', 2 => 'TLS_AES_256_GCM_SHA384', 3 => 'h2', 4 => 'www.shop.example', 5 => 'no' }, 'TLS 1.3, HTTP/2');
is_deeply(facts('optional', undef, '--tls-max', '1.2', '--ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256', '--http1.1'),
    { 1 => 'TLSv1.2', 2 => 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 3 => 'http/1.1', 4 => 'www.shop.example', 5 => 'no' },
    'TLS 1.2, HTTP/1.1, no certificate');
is(facts('none', undef, '--no-alpn', '--connect-to', 'x', '--insecure')->{3}, undef, 'nothing was agreed on');

my $alice = $members->path('alice.pem');
sub time_of { my ($which) = @_; return run_command(['date', '-u', '+%Y-%m-%dT%H:%M:%SZ', '-d', openssl($alice, "-$which") =~ s/.*=//r])->{out} =~ s/\n//r }
my %alice = (
    6  => 'yes',
    7  => 'CN=alice',
    8  => 'CN=Authority of the test',
    9  => openssl($alice, '-serial') =~ s/serial=(\w+)\n/$1/r,
    10 => lc(openssl($alice, '-fingerprint', '-sha256') =~ s/.*=|[:\n]//gr),
    11 => "DNS:alice.example\nURI:spiffe://a/b,c\nemail:alice\@a.example\nIP:10.0.0.1\nIP:2001:db8::1",
    12 => time_of('startdate'),
    13 => time_of('enddate'),
    15 => read_file($alice),
);
for my $version ('--http1.1', '--http2') {
    my $facts = facts('optional', [$members, 'alice'], $version);
    my $der   = decode_base64($alice{15} =~ s/^-----.*\n?//mgr);
    is($facts->{$_}, $alice{$_}, "$version: fact $_ of the client's certificate") for sort keys %alice;
    ok($facts->{14} eq $der, 'the certificate in DER');
    is(decode_base64($facts->{16} =~ s/^:(.*):$/$1/r), $der, 'as the field says it');
}
for my $case (
    ['unchecked', [$members, 'alice'],   'yes',                               'a good one'],
    ['unchecked', [$members, 'late'],    'certificate has expired',           'an expired one'],
    ['unchecked', [$strangers, 'eve'],   qr/unable to .*(issuer|certificate)/, 'one by a stranger'],
    ['anybody',   [$members, 'alice'],   qr/unable to .*(issuer|certificate)/, 'any, where no authority is known'],
) {
    my ($listener, $client, $verified, $claim) = @$case;
    my $facts = facts($listener, $client);
    like($facts->{6}, ref $verified ? $verified : qr/^\Q$verified\E$/, "verify: unchecked: $claim");
    is($facts->{7}, "CN=$client->[1]", 'it is told whose it says to be');
    is(defined $facts->{16}, $facts->{6} eq 'yes', 'as a field only where it is good');
}
is(facts('unchecked')->{6}, undef, 'or none');
$flexilib->wait_access(qr/- - "GET \/facts HTTP\/2\.0" 200 .* tls TLSv1\.3$/) for 1 .. 2;
my @lines = $flexilib->access_log;
is(scalar(grep { /CN=(eve|late)/ } @lines), 0, 'nobody is in the access log whose certificate is not good');
is(scalar(grep { /- "CN=alice" "GET .* tls TLSv1\.3$/ } @lines), 3, 'who has a good one is') or diag(join "\n", @lines);
is(scalar(grep { / - - "GET \/facts HTTP\/[12]\.[01]" 200 .*alloc: \d+\)$/ } @lines), 1, 'a plain connection has no version');

my $elsewhere = ask('optional', '/threads', [$members, 'alice']);
is(scalar(grep { index($elsewhere, "\n$_=$alice{$_}\n") == -1 } keys %alice), 0, 'filters that block get them as well');
like(ask('none', '/threads'), qr/^1=TLSv1\.3\n(?:[2-5]=.*\n)+\z/, 'and those that there are without a certificate');
is(ask('plain', '/threads'), '', 'none where there are none');

# Templates have a name for each; none of them gets a line break into a field.
my $facts = facts('optional', [$members, 'alice'], '--http1.1');
my ($said) = ask('optional', '/named', [$members, 'alice'], '--http1.1', '-i') =~ /^x-said: (.*?)\r$/m;
is_deeply([split /\|/, $said], [map { s/\n/, /gr } @$facts{1 .. 13, 16}, 'CN=alice'], 'templates say the same');
like(ask('plain', '/named', undef, '-i'), qr/^x-said: \|{14}\r$/m, 'and nothing on a plain connection');

my $session = make_folder() . '/session';
my @client  = map { ("-$_->[0]", $members->path("alice.$_->[1]")) } ['cert', 'pem'], ['key', 'key'];
sub s_client {
    my ($listener, $request, @arguments) = @_;
    return run_command(['sh', '-c', 'printf "$0" | openssl s_client -ign_eof "$@" 2>&1', $request, '-connect', $flexilib->address($listener),
        '-CAfile', $authority->path, @arguments])->{out};
}
my @versions = ('-tls1_2', '-tls1_3');
for my $version (@versions) {
    my @arguments = ($version, '-servername', 'shop.example', @client);
    like(s_client('optional', 'GET /facts HTTP/1.0\r\nHost: shop.example\r\n\r\n', @arguments, '-sess_out', $session), qr/^5=no\n6=yes\n7=CN=alice$/m, "$version: a session is begun");
    like(s_client('optional', 'GET /facts HTTP/1.0\r\nHost: shop.example\r\n\r\n', @arguments, '-sess_in', $session), qr/^4=shop\.example\n5=yes\n6=yes\n7=CN=alice$/m, 'and taken up again, with all that was known');
}

my $pid = open my $pipe, '|-', 'sh', '-c', 'exec openssl s_client -quiet "$@" >/dev/null 2>&1', 'sh', '-connect', $flexilib->address('optional'), @client;
syswrite $pipe, "GET /late HTTP/1.1\r\nHost: shop.example\r\n\r\n";
$flexilib->wait_log(qr/filter 'facts\.late': it waits/);
kill 'KILL', $pid;
close $pipe;
like($flexilib->wait_log(qr/facts\.late': it was/), qr/it was CN=alice by CN=Authority of the test/, 'facts can be asked for when the client has left');

for my $case (
    ['/told',   'optional',  [$members, 'alice'], 1, 'a good certificate'],
    ['/told',   'optional',  undef,               0, 'none'],
    ['/told',   'unchecked', [$strangers, 'eve'], 0, 'a bad one'],
    ['/untold', 'optional',  [$members, 'alice'], 0, 'a good one, where the route does not tell'],
    ['/told',   'plain',     undef,               0, 'no TLS'],
) {
    my ($path, $listener, $client, $is_told, $claim) = @$case;
    for my $version ('--http1.1', '--http2') {
        my $head = ask($listener, $path, $client, $version, map { ('--header', $_) } 'Client-Cert: :AAAA:', 'Client-Cert-Chain: :AAAA:', 'Client_Cert: :AAAA:', 'X: y');
        my @told = $head =~ /^Client[-_]Cert[\w-]*: .*$/mig;
        is(scalar @told, $is_told, "$path, $version, $claim") or diag($head);
        is(decode_base64($told[0] =~ s/^Client-Cert: :(.*):\r?$/$1/r), decode_base64($alice{15} =~ s/^-----.*\n?//mgr), 'it is the client\'s') if $is_told;
    }
}
my @proxy = ('--interface', '127.0.0.2');
like(ask('optional', '/told', undef, @proxy, '--header', 'Client-Cert: :AAAA:'), qr/^Client-Cert: :AAAA:\r$/mi, 'a trusted proxy is believed');
unlike(ask('optional', '/told', [$members, 'alice'], @proxy), qr/^Client-Cert/mi, 'and its own certificate is not its client\'s');
is(scalar(() = ask('optional', '/told', [$members, 'alice'], @proxy, '--header', 'Client-Cert: :AAAA:') =~ /^Client-Cert: /mig), 1, 'nor added');
done_testing;
