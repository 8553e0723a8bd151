# Connections are shared between workers, whoever of them is quick, busy or stopped.

use lib 't/lib';
use FlexiLib::Test;

my $flexilib = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 4
routes:
  - { match: /, handler: hello }
END
my @workers = $flexilib->worker_pids;
my %sockets = map { $_ => count_sockets($_) } @workers;
my ($first, @others) = @workers;

# A connection that has had an answer is one that has been accepted.
my @open;
kill 'STOP', @others;
push @open, connect_and_ask() for 1 .. 40;
is_deeply([map { share($_) } @workers], [40, 0, 0, 0], 'stopped workers keep nobody waiting');

kill 'CONT', @others;
push @open, connect_and_ask() for 1 .. 90;
my @shares = map { share($_) } @workers;
cmp_ok($shares[0], '<=', 44, 'one that has more than the others leaves them what comes') or diag("@shares");
is($shares[0] + $shares[1] + $shares[2] + $shares[3], 130, 'nothing is lost on the way');

@open = ();
ok(connect_and_ask(), 'connections that end are no hindrance');

my $single = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, handler: hello }
END
$flexilib = $single;
@workers  = $single->worker_pids;
%sockets  = map { $_ => count_sockets($_) } @workers;
push @open, connect_and_ask() for 1 .. 100;
is(share($workers[0]), 100, 'one worker takes all');

done_testing;

sub connect_and_ask {
    my $connection = $flexilib->connect;
    $connection->send_request(GET => '/');
    $connection->read_response->status == 200 or die 'no answer';
    return $connection;
}

# Each once: a worker that begins to accept has its listener twice.
sub count_sockets {
    my ($pid) = @_;
    my %sockets = map { $_ => 1 } grep { /^socket:/ } map { readlink($_) // '' } glob "/proc/$pid/fd/*";
    return scalar keys %sockets;
}

sub share {
    my ($pid) = @_;
    return count_sockets($pid) - $sockets{$pid};
}
