# Several certificates on one listener: chosen by the name that a client wants, exact before wildcard, by the kinds of
# keys that it understands; sessions stay with their certificates; 421 for hosts that another certificate is for.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('first',    'DNS:first.example,IP:127.0.0.1');
$authority->issue('wild',     'DNS:*.Shop.example,DNS:shop.example');
$authority->issue('exact',    'DNS:pay.shop.example,DNS:xn--bcher-kva.example');
$authority->issue('exactrsa', 'DNS:pay.shop.example', key => 'rsa');
$authority->issue('two',      'DNS:a.two.example,DNS:b.two.example');
$authority->issue('one',      'DNS:lone.example');
$authority->issue('rsa',      'DNS:both.example', key => 'rsa');
$authority->issue('ec',       'DNS:both.example');
$authority->issue('unused',   'DNS:shop.example');
my @names = qw(first wild exact exactrsa two rsa ec unused);
my %files = map { ("$_.pem" => read_file($authority->path("$_.pem")), "$_.key" => read_file($authority->path("$_.key"))) } @names, 'one';
my $flexilib = start_flexilib(
    files  => \%files,
    config => <<"END");
listen:
  - address: 127.0.0.1:0
    name: many
    tls:
      certificates:
@{[join "\n", map { "        - { certificate: $_.pem, key: $_.key }" } @names]}
  - { address: "127.0.0.1:0", name: one, tls: { certificate: one.pem, key: one.key, min_version: 1.3 } }
workers: 1
routes:
  - { match: /, respond: { body: "fine" } }
END
my $folder = make_folder();

sub handshake {
    my ($listener, @arguments) = @_;
    return run_command(['sh', '-c', 'exec openssl s_client "$@" </dev/null 2>&1', 'sh', '-connect',
        $flexilib->address($listener), '-CAfile', $authority->path, @arguments])->{out};
}

sub shown {
    my ($name, @arguments) = @_;
    my $out = handshake('many', (defined $name ? ('-servername', $name) : '-noservername'), @arguments);
    return $out =~ /^subject=CN = (.*)$/m ? $1 : $out;
}

for my $case (
    [undef,                    'first', 'who names nobody gets the first'],
    ['unknown.example',        'first', 'so does who names somebody else'],
    ['first.example',          'first', 'its own name'],
    ['shop.example',           'wild',  'a name beside a wildcard'],
    ['www.shop.example',       'wild',  'the wildcard itself'],
    ['WWW.Shop.Example',       'wild',  'in any case'],
    ['a.www.shop.example',     'first', 'but it stands for one label'],
    ['.shop.example',          'first', 'and not for none'],
    ['pay.shop.example',       'exact', 'an exact name goes before the wildcard'],
    ['xn--bcher-kva.example',  'exact', 'an international name'],
    ['b.two.example',          'two',   'the second of two names'],
    ['first.example.evil',     'first', 'no more than a name is a name'],
) {
    my ($name, $subject, $claim) = @$case;
    is(shown($name), $subject, $claim . ': ' . ($name // 'none'));
}
for my $version ('-tls1_2', '-tls1_3') {
    is(shown('both.example', $version), 'ec', "$version: of two kinds a modern client gets the curve");
    is(shown('both.example', $version, '-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256'), 'rsa', 'and one that wants RSA gets that');
    is(shown('pay.shop.example', $version, '-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256'), 'exactrsa', 'for an exact name too');
}
is(shown('both.example', '-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'), 'rsa', 'ciphers decide as well');
like($flexilib->log, qr/warning: the certificate in '.*unused\.pem' is never shown: others before it are for its names/,
    'one that nobody gets is warned of');

sub is_resumed {
    my ($listener, $name, @arguments) = @_;
    my $text = handshake($listener, '-servername', $name, '-sess_in', "$folder/session", @arguments);
    return $text =~ /^Reused, TLS/m ? 1 : $text =~ /^New, TLS/m ? 0 : $text;
}
for my $version ('-tls1_2', '-tls1_3') {
    my $save = sub {
        my ($name) = @_;
        my $text = run_command(['sh', '-c', 'printf "GET / HTTP/1.0\r\nHost: $1\r\n\r\n" | openssl s_client -quiet -ign_eof -servername "$@" 2>&1',
            'sh', $name, '-connect', $flexilib->address('many'), $version, '-sess_out', "$folder/session"]);
        like($text->{out}, qr/fine/, "$version: a session with $name");
    };
    $save->('a.two.example');
    is(is_resumed(many => 'a.two.example',    $version), 1, 'is taken up again');
    is(is_resumed(many => 'b.two.example',    $version), $version eq '-tls1_3' ? 1 : 0, 'for another name of the certificate in TLS 1.3 only');
    is(is_resumed(many => 'shop.example',     $version), 0, 'never with another certificate');
    is(is_resumed(many => 'unknown.example',  $version), 0, 'nor with the first one');
    is(is_resumed(one => 'a.two.example', $version), 0, 'nor by another listener') if $version eq '-tls1_3';
}
like(handshake('one', '-tls1_2'), qr/alert protocol version/, 'min_version refuses TLS 1.2');
like(handshake('one'), qr/^New, TLSv1\.3/m, 'where TLS 1.3 is fine');

sub status_for {
    my ($listener, $name, $host) = @_;
    my $request = join "\r\n", 'GET / HTTP/1.1', (defined $host ? "Host: $host" : 'Host:'), 'Connection: close', '', '';
    my $text = run_command(['sh', '-c', 'printf "%s" "$1" | openssl s_client -quiet -ign_eof -connect "$2" $3 2>&1', 'sh',
        $request, $flexilib->address($listener), defined $name ? "-servername $name" : '-noservername'])->{out};
    return $text =~ m{^HTTP/1\.1 (\d+)}m ? $1 : $text;
}
for my $case (
    ['many', 'shop.example',  'shop.example',            200, 'the host of the certificate'],
    ['many', 'shop.example',  'www.shop.example:443',    200, 'another one of its'],
    ['many', 'shop.example',  'WWW.SHOP.EXAMPLE.',       200, 'written otherwise'],
    ['many', 'shop.example',  'b.two.example',           421, 'the host of another certificate'],
    ['many', 'shop.example',  'pay.shop.example',        200, 'the wildcard is for it too, though another would be shown'],
    ['many', 'www.shop.example', 'both.example:8443',    421, 'with a port'],
    ['many', 'shop.example',  'nobody.example',          200, 'a host that no certificate is for'],
    ['many', undef,           'a.two.example',           421, 'shown the first, asking for another'],
    ['many', undef,           'first.example',           200, 'shown the first, asking for it'],
    ['many', undef,           '127.0.0.1',               200, 'an address'],
    ['one',  undef,           'whatever.example',        200, 'a listener with one certificate'],
    ['one',  'lone.example',  'a.two.example',           200, 'has no other to show'],
) {
    my ($listener, $name, $host, $status, $claim) = @$case;
    is(status_for($listener, $name, $host), $status, "$claim: $status");
}
my $port = $flexilib->port('many');
my $curl = curl('--cacert', $authority->path, map({ ('--resolve', "$_:$port:127.0.0.1") } qw(a.two.example www.shop.example)),
    "https://a.two.example:$port/", "https://www.shop.example:$port/");
is($curl->{out}, 'finefine', 'curl finds each of them right') or diag($curl->{err});

my @ours = ('--silent', '--show-error', '--noproxy', '*', '--http2', '--cacert', $authority->path, '--resolve', "shop.example:$port:127.0.0.1");
my @each = map { ('--next', @ours, '--header', "Host: $_", '--output', '/dev/null', '--write-out', '%{http_version}:%{http_code}:%{num_connects} ', "https://shop.example:$port/") }
    'shop.example', 'b.two.example', 'WWW.shop.example.', 'both.example:8443', 'nobody.example', 'pay.shop.example';
is(run_command(['curl', @each[1 .. $#each]])->{out}, '2:200:1 2:421:0 2:200:0 2:421:0 2:200:0 2:200:0 ',
    'by HTTP/2 each request of a connection is judged for itself');
done_testing;
