# A tunnel goes on after a reload, in its old generation, until drain_timeout; a stop closes it in good order too.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
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
drain_timeout: $drain_timeout
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

my $old = open_tunnel();
$flexilib->write_file('flexilib.yaml', config(2, '100ms'));
$flexilib->reload;
$flexilib->wait_serving(2);
is(request($flexilib, GET => '/number')->body, '2', 'new connections meet the new generation');
talk($old, 'hello', 'the tunnel of the old one goes on');
$old->close;
is($backend->wait_told(qr/^an? \w+$/), 'an end', 'until it is left');
$flexilib->wait_log(qr/info: generation 1 has drained/);

my $second = open_tunnel();
$flexilib->reload;
$flexilib->wait_serving(3);
is($second->read_all, '', 'one that stays is closed after drain_timeout');
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
