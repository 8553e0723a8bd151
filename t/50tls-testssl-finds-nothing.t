# testssl.sh, which knows the weak spots of TLS servers, looks at a listener with certificates of both kinds.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Process;
use FlexiLib::Test::Wait qw(deadline);

need('testssl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('ec',  'DNS:shop.example,IP:127.0.0.1');
$authority->issue('rsa', 'DNS:shop.example,IP:127.0.0.1', key => 'rsa');
my $flexilib = start_flexilib(
    files  => { map { ("$_.pem" => read_file($authority->path("$_.pem")), "$_.key" => read_file($authority->path("$_.key"))) } qw(ec rsa) },
    config => <<"END");
listen:
  address: 127.0.0.1:0
  tls: { certificates: [{ certificate: ec.pem, key: ec.key }, { certificate: rsa.pem, key: rsa.key }] }
workers: 2
routes:
  - { match: /, respond: { body: "fine" } }
END

my $testssl = FlexiLib::Test::Process->start(
    dir     => make_folder(),
    command => ['testssl', qw(--quiet --color 0 --warnings off --ip 127.0.0.1 --nodns none),
        qw(--protocols --std --pfs --heartbleed --ccs-injection --ticketbleed --robot --renegotiation --crime --sweet32 --freak --logjam --rc4),
        $flexilib->address]);
my $status = $testssl->wait_status(deadline(600));
$testssl->wait_streams;
my $report = $testssl->text('stdout');
like($report, qr/TLS 1\.2\s+offered \(OK\)/, 'TLS 1.2 is offered') or diag($report, $testssl->text('stderr'));
like($report, qr/TLS 1\.3\s+offered \(OK\)/, 'and TLS 1.3');
unlike($report, qr/SSLv[23]\s+offered|TLS 1(?:\.1)?\s+offered/, 'and nothing older');
like($report, qr/FS is offered \(OK\).*ECDHE-RSA-\S+.*ECDHE-ECDSA-|FS is offered \(OK\).*ECDHE-ECDSA-\S+.*ECDHE-RSA-/s, 'with forward secrecy, by both kinds of keys');
my @bad = grep { /NOT ok|(?<!not )vulnerable(?! \(OK\))|VULNERABLE/ } split /\n/, $report;
is(join("\n", @bad), '', 'it finds nothing bad');
cmp_ok(scalar(() = $report =~ /\(OK\)/g), '>=', 12, 'in many looks');
done_testing;
