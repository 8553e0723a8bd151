# Whoever takes little at a time, but steadily, is not cut off: not a client that reads a response, nor a server that
# reads a request. One write holds more than they take in the time that is given to those who take nothing.

use lib 't/lib';
use FlexiLib::Test;
use Time::HiRes ();

my $limit_s = 1;
my $rounds  = 10;
my $body    = 'x' x 8_000_000;

# Takes a bit now and then for three times the limit. Says how that ended: 'served', 'cut', or 'idle' where the machine
# kept us from reading for so long that nothing can be said.
sub take_slowly {
    my ($connection, $bytes) = @_;
    my $start = my $last = Time::HiRes::time();
    while ($last < $start + 3 * $limit_s) {
        my $count = sysread $connection->{socket}, my $taken, $bytes // 512;
        return 'cut' if defined $count ? $count == 0 : !$!{EAGAIN};
        select undef, undef, undef, 0.01;
        my $now = Time::HiRes::time();
        return 'idle' if $now - $last > $limit_s / 4;
        $last = $now;
    }
    return 'served';
}

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        $connection->limit_buffer(4096);
        my $head = $connection->read_until(qr/\r\n\r\n/);
        return $connection->respond(200, [], $body) if $head =~ /^GET/;
        my $end = take_slowly($connection);
        $connection->tell("end: $end");
        $connection->respond(200, [], '');
        $connection->read_all;
    }
);
my $socket   = make_folder() . '/front.sock';
my $flexilib = start_flexilib(config => <<"END");
listen: [ 127.0.0.1:0, "unix:$socket" ]
workers: 1
write_timeout: ${limit_s}s
upstreams:
  slow: { servers: "@{[$backend->url]}", send_timeout: ${limit_s}s, idle_timeout: ${limit_s}s }
routes:
  - { match: /, proxy: slow }
END

sub receive_slowly {
    my ($target, $bytes) = @_;
    my $client = connect_to($target);
    $client->limit_buffer(4096);
    $client->send_request(GET => '/');
    $client->read_until(qr/\r\n\r\n/);
    my $end = take_slowly($client, $bytes);
    $client->close;
    return $end;
}

sub send_to_the_slow {
    my $client = connect_to($flexilib);
    $client->send_request(POST => '/', body => $body);
    my ($end) = $backend->wait_told(qr/^end: /) =~ /end: (\w+)/;
    # what was given up still comes out of the kernel, so the server alone cannot tell
    $end = 'cut' if $end eq 'served' && $client->read_response->status != 200;
    $client->close;
    return $end;
}

# the first round that can be judged
sub judge {
    my ($round) = @_;
    my $end = 'idle';
    for (1 .. $rounds) {
        $end = $round->();
        last if $end ne 'idle';
    }
    return $end;
}

# the kernel tells of what is taken from a unix socket in larger pieces
for my $way ([$flexilib, 512], ["unix:$socket", 8192]) {
    my ($target, $bytes) = @$way;
    SKIP: {
        my $end = judge(sub { receive_slowly($target, $bytes) });
        skip 'this machine is too busy to read steadily', 1 if $end eq 'idle';
        is($end, 'served', 'a client that reads little at a time is not cut off' . (ref $target ? '' : ', on a unix socket'));
    }
}
SKIP: {
    my $end = judge(\&send_to_the_slow);
    skip 'this machine is too busy to read steadily', 1 if $end eq 'idle';
    is($end, 'served', 'nor is a server');
}

done_testing;
