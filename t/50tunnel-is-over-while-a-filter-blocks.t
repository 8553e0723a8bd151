# A tunnel may be over while a filter still blocks in its end: its connection ends all the same. What the client sends then
# goes nowhere, and what it had not taken yet is not replaced by what others are sent.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(sub {
    my ($connection) = @_;
    my ($letter) = $connection->read_request->target =~ m{(\w)$};
    $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    eval { $connection->send($letter x 65536) for 1 .. 128 };
    $connection->read_all;
});
my $blocking = test_library('blocking');
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { blocking: $blocking }
upstreams:
  hasty: { servers: "@{[$backend->url]}", tunnel_timeout: 200ms }
routes:
  - { match: /release, handler: { blocking.plain: { reply: yes } } }
  - { match: /usual, proxy: "@{[$backend->url]}" }
  - match: /
    filters: [{ blocking.concurrent: { hook: end, hold: yes } }]
    proxy: hasty
END

sub ask {
    my ($path) = @_;
    my $client = $flexilib->connect;
    $client->send("GET $path HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    like($client->read_until(qr/\r\n\r\n/), qr/^HTTP\/1\.1 101 /, 'a tunnel begins');
    return $client;
}

my $client = ask('/A');
$flexilib->wait_log(qr{a tunnel is closed in which nothing moved});
$flexilib->wait_log(qr{blocks /A});
my $other = ask('/usual/Z');
is($other->read_bytes(2 << 20), 'Z' x (2 << 20), 'another one goes on');
eval { $client->send("late $_") } for 1 .. 10;
my $got = eval { $client->read_all } // '';
unlike($got, qr/[^A]/, 'what the client gets is its own');
ok($client->is_closed, 'and it is let go while the filter still blocks');
unlike($flexilib->log, qr/'blocking\.concurrent': end/, 'as it does');
# it may be about to wait when it is released
request($flexilib, GET => '/release') until $flexilib->log =~ /'blocking\.concurrent': end/;

done_testing;
