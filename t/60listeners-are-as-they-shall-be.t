# A unix socket's mode, owner and group, and how many connections may wait: from the first moment, and after a reload on the
# very socket that is there. Nothing that cannot be leaves a trace.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my $socket = "$folder/front.sock";

sub config {
    my ($keys) = @_;
    return <<"END";
listen:
  - { name: socket, address: "unix:$socket"$keys }
  - { name: port, address: "127.0.0.1:0"@{[$keys =~ /(, backlog: \d+)/ ? $1 : '']} }
workers: 1
routes:
  - { match: /, respond: 204 }
END
}

sub file { return join ' ', map { $_->[0] & 07777, @$_[1, 2] } [(stat $socket)[2, 4, 5]] }
sub backlog {
    my ($line) = grep { /:@{[$_[0]->port('port')]}\s/ } split /\n/, run_command(['ss', '-ltnH'])->{out};
    return $line =~ /^LISTEN\s+\d+\s+(\d+)/ ? $1 : 'none';
}
my ($most) = read_file('/proc/sys/net/core/somaxconn') =~ /(\d+)/;
sub capped { return $_[0] < $most ? $_[0] : $most }

umask 022;
need('ss');
my ($uid, $gid) = ($>, (split ' ', $))[0]);
my $flexilib = start_flexilib(config => config(', mode: 0620, backlog: 7'));
is(file(), 0620 . " $uid $gid", 'the mode that is written');
is(backlog($flexilib), 7, 'and the backlog');
my $inode = (stat $socket)[1];

my $generation = 1;
sub reload {
    my ($keys) = @_;
    $flexilib->write_file('flexilib.yaml', config($keys));
    $flexilib->reload;
    $generation++;
    $flexilib->wait_log(qr/generation $generation is serving/);
    return;
}

reload(', mode: 0666, backlog: 9');
is(file(), 0666 . " $uid $gid", 'a reload changes the mode');
is(backlog($flexilib), 9, 'and the backlog');
reload('');
is(file(), 0755 . " $uid $gid", 'without a mode the umask decides');
is(backlog($flexilib), capped(4096), 'without a backlog it is 4096, or what the system allows');
is((stat $socket)[1], $inode, 'the socket is the same all the time');
is(request("unix:$socket", GET => '/')->status, 204, 'and serves');

sub fails {
    my ($keys, $reason) = @_;
    $flexilib->write_file('flexilib.yaml', config($keys));
    $flexilib->signal('HUP');
    $generation++;
    $flexilib->wait_log(qr/error: generation $generation failed: flexilib\.yaml:2:\d+: \Q$reason\E/);
    is(file(), 0755 . " $uid $gid", "$reason: nothing has changed");
    return;
}
fails(', mode: 0600, owner: nobody-of-that-name', "user 'nobody-of-that-name' does not exist here");
fails(', mode: 0600, group: nothing-of-that-name', "group 'nothing-of-that-name' does not exist here");

SKIP: {
    skip 'only root can give files away', 7 if $> != 0;
    my ($user, $group) = (scalar getpwnam('nobody'), scalar getgrnam('daemon'));
    reload(', mode: 0660, owner: nobody, group: daemon');
    is(file(), 0660 . " $user $group", 'owner and group');
    reload(', mode: 0660, owner: 4711, group: 4712');
    is(file(), 0660 . ' 4711 4712', 'by number');
    reload('');
    is(file(), 0755 . " $uid $gid", 'and ours again');
    my $other = "$folder/other.sock";
    my $second = start_flexilib(config => "user: nobody\nlisten: { address: \"unix:$other\", mode: 0600, owner: daemon }\nroutes:\n  - { match: /, respond: 204 }\n");
    is((stat $other)[4], scalar getpwnam('daemon'), 'workers that are somebody else have it too');
    my $open = File::Temp::tempdir('flexilib-test-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0777, $open;
    write_file("$open/third.yaml", "listen: { address: \"unix:$open/third.sock\", owner: daemon }\nroutes:\n  - { match: /, respond: 204 }\n");
    my @nobody = ('setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups');
    my $third  = run_command([@nobody, build_folder() . '/flexilib', '-c', "$open/third.yaml"], env => { FLEXILIB_RUNTIME_DIR => $open });
    like($third->{err}, qr/cannot listen on .*: operation not permitted \(only root can give a socket to another user/, 'who is not root is told') or diag(explain($third));
    ok(!-e "$open/third.sock", 'and no file stays behind');

    my $routes = "routes:\n  - { match: /, respond: 204 }\n";
    write_file("$open/fourth.yaml", "listen: { address: \"unix:$open/fourth.sock\" }\n$routes");
    my $fourth = FlexiLib::Test::Server->start(
        name    => 'flexilib',
        dir     => $open,
        command => [@nobody, build_folder() . '/flexilib', '-c', 'fourth.yaml'],
        env     => { FLEXILIB_RUNTIME_DIR => $open },
    );
    $fourth->wait_serving;
    write_file("$open/fourth.yaml", "listen: { address: \"unix:$open/fourth.sock\", mode: 0600, group: daemon }\n$routes");
    $fourth->signal('HUP');
    $fourth->wait_log(qr/error: generation 2 failed: .*operation not permitted \(only root can give a socket to another user, and to a group it is not in\)/);
    is((stat "$open/fourth.sock")[2] & 07777, 0755, 'nor is it changed by half in a reload');
    $fourth->stop;
}
done_testing;
