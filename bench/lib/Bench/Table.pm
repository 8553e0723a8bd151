# Medians, ratios of what was measured in the same round, and how they are printed.
package Bench::Table;

use strict;
use warnings;

use Exporter 'import';
our @EXPORT = qw(print_case);

my %columns = (
    fast    => [qw(cpu rps p50 p99 pss others)],
    rate    => [qw(cpu rps p50 p99 pss others)],
    streams => [qw(cpu rps p50 p99 pss others)],
    visits  => [qw(cpu per_cpu rps p50 p99 pss others)],
    idle    => [qw(pss pss_held per_connection)],
    spread  => [qw(workers spread)],
    attacks => [qw(cpu rps p50 p99 pss others)],
);

my %title = (
    cpu            => 'CPU/request',
    per_cpu        => 'per CPU s',
    rps            => 'requests/s',
    p50            => 'p50',
    p99            => 'p99',
    pss            => 'PSS',
    others         => 'others',
    pss_held       => 'PSS, held',
    per_connection => 'each',
    workers        => 'workers',
    spread         => 'most/fewest',
);

my %format = (
    cpu            => sub { sprintf '%.2f us', 1e6 * $_[0] },
    per_cpu        => sub { sprintf '%.0f', $_[0] },
    rps            => sub { sprintf '%.0f', $_[0] },
    p50            => sub { sprintf '%.3f ms', 1e3 * $_[0] },
    p99            => sub { sprintf '%.3f ms', 1e3 * $_[0] },
    pss            => sub { sprintf '%.2f MB', $_[0] / 1024 / 1024 },
    others         => sub { sprintf '%.0f %%', 100 * $_[0] },
    pss_held       => sub { sprintf '%.2f MB', $_[0] / 1024 / 1024 },
    per_connection => sub { sprintf '%.0f B', $_[0] },
    workers        => sub { $_[0] },
    spread         => sub { sprintf '%.2f', $_[0] },
);

my @ratio_columns = qw(cpu per_cpu rps p50 p99 pss per_connection);

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[$#sorted / 2] if @sorted % 2;
    return ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}

sub figure {
    my ($rounds, $column) = @_;
    return $rounds->[-1]{workers} if $column eq 'workers';
    return median(map { $_->{$column} } @$rounds);
}

sub ratios {
    my ($one, $other, $column) = @_;
    return sort { $a <=> $b } map { $one->[$_]{$column} / ($other->[$_]{$column} || 1e-9) } 0 .. $#$one;
}

sub print_row {
    my ($first, @cells) = @_;
    printf "  %-26s%s\n", $first, join '', map { sprintf '%13s', $_ } @cells;
    return;
}

# rounds: { NAME => [FIGURES, ...] }, one for each round. Returns how many goals were missed.
sub print_case {
    my ($case, $names, $rounds) = @_;
    my @columns = @{ $columns{ $case->{how} } };
    print_row('', map { $title{$_} } @columns);
    for my $name (@$names) {
        print_row($name, map { $format{$_}->(figure($rounds->{$name}, $_)) } @columns);
        my $errors = 0;
        $errors += $_->{errors} for @{ $rounds->{$name} };
        print "    $errors requests of $name failed\n" if $errors;
    }
    my $missed = 0;
    for my $pair (@{ $case->{compare} }) {
        $missed += print_comparison($case, $rounds, @$pair) if $rounds->{ $pair->[0] } && $rounds->{ $pair->[1] };
    }
    $missed += print_limit($rounds, @$_) for grep { $rounds->{ $_->[0] } } @{ $case->{limits} // [] };
    return $missed;
}

sub print_comparison {
    my ($case, $rounds, $one, $other, $metric, $goal) = @_;
    my %is_there = map { $_ => 1 } @{ $columns{ $case->{how} } };
    my @cells;
    for my $column (@{ $columns{ $case->{how} } }) {
        my $is_ratio = grep { $_ eq $column } @ratio_columns;
        push @cells, $is_ratio ? sprintf '%.2f', median(ratios($rounds->{$one}, $rounds->{$other}, $column)) : '';
    }
    my @ratios = ratios($rounds->{$one}, $rounds->{$other}, $metric);
    my $note   = sprintf "%s %.2f to %.2f", $title{$metric}, $ratios[0], $ratios[-1];
    print_row("$one / $other", @cells, "  ($note" . goal_note(median(@ratios), $goal) . ')');
    return defined $goal && median(@ratios) > $goal;
}

sub goal_note {
    my ($reached, $goal, $format) = @_;
    return '' if !defined $goal;
    my $shown = $format ? $format->($goal) : sprintf '%.2f', $goal;
    return "; goal $shown: " . ($reached > $goal ? 'MISSED' : 'reached');
}

sub print_limit {
    my ($rounds, $name, $metric, $goal) = @_;
    my $reached = figure($rounds->{$name}, $metric);
    my $note    = goal_note($reached, $goal, $format{$metric});
    printf "  %s, %s: %s%s\n", $name, $title{$metric}, $format{$metric}->($reached), $note;
    return $reached > $goal;
}

1;
