# A client that leaves while its request is being answered is noticed: the service behind is left alone, and the exchange
# ends with its line in the log. What was not finished is never sold as whole.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        if ($request->target eq '/silent') {
            $connection->tell('asked');
            $connection->tell($connection->is_closed ? 'left alone' : 'disturbed');
        } elsif ($request->target eq '/endless') {
            $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            1 while $connection->send("10000\r\n" . 'x' x 65536 . "\r\n") == 65536 + 9;
            $connection->tell('left alone');
        } elsif ($request->target eq '/short') {
            $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
        } elsif ($request->target eq '/no-last-chunk') {
            $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END

for my $way ('close', 'reset', 'finish') {
    my $connection = connect_to($flexilib);
    $connection->send_request(GET => '/silent');
    $backend->wait_told(qr/^asked$/);
    $connection->$way;
    is($backend->wait_told(qr/^left alone$|^disturbed$/), 'left alone', "$way while waiting: the service is left alone");
    $flexilib->wait_access(qr{"GET /silent HTTP/1.1" });
    $connection->close;
}

for my $way ('close', 'reset') {
    my $connection = connect_to($flexilib);
    $connection->send_request(GET => '/endless');
    $connection->read_bytes(100_000);
    $connection->$way;
    ok($backend->wait_told(qr/^left alone$/), "$way while receiving: the service is left alone");
    $flexilib->wait_access(qr{"GET /endless HTTP/1.1" 200 });
}

# what ends with the connection must not seem whole to a client that ends its own half early and reads on
my $half = connect_to($flexilib);
$half->send_request(GET => '/endless', version => '1.0');
$half->read_bytes(100_000);
$half->finish;
$half->read_all;
ok($half->is_reset, 'finish while receiving: the client can tell that this is not all');
ok($backend->wait_told(qr/^left alone$/), 'and the service is left alone');

my $before     = $backend->connections;
my $broken_off = connect_to($flexilib);
$broken_off->send('GET / HT');
$broken_off->finish;
ok($broken_off->is_closed, 'a request that breaks off ends the connection');
is($backend->connections, $before, 'and goes nowhere');

for my $version ('1.1', '1.0') {
    my $response = request($flexilib, GET => '/short', version => $version);
    is($response->body, 'hello', "a response that breaks off is passed on as far as it came (HTTP/$version)");
    ok(!$response->is_complete, 'and the client can tell');
    $response = request($flexilib, GET => '/no-last-chunk', version => $version);
    ok(!$response->is_complete, 'also where its end was not known');
}

done_testing;
