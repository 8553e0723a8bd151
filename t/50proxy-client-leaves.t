# A client that leaves before its response is there: the connection to the server ends too, so that it need not work for
# nobody, and the worker goes on.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request;
        return $connection->respond(200, [], 'fine') if $request->target eq '/fine';
        $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello") if $request->target eq '/body';
        $connection->send("HTTP/1.1 200 OK\r\n\r\n")                             if $request->target eq '/until-close';
        if ($request->target eq '/endless') {
            my $piece = sprintf "%x\r\n%s\r\n", 65536, 'x' x 65536;
            $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            1 while $connection->send($piece) == length $piece;
            return $connection->tell('left');
        }
        $connection->tell('begun');
        $connection->tell('left') if $connection->is_closed;
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END
my ($worker) = $flexilib->worker_pids;

for my $leave (qw(close reset)) {
    for my $path (qw(/head /body /until-close /endless)) {
        my $client = connect_to($flexilib);
        $client->send_request(GET => $path);
        $backend->wait_told(qr/begun/) if $path ne '/endless';
        $client->read_until(qr/\r\n\r\n/) if $path ne '/head';
        $client->$leave;
        is($backend->wait_told(qr/left/), 'left', "$path, $leave: the server is left too");
        $flexilib->wait_access(qr{"GET $path HTTP/1\.1"});
    }
}
my $client = connect_to($flexilib);
$client->send_request(POST => '/head', body => 'x' x 100_000);
$backend->wait_told(qr/begun/);
$client->close;
is($backend->wait_told(qr/left/), 'left', 'with a body too');

is(request($flexilib, GET => '/fine')->body, 'fine', 'others are served');
is_deeply([$flexilib->worker_pids], [$worker], 'by the same worker');

done_testing;
