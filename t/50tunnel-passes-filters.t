# Filters see the heads of an upgrade and its end, and may prevent it; what is said in the tunnel is not theirs.

use lib 't/lib';
use FlexiLib::Test;

my ($order, $veto) = map { test_library($_) } qw(order veto);
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: "
                . $request->header('upgrade') . "\r\nX-Order-Seen: " . ($request->header('x-order') // 'no') . "\r\n\r\nhello");
        $connection->tell('left after ' . length $connection->read_all);
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { order: $order, veto: $veto }
upstreams:
  one: { servers: "@{[$backend->url]}" }
routes:
  - { match: /seen, filters: [{ order: { name: a } }], proxy: one }
  - { match: /status, filters: [{ order: { name: a } }, { veto: { status: 403 } }], proxy: one }
  - { match: /reply, filters: [{ order: { name: a } }, { veto: { reply: yes } }], proxy: one }
  - { match: /answered, filters: [{ order: { name: a, reply: yes } }], proxy: one }
END

my $ask = sub {
    my ($path) = @_;
    my $client = connect_to($flexilib);
    $client->send_request(GET => $path, headers => [Connection => 'upgrade', Upgrade => 'websocket']);
    return ($client, $client->read_response);
};

my ($client, $response) = $ask->('/seen');
is($response->status, 101, 'filters that have nothing against it');
is($response->header('upgrade'), 'websocket', 'leave the protocol as it is');
is($response->header('x-order-seen'), 'a', 'they have changed the request');
is($response->header('x-order'), 'a', 'and the response');
is($client->read_bytes(5), 'hello', 'the tunnel stands');
like($flexilib->wait_log(qr/order a response/), qr/response_head/, 'its head was seen');
unlike($flexilib->log, qr/order a end/, 'the exchange is not over while it stands');
$client->send('bye');
$client->close;
like($flexilib->wait_log(qr/order a (?:response_body|end)/), qr/order a end/, 'then it is, without a body');
is($backend->wait_told(qr/left/), 'left after 3', 'the server has heard it all');

($client, $response) = $ask->('/status');
is($response->status, 403, 'a filter makes another response of it');
is($response->body, '', 'without a body');
ok(!defined $response->header('upgrade'), 'and without a protocol');
is($backend->wait_told(qr/left/), 'left after 0', 'the server is left');
$flexilib->wait_log(qr/'veto': set_header in on_request_head was refused/);

($client, $response) = $ask->('/reply');
is($response->status, 200, 'a filter replies instead');
is($response->body, "rather not\n", 'with a body of its own');
is($backend->wait_told(qr/left/), 'left after 0', 'the server is left');
$client->send_request(GET => '/answered');
is($client->read_response->body, "replied\n", 'the connection goes on as HTTP');

($client, $response) = $ask->('/answered');
is($response->body, "replied\n", 'a filter replies before any server is asked');

done_testing;
