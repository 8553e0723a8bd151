# A server that does not answer in time: 504, or the response is cut.

use lib 't/lib';
use FlexiLib::Test;
use Socket;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request;
        $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello") if $request->target eq '/stops';
        $connection->send("HTTP/1.1 200 O") if $request->target eq '/half';
        $connection->send("HTTP/1.1 102 Processing\r\n\r\n") if $request->target eq '/interim';
        $connection->tell('left') if $connection->is_closed;
    }
);

# A queue that is full: the kernel does not answer those who want to connect.
socket(my $full, AF_INET, SOCK_STREAM, 0) or die;
bind($full, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die;
listen($full, 0) or die;
my @queue;
for (1 .. 8) {
    socket(my $socket, AF_INET, SOCK_STREAM, 0) or die;
    $socket->blocking(0);
    connect($socket, getsockname $full);
    push @queue, $socket;
}
my ($full_port) = unpack_sockaddr_in(getsockname $full);

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  slow: { servers: "@{[$backend->url]}", response_timeout: 100ms }
  stalling: { servers: "@{[$backend->url]}", idle_timeout: 100ms }
  full: { servers: "http://127.0.0.1:$full_port", connect_timeout: 100ms }
routes:
  - { match: /stops, proxy: stalling }
  - { match: /full, proxy: full }
  - { match: /, proxy: slow }
END

for my $path (qw(/silent /half /interim)) {
    is(request($flexilib, GET => $path)->status, 504, "$path: no whole head in time");
    $flexilib->wait_log(qr/error: upstream 'slow' .*: no response within 100 ms \(request/);
    is($backend->wait_told(qr/left/), 'left', 'the server is left alone');
}

my $client = connect_to($flexilib);
$client->send_request(GET => '/stops');
my $response = $client->read_response;
is($response->status, 200, 'a response that has begun');
is($response->body, 'hello', 'comes as far as it goes');
ok(!$response->is_complete, 'and is seen to be cut');
$flexilib->wait_log(qr/error: upstream 'stalling' .*: nothing more of the response within 100 ms \(request/);
is($backend->wait_told(qr/left/), 'left', 'the server is left alone');

is(request($flexilib, GET => '/full')->status, 504, 'no connection in time');
$flexilib->wait_log(qr/error: upstream 'full' .*: no connection within 100 ms \(request/);

done_testing;
