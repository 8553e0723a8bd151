# Least-requests and random-two know what all workers have under way: nobody is sent to the busy one of two servers.

use lib 't/lib';
use FlexiLib::Test;

# Answers with its name, and holds back what follows the name where the path says so.
sub start_holding {
    my ($name) = @_;
    return start_backend(
        sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n$name");
                $connection->wait_go if $request->target =~ /hold/;
                $connection->send('.');
            }
        });
}

for my $kind ('least-requests', 'random-two') {
    my %backend = map { $_ => start_holding($_) } qw(a b);
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
upstreams:
  shop: { servers: ["@{[$backend{a}->url]}", "@{[$backend{b}->url]}"], balance: $kind }
routes:
  - { match: /, proxy: shop }
END
    my $hold = sub {
        my $client = connect_to($flexilib);
        $client->send_request(GET => '/hold');
        my ($name) = $client->read_until(qr/\r\n\r\n[ab]/) =~ /([ab])\z/;
        return ($client, $name);
    };
    my ($first, $busy) = $hold->();
    my $free = $busy eq 'a' ? 'b' : 'a';
    my $ask = sub { return join '', map { request($flexilib, GET => '/')->body } 1 .. 16 };
    is($ask->(), "$free." x 16, "$kind: the one without a request gets them all");
    my ($second, $other) = $hold->();
    is($other, $free, "$kind: also one that lasts");
    $backend{$busy}->go;
    is($first->read_bytes(1), '.', "$kind: the first ends");
    is($ask->(), "$busy." x 16, "$kind: from now on the other is free");
    $backend{$free}->go;
    is($second->read_bytes(1), '.', "$kind: the second ends");
    like($ask->(), qr/a.*b|b.*a/, 'least-requests: those without requests take turns') if $kind eq 'least-requests';
}

done_testing;
