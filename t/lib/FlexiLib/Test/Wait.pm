package FlexiLib::Test::Wait;

# Waiting for something to happen, with one deadline for everything and never a sleep.

use strict;
use warnings;

use Errno qw(EINTR);
use Exporter qw(import);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(build_folder deadline is_sanitized make_environment wait_exit wait_readable wait_writable);

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

# Says whether the programs under test are built with sanitizers.
my $sanitized;
sub is_sanitized {
    if (!defined $sanitized) {
        $sanitized = 0;
        if (open my $cache, '<', build_folder() . '/CMakeCache.txt') {
            $sanitized = grep({ /^SANITIZE:BOOL=(?:ON|1|YES|TRUE)$/ } <$cache>) ? 1 : 0;
        }
    }
    return $sanitized;
}

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
    my $crash = $is_crash_expected ? ':handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0' : '';
    $environment{ASAN_OPTIONS}  = "detect_leaks=1:halt_on_error=1:detect_stack_use_after_return=1$crash";
    $environment{UBSAN_OPTIONS} = "print_stacktrace=1:halt_on_error=1$crash";
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
