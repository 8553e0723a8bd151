# A filter cannot put anything into a head that would end a line, frame a message or belong to the connection.

use lib 't/lib';
use FlexiLib::Test;

my $inject = test_library('inject');
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { inject: $inject }
routes:
  - { match: /, handler: inject }
END

my $connection = $flexilib->connect;
for my $try (1, 2) {
    $connection->send_request(GET => '/');
    my $response = $connection->read_response;
    is($response->status, 200, "$try: one response, well framed");
    my %accepted = map { $_ => 1 } $response->body =~ /^(.*) accepted$/mg;
    my %expected = map { $_ => 1 } 'request: x-good', 'response: x-good', 'method: PUT', 'path: /good%20path',
        'query: a=b&c=/?', 'authority: example.com:80';
    is_deeply(\%accepted, \%expected, "$try: only what is harmless was accepted");
    my $refused = () = $response->body =~ / refused$/mg;
    is($refused, 62, "$try: everything else was refused");
    unlike($response->head, qr/injected|^(?:te|trailer|upgrade|keep-alive|transfer-encoding|proxy-connection):/im,
        "$try: nothing of it stands in the head");
    is_deeply([$response->headers('x-good')], ['yes', 'yes'], "$try: the good field does");
    is_deeply([$response->headers('content-length')], [length $response->body], "$try: with one length");
}
like(
    $flexilib->log,
    qr/error: filter 'inject': set_header in on_request_head was refused: the field frames messages or belongs to one connection \(request [0-9a-f]{16}\)$/m,
    'the filter is blamed in the log'
);

done_testing;
