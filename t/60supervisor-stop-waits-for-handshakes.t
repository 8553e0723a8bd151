# A client whose handshake is under way when a stop comes gets its answer, however far away it is: only those that have said
# nothing are left.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example');

for my $case (['1.2', '--http1.1'], ['1.3', '--http1.1'], ['1.3', '--http2']) {
    my ($version, $protocol) = @$case;
    my $flexilib = start_flexilib(
        files  => { map { ("shop.$_" => read_file($authority->path("shop.$_"))) } qw(pem key) },
        config => <<'END');
listen: { address: "127.0.0.1:0", tls: { certificate: shop.pem, key: shop.key } }
workers: 1
routes:
  - { match: /, respond: { body: "fine" } }
END

    # Carries a client's bytes, and lets the server's first ones wait.
    my $relay = start_backend(sub {
        my ($client) = @_;
        my $server = connect_to($flexilib->address);
        $client->fill;
        $server->send($client->take(length $client->{in}));
        $server->fill;
        $client->tell('begun');
        $client->wait_go;
        while (1) {
            $client->send($server->take(length $server->{in}));
            $server->send($client->take(length $client->{in}));
            my $bits = '';
            vec($bits, fileno($_->{socket}), 1) = 1 for $client, $server;
            select $bits, undef, undef, undef;
            for my $end (grep { vec($bits, fileno($_->{socket}), 1) } $client, $server) {
                $end->fill or return;
            }
        }
    });
    my $port = $relay->port;
    my $curl = FlexiLib::Test::Process->start(
        dir     => make_folder(),
        command => ['curl', '--silent', '--show-error', '--noproxy', '*', '--cacert', $authority->path, $protocol, '--tls-max', $version,
            '--resolve', "shop.example:$port:127.0.0.1", "https://shop.example:$port/"],
    );
    $relay->wait_told(qr/^begun$/);
    my $silent = connect_to($flexilib->address);
    $flexilib->signal('TERM');
    ok($silent->is_closed, "TLS $version, $protocol: who says nothing is left");
    $relay->go;
    is($curl->wait_status, 0, 'who has begun is not');
    $curl->wait_streams;
    is($curl->text('stdout'), 'fine', 'and gets the answer') or diag($curl->text('stderr'));
    $flexilib->wait_log(qr/info: stopped/);
    $flexilib->check_exit(0);
}

done_testing;
