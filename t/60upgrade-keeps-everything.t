# USR2 puts the program on disk in the place of the one that runs: same process, same sockets, not a request lost, and
# tunnels live on with the workers they are in.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Program;
use Digest::SHA qw(sha1_base64);
use IO::Socket::UNIX;

my $backend = start_backend(sub {
    my ($connection) = @_;
    my $request = $connection->read_request or return;
    my $accept  = sha1_base64(($request->header('sec-websocket-key') // '') . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
    $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            . "Sec-WebSocket-Accept: $accept\r\n\r\n");
    while (defined(my $line = $connection->read_until(qr/\n/))) {
        $connection->send("echo $line");
    }
});
my $one     = test_library('answer_one');
my $folder  = make_folder();
my $program = FlexiLib::Test::Program->install("$folder/flexilib");
my $version = $program->version;
write_file("$folder/flexilib.yaml", <<"END");
listen: [127.0.0.1:0, "unix:$folder/front.sock"]
workers: 2
access_log: $folder/access.log
upstreams:
  back: { servers: ["@{[$backend->url]}", "http://127.0.0.1:9"] }
routes:
  - { match: /echo, proxy: back }
  - { match: /, handler: $one }
END
my $server = FlexiLib::Test::Server->start(
    name          => 'flexilib',
    dir           => $folder,
    command       => [$program->path, '-c', 'flexilib.yaml'],
    env           => { FLEXILIB_RUNTIME_DIR => $folder },
    expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 9 /,
);
$server->wait_serving;

sub command {
    my @words = @_;
    return run_command([build_folder() . '/flexilib', @words, '-c', "$folder/flexilib.yaml"], env => { FLEXILIB_RUNTIME_DIR => $folder });
}

sub echoes {
    my ($tunnel, $word) = @_;
    $tunnel->send("$word\n");
    return $tunnel->read_until(qr/\n/) eq "echo $word\n";
}

sub listening_inodes {
    my ($port) = $server->port;
    my $hex = sprintf ':%04X', $port;
    return join ' ', map { (split ' ')[9] } grep { /^\s*\d+: \S+\Q$hex\E \S+ 0A / } split /\n/, read_file('/proc/net/tcp');
}

my $tunnel = $server->connect;
$tunnel->send_request(GET => '/echo', headers => [Connection => 'upgrade', Upgrade => 'websocket']);
is($tunnel->read_response->status, 101, 'a tunnel is open');
ok(echoes($tunnel, 'a'), 'and carries bytes');
my $drained = command('server', 'back', 'http://127.0.0.1:9', 'drain');
is($drained->{err}, '', 'a server is drained by hand');
my $inode = listening_inodes();
my %old = map { $_ => 1 } $server->worker_pids;

my $load = start_load($server, connections => 4, expect => qr/\Aone\n\z/);
$load->wait_running;
my $newer = $program->next_version;
$program->replace(version => $newer);
$server->signal('USR2');
my $origin = $program->path;
$server->wait_log(qr/info: upgrading from \Q$origin\E$/);
my $line = $server->wait_log(qr/info: flexilib \Q$newer\E has taken over from flexilib \Q$version\E$/);
like($line, qr/ \[@{[$server->pid]}\] /, 'the new program runs in the old process');
$server->wait_serving(2);
is_deeply($load->stop->{failures}, [], 'no request fails');
is(listening_inodes(), $inode, 'the listening socket is the very same');
is(request($server, GET => '/')->body, "one\n", 'it serves');
is(request($server, GET => '/', listener => 1)->body, "one\n", 'on the unix socket too');
ok(echoes($tunnel, 'b'), 'the tunnel lives on');
like(command('server', 'back')->{out}, qr{http://127\.0\.0\.1:9\s.*\bdraining\b}, 'a server that was drained by hand stays so');
is(readlink('/proc/' . $server->pid . '/exe'), $program->path, 'the process runs what is on disk');
for my $pid (grep { !$old{$_} } $server->worker_pids) {
    is(readlink("/proc/$pid/exe"), $program->path, 'so does a new worker');
}

my ($keeper) = grep { $old{$_} } $server->worker_pids;
ok(defined $keeper, 'the old worker with the tunnel is still there');
$server->signal('USR1');
$server->wait_log(qr/info: logs reopened/);
$server->reload;
$server->wait_serving(3);
ok(echoes($tunnel, 'c'), 'a reload by the new program leaves it alone');

my $newest = $program->next_version;
$program->replace(version => $newest);
$server->signal('USR2');
$server->wait_log(qr/info: flexilib \Q$newest\E has taken over from flexilib \Q$newer\E$/);
$server->wait_serving(4);
ok(echoes($tunnel, 'd'), 'so does a second upgrade');
kill 'KILL', $keeper;
$server->wait_log(qr/alert: worker $keeper of generation 1 was killed by signal 9 /);
$server->wait_log(qr/generation 1 has drained/);
ok($tunnel->is_closed, 'a worker that three programs have led is buried with its generation');

sub descriptors {
    command('server');    # once it is answered, what was under way before is done
    return join "\n", sort map { readlink($_) =~ s/\d+/N/r } glob '/proc/' . $server->pid . '/fd/*';
}
my $count     = descriptors();
my ($control) = grep { !/\.lock$/ } glob "$folder/control-*";
my $slow      = IO::Socket::UNIX->new(Peer => $control) or die "cannot connect to $control: $!";
syswrite $slow, "flexilib\t1\tser";
my $result = command('upgrade');
is($result->{err}, '', 'a command upgrades too');
like($result->{out}, qr/\Aflexilib \Q$newest\E has taken over from flexilib \Q$newest\E\nreload 5: generation 5 serves/,
    'and waits until a new generation serves');
$server->wait_serving(5);
syswrite $slow, "vers\n";
like(do { local $/; <$slow> }, qr/^server\t.*\nend\t0\n\z/s, 'a request of which the old program has read the half is answered by the new one');
close $slow;
$server->wait_log(qr/generation 4 has drained/);
is(descriptors(), $count, 'no descriptor is left over from an upgrade');
$server->stop;
is_deeply([glob "$folder/control-* $folder/flexilib-*"], [], 'it leaves nothing behind');

done_testing;
