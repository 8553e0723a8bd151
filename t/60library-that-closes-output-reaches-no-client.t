# Where a library closes standard output and error, clients and servers get connections with other numbers: what is printed
# later reaches nobody.

use lib 't/lib';
use FlexiLib::Test;

my $backend  = start_static_backend(body => "backend\n");
my $mute     = test_library('mute');
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { mute: $mute }
routes:
  - { match: /backend, filters: [mute], proxy: "@{[$backend->url]}" }
  - { match: /, filters: [mute], handler: hello }
END

sub ask {
    my ($client, $path) = @_;
    $client->send_request(GET => $path);
    my $response = $client->read_response;
    return $response->status . ' ' . $response->body;
}

my $first = $flexilib->connect;
is(ask($first, '/mute'), "200 Hello, world!\n", 'a library closes them');
is(ask($first, '/backend'), "200 backend\n", 'a server is connected to');
is(ask($first, '/mute'), "200 Hello, world!\n", 'they are closed again');
my @clients = map { $flexilib->connect } 1 .. 4;
is_deeply([map { ask($_, '/') } @clients], [("200 Hello, world!\n") x 4], 'clients come that could have their numbers');
is(ask($first, '/backend'), "200 backend\n", 'it is printed more');
is_deeply([map { ask($_, '/') } @clients], [("200 Hello, world!\n") x 4], 'and none of them has got it');

done_testing;
