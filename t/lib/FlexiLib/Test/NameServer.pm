package FlexiLib::Test::NameServer;

# A DNS server scripted by the test, on loopback, over UDP and TCP. Names that it was not told of do not exist.

use strict;
use warnings;

use Errno qw(EADDRINUSE);
use FlexiLib::Test::Wait qw(deadline wait_readable);
use Socket qw(:DEFAULT inet_pton AF_INET6);
use Storable ();

my %type_of = (A => 1, CNAME => 5, AAAA => 28);
my %name_of = reverse %type_of;
my %living;

sub start {
    my ($class, %option) = @_;
    my $self = bless { dir => $option{dir}, names => {}, owner => $$ }, $class;
    $self->{log} = "$self->{dir}/questions";
    CORE::open(my $log, '>', $self->{log}) or die "cannot write $self->{log}: $!";
    $self->set;
    $self->open_sockets;
    $self->begin;
    return $self;
}

# One port for both, which the kernel promises for UDP only.
sub open_sockets {
    my ($self) = @_;
    while (1) {
        socket(my $udp, AF_INET, SOCK_DGRAM,  0) or die "socket: $!";
        socket(my $tcp, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
        bind($udp, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
        ($self->{port}) = unpack_sockaddr_in(getsockname $udp);
        if (bind($tcp, pack_sockaddr_in($self->{port}, INADDR_LOOPBACK))) {
            listen($tcp, 16) or die "listen: $!";
            @$self{qw(udp tcp)} = ($udp, $tcp);
            return;
        }
        die "bind: $!" if !$!{EADDRINUSE};
    }
}

# As `resolver: { servers: ... }` takes it.
sub address { return "127.0.0.1:$_[0]{port}" }

# What is known of names from now on: { A => [...], AAAA => [...], CNAME => NAME, ttl => 60, code => 3, is_silent => 1,
# is_truncated => 1 (over UDP) }, undef for one that shall not exist.
sub set {
    my ($self, %names) = @_;
    %{ $self->{names} } = (%{ $self->{names} }, %names);
    Storable::nstore($self->{names}, "$self->{dir}/names.new");
    rename "$self->{dir}/names.new", "$self->{dir}/names" or die "rename: $!";
    return;
}

# The questions so far, as `udp A NAME`.
sub questions {
    my ($self) = @_;
    CORE::open(my $file, '<', $self->{log}) or die "cannot read $self->{log}: $!";
    chomp(my @lines = <$file>);
    return @lines;
}

sub begin {
    my ($self) = @_;
    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0) {
        $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP);
        $SIG{PIPE} = 'IGNORE';
        eval { $self->serve; 1 } or warn "the name server has died: $@";
        require POSIX;
        POSIX::_exit(1);
    }
    $living{ $self->{pid} } = $self;
    require Scalar::Util;
    Scalar::Util::weaken($living{ $self->{pid} });
    return;
}

# Answers nothing until it is to go on.
sub pause  { return kill 'STOP', $_[0]{pid} }
sub resume { return kill 'CONT', $_[0]{pid} }

sub end {
    my ($self) = @_;
    return if $self->{owner} != $$ || $self->{is_ended}++;
    local $?;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    delete $living{ $self->{pid} };
    return;
}

sub DESTROY { $_[0]->end }

sub end_all { $_->end for grep { defined } values %living }

sub serve {
    my ($self) = @_;
    CORE::open($self->{record}, '>>', $self->{log}) or die "cannot write $self->{log}: $!";
    $self->{record}->autoflush(1);
    while (1) {
        my $bits = '';
        vec($bits, fileno($_), 1) = 1 for @$self{qw(udp tcp)};
        select($bits, undef, undef, undef) > 0 or next;
        $self->serve_udp if vec($bits, fileno($self->{udp}), 1);
        $self->serve_tcp if vec($bits, fileno($self->{tcp}), 1);
    }
}

sub serve_udp {
    my ($self) = @_;
    my $peer = recv($self->{udp}, my $question, 65536, 0) // return;
    my $answer = $self->answer($question, 'udp') // return;
    send $self->{udp}, $answer, 0, $peer;
    return;
}

# Serves one connection to its end, or until its peer is slow.
sub serve_tcp {
    my ($self) = @_;
    accept(my $socket, $self->{tcp}) or return;
    my $input = '';
    while (1) {
        while (length $input >= 2 && length $input >= 2 + unpack 'n', $input) {
            my ($question) = unpack 'n/a', $input;
            substr $input, 0, 2 + length $question, '';
            my $answer = $self->answer($question, 'tcp') // next;
            syswrite $socket, pack 'n/a', $answer;
        }
        wait_readable($socket, deadline(1)) or last;
        sysread $socket, $input, 65536, length $input or last;
    }
    return;
}

sub pack_name { return join('', map { pack 'C/a', $_ } split /\./, $_[0]) . "\0" }

sub pack_record {
    my ($owner, $type, $ttl, $data) = @_;
    return pack_name($owner) . pack 'nnNn/a', $type_of{$type}, 1, $ttl, $data;
}

sub answer {
    my ($self, $packet, $transport) = @_;
    my ($id, $flags) = unpack 'nn', $packet;
    my ($position, @labels) = (12);
    while (my $length = unpack "x$position C", $packet) {
        push @labels, substr $packet, $position + 1, $length;
        $position += 1 + $length;
    }
    my $type     = $name_of{ unpack "x@{[$position + 1]} n", $packet } // 'other';
    my $name     = lc join '.', @labels;
    my $question = substr $packet, 12, $position + 5 - 12;
    syswrite $self->{record}, "$transport $type $name\n";

    my $names = Storable::retrieve("$self->{dir}/names");
    my $known = $names->{$name};
    return if $known && $known->{is_silent};
    my $code = $known ? $known->{code} // 0 : 3;
    my ($is_cut, @records) = (0);
    if ($known && $known->{is_truncated} && $transport eq 'udp') {
        $is_cut = 1;
    } else {
        my $owner = $name;
        for (1 .. 5) {
            last if !$known || !$known->{CNAME};
            push @records, pack_record($owner, CNAME => $known->{ttl} // 60, pack_name($known->{CNAME}));
            $owner = $known->{CNAME};
            $known = $names->{$owner};
        }
        push @records, map { pack_record($owner, $type, $known->{ttl} // 60, inet_pton($type eq 'A' ? AF_INET : AF_INET6, $_)) }
            @{ $known->{$type} // [] };
    }
    return pack('n6', $id, 0x8580 | ($is_cut ? 0x200 : 0) | $code, 1, scalar @records, 0, 0) . $question . join '', @records;
}

1;
