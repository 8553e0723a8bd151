# As process 1 of a container: signals work, though the kernel gives that process none it has not asked for, and orphans
# of others are reaped.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Wait qw(deadline);
use Fcntl qw(O_NONBLOCK O_WRONLY);
use POSIX ();

need($_) for qw(unshare nsenter);
my $probe = run_command([qw(unshare --pid --fork --mount-proc true)]);
plan(skip_all => "no process namespaces here: $probe->{err}") if $probe->{status} != 0;

my $folder = make_folder();
write_file("$folder/flexilib.yaml", <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, respond: { body: hello } }
END
POSIX::mkfifo("$folder/fifo", 0600) or die "mkfifo: $!";

sub children_of {
    my ($pid) = @_;
    my @pids = split " ", read_file("/proc/$pid/task/$pid/children");
    return @pids;
}

my $server = FlexiLib::Test::Server->start(
    name          => 'flexilib',
    dir           => $folder,
    command       => [qw(unshare --pid --fork --mount-proc --kill-child), build_folder() . '/flexilib', '-c', 'flexilib.yaml'],
    expect_alerts => qr/alert: worker \d+ of generation 2 was killed by signal 9 /,
);
$server->wait_serving;
like($server->log, qr/ \[1\] info: generation 1 is serving/, 'it is process 1');
my ($one) = children_of($server->pid);

# From within, as the container's tools do.
sub inside {
    my (@command) = @_;
    my $result = run_command([qw(nsenter --pid --target), $one, '--', @command], dir => $folder);
    is($result->{status}, 0, "@command") or diag($result->{err});
    return;
}
inside(qw(kill -HUP 1));
$server->wait_serving(2);
$server->wait_log(qr/generation 1 has drained/);
is(request($server, GET => '/')->body, 'hello', 'HUP reloads');
inside(qw(kill -USR1 1));
$server->wait_log(qr/info: logs reopened/);
my ($worker) = children_of($one);
kill 'KILL', $worker;
$server->wait_log(qr/alert: worker \d+ of generation 2 was killed by signal 9 /);
is(request($server, GET => '/')->body, 'hello', 'a killed worker is replaced');

my ($own) = children_of($one);
inside('setsid', 'sh', '-c', 'cat fifo >/dev/null 2>&1 &');    # out of the group that ends with the command
# What the kernel lists here may lack one while others come and go.
my $until = deadline();
request($server, GET => '/') while children_of($one) < 2 && time < $until;
is(scalar(children_of($one)), 2, 'a process whose parent has gone is its child');
my $end;
request($server, GET => '/') while !sysopen($end, "$folder/fifo", O_WRONLY | O_NONBLOCK) && time < $until;
close $end;
request($server, GET => '/') while children_of($one) > 1 && time < $until;
is_deeply([children_of($one)], [$own], 'and leaves no zombie behind');
is(request($server, GET => '/')->body, 'hello', 'it serves on');

inside(qw(kill -USR2 1));
$server->wait_log(qr/has taken over from/);
$server->wait_serving(3);
inside(qw(kill -TERM 1));
$server->check_exit(0);
like($server->log, qr/ \[1\] info: stopped/, 'TERM stops it');

done_testing;
