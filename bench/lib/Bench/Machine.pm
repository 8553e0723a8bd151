# What the kernel tells about processes and cores: who belongs to a server, what it used, and what others used beside it.
package Bench::Machine;

use strict;
use warnings;

use POSIX ();
use Socket;

use Exporter 'import';
our @EXPORT = qw(server_core load_core process_tree cpu_seconds core_busy_seconds pss_bytes free_port find_program
    established_by_process);

sub read_file {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return scalar(<$file>) // '';
}

sub allowed_cores {
    my ($list) = read_file('/proc/self/status') =~ /^Cpus_allowed_list:\s*(\S+)/m;
    return map { /(\d+)-(\d+)/ ? ($1 .. $2) : $_ } split /,/, $list // '0';
}

# The servers have a core for themselves where there are two.
my @cores = allowed_cores();
sub server_core { return $cores[0] }
sub load_core   { return $cores[1] // $cores[0] }

# The process and all that descend from it.
sub process_tree {
    my ($root) = @_;
    my %children;
    for my $path (glob '/proc/[0-9]*/stat') {
        my ($pid, $parent) = read_file($path) =~ /^(\d+) \(.*\) \S (\d+)/s or next;
        push @{ $children{$parent} }, $pid;
    }
    my @tree = ($root);
    for (my $i = 0; $i < @tree; $i++) {
        push @tree, @{ $children{ $tree[$i] } // [] };
    }
    return @tree;
}

# What the scheduler counted for all threads, in user and kernel mode: finer than the ticks of /proc/PID/stat.
sub cpu_seconds {
    my $nanoseconds = 0;
    for my $path (map { glob "/proc/$_/task/*/schedstat" } @_) {
        my ($taken) = read_file($path) =~ /^(\d+)/;
        $nanoseconds += $taken // 0;
    }
    return $nanoseconds / 1e9;
}

sub core_busy_seconds {
    my ($core) = @_;
    my ($fields) = read_file('/proc/stat') =~ /^cpu$core (.*)/m or return 0;
    my ($user, $nice, $system, $idle, $waiting, @rest) = split ' ', $fields;
    my $ticks = $user + $nice + $system;
    $ticks += $_ for @rest[0 .. 2];
    return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# Memory in which what processes share counts once.
sub pss_bytes {
    my $kilobytes = 0;
    for my $pid (@_) {
        my ($pss) = read_file("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m;
        $kilobytes += $pss // 0;
    }
    return $kilobytes * 1024;
}

# Below the range from which the kernel takes ports for clients, so that none of them can take it meanwhile.
sub free_port {
    for (1 .. 1000) {
        my $port = 12000 + int rand 18000;
        socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
        return $port if bind $socket, pack_sockaddr_in($port, INADDR_LOOPBACK);
    }
    die "no free port is found\n";
}

sub find_program {
    my ($name) = @_;
    my ($path) = grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin', '/sbin';
    return $path;
}

# How many connections that came in on a port each of the processes has.
sub established_by_process {
    my ($port, @pids) = @_;
    my $local = sprintf '0100007F:%04X', $port;
    my %is_ours;
    for (split /\n/, read_file('/proc/net/tcp')) {
        my (undef, $address, undef, $state, @rest) = split;
        $is_ours{"socket:[$rest[5]]"} = 1 if ($address // '') eq $local && $state eq '01';
    }
    my %count;
    for my $pid (@pids) {
        $count{$pid} = grep { $is_ours{ readlink($_) // '' } } glob "/proc/$pid/fd/*";
    }
    return \%count;
}

1;
