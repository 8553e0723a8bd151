# A server may close a kept connection at any moment. A request that meets this is sent once more, on a new connection,
# where sending it twice does no harm; otherwise the client is told. That does not count as a retry.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $is_first = 1;
        while (my $request = $connection->read_request) {
            return if !$is_first && $request->target eq '/close';
            return if $request->target eq '/always';
            $is_first = 0;
            $connection->respond(200, [], $request->method);
            if ($request->target eq '/goes-away') {
                $connection->wait_go;
                return;
            }
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  shop: { servers: "@{[$backend->url]}", retry: no }
routes:
  - { match: /, proxy: shop }
END

for my $method (qw(GET HEAD PUT DELETE OPTIONS)) {
    request($flexilib, GET => '/');
    my $before = $backend->connections;
    my $response = request($flexilib, $method => '/close', $method eq 'PUT' ? (body => 'x' x 100_000) : ());
    is($response->status, 200, "$method is sent again");
    is($response->body, $method eq 'HEAD' ? '' : $method, 'and answered');
    is($backend->connections, $before + 1, 'on a new connection');
}
unlike($flexilib->log, qr/error: /, 'which is no error');

for my $method (qw(POST PATCH)) {
    request($flexilib, GET => '/');
    my $before   = $backend->connections;
    my $response = request($flexilib, $method => '/close', body => 'x');
    is($response->status, 502, "$method is not sent again");
    is($backend->connections, $before, 'not even tried');
    $flexilib->wait_log(qr/: it closed the connection without a response \(request/);
}

my $before = $backend->connections;
is(request($flexilib, GET => '/always')->status, 502, 'a new connection that is closed is not tried again');
is($backend->connections, $before + 1, 'just once');

request($flexilib, GET => '/goes-away');
$backend->go;
$backend->wait_told(qr/^closed/) for 1 .. $backend->connections;
is(request($flexilib, POST => '/', body => 'x')->status, 200, 'POST finds out beforehand that its connection is gone');

done_testing;
