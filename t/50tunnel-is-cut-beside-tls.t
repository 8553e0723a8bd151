# Where there are TLS listeners too, a stop that is to be at once cuts tunnels without harm to the worker.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl');
my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue('shop', 'DNS:shop.example');
my $backend = start_backend(sub {
    my ($connection) = @_;
    $connection->read_request;
    $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
    $connection->read_all;
});
my $flexilib = start_flexilib(config => <<"END");
listen:
  - 127.0.0.1:0
  - { address: 127.0.0.1:0, tls: { certificate: "@{[$authority->path('shop.pem')]}", key: "@{[$authority->path('shop.key')]}" } }
workers: 1
shutdown_timeout: 100ms
routes:
  - { match: /, proxy: { to: "@{[$backend->url]}", upgrade: echo } }
END

my $client = $flexilib->connect;
$client->send("GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
like($client->read_until(qr/\r\n\r\n/), qr{^HTTP/1\.1 101 }, 'a tunnel begins');
$flexilib->signal('TERM');
ok($client->is_closed, 'it is cut when the time is over');
$flexilib->check_exit(0);
unlike($flexilib->log, qr/alert|SIGSEGV|killed by/, 'and the worker has ended in peace');
done_testing;
