# A tunnel passes on what each end does: bytes as fast as the other takes them, the end of one direction, a break; and it
# is closed when nothing moves.

use lib 't/lib';
use FlexiLib::Test;

my $size    = 30_000_000;
my $pattern = join '', map { chr(32 + $_ * 7 % 90) } 0 .. 9999;
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request or return;
        my $path    = $request->target;
        $connection->limit_buffer(65536);
        $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
        if ($path eq '/client-finishes') {
            my $all = $connection->read_all;
            $connection->send("after the end of $all");
        } elsif ($path eq '/server-finishes') {
            $connection->send('all of it');
            $connection->finish;
            $connection->tell('got ' . $connection->read_all . ($connection->is_reset ? ' and a reset' : ''));
        } elsif ($path eq '/flood') {
            my $sent = 0;
            $sent += $connection->send($pattern) while $sent < $size;
            $connection->finish;
            $connection->tell("flooded $sent");
            $connection->read_all;
        } elsif ($path eq '/sink') {
            $connection->wait_go;
            my $all = $connection->read_all;
            $connection->tell('got ' . length($all) . ($all eq $pattern x ($size / length $pattern) ? ' exactly' : ' wrongly'));
        } elsif ($path eq '/both') {
            my $got = 0;
            for (1 .. $size / length $pattern) {
                $connection->send($pattern);
                $got += length $connection->read_bytes(length $pattern);
            }
            $connection->tell("both $got");
        } elsif ($path eq '/resets') {
            $connection->send('half');
            $connection->wait_go;
            $connection->reset;
        } elsif ($path eq '/dies') {
            $connection->send('half');
            $connection->wait_go;
            $connection->close;
        } else {
            $connection->send('ready');
            $connection->tell(($connection->read_all ne '' ? 'bytes and ' : '') . ($connection->is_reset ? 'a reset' : 'an end'));
        }
    }
);
my $url      = $backend->url;
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
access_log: "-"
upstreams:
  patient: { servers: "$url", retry: no }
  hasty: { servers: "$url", tunnel_timeout: 100ms, response_timeout: 20s }
routes:
  - { match: /hasty, proxy: { to: hasty, strip: /hasty } }
  - { match: /, proxy: patient }
END

sub open_tunnel {
    my ($path) = @_;
    my $client = connect_to($flexilib);
    $client->limit_buffer(65536);
    $client->send_request(GET => $path, headers => [Connection => 'upgrade', Upgrade => 'websocket']);
    is($client->read_response->status, 101, "$path: a tunnel");
    return $client;
}

my $client = open_tunnel('/client-finishes');
$client->send('what the client says');
$client->finish;
is($client->read_all, 'after the end of what the client says', 'the client has finished, the server goes on');
ok(!$client->is_reset, 'and both end well');

$client = open_tunnel('/server-finishes');
is($client->read_all, 'all of it', 'the server has finished');
$client->send('the client goes on');
$client->finish;
is($backend->wait_told(qr/got/), 'got the client goes on', 'and hears the rest of the client');

$client = open_tunnel('/flood');
is(request($flexilib, GET => '/nothing', headers => [Connection => 'upgrade', Upgrade => 'websocket'])->status, 101,
    'others are served while nobody reads');
my $memory = worker_memory();
my $all = $client->read_all;
ok($all eq $pattern x ($size / length $pattern), '30 MB come exactly, although nobody read at first') or diag(length $all);
$client->close;

$client = open_tunnel('/sink');
if (my $child = fork // die) {
    $backend->go;
    is($backend->wait_told(qr/^got/), "got $size exactly", '30 MB go exactly to a server that does not read at first');
    waitpid $child, 0;
} else {
    $client->send($pattern) for 1 .. $size / length $pattern;
    $client->finish;
    require POSIX;
    POSIX::_exit(0);
}
$client->close;
cmp_ok($memory, '<', 40_000, 'and FlexiLib keeps little of it') if !is_sanitized();

$client = open_tunnel('/both');
my $got = 0;
for (1 .. $size / length $pattern) {
    $client->send($pattern);
    $got += length $client->read_bytes(length $pattern);
}
is($got, $size, '30 MB both ways at once');
is($backend->wait_told(qr/^both/), "both $size", 'at both ends');

$client = open_tunnel('/resets');
is($client->read_bytes(4), 'half', 'a server that breaks');
$backend->go;
is($client->read_all, '', 'says no more');
ok($client->is_reset, 'and the client can tell that from an end');

$client = open_tunnel('/dies');
is($client->read_bytes(4), 'half', 'a server that leaves');
$backend->go;
is($client->read_all, '', 'says no more');
ok(!$client->is_reset, 'in good order');

$client = open_tunnel('/watch');
is($client->read_bytes(5), 'ready', 'a client that leaves');
$client->close;
is($backend->wait_told(qr/^an? \w+$/), 'an end', 'leaves the server too');

$client = open_tunnel('/watch');
is($client->read_bytes(5), 'ready', 'a client that breaks');
$client->reset;
is($backend->wait_told(qr/^an? \w+$/), 'a reset', 'breaks with the server too');

$client = open_tunnel('/hasty/watch');
is($client->read_bytes(5), 'ready', 'one where nothing moves');
is($client->read_all, '', 'is closed');
ok(!$client->is_reset, 'for the client');
is($backend->wait_told(qr/^an? \w+$/), 'an end', 'and for the server');
$flexilib->wait_log(qr/info: upstream 'hasty': a tunnel is closed in which nothing moved for 100 ms \(request/);

sub worker_memory {
    my ($pid) = $flexilib->worker_pids;
    my ($kilobytes) = read_file("/proc/$pid/smaps_rollup") =~ /^Private_Dirty:\s+(\d+)/m;
    return $kilobytes;
}

done_testing;
