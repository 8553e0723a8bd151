# Certificates and keys are looked at by the check and by the start, and what is wrong with them is told at the place that
# names them; a reload with a wrong one changes nothing.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl');
my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue($_, "DNS:$_.example") for qw(a b);
$authority->run(qw(ec -aes128 -passout pass:secret -in a.key -out locked.key));
write_file("$folder/damaged.pem", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n");
write_file("$folder/damaged.key", "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n");
write_file("$folder/empty.pem", '');
write_file("$folder/chain.pem", read_file("$folder/a.pem") . read_file("$folder/ca.pem"));

sub config_with {
    my ($tls) = @_;
    $tls = join "\n", map { "      $_: $folder/$tls->{$_}" } sort keys %$tls;
    return "listen: 127.0.0.1:0\nupstreams:\n  shop:\n    servers: https://127.0.0.1:1\n    tls:\n$tls\nroutes:\n  - proxy: shop\n";
}

my %good = (ca => 'ca.pem', certificate => 'a.pem', key => 'a.key');
my @cases = (
    ['authorities that are damaged', { ca => 'damaged.pem' }, qr{6:11: '\Q$folder\E/damaged\.pem' holds a certificate that cannot be read: \w.*}],
    ['authorities that are nobody', { ca => 'empty.pem' }, qr{6:11: '\Q$folder\E/empty\.pem' holds no certificate in PEM}],
    ['authorities that are a key', { ca => 'a.key' }, qr{6:11: '\Q$folder\E/a\.key' holds no certificate in PEM}],
    ['a certificate that is damaged', { certificate => 'damaged.pem' }, qr{7:20: '\Q$folder\E/damaged\.pem' holds a certificate that cannot be read: \w.*}],
    ['a certificate that is a key', { certificate => 'a.key' }, qr{7:20: '\Q$folder\E/a\.key' holds no certificate in PEM}],
    ['a key that is a certificate', { key => 'a.pem' }, qr{8:12: '\Q$folder\E/a\.pem' holds no private key in PEM}],
    ['a key that is damaged', { key => 'damaged.key' }, qr{8:12: '\Q$folder\E/damaged\.key' holds a private key that cannot be read: \w.*}],
    ['a key with a password', { key => 'locked.key' }, qr{8:12: the key in '\Q$folder\E/locked\.key' is protected by a password, which is not possible}],
    ['a key of somebody else', { key => 'b.key' }, qr{8:12: the key in '\Q$folder\E/b\.key' does not belong to the certificate in '\Q$folder\E/a\.pem'}],
);

for my $tls (\%good, { %good, certificate => 'chain.pem' }) {
    my $result = run_flexilib(['check', '-c', 'flexilib.yaml'], config => config_with($tls));
    is($result->{status}, 0, "$tls->{certificate} passes the check") or diag($result->{err});
}

my $flexilib = start_flexilib(config => config_with(\%good));
for my $case (@cases) {
    my ($claim, $tls, $pattern) = @$case;
    my $config = config_with({ %good, %$tls });
    my $result = run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config);
    like($result->{err}, qr{\Aflexilib\.yaml:$pattern\n}, $claim);
    is($result->{status}, 78, 'is refused by the check');
    $flexilib->write_file('flexilib.yaml', $config);
    $flexilib->reload;
    like($flexilib->wait_log(qr/error: generation \d+ failed/), qr{failed: flexilib\.yaml:$pattern; generation 1 goes on serving},
        'and by a reload');
}
is(request($flexilib, GET => '/')->status, 502, 'the first generation goes on');

my $result = run_flexilib(['-c', 'flexilib.yaml'], config => config_with({ %good, key => 'b.key' }));
is($result->{status}, 78, 'a start is refused');
like($result->{err}, qr/error: flexilib\.yaml:8:12: the key in /, 'with the place');

my $config = "upstreams: { lab: { servers: https://lab.example, tls: { insecure: yes } } }\n";
like(run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config)->{err}, qr/warning: upstream 'lab' is insecure: /, 'the check warns too');

done_testing;
