# The ways to measure: each takes a server, its case and the run's options, and returns figures by name.
package Bench::Measure;

use strict;
use warnings;

use Bench::Load;
use Bench::Machine;
use Time::HiRes qw(sleep time);

use Exporter 'import';
our @EXPORT = qw(measure find_peak);

my %how = (
    fast    => \&measure_fast,
    rate    => \&measure_rate,
    streams => \&measure_rate,
    visits  => \&measure_visits,
    idle    => \&measure_idle,
    spread  => \&measure_spread,
    attacks => \&measure_attack,
);

use constant LONGER_TRIES => 6;

# On a machine that is very busy a short turn may end before it has begun: then it is taken again, twice as long.
sub measure {
    my ($server, $case, $contender, $option) = @_;
    my %own = %$option;
    my $figures;
    for (1 .. LONGER_TRIES) {
        $figures = $how{ $case->{how} }->($server, $case, $contender, \%own);
        return $figures if $figures->{requests} != 0;
        $own{seconds} *= 2;
    }
    die $server->name . " answers nothing:\n$figures->{note}\n" . $server->output;
}

# What a server used from one moment to another.
sub take_clock {
    my ($server) = @_;
    my @pids = $server->pids;
    return { pids => \@pids, time => time, cpu => cpu_seconds(@pids), busy => core_busy_seconds(server_core()) };
}

sub add_clock {
    my ($before, $server, $figures) = @_;
    my $after = take_clock($server);
    die $server->name . " has lost a process:\n" . $server->output
        if join(' ', sort @{ $before->{pids} }) ne join(' ', sort @{ $after->{pids} });
    my $passed = $after->{time} - $before->{time};
    my $cpu    = $after->{cpu} - $before->{cpu};
    my $others = ($after->{busy} - $before->{busy} - $cpu) / $passed;
    $figures->{cpu}    = $cpu / ($figures->{requests} || 1);
    $figures->{others} = $others > 0 ? $others : 0;
    $figures->{pss}    = pss_bytes(@{ $after->{pids} });
    $figures->{rps}    = $figures->{requests} / $figures->{seconds};
    return $figures;
}

sub wrk_options {
    my ($server, $case, $contender, $option) = @_;
    return (
        root        => $option->{root},
        url         => $server->url($case->{path}),
        connections => $option->{connections},
        seconds     => $option->{seconds},
        load        => $case->{load_of} ? $case->{load_of}->($contender) : $case->{load},
    );
}

sub measure_fast {
    my ($server, $case, $contender, $option) = @_;
    my $before = take_clock($server);
    my $wrk    = start_wrk(wrk_options($server, $case, $contender, $option));
    sleep $option->{seconds};
    my $figures = finish_wrk($wrk);
    return add_clock($before, $server, $figures);
}

# Also without a rate, where it is 0.
sub measure_rate {
    my ($server, $case, $contender, $option) = @_;
    my $before  = take_clock($server);
    my $figures = run_h2load(
        url         => $server->url($case->{path}),
        connections => $option->{connections},
        seconds     => $option->{seconds},
        folder      => $option->{folder},
        rate        => $option->{rate},
        streams     => $case->{how} eq 'streams' ? $option->{streams} : 0,
    );
    return add_clock($before, $server, $figures);
}

sub measure_visits {
    my ($server, $case, $contender, $option) = @_;
    my $before  = take_clock($server);
    my $figures = run_handshakes(
        build       => $option->{build},
        port        => $server->port,
        path        => $case->{path},
        visit       => $case->{visit},
        connections => $option->{connections},
        seconds     => $option->{seconds},
    );
    add_clock($before, $server, $figures);
    $figures->{per_cpu} = 1 / ($figures->{cpu} || 1);
    return $figures;
}

# What honest clients feel while others attack.
sub measure_attack {
    my ($server, $case, $contender, $option) = @_;
    my $is_quiet = !defined $contender->{attack};
    my $attack   = $is_quiet ? undef : start_attack(
        root   => $option->{root},
        port   => $server->port,
        attack => $contender->{attack},
        count  => $case->{attackers} // $option->{attackers}
    );
    my $figures = measure_rate($server, $case, $contender, $option);
    stop_attack($attack) if $attack;
    return $figures;
}

# Requests per second that the server answers to the same load without a limit: the best of three tries.
sub find_peak {
    my ($server, $case, $option) = @_;
    my $best = 0;
    for (1 .. 3) {
        my $figures = measure_rate($server, $case, undef, { %$option, rate => 0 });
        $best = $figures->{rps} if $figures->{rps} > $best;
    }
    return $best;
}

# A server keeps what it once had, so what it had before its first turn counts in later ones too.
sub measure_idle {
    my ($server, $case, $contender, $option) = @_;
    my $before = $contender->{idle_pss} //= pss_bytes($server->pids);
    my $held   = hold_connections(
        build => $option->{build},
        port  => $server->port,
        path  => $case->{path},
        count => $option->{idle},
        kind  => ($case->{scheme} // 'http') . ($case->{version} // 1),
    );
    my $after = pss_bytes($server->pids);
    release_connections($held);
    return {
        requests       => $option->{idle},
        errors         => 0,
        pss            => $before,
        pss_held       => $after,
        per_connection => ($after - $before) / $option->{idle}
    };
}

# While the connections work, as they come in all at once.
sub measure_spread {
    my ($server, $case, $contender, $option) = @_;
    my $wrk = start_wrk(wrk_options($server, $case, $contender, { %$option, connections => 4 * $option->{connections} }));
    sleep $option->{seconds} / 2;
    my $by_process = established_by_process($server->port, $server->pids);
    sleep $option->{seconds} / 2;
    my $figures = finish_wrk($wrk);
    my @counts  = sort { $a <=> $b } (sort { $b <=> $a } values %$by_process)[0 .. 3];
    $figures->{workers} = join ' ', @counts;
    $figures->{spread}  = $counts[-1] / ($counts[0] || 1);
    return $figures;
}

1;
