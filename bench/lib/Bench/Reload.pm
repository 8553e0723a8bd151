# One server under a steady load (load/steady.c) while it is changed again and again: what happened, and how long it took
# until what was changed answered.
package Bench::Reload;

use strict;
use warnings;

use Bench::Load;
use Bench::Machine;
use Bench::Server;
use Time::HiRes qw(clock_gettime sleep time CLOCK_MONOTONIC);

use constant PATIENCE_SECONDS => 10;
use constant LOOK_SECONDS     => 0.002;
use constant AGAIN_SECONDS    => 2;
use constant SETTLE_SECONDS   => 0.3;

my $download_bytes = 6_000_000;

# server; option (of the run); change: sub that makes a version of the thing of that name ready, and returns a sub which
# puts it in place; report: patterns of the log lines with which a reload begins, and says that it serves, where the server
# has them; again: sub that tells the server to reload once more.
sub new {
    my ($class, %option) = @_;
    my $self = bless { %option, version => {}, first => {}, times => [], phases => {}, shown => [], text => '', log_at => 0 }, $class;
    my $load = $self->{option};
    $self->{load} = Bench::Load::start_program(
        "$load->{build}/bench/steady", $self->{server}->port, $load->{kept}, $load->{think}, $load->{tunnels}, $load->{downloads}, $load->{delay},
        (map { "$_=/$_" } @{ $self->{places} }),
        'backend=/bytes/100:100', "download=/bytes/$download_bytes:$download_bytes"
    );
    $self->{load}{input}->autoflush(1);
    return $self;
}

sub now_us { return int(1e6 * clock_gettime(CLOCK_MONOTONIC)) }

sub tell {
    my ($self, $line) = @_;
    print { $self->{load}{input} } "$line\n" or die "the load has ended:\n$self->{text}\n";
    return;
}

# Reads what the load says, for so many seconds or until the condition holds.
sub wait_until {
    my ($self, $seconds, $is_done) = @_;
    my $deadline = time + $seconds;
    while (!$is_done || !$is_done->()) {
        my $left = $deadline - time;
        return 0 if $left <= 0;
        my $bits = '';
        vec($bits, fileno $self->{load}{read}, 1) = 1;
        $left = LOOK_SECONDS if $is_done && $left > LOOK_SECONDS;
        next if select($bits, undef, undef, $left) <= 0;
        sysread($self->{load}{read}, $self->{text}, 65536, length $self->{text})
            or die "the load has ended:\n", map({ "$_\n" } @{ $self->{shown} // [] }), "$self->{text}\n";
        $self->take_line($1) while $self->{text} =~ s/\A(.*)\n//;
    }
    return 1;
}

sub take_line {
    my ($self, $line) = @_;
    if ($line =~ /^first (\S+) (\d+) (\d+)$/) {
        $self->{first}{$1}{$2} = $3;
    } elsif ($line =~ /^phase (\S+) (.*)$/) {
        $self->{phases}{$1} = { map { split /=/ } split / /, $2 };
    } else {
        push @{ $self->{shown} }, $line;
    }
    return;
}

sub end_phase {
    my ($self, $name) = @_;
    $self->tell("phase $name");
    $self->wait_until(PATIENCE_SECONDS, sub { $self->{phases}{$name} }) or die "the load does not answer\n";
    return $self->{phases}{$name};
}

# What the server has logged since the last look.
sub read_log {
    my ($self) = @_;
    open my $file, '<', "$self->{server}{folder}/output" or return '';
    seek $file, $self->{log_at}, 0;
    my $text = do { local $/; <$file> } // '';
    $text =~ s/[^\n]*\z//;
    $self->{log_at} += length $text;
    return $text;
}

# Takes effect where a reload began after the change, and has been reported.
sub wait_report {
    my ($self) = @_;
    my ($begin, $end) = @{ $self->{report} };
    my $is_begun = 0;
    return $self->wait_until(
        PATIENCE_SECONDS,
        sub {
            for my $line (split /\n/, $self->read_log) {
                die "a good change has failed: $line\n" if $line =~ /generation \d+ failed/;
                $is_begun ||= $line =~ $begin;
                return 1 if $is_begun && $line =~ $end;
            }
            return 0;
        }
    );
}

# Changes the thing of that name once, not before the moment, and waits until that is seen by visitors.
sub change_once {
    my ($self, $name, $moment) = @_;
    my $version = ++$self->{version}{$name};
    my $put     = $self->{change}->($name, $version);
    my $left    = $moment - time;
    $self->wait_until($left) if $left > 0;
    $self->read_log;
    $self->tell("look $name $version");
    my $changed_us = now_us();
    $put->();
    if ($self->{report}) {
        $self->wait_report or die "a change of $name is not reported\n" . substr $self->{server}->output, -2000;
        $self->tell("floor $name $version");
    }
    $self->wait_seen($name, $version);
    push @{ $self->{times} }, $self->{first}{$name}{$version} - $changed_us;
    return;
}

# Some lose a signal that comes while they are busy with an earlier one: they are told again, once.
sub wait_seen {
    my ($self, $name, $version) = @_;
    my $is_seen = sub { $self->{first}{$name}{$version} };
    return if $self->wait_until($self->{report} ? PATIENCE_SECONDS : AGAIN_SECONDS, $is_seen);
    if (!$self->{report}) {
        $self->{lost}++;
        $self->{again}->();
        return if $self->wait_until(PATIENCE_SECONDS, $is_seen);
    }
    die "$name $version is never seen\n" . substr $self->{server}->output, -2000;
}

# rates: { NAME => changes per second }. Goes on until there were as many changes as there have to be at least.
sub change_for {
    my ($self, $seconds, $rates) = @_;
    my $begin = time;
    my $count = 0;
    my %next  = map { $_ => $begin + rand(1) / $rates->{$_} } keys %$rates;
    while (1) {
        my ($name) = sort { $next{$a} <=> $next{$b} } keys %next;
        last if $count >= $self->{option}{least} && ($next{$name} > $begin + $seconds || time > $begin + $seconds);
        $self->change_once($name, $next{$name});
        $count++;
        $next{$name} += 1 / $rates->{$name};
    }
    return;
}

sub finish {
    my ($self) = @_;
    close $self->{load}{input};
    Bench::Load::finish_program($self->{load});
    return;
}

sub processes {
    my ($self) = @_;
    my @pids = $self->{server}->pids;
    return { processes => scalar @pids, pss => pss_bytes(@pids) };
}

# Everything in order. Returns the figures of the quiet times and of those of changes, by rounds, the memory before, at the end of the
# changes, and when all connections are gone, and the times until what was changed answered, in order.
sub measure {
    my ($self, $rates) = @_;
    my $option = $self->{option};
    $self->wait_until($option->{warm_up});
    $self->end_phase('warm-up');
    my %result = (before => $self->processes);
    for my $round (1 .. $option->{rounds}) {
        $self->wait_until($option->{quiet} / $option->{rounds});
        push @{ $result{quiet} }, $self->end_phase("quiet-$round");
        $self->change_for($option->{seconds} / $option->{rounds}, $rates);
        $result{during} = $self->processes;
        $self->wait_until(SETTLE_SECONDS);
        push @{ $result{changing} }, $self->end_phase("changing-$round");
    }
    $self->finish;
    my $deadline = time + PATIENCE_SECONDS;
    sleep 0.05 while time < $deadline && $self->processes->{processes} > $result{before}{processes};
    $result{after} = $self->processes;
    $result{times} = [sort { $a <=> $b } @{ $self->{times} }];
    $result{shown} = $self->{shown};
    $result{lost}  = $self->{lost} // 0;
    return \%result;
}

1;
