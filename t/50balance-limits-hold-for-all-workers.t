# max_requests holds for all workers together: of a server, and of an upstream. Those who wait are served in the end.

use lib 't/lib';
use FlexiLib::Test;

my $count = 12;

# Tells when a request begins and, before it answers, that it ends: so the order of the lines is that of the events.
sub start_counting {
    return start_backend(
        sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                $connection->tell('request begins');
                $connection->wait_go;
                $connection->tell('request ends');
                $connection->respond(200, [], 'done');
            }
        });
}

# One is let go whenever as many as may be are there, and in the end the rest.
sub expect_at_most {
    my ($flexilib, $backend, $path, $most) = @_;
    my @clients = map { connect_to($flexilib) } 1 .. $count;
    $_->send_request(GET => $path) for @clients;
    my ($begun, $ended, $highest) = (0, 0, 0);
    while ($ended < $count) {
        my $line = $backend->wait_told(qr/request (?:begins|ends)/);
        $line =~ /begins/ ? $begun++ : $ended++;
        $highest = $begun - $ended if $begun - $ended > $highest;
        next                       if $line =~ /ends/ || $begun < $most;
        $backend->go               for 1 .. ($begun == $count ? $most : 1);
    }
    is($highest, $most, "$path: $most at a time");
    is(join(' ', map { $_->read_response->status } @clients), join(' ', (200) x $count), "$path: all are answered");
    return;
}

my $backend  = start_counting();
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
upstreams:
  server:
    servers: [{ url: "@{[$backend->url]}", max_requests: 3 }]
    queue: { timeout: 5m }
  upstream:
    servers: ["@{[$backend->url]}", "@{[$backend->url]}"]
    max_requests: 3
    queue: { timeout: 5m }
  one:
    servers: [{ url: "@{[$backend->url]}", max_requests: 1 }]
    queue: { timeout: 5m }
routes:
  - { match: /server, proxy: server }
  - { match: /upstream, proxy: upstream }
  - { match: /one, proxy: one }
END

expect_at_most($flexilib, $backend, '/server', 3);
expect_at_most($flexilib, $backend, '/upstream', 3);
expect_at_most($flexilib, $backend, '/one', 1);

done_testing;
