package FlexiLib::Test::Wait;

# Waiting for something to happen, with one deadline for everything and never a sleep.

use strict;
use warnings;

use Errno qw(EINTR);
use Exporter qw(import);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(build_folder deadline end_with_parent is_sanitized sanitizer make_environment wait_exit wait_readable wait_writable);

# Where the programs under test stand, as an absolute path.
sub build_folder {
    my $folder = $ENV{FLEXILIB_BUILD} // 'build';
    if ($folder !~ m{^/}) {
        my ($root) = __FILE__ =~ m{^(.*)/t/lib/FlexiLib/Test/Wait\.pm$};
        require Cwd;
        $folder = Cwd::abs_path($root // '.') . "/$folder";
    }
    return $folder;
}

# Where a test is killed nobody ends its processes, and whoever waits for their output waits for ever.
sub end_with_parent { return syscall 157, 1, 9, 0, 0, 0 }    # prctl(PR_SET_PDEATHSIG, SIGKILL)

# What the programs under test are built with: "address" (and undefined behaviour), "thread", or "".
my $sanitizer;
sub sanitizer {
    if (!defined $sanitizer) {
        open my $cache, '<', build_folder() . '/CMakeCache.txt';
        my ($wanted) = map { /^SANITIZE:\w+=(\w+)$/ } $cache ? <$cache> : ();
        $wanted //= 'OFF';
        $sanitizer = $wanted eq 'THREADS' ? 'thread' : $wanted =~ /^(?:ON|1|YES|TRUE)$/ ? 'address' : '';
    }
    return $sanitizer;
}
sub is_sanitized { return sanitizer() ne '' }

# The moment at which a wait that begins now gives up.
sub deadline {
    my ($seconds) = @_;
    $seconds //= $ENV{FLEXILIB_TEST_TIMEOUT} // 20;
    return time() + $seconds * (is_sanitized() ? 4 : 1);
}

sub wait_for {
    my ($handle, $deadline, $for_writing) = @_;
    while (1) {
        my $left = $deadline - time();
        $left = 0 if $left < 0;
        my $bits = '';
        vec($bits, fileno($handle), 1) = 1;
        my $found = $for_writing ? select(undef, $bits, undef, $left) : select($bits, undef, undef, $left);
        return 1 if $found > 0;
        return 0 if $found == 0 || !$!{EINTR};
    }
}

# True when the handle can be read (or is at its end), false when the deadline is over.
sub wait_readable { return wait_for($_[0], $_[1], 0) }
sub wait_writable { return wait_for($_[0], $_[1], 1) }

# Reaps a child of ours: its wait status, or undef when the deadline is over.
sub wait_exit {
    my ($pid, $deadline) = @_;
    my $descriptor = syscall(434, $pid, 0);    # pidfd_open: readable once the process has ended
    if ($descriptor >= 0) {
        open my $handle, '<&=', $descriptor or die "cannot use a pidfd: $!";
        return if !wait_readable($handle, $deadline);
    }
    waitpid($pid, 0) == $pid or die "process $pid is not ours to wait for";
    return $?;
}

# The environment of a program under test: ours without what would change its behaviour, with sanitizers set to be
# strict, and with the additions given (undef removes a variable).
sub make_environment {
    my ($additions, $is_crash_expected) = @_;
    my %environment = %ENV;
    delete @environment{
        qw(PORT ADDRESS SERVER_THREAD_COUNT RESPONSE_PREALLOCATION_KB FLEXILIB_CONFIG SERVER_STARTER_PORT DEMO_BACKEND_PORT
            http_proxy HTTP_PROXY all_proxy ALL_PROXY)};
    $environment{FLEXILIB_ALLOW_ROOT} = 1;    # tests that are about something else need no user
    my $crash = $is_crash_expected ? ':handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0' : '';
    $environment{ASAN_OPTIONS}  = "detect_leaks=1:halt_on_error=1:detect_stack_use_after_return=1$crash";
    $environment{TSAN_OPTIONS}  = "halt_on_error=1:second_deadlock_stack=1$crash";
    $environment{UBSAN_OPTIONS} = "print_stacktrace=1:halt_on_error=1$crash";
    $environment{FLEXILIB_ADMIN} = 'off';    # programs that run side by side do not meet there
    $environment{FLEXILIB_STATE_DIR} = 'off';    # nor leave anything in anybody's home
    for my $name (keys %{ $additions // {} }) {
        if (defined $additions->{$name}) {
            $environment{$name} = $additions->{$name};
        } else {
            delete $environment{$name};
        }
    }
    return \%environment;
}

1;
