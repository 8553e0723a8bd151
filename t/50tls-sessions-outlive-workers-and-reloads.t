# Sessions are taken up again by any worker, of any generation, as long as the certificate stays the same.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue($_, 'DNS:shop.example') for qw(old new);
my $flexilib = start_flexilib(
    files  => { 'shop.pem' => read_file($authority->path('old.pem')), 'shop.key' => read_file($authority->path('old.key')) },
    config => <<"END");
listen: { address: "127.0.0.1:0", tls: { certificate: shop.pem, key: shop.key } }
workers: 4
routes:
  - { match: /, respond: { body: "fine" } }
END
my $folder  = make_folder();
my @version = ('-tls1_2', '-tls1_3');

sub s_client {
    my (@arguments) = @_;
    return run_command(['sh', '-c', 'printf "GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n" | openssl s_client -ign_eof -servername shop.example "$@" 2>&1',
        'sh', '-connect', $flexilib->address, '-CAfile', $authority->path, @arguments])->{out};
}

sub count_resumed {
    my ($tries, $version) = @_;
    return scalar grep { s_client($version, '-sess_in', "$folder/session$version") =~ /^Reused, TLS.*^fine/ms } 1 .. $tries;
}

for my $version (@version) {
    like(s_client($version, '-sess_out', "$folder/session$version"), qr/^New, TLS.*^fine/ms, "$version: a session is begun");
    is(count_resumed(15, $version), 15, 'and taken up again every time, by whichever of four workers');
}
$flexilib->reload;
$flexilib->wait_serving(2);
is(count_resumed(8, $_), 8, "$_: also by the workers of the next generation") for @version;

$flexilib->write_file('shop.pem', read_file($authority->path('new.pem')));
$flexilib->write_file('shop.key', read_file($authority->path('new.key')));
$flexilib->reload;
$flexilib->wait_serving(3);
is(count_resumed(3, $_), 0, "$_: not with another certificate") for @version;
unlike($flexilib->log, qr/ticket/, 'nothing was said about keys');
done_testing;
