# With half_close a client that has ended its half of the connection gets the answers to all it had asked for before.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            if ($request->target eq '/ever') {
                $connection->tell('asked for ever');
                $connection->tell($connection->is_closed ? 'left alone' : 'sent more');
                return;
            }
            if ($request->target eq '/wait') {
                $connection->tell('asked');
                $connection->wait_go;
            }
            $connection->respond(200, [], $request->method . ' ' . $request->target . ' ' . $request->body);
        }
    }
);
my $socket   = make_folder() . '/front.sock';
my $flexilib = start_flexilib(config => <<"END");
listen:
  - { address: "127.0.0.1:0", half_close: yes }
  - { address: "unix:$socket", half_close: yes }
workers: 1
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END

my $client = connect_to($flexilib);
$client->send_request(GET => '/wait');
$backend->wait_told(qr/^asked$/);
$client->finish;
$backend->go;
is($client->read_response->body, 'GET /wait ', 'a client that has ended its half while it waits is answered');
ok($client->is_closed, 'and the connection ends then');

my $several = connect_to($flexilib);
$several->send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nPOST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /third HTTP/1.1\r\nHost: a\r\n\r\n");
$several->finish;
$backend->wait_told(qr/^asked$/);
$backend->go;
is(join('|', map { $several->read_response->body } 1 .. 3), 'GET /wait |POST /second body|GET /third ', 'all that it had sent is answered');
ok($several->is_closed, 'and then the connection ends');

my $part = connect_to($flexilib);
$part->send("GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /sec");
$part->finish;
is($part->read_response->body, 'GET /first ', 'what is whole is answered');
ok($part->is_closed, 'what breaks off is not');

my $body = connect_to($flexilib);
$body->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nbody");
$body->finish;
is($body->read_all, '', 'a body that breaks off ends the connection');
# That one has left altogether tells itself where it resets its connection, or was on the same machine.
for my $way ([$flexilib, 'reset'], ["unix:$socket", 'close']) {
    my ($target, $how) = @$way;
    my $leaving = connect_to($target);
    $leaving->send_request(GET => '/ever');
    $backend->wait_told(qr/^asked for ever$/);
    $leaving->finish;
    request($flexilib, GET => '/'); # answered behind what was there before it: the end of the client's half
    $leaving->$how;
    is($backend->wait_told(qr/^(left alone|sent more)$/), 'left alone', "$how: the server is told when such a client leaves");
}
done_testing;
