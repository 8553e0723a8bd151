# A tunnel goes on after a reload, in its old generation, until drain_timeout; a stop closes it in good order too.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;
use Digest::SHA qw(sha1_base64);

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        my $key     = $request->header('sec-websocket-key') // '';
        my $accept  = sha1_base64("${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11") . '=';
        $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                . "Sec-WebSocket-Accept: $accept\r\n\r\n");
        while (defined(my $line = $connection->read_until(qr/\n/))) {
            $connection->send("echo $line");
        }
        $connection->tell($connection->is_reset ? 'a reset' : 'an end');
    }
);

sub config {
    my ($number, $drain_timeout) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
drain_timeout: { tunnels: $drain_timeout }
shutdown_timeout: 100ms
routes:
  - { match: /number, respond: { status: 200, body: "$number" } }
  - { match: /, proxy: "@{[$backend->url]}" }
END
}

my $flexilib = start_flexilib(config => config(1, '10m'));

sub open_tunnel {
    my $client = connect_to($flexilib);
    $client->send_request(GET => '/', headers => [Connection => 'upgrade', Upgrade => 'websocket']);
    is($client->read_response->status, 101, 'a tunnel');
    return $client;
}

sub talk {
    my ($client, $word, $what) = @_;
    $client->send("$word\n");
    is($client->read_until(qr/\n/), "echo $word\n", $what);
    return;
}

my $old   = open_tunnel();
my $http2 = FlexiLib::Test::Http2->open($flexilib);
$http2->headers(1, [':method' => 'CONNECT', ':protocol' => 'websocket', ':scheme' => 'http', ':authority' => 'a', ':path' => '/'],
    end => 0);
$http2->data(1, "one\n");
1 while ($http2->stream(1)->{body} // '') ne "echo one\n" && $http2->read_frame;
is($http2->stream(1)->{body}, "echo one\n", 'a tunnel of HTTP/2');
$flexilib->write_file('flexilib.yaml', config(2, '100ms'));
$flexilib->reload;
$flexilib->wait_serving(2);
is(request($flexilib, GET => '/number')->body, '2', 'new connections meet the new generation');
talk($old, 'hello', 'the tunnel of the old one goes on');
$old->close;
is($backend->wait_told(qr/^an? \w+$/), 'an end', 'until it is left');
1 while @{ $http2->{goaways} // [] } < 2 && $http2->read_frame;
is(join(' ', map { $_->{last_stream} } @{ $http2->{goaways} }), 0x7fffffff . ' 1', 'clients of HTTP/2 are told to leave, in two steps');
$http2->data(1, "two\n");
1 while $http2->stream(1)->{body} ne "echo one\necho two\n" && $http2->read_frame;
is($http2->stream(1)->{body}, "echo one\necho two\n", 'and their tunnels go on too');
$http2->data(1, '', end => 1);
is($backend->wait_told(qr/^an? \w+$/), 'an end', 'until they are left');
is($http2->wait_close, 0, 'and the connection with them');
$flexilib->wait_log(qr/info: generation 1 has drained/);

my $second = open_tunnel();
$flexilib->reload;
$flexilib->wait_serving(3);
is($second->read_all, "\x88\x02\x03\xe9", 'one that stays is closed after drain_timeout, with the status for that');
ok(!$second->is_reset, 'in good order for the client');
is($backend->wait_told(qr/^an? \w+$/), 'an end', 'and for the server');
$flexilib->wait_log(qr/info: generation 2 has drained/);

my $third = open_tunnel();
talk($third, 'again', 'which works');
$flexilib->signal('TERM');
is($third->read_all, '', 'a stop closes it after shutdown_timeout');
ok(!$third->is_reset, 'in good order');
is($backend->wait_told(qr/^an? \w+$/), 'an end', 'for both');
$flexilib->check_exit(0);

done_testing;
