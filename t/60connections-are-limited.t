# max_connections holds for all workers together, in all and on one listener: further connections wait until there is room,
# which idle ones make. max_connections_per_address closes what one client has too many of, whoever else comes, and what a
# worker had counted is forgotten when it dies.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        if ($request->target eq '/wait') {
            $connection->tell('asked');
            $connection->wait_go;
        }
        $connection->respond(200, [], $request->target);
    }
});

sub serve {
    my (%option) = @_;
    return start_flexilib(expect_alerts => qr/was killed by signal 9/, config => <<"END");
listen:
  - { name: first, address: "127.0.0.1:0"$option{first} }
  - { name: second, address: "127.0.0.1:0", proxy_protocol: [127.0.0.1] }
  - { name: third, address: "127.0.0.1:0" }
workers: 2
$option{top}
routes:
  - { match: /hello, respond: 200 }
  - { match: /, proxy: "@{[$backend->url]}" }
END
}

sub hold {
    my ($flexilib, $listener) = @_;
    my $connection = connect_to($flexilib, $listener);
    $connection->send_request(GET => '/wait');
    $backend->wait_told(qr/^asked$/);
    return $connection;
}

# Says something only once it is accepted.
sub knock {
    my ($flexilib, $listener) = @_;
    my $connection = connect_to($flexilib, $listener);
    $connection->send_request(GET => '/hello');
    return $connection;
}

sub is_served {
    my ($connection, $name) = @_;
    my $response = $connection->read_response;
    is($response && $response->status, 200, $name);
    return;
}

for my $case (['in all', '', 'max_connections: 3', 'second', 'max_connections is reached'],
    ['on one listener', ', max_connections: 3', '', 'first', "max_connections of listener 'first' is reached"])
{
    my ($name, $first, $top, $other, $line) = @$case;
    my $flexilib = serve(first => $first, top => $top);
    my @busy     = map { hold($flexilib, 'first') } 1 .. 3;
    my $waiting  = knock($flexilib, 'first');
    $flexilib->wait_log(qr/warning: \Q$line\E: idle connections are closed, and new ones wait/);
    if (!$top) {
        is_served(knock($flexilib, 'third'), "$name: other listeners have room");
    }
    $backend->go;
    is_served($waiting, "$name: who waits has the place of one that became idle, or left");
    $backend->go for 1 .. 2;
    is($_->read_response->body, '/wait', "$name: none of the busy ones was touched") for @busy;
    for my $round (1 .. 5) {
        is_served(knock($flexilib, 'first'), "$name: idle ones make room, $round");
    }
    $flexilib->stop;
}

# Nor do idle ones that an older generation has keep anybody waiting, whichever limit it is.
for my $case (['in all', '', 'max_connections: 2'], ['on one listener', ', max_connections: 2', '']) {
    my ($name, $first, $top) = @$case;
    my $flexilib = serve(first => $first, top => "$top\ndrain_timeout: 10m\nkeep_alive_timeout: 10m");
    my @idle     = map { knock($flexilib, 'first') } 1 .. 2;
    is_served($_, "$name: as many as may be") for @idle;
    $flexilib->reload;
    my @new = map { hold($flexilib, 'first') } 1 .. 2;
    is($_->read_all, '', "$name: idle ones of an older generation make room") for @idle;
    $backend->go for 1 .. 2;
    is_served($_, "$name: for new ones") for @new;
    $flexilib->stop;
}

# An idle client of HTTP/2 is told to leave.
my $small = serve(first => ', max_connections: 1', top => '');
my $h2    = connect_to($small, 'first');
$h2->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . "\0\0\0\x04\0\0\0\0\0");
is(unpack('x3 C', $h2->read_bytes(9)), 4, 'HTTP/2 has begun');
my $next = knock($small, 'first');
like($h2->read_all, qr/\0\0\x08\x07\0\0{4}/, 'a client of HTTP/2 without a request gets GOAWAY');
$h2->close;
is_served($next, 'and has made room');
$small->stop;

my $flexilib = serve(first => '', top => 'max_connections_per_address: 2');
my @own      = map { my $c = knock($flexilib, 'first'); is_served($c, "one client, connection $_"); $c } 1 .. 2;
my $third    = connect_to($flexilib, 'first');
is($third->read_all, '', 'a third one is closed without an answer');
$flexilib->wait_log(qr/warning: 127\.0\.0\.1 has 2 connections, as many as max_connections_per_address allows: a further one is closed \(refusal 1 of this worker\)/);

sub come_from {
    my ($address) = @_;
    my $connection = connect_to($flexilib, 'second');
    my $family = $address =~ /:/ ? 'TCP6' : 'TCP4';
    my $target = $address =~ /:/ ? '::1'  : '127.0.0.1';
    $connection->send("PROXY $family $address $target 1 2\r\n");
    $connection->send_request(GET => '/hello');
    return $connection;
}
my @others = map { come_from($_) } qw(192.0.2.1 192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2 2001:db8:0:1::1);
is_served($_, 'clients that a proxy tells of are told apart') for @others;
for my $address (qw(192.0.2.1 2001:db8::3)) {
    is(come_from($address)->read_all, '', "$address has had its share, in its network of IPv6");
}
$_->close for @others[0, 3];
sub comes_in {
    my ($address) = @_;
    for (1 .. 10_000) {
        my $connection = come_from($address);
        my $response   = $connection->read_response;
        return $connection if $response;
    }
    return;
}
ok(comes_in($_), "$_ has a place again when one of its connections has ended") for qw(192.0.2.1 2001:db8::3);

# The end of a worker is the end of what it had counted.
my @workers = $flexilib->worker_pids;
kill KILL => @workers;
$_->read_all for @own;
$flexilib->wait_log(qr/alert: worker \d+ of generation 1 was killed/) for @workers;
my $again;
for (1 .. 10_000) {
    $again = knock($flexilib, 'first');
    last if $again->read_response;
    undef $again;
}
ok($again, 'a client whose worker was killed comes in again');
done_testing;
