# Without a watchdog in the worker, the supervisor notices by itself that a loop stands still; and it leaves a worker alone
# while a debugger is attached to it.

use lib 't/lib';
use FlexiLib::Test;
use File::Basename qw(dirname);
use POSIX ();

# A copy, as the user may have no way to the folder in which the tests run.
my $folder = make_folder();
my $hang   = write_file("$folder/hang.so", read_file(test_library('hang')));
chmod 0755, dirname($folder), $folder, $hang;
my $user = $> == 0 ? "user: nobody\n" : '';
my $config = <<"END";
listen: 127.0.0.1:0
workers: 1
stuck_timeout: 400ms
${user}routes:
  - { match: /, handler: $hang }
END
my %ptrace = (x86_64 => 101, aarch64 => 117);
my $ptrace = $ptrace{(POSIX::uname())[4]};
my ($seize, $alerts) = (0x4206, qr/was stuck for \d+\.\d s and is killed/);

sub block {
    my ($flexilib) = @_;
    my $pid = request($flexilib, GET => '/')->body + 0;
    my $connection = $flexilib->connect;
    $connection->send_request(GET => '/loop');
    return ($connection, $pid);
}

SKIP: {
    skip('no number of ptrace is known for this machine', 3) if !defined $ptrace;
    my $flexilib = start_flexilib(config => $config, expect_alerts => $alerts);
    my $pid = request($flexilib, GET => '/')->body + 0;
    pipe my $reader, my $writer or die "pipe: $!";
    my $debugger = fork // die "fork: $!";
    if ($debugger == 0) {
        syswrite $writer, syscall($ptrace, $seize, $pid, 0, 0) == 0 ? 'y' : 'n';
        POSIX::pause();
        POSIX::_exit(0);
    }
    sysread $reader, my $is_attached, 1;
    if ($is_attached eq 'y') {
        my ($connection) = block($flexilib);
        $flexilib->wait_log(qr/warning: worker $pid of generation 1 is stuck, but not killed, as a debugger is attached to it/);
        ok(kill(0, $pid), 'a worker in a debugger is not killed');
    }
    kill KILL => $debugger;
    waitpid $debugger, 0;
    skip('nothing can be debugged here', 2) if $is_attached ne 'y';
    ok($flexilib->wait_log(qr/alert: worker $pid of generation 1 was stuck/), 'without the debugger it is');
    like(request($flexilib, GET => '/')->body, qr/^\d+$/, 'and replaced');
    $flexilib->stop;
}

SKIP: {
    skip('only root can make a user that has no threads', 3) if $> != 0 || is_sanitized();
    my $flexilib = start_flexilib(config => $config, expect_alerts => $alerts);
    is(run_command(['prlimit', '--nproc=0', '--pid', $flexilib->pid])->{status}, 0, 'workers may start no threads from here on');
    $flexilib->reload;
    $flexilib->wait_log(qr/warning: cannot start a thread that watches the event loop: /);
    $flexilib->wait_serving(2);
    my ($connection, $pid) = block($flexilib);
    like($flexilib->wait_log(qr/alert: worker $pid of generation 2 was stuck/),
        qr/in filter '\S*hang\.so' \(on_request_head\) for request [0-9a-f]{16}/, 'a loop that nobody watches is seen nevertheless');
    like(request($flexilib, GET => '/')->body, qr/^\d+$/, 'and its worker replaced');
}

# One create that does not return is not waited for as long as a whole start is; but this takes its time.
SKIP: {
    skip('FLEXILIB_HANGS=1 waits for it', 1) if !$ENV{FLEXILIB_HANGS} || is_sanitized();
    my $fatal = test_library('fatal');
    my $hanging = run_flexilib(['-c', 'flexilib.yaml'], config => <<"END", env => { FLEXILIB_START_TIMEOUT => undef });
listen: 127.0.0.1:0
routes:
  - { match: /, handler: { use: $fatal, options: { how: hang } } }
END
    like($hanging->{err}, qr/error: worker \d+ was not ready within [5-7]\.\d{3} s, in filter '\S*fatal\.so' \(create\)$/m, 'a create has five seconds');
}

done_testing;
