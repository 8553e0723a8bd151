# What puts a server under load: wrk as fast as it goes, h2load at a fixed rate, or connections that are just held.
package Bench::Load;

use strict;
use warnings;

use Bench::Machine;
use POSIX qw(ceil);
use Socket;
use Time::HiRes qw(sleep time);

use Exporter 'import';
our @EXPORT = qw(start_wrk finish_wrk run_h2load hold_connections stop_load);

my $running;

# Runs a program on the core of the load, its output readable; stopped with the driver.
sub start_program {
    my (@command) = @_;
    pipe my $read, my $write or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>&', $write;
        open STDERR, '>&', $write;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
        exec 'setpriv', '--pdeathsig', 'KILL', 'taskset', '-c', load_core(), @command or POSIX::_exit(127);
    }
    return $running = { pid => $pid, read => $read };
}

sub finish_program {
    my ($program) = @_;
    my $text = do { local $/; readline $program->{read} };
    waitpid $program->{pid}, 0;
    undef $running;
    return $text // '';
}

sub stop_load {
    return if !$running;
    local ($?, $!);
    kill 'KILL', $running->{pid};
    waitpid $running->{pid}, 0;
    undef $running;
    return;
}

# wrk knows whole seconds only, but reports as well when it is interrupted.
sub start_wrk {
    my (%option) = @_;
    my $script = "$option{root}/load/load.lua";
    return start_program('wrk', '-t', 1, '-c', $option{connections}, '-d', '1h', '--latency', '-s', $script,
        $option{url}, '--', @{ $option{load} // ['get', 0] });
}

# { requests, seconds, p50, p99, errors }, times in seconds.
sub finish_wrk {
    my ($wrk) = @_;
    kill 'INT', $wrk->{pid};
    my $text = finish_program($wrk);
    my ($requests, $duration, $p50, $p99, $errors) = $text =~ /^report (\d+) (\d+) (\d+) (\d+) (\d+)$/m
        or die "wrk reports nothing:\n$text";
    return {
        requests => $requests,
        seconds  => $duration / 1e6,
        p50      => $p50 / 1e6,
        p99      => $p99 / 1e6,
        errors   => $errors
    };
}

# rate is in requests per second, all connections together; 0 is as fast as it goes. Its log has every single request.
sub run_h2load {
    my (%option) = @_;
    my $log     = "$option{folder}/requests.log";
    my @rate    = $option{rate} ? ('--rps', sprintf '%.3f', $option{rate} / $option{connections}) : ();
    my $seconds = sprintf '%dms', 1000 * $option{seconds};
    my $started = time;
    unlink $log;
    my $text = finish_program(
        start_program(
            'h2load', '--h1',            '-t', 1,             '-c', $option{connections}, '-D', $seconds, @rate,
            "--log-file=$log", $option{url}
        )
    );
    return { read_log($log), seconds => time - $started };
}

sub read_log {
    my ($path) = @_;
    open my $log, '<', $path or die "h2load has left no log\n";
    my (@times, $errors);
    while (<$log>) {
        my (undef, $status, $taken) = split;
        push @times, $taken;
        $errors++ if $status != 200;
    }
    die "h2load has made no request\n" if !@times;
    @times = sort { $a <=> $b } @times;
    return (
        requests => scalar @times,
        errors   => $errors // 0,
        p50      => $times[int(@times * 0.50)] / 1e6,
        p99      => $times[int(@times * 0.99)] / 1e6
    );
}

# Opens so many connections, with one answered request on each. They live as long as the result, and leave no trace:
# they are reset.
sub hold_connections {
    my ($port, $count) = @_;
    my $request = "GET /hello HTTP/1.1\r\nHost: bench.example\r\n\r\n";
    my @held;
    for (1 .. $count) {
        socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        connect($socket, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die "connect: $!\n";
        send $socket, $request, 0;
        recv $socket, my $answer, 4096, 0;
        die "an idle connection was not answered: $answer\n" if $answer !~ m{^HTTP/1.1 200 };
        push @held, $socket;
    }
    return \@held;
}

1;
