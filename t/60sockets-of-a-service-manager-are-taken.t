# A service manager that opens sockets before FlexiLib starts (systemd's socket activation) hands them over by LISTEN_FDS.

use lib 't/lib';
use FlexiLib::Test;
use Fcntl qw(F_SETFD);
use Socket;

my $folder = make_folder();
my (@sockets, @ports);
for (1 .. 3) {
    socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
    listen($socket, 16) or die "listen: $!";
    fcntl $socket, F_SETFD, 0;
    push @sockets, $socket;
    push @ports, (unpack_sockaddr_in(getsockname $socket))[0];
}
socket(my $unix, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
bind($unix, pack_sockaddr_un("$folder/front.sock")) or die "bind: $!";
listen($unix, 16) or die "listen: $!";
fcntl $unix, F_SETFD, 0;
socket(my $datagrams, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
fcntl $datagrams, F_SETFD, 0;

write_file("$folder/flexilib.yaml", <<"END");
listen: [127.0.0.1:$ports[0], 127.0.0.1:$ports[1], "unix:$folder/front.sock", 127.0.0.1:0]
workers: 1
routes:
  - { match: /, respond: { body: "{listener.address}" } }
END

# What systemd does: the sockets from descriptor 3 on, and the pid of the process that it executes.
my $starter = <<'END';
    use POSIX ();
    my ($pid, $fds, @command) = @ARGV;
    my @fds = map { POSIX::dup2($_, 100 + $_) } split /,/, $fds;
    POSIX::dup2($fds[$_], 3 + $_) for 0 .. $#fds;
    POSIX::close($_) for @fds;
    $ENV{LISTEN_PID} = $pid eq 'own' ? $$ : $pid;
    $ENV{LISTEN_FDS} = @fds;
    exec @command;
END

sub start {
    my ($pid, @handed) = @_;
    my $server = FlexiLib::Test::Server->start(
        name    => 'flexilib',
        dir     => $folder,
        command => [$^X, '-e', $starter, $pid, join(',', map { fileno $_ } @handed), build_folder() . '/flexilib', '-c', 'flexilib.yaml'],
        env     => { LISTEN_FDNAMES => 'one:two:web.socket:more:odd' },
    );
    return $server;
}

my $waiting = connect_to("127.0.0.1:$ports[0]");
$waiting->send_request(GET => '/');
my $server = start(own => @sockets[0, 1], $unix, $sockets[2], $datagrams);
$server->wait_serving;
is($waiting->read_response->status, 200, 'a client that waited since before the start is served');
is(request("127.0.0.1:$ports[1]", GET => '/')->status, 200, 'a second socket is taken by its address');
is(request("unix:$folder/front.sock", GET => '/')->status, 200, 'and a unix socket by its path');
is(request($server, GET => '/', listener => 3)->status, 200, 'what was not handed over is opened');
like($server->log, qr/warning: LISTEN_FDS: 'odd' is no listening socket that could be used/, 'what is no listening socket is warned of');
like($server->log, qr/warning: LISTEN_FDS: nothing in the configuration listens on 127\.0\.0\.1:$ports[2]$/m, 'so is one that nobody wants');
for my $pid ($server->worker_pids) {
    unlike(read_file("/proc/$pid/environ"), qr/LISTEN_/, 'a worker does not believe that it is meant');
}
$server->reload;
$server->wait_serving(2);
is(request("127.0.0.1:$ports[0]", GET => '/')->status, 200, 'after a reload it has them still');
$server->signal('USR2');
$server->wait_serving(3);
is(request("unix:$folder/front.sock", GET => '/')->status, 200, 'and after an upgrade');
$server->stop;
ok(-S "$folder/front.sock", 'the file of a socket that is not its own is left');
my $later = connect_to("127.0.0.1:$ports[0]");
ok($later, 'the manager has its sockets still, and clients wait in them');

my $again = start(own => @sockets[0, 1], $unix);
$again->wait_serving;
$later->send_request(GET => '/');
is($later->read_response->status, 200, 'until it is started again');
$again->stop;

write_file("$folder/flexilib.yaml", "listen: 127.0.0.1:0\nroutes:\n  - { match: /, respond: 204 }\n");
my $other = start(1, $datagrams);
$other->wait_serving;
unlike($other->log, qr/LISTEN_FDS/, 'sockets that are meant for another process are left alone');
$other->stop;
done_testing;
