# A filter that blocks its worker is named, whatever way it blocks; where that lasts, the worker is replaced, and no other.

use lib 't/lib';
use FlexiLib::Test;

my $hang = test_library('hang');

sub start {
    my (%option) = @_;
    return start_flexilib(
        config => <<"END",
listen: 127.0.0.1:0
workers: 2
admin: unix:admin.sock
stuck_timeout: $option{timeout}
routes:
  - { match: /, handler: $hang }
END
        expect_alerts => qr/(?:was stuck for|was stopped for|lost its event loop's thread) \d+\.\d s(?: ago)? and is killed/,
    );
}

my $flexilib = start(timeout => '300ms');

# The worker that answers on a connection is the one that is asked to block there.
sub block {
    my ($path) = @_;
    my $connection = connect_to($flexilib);
    $connection->send_request(GET => '/');
    my $pid = $connection->read_response->body + 0;
    $connection->send_request(GET => $path);
    return ($connection, $pid);
}

my ($nap, $napper) = block('/nap');
$flexilib->wait_log(qr/warning: worker $napper of generation 1 has been blocked for over 0\.1 s, in filter '\S*hang\.so' \(on_request_head\) for request [0-9a-f]{16} \(GET \/nap\), at hang\.so\+0x[0-9a-f]+/);
is($nap->read_response->body, "$napper\n", 'what blocks for a while is named, and answers');
$flexilib->wait_log(qr/worker $napper of generation 1 goes on, having been blocked for 0\.[1-9] s/);
$nap->close;

for my $case (
    ['/loop',     'was stuck for'],
    ['/sleep',    'was stuck for'],
    ['/deadlock', 'was stuck for'],
    ['/deaf',     'was stuck for'],
    (is_sanitized() ? () : ['/allocate', 'was stuck for']), # their own allocator gives up
    ['/exit',     q{lost its event loop's thread}],
) {
    my ($path, $what) = @$case;
    my ($connection, $pid) = block($path);
    my @others = grep { $_ != $pid } $flexilib->worker_pids;
    my $line = $flexilib->wait_log(qr/worker $pid of generation 1 $what/);
    like($line, qr/alert: worker $pid of generation 1 $what \d+\.\d s(?: ago)? and is killed, in filter '\S*hang\.so' \(on_request_head\) for request [0-9a-f]{16}/,
        "$path: the worker $what");
    ok(!defined $connection->read_response, 'its request is lost');
    is(scalar(grep { !kill 0, $_ } @others), 0, 'no other worker is touched');
    like(request($flexilib, GET => '/')->body, qr/^\d+$/, 'and somebody answers');
}

# Stopped from outside, with nothing to do.
my $pid = request($flexilib, GET => '/')->body + 0;
kill STOP => $pid;
$flexilib->wait_log(qr/warning: worker $pid of generation 1 was stopped by a signal/);
$flexilib->wait_log(qr/alert: worker $pid of generation 1 was stopped for \d+\.\d s and is killed/);
like(request($flexilib, GET => '/')->body, qr/^\d+$/, 'a worker that is stopped is replaced');

# All of that is counted.
my $metrics = request('unix:' . $flexilib->dir . '/admin.sock', GET => '/metrics')->body;
my %count = map { /^(flexilib_\S+) (\S+)$/ ? ($1 => $2) : () } split /\n/, $metrics;
cmp_ok($count{flexilib_blocked_turns_total}, '>=', 6, 'blocked turns are counted');
cmp_ok($count{flexilib_blocked_seconds_total}, '>', 1, 'and their time');
my %crashes = map { $metrics =~ /^flexilib_\w*crashes_total\{[^}]*"$_"[^}]*\} (\d+)$/m ? ($_ => $1) : () } qw(stuck thread);
cmp_ok($crashes{stuck}, '>=', 5, 'and workers that were stuck');
is($crashes{thread}, 1, 'or without a thread');

done_testing;
