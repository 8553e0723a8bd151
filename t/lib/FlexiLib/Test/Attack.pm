package FlexiLib::Test::Attack;

# Attackers: many connections at once from an address of their own, and what a worker must keep to while they are there.
#
#   my $attack = FlexiLib::Test::Attack->begin($flexilib, $path);     # honest clients begin to ask for it; it answers 'quick'
#   my @attackers = $attack->open(12, from => '127.0.0.9', listener => 'secure', secure => 1, alpn => 'h2', buffer => 4096);
#   $attack->send_all(\@attackers, $bytes);                           # in turns, so that all are at it at the same time
#   $attack->check('floods', scalar @attackers);                      # memory, and the worker still the same
#   $attack->count_named('127.0.0.9', 12);                            # how many lines of the logs name it: at least 12, in time
#   $attack->finish;                                                  # honest clients were served throughout

use strict;
use warnings;

use FlexiLib::Test ();
use FlexiLib::Test::Connection;
use FlexiLib::Test::Http2;
use FlexiLib::Test::TlsClient;
use FlexiLib::Test::Wait ();
use Test::More ();

use constant MOST_KB => 2048;    # for each attacking connection
use constant PARTS   => 8;

sub begin {
    my ($class, $flexilib, $path) = @_;
    my ($worker) = $flexilib->worker_pids;
    my $self = bless { flexilib => $flexilib, worker => $worker, path => $path, seen => 0, accessed => 0, stream => -1 }, $class;
    $self->{honest} = FlexiLib::Test::Http2->open($flexilib);
    $self->{load}   = FlexiLib::Test::start_load($flexilib, path => $path, expect => qr/\Aquick\z/);
    $self->{load}->wait_running;
    $self->ask for 1 .. 20;
    $self->{base_kb} = $self->read_kb('VmRSS');
    $self->reset_peak;
    return $self;
}

sub read_kb {
    my ($self, $name) = @_;
    my ($kilobytes) = FlexiLib::Test::read_file("/proc/$self->{worker}/status") =~ /^$name:\s+(\d+) kB/m;
    return $kilobytes;
}

# From here on the kernel notes anew how much the worker has at most.
sub reset_peak {
    my ($self) = @_;
    open my $file, '>', "/proc/$self->{worker}/clear_refs" or return;
    print {$file} "5\n";
    close $file;
    return;
}

# One more request of the honest client over HTTP/2, all of whose requests share a connection.
sub ask {
    my ($self) = @_;
    $self->{stream} += 2;
    $self->{honest}->request($self->{stream}, GET => $self->{path});
    my $body = $self->{honest}->wait_stream($self->{stream})->{body} // '';
    $self->{failures}++ if $body ne 'quick';
    return $body;
}

sub open {
    my ($self, $count, %option) = @_;
    my $address = $self->{flexilib}->address($option{listener});
    my @opened;
    for (1 .. $count) {
        my $connection = $option{secure}
            ? FlexiLib::Test::TlsClient::open($address, %option)
            : FlexiLib::Test::Connection->open($address, from => $option{from}, buffer => $option{buffer});
        push @opened, $connection;
    }
    return @opened;
}

sub send_all {
    my ($self, $connections, $bytes) = @_;
    my $part = int(length($bytes) / PARTS) + 1;
    for my $piece (unpack "(a$part)*", $bytes) {
        $_->send($piece) for @$connections;
    }
    return;
}

# While it happens, or right behind it.
sub check {
    my ($self, $name, $count) = @_;
    $self->ask for 1 .. 3;
    my ($worker) = $self->{flexilib}->worker_pids;
    Test::More::is($worker, $self->{worker}, "$name: the worker is the same");
    my $each_kb = ($self->read_kb('VmHWM') - $self->{base_kb}) / $count;
    Test::More::note(sprintf '%s: %.0f kB more for each of %d connections', $name, $each_kb, $count);
    Test::More::cmp_ok($each_kb, '<=', MOST_KB, "$name: at most 2 MB for each connection") if !FlexiLib::Test::is_sanitized();
    $self->reset_peak;
    return;
}

# The lines of both logs, so far, that name an address.
sub log_of {
    my ($self, $address) = @_;
    my $flexilib = $self->{flexilib};
    return grep { /\b\Q$address\E\b/ } split(/\n/, $flexilib->log), $flexilib->access_log;
}

# How many lines name it, once they are as many as wanted: the log follows behind what it tells of.
sub count_named {
    my ($self, $address, $wanted) = @_;
    my $deadline = FlexiLib::Test::Wait::deadline();
    my $count = () = $self->log_of($address);
    while ($count < $wanted && time < $deadline) {
        $self->ask;
        $count = () = $self->log_of($address);
    }
    return $count;
}

sub finish {
    my ($self) = @_;
    my $result = $self->{load}->stop;
    Test::More::is(join("\n", @{ $result->{failures} }), '', "$result->{requests} requests of honest clients were answered meanwhile");
    Test::More::is($self->{failures} // 0, 0, 'those over HTTP/2 too');
    return;
}

1;
