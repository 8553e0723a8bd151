package FlexiLib::Test::Server;

# A running FlexiLib.

use strict;
use warnings;

use FlexiLib::Test::Connection;
use FlexiLib::Test::Process;

our @ISA = ('FlexiLib::Test::Process');

use Test::More ();

# The lines on the console that no test expects unless it says so.
my $bad_line = qr/\balert: |ERROR: AddressSanitizer|ERROR: LeakSanitizer|LeakSanitizer:|WARNING: ThreadSanitizer|(?<!\.go:\d)(?<!\.go:\d\d): runtime error: |SUMMARY: .*Sanitizer/;
my $crash_loop = qr/alert: library '\S+' has crashed or hung 3 times within 30 s; no change has brought it lately, so it goes on$/;

sub start {
    my ($class, %option) = @_;
    $option{crashing} //= defined $option{expect_alerts};
    return $class->SUPER::start(%option);
}

# Waits until the generation serves (the first one: no number needed).
sub wait_serving {
    my ($self, $generation) = @_;
    $generation //= 1;
    return $self->wait_log(qr/generation $generation is serving/);
}

# Waits for a line on the console that matches. Each wait sees only what came after the line the last one returned.
sub wait_log {
    my ($self, $pattern) = @_;
    return $self->wait_line(stderr => $pattern);
}

# Waits for a line in the access log (where it goes to standard output).
sub wait_access {
    my ($self, $pattern) = @_;
    return $self->wait_line(stdout => $pattern);
}

sub log        { return $_[0]->text('stderr') }
sub access_log { return split /\n/, $_[0]->text('stdout') }

# The address of a listener, by number (from 0, in the order they were opened) or name; a wildcard address becomes
# loopback.
sub address {
    my ($self, $which) = @_;
    my (@all, %by_name);
    for my $line (split /\n/, $self->log) {
        my ($address, $name) = $line =~ /info: listening on (\S+)(?: \(listener '(.*)'\))?$/ or next;
        $address =~ s/^0\.0\.0\.0:/127.0.0.1:/;
        $address =~ s/^\[::\]:/[::1]:/;
        push @all, $address;
        $by_name{$name} = $address if defined $name;
    }
    $which //= 0;
    my $address = $which =~ /^\d+$/ ? $all[$which] : $by_name{$which};
    return $address // die "there is no listener $which; the console says:\n" . $self->log;
}

# The same for the admin listener.
sub admin_url {
    my ($self, $path) = @_;
    my @found = $self->log =~ /info: listening on (\S+) \(admin\)$/mg or die "there is no admin listener:\n" . $self->log;
    return "http://$found[-1]$path";
}

# What its admin listener tells as metrics.
sub metrics {
    my ($self) = @_;
    my $result = FlexiLib::Test::curl('-sf', $self->admin_url('/metrics'));
    Test::More::is($result->{status}, 0, 'metrics are told') or Test::More::diag($result->{err});
    return FlexiLib::Test::Metrics->new($result->{out});
}

sub port {
    my ($self, $which) = @_;
    my ($port) = $self->address($which) =~ /:(\d+)$/ or die 'that listener has no port';
    return $port;
}

# http://ADDRESS, for curl.
sub url {
    my ($self, $path, $which) = @_;
    return 'http://' . $self->address($which) . ($path // '/');
}

# A new connection to a listener.
sub connect {
    my ($self, $which) = @_;
    return FlexiLib::Test::Connection->open($self->address($which));
}

# What the first worker holds in memory, in kB.
sub worker_memory_kb {
    my ($self) = @_;
    my ($pid) = $self->worker_pids;
    open my $handle, '<', "/proc/$pid/status" or die "worker $pid has gone: $!";
    return (join('', <$handle>) =~ /^VmRSS:\s+(\d+) kB/m)[0];
}

# Whether the process runs in that role of the program.
sub has_role {
    my ($pid, $role) = @_;
    open my $handle, '<', "/proc/$pid/cmdline" or return 0;
    return ((split /\0/, <$handle> // '')[1] // '') eq $role;
}

# The ids of the workers, and of the runners, that the supervisor has started and not yet reaped, in ascending order.
sub worker_pids { return child_pids($_[0], '--worker') }
sub runner_pids { return child_pids($_[0], '--runner') }

sub child_pids {
    my ($self, $role) = @_;
    my @pids;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $handle, '<', $file or next;
        my $line = <$handle> // next;
        my ($pid, $state, $parent) = $line =~ /^(\d+) \(.*\) (\S) (\d+)/s or next;
        push @pids, $pid if $parent == $self->{pid} && $state ne 'Z' && has_role($pid, $role);
    }
    @pids = sort { $a <=> $b } @pids;
    return @pids;
}

sub reload {
    my ($self) = @_;
    return $self->signal('HUP');
}

# Replaces a file of the server's folder in one step.
sub write_file {
    my ($self, $name, $content) = @_;
    FlexiLib::Test::write_file("$self->{dir}/$name.new", $content);
    rename "$self->{dir}/$name.new", "$self->{dir}/$name" or die "cannot rename $name: $!";
    return;
}

# Closes the test's own connections, which a server that stops would wait for, ends the server by TERM (or another
# signal), and checks that it left with status 0 (or another), that none of its processes is left, and that its console is
# clean.
sub stop {
    my ($self, %option) = @_;
    return $self->check_console if $self->{is_stopped}++;
    FlexiLib::Test::Connection::close_all();
    $self->signal($option{signal} // 'TERM');
    return $self->check_exit($option{status} // 0);
}

# The same for a server that leaves by itself.
sub check_exit {
    my ($self, $wanted) = @_;
    $self->{is_stopped} = 1;
    my $status = $self->wait_status;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    my $got =
          !defined $status ? 'still running'
        : $status & 127    ? 'killed by signal ' . ($status & 127)
        :                    'status ' . ($status >> 8);
    Test::More::is($got, "status $wanted", "$self->{name} leaves with status $wanted") or $self->show_log;
    my $is_empty = defined $status && $self->wait_streams;
    Test::More::ok($is_empty, "$self->{name} leaves no process behind");
    $self->{is_checked} = 0;
    return $self->check_console;
}

sub check_console {
    my ($self) = @_;
    return if $self->{is_checked}++;
    my @bad = grep { /$bad_line/ } split /\n/, $self->log;
    @bad = grep { !/alert: / || ($_ !~ $self->{expect_alerts} && $_ !~ $crash_loop) } @bad if defined $self->{expect_alerts};
    local $Test::Builder::Level = $Test::Builder::Level + 3;
    Test::More::is(join("\n", @bad), '', "$self->{name} logs no alert and no sanitizer report") or $self->show_log;
    return;
}

sub show_log {
    my ($self) = @_;
    my @lines = split /\n/, $self->log;
    splice @lines, 0, @lines - 60 if @lines > 60;
    Test::More::diag("The console of $self->{name} (in $self->{dir}):");
    Test::More::diag("  $_") for @lines;
    return;
}

1;
