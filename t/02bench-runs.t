# ./dev bench works: cases run to their ends and print their tables, and nothing is left running, also when it is stopped.
# The figures are no part of the claim.

use lib 't/lib';
use FlexiLib::Test;

need(qw(nginx wrk h2load taskset setpriv));
my $run = root_folder() . '/bench/run';
plan(skip_all => 'bench/ is not built') if grep { !-e build_folder() . "/bench/$_" } qw(backend noop.so back.so handshakes hold);

my @peers   = ('--peers', 'flexilib,nginx');
my @options = ('--build', build_folder(), @peers, qw(--rounds 1 --seconds 0.2 --connections 4 --idle 20));

my $listed = run_command([$run, '--list']);
my @cases  = $listed->{out} =~ /^  (\S+) +\S/mg;
is($listed->{status}, 0, 'cases are listed');
is($cases[0], 'router', 'the one without a server first');

my $wrong = run_command([$run, @options, 'functoin']);
is($wrong->{status}, 2, 'a case that is unknown is refused');
like($wrong->{err}, qr/there is no case functoin\n/, 'by its name');

# One of each way to measure.
for my $case (qw(function tls-get-proxied fixed-rate http2-get-proxied tls-resumed idle-http2-tls spread attacks)) {
    ok((grep { $_ eq $case } @cases), "$case is a case");
    my $result = run_command([$run, @options, $case], timeout => 60);
    is($result->{status}, 0, "$case runs to its end") or diag($result->{out} . $result->{err});
    is($result->{err}, '', 'without a complaint');
    like($result->{out}, qr/^$case: /m, 'and prints its title');
    unlike($result->{out}, qr/failed/, 'no request fails');
    my ($table) = $result->{out} =~ /^$case: .*\n((?:  .*\n)+)/m;
    like($table // '', qr/^ +(?:CPU|PSS|workers).*\n(?:  \w\S* +[\d.]+.*\n){2,}/m, 'and the figures of its servers');
    like($result->{out}, qr/^Goals missed: \d+\n\z/m, 'and how many goals are missed');
}

my $crash = run_command([root_folder() . '/bench/crash', '--build', build_folder(), qw(--crashes 1 --pause 0.05 --settle 0.1)]);
is($crash->{status}, 0, 'crash runs to its end') or diag($crash->{out} . $crash->{err});
like($crash->{out}, qr/^  2 workers +none .*\n  1 worker +none .*\n  isolated +502 +0\.0 +0\.0 +0\.0 +0\.0 /m, 'and says what each crash costs');
my $isolated = run_command([root_folder() . '/bench/isolated', '--build', build_folder(), qw(--rounds 1 --requests 5)]);
is($isolated->{status}, 0, 'calls to a process of its own are measured') or diag($isolated->{err});
like($isolated->{out}, qr/^isolated: .*\n(?:  .*\n)+  beyond +(?:-?[\d.]+ +){3}goal: /m, 'beside those in the worker');

my $running = FlexiLib::Test::Process->start(dir => make_folder(), command => [$run, @options, qw(--seconds 600 function)]);
$running->wait_line(stdout => qr/^function: /);
my @pids = tree_of($running->pid);
cmp_ok(scalar @pids, '>=', 6, 'a driver, a backend and two servers with their workers run');
kill 'INT', $running->pid;
isnt($running->wait_status, 0, 'it ends when it is interrupted');
is(join(' ', grep { is_alive($_) } @pids), '', 'with all that it has started');

done_testing;

sub read_stat {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/stat" or return;
    return scalar(<$file>) =~ /^\d+ \((.*)\) (\S) (\d+)/s;
}

sub tree_of {
    my ($root) = @_;
    my @tree = ($root);
    for my $parent (@tree) {
        push @tree, grep { ((read_stat($_))[2] // 0) == $parent } map { m{(\d+)} } glob '/proc/[0-9]*';
    }
    return @tree;
}

# Orphans may still wait for somebody to take their status.
sub is_alive {
    my ($pid) = @_;
    my (undef, $state) = read_stat($pid);
    return defined $state && $state ne 'Z' && $state ne 'X';
}
