# What puts a server under load: wrk as fast as it goes, h2load at a fixed rate or over HTTP/2, visits with a TLS handshake
# each, connections that are just held, or attackers.
package Bench::Load;

use strict;
use warnings;

use Bench::Machine;
use POSIX qw(ceil);
use Time::HiRes qw(sleep time);

use Exporter 'import';
our @EXPORT = qw(start_wrk finish_wrk run_h2load run_handshakes hold_connections release_connections
    start_attack stop_attack stop_load);

my %running;

# Runs a program on the core of the load, its output readable, its input a pipe; stopped with the driver.
sub start_program {
    my (@command) = @_;
    pipe my $read,    my $write or die "pipe: $!\n";
    pipe my $control, my $input or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN,  '<&', $control;
        open STDOUT, '>&', $write;
        open STDERR, '>&', $write;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
        exec 'setpriv', '--pdeathsig', 'KILL', 'taskset', '-c', load_core(), @command or POSIX::_exit(127);
    }
    return $running{$pid} = { pid => $pid, read => $read, input => $input };
}

sub finish_program {
    my ($program) = @_;
    my $text = do { local $/; readline $program->{read} };
    waitpid $program->{pid}, 0;
    delete $running{ $program->{pid} };
    return $text // '';
}

sub stop_load {
    local ($?, $!);
    for my $pid (keys %running) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    %running = ();
    return;
}

# wrk knows whole seconds only, but reports as well when it is interrupted (unless that comes in its first moments).
sub start_wrk {
    my (%option) = @_;
    my $script = "$option{root}/load/load.lua";
    my $wrk    = start_program('wrk', '-t', 1, '-c', $option{connections}, '-d', ceil($option{seconds}), '--latency',
        '-s', $script, $option{url}, '--', @{ $option{load} // ['get', 0] });
    $wrk->{is_cut_short} = ceil($option{seconds}) != $option{seconds};
    return $wrk;
}

# { requests, seconds, p50, p99, errors, note }, times in seconds. No requests where wrk had not begun yet.
sub finish_wrk {
    my ($wrk) = @_;
    kill 'INT', $wrk->{pid} if $wrk->{is_cut_short};
    return read_report(finish_program($wrk));
}

sub read_report {
    my ($text) = @_;
    my ($requests, $duration, $p50, $p99, $errors) = $text =~ /^report (\d+) (\d+) (\d+) (\d+) (\d+)$/m;
    return {
        requests => $requests // 0,
        seconds  => ($duration || 1) / 1e6,
        p50      => ($p50 // 0) / 1e6,
        p99      => ($p99 // 0) / 1e6,
        errors   => $errors // 0,
        note     => $text
    };
}

# rate is in requests per second, all connections together; 0 is as fast as it goes. streams: how many requests at a time
# on each connection, over HTTP/2; HTTP/1 without. Its log has every single request.
sub run_h2load {
    my (%option) = @_;
    my $log     = "$option{folder}/requests.log";
    my @rate    = $option{rate} ? ('--rps', sprintf '%.3f', $option{rate} / $option{connections}) : ();
    my @version = $option{streams} ? ('-m', $option{streams}) : ('--h1');
    my $seconds = sprintf '%dms', 1000 * $option{seconds};
    my $started = time;
    unlink $log;
    my $text = finish_program(
        start_program(
            'h2load', @version, '-t', 1, '-c', $option{connections}, '-D', $seconds, @rate,
            "--log-file=$log", $option{url}
        )
    );
    return { read_log($log), seconds => time - $started, note => $text };
}

sub read_log {
    my ($path) = @_;
    my (@times, $errors);
    open my $log, '<', $path or return (requests => 0);
    while (<$log>) {
        my (undef, $status, $taken) = split;
        push @times, $taken;
        $errors++ if $status != 200;
    }
    return (requests => 0) if !@times;
    @times = sort { $a <=> $b } @times;
    return (
        requests => scalar @times,
        errors   => $errors // 0,
        p50      => $times[int(@times * 0.50)] / 1e6,
        p99      => $times[int(@times * 0.99)] / 1e6
    );
}

# visit: version of TLS, full or resumed. connections is how many visitors there are.
sub run_handshakes {
    my (%option) = @_;
    return read_report(
        finish_program(
            start_program(
                "$option{build}/bench/handshakes", $option{port}, $option{path}, @{ $option{visit} },
                $option{connections},              $option{seconds}
            )
        )
    );
}

# Opens so many connections, with one answered request on each. kind: http1, http2, https1, https2.
sub hold_connections {
    my (%option) = @_;
    my $holder = start_program("$option{build}/bench/hold", @option{qw(port path count kind)});
    my $line   = readline $holder->{read};
    die "idle connections cannot be held: " . ($line // '') . "\n" if ($line // '') ne "held $option{count}\n";
    return $holder;
}

# They leave no trace: they are reset.
sub release_connections {
    my ($holder) = @_;
    close $holder->{input};
    finish_program($holder);
    return;
}

# Attackers, who give way to everything else on their core.
sub start_attack {
    my (%option) = @_;
    my $attack = start_program('nice', '-n', 19, "$option{root}/load/attack", @option{qw(port attack count)});
    my $line   = readline $attack->{read};
    die 'the attack does not begin: ' . ($line // '') . "\n" if ($line // '') ne "attacking\n";
    return $attack;
}

sub stop_attack {
    my ($attack) = @_;
    close $attack->{input};
    my $words = finish_program($attack);
    die "the attack has ended: $words\n" if $words ne '';
    return;
}

1;
