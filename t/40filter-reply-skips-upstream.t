# When a filter replies, neither later filters nor the upstream hear of the request.

use lib 't/lib';
use FlexiLib::Test;

my $order   = test_library('order');
my $backend = start_static_backend();
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { order: $order }
routes:
  - match: /reply
    filters: [{ headers: { response_set: { x-outer: yes } } }, { order: { name: x, reply: yes } }, { order: { name: late } }]
    proxy: "@{[$backend->url]}"
  - { match: /, proxy: "@{[$backend->url]}" }
END

my $connection = $flexilib->connect;
for my $try (1, 2) {
    $connection->send_request(GET => '/reply');
    my $response = $connection->read_response;
    is($response->status, 200, "$try: the reply arrives");
    is($response->body, "replied\n", "$try: its body");
    is($response->header('content-length'), 8, "$try: its length");
    is($response->header('content-type'), 'text/plain', "$try: its type");
    is($response->header('x-outer'), 'yes', "$try: the filter before it put its field in");
}
$connection->send_request(HEAD => '/reply');
my $head = $connection->read_response('HEAD');
is($head->header('content-length'), 8, 'HEAD says the same length');
is($backend->connections, 0, 'the upstream heard of none of it');
unlike($flexilib->log, qr/order late/, 'nor did the later filter');
$connection->send_request(GET => '/');
is($connection->read_response->body, "hello from the backend\n", 'the connection goes on, to the upstream too');

done_testing;
