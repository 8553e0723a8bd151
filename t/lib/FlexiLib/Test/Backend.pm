package FlexiLib::Test::Backend;

# A server scripted by the test: every connection runs a callback in a process of its own. What it receives is kept, and
# it can talk with the test while it runs: `tell` and `wait_told` one way, `go` and `wait_go` the other.

use strict;
use warnings;

use FlexiLib::Test::Connection;
use FlexiLib::Test::Wait qw(deadline end_with_parent wait_readable);
use Socket;

my %living;

# start(dir => FOLDER, run => sub { my ($connection) = @_; ... }, unix => BOOL, everywhere => BOOL): listens and serves;
# everywhere is on 127.0.0.2 and so on too.
sub start {
    my ($class, %option) = @_;
    my $self = bless { dir => $option{dir}, told => '', owner => $$ }, $class;
    my $listener = $self->open_listener($option{unix}, $option{everywhere});
    pipe($self->{told_read}, my $told_write) or die "pipe: $!";
    pipe(my $go_read, $self->{go_write}) or die "pipe: $!";
    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0) {
        setpgrp 0, 0;
        end_with_parent();
        $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP);
        $SIG{CHLD} = 'IGNORE';
        CORE::close($self->{told_read});
        CORE::close($self->{go_write});
        eval { $self->serve($listener, $option{run}, $told_write, $go_read) };
        require POSIX;
        POSIX::_exit(1);
    }
    setpgrp $self->{pid}, $self->{pid};
    $living{ $self->{pid} } = $self;
    require Scalar::Util;
    Scalar::Util::weaken($living{ $self->{pid} });
    return $self;
}

sub open_listener {
    my ($self, $is_unix, $is_everywhere) = @_;
    my $socket;
    if ($is_unix) {
        socket($socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
        bind($socket, pack_sockaddr_un("$self->{dir}/socket")) or die "bind: $!";
        $self->{address} = "unix:$self->{dir}/socket";
        $self->{url}     = "http+unix:$self->{dir}/socket";
    } else {
        socket($socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
        bind($socket, pack_sockaddr_in(0, $is_everywhere ? INADDR_ANY : INADDR_LOOPBACK)) or die "bind: $!";
        ($self->{port}) = unpack_sockaddr_in(getsockname $socket);
        $self->{address} = "127.0.0.1:$self->{port}";
        $self->{url}     = "http://127.0.0.1:$self->{port}";
    }
    listen($socket, 1024) or die "listen: $!";
    return $socket;
}

sub serve {
    my ($self, $listener, $run, $told_write, $go_read) = @_;
    for (my $number = 1; ; $number++) {
        accept(my $socket, $listener) or next;
        my $pid = fork // next;
        next if $pid;
        end_with_parent();
        CORE::close($listener);
        CORE::open(my $record, '>', "$self->{dir}/$number") or die "record: $!";
        $record->autoflush(1);
        my $connection = FlexiLib::Test::Backend::Connection->of(
            $socket,
            number => $number,
            record => $record,
            told   => $told_write,
            go     => $go_read
        );
        $connection->tell("accepted $number");
        if (!eval { $run->($connection); 1 }) {
            $connection->tell("died $number: " . ($@ =~ s/\n/ /gr));
        }
        CORE::close($connection->{socket});
        $connection->tell("closed $number");
        require POSIX;
        POSIX::_exit(0);
    }
    return;
}

sub address { return $_[0]{address} }
sub port    { return $_[0]{port} }

# As `proxy:` takes it.
sub url { return $_[0]{url} }

# The bytes that connection number N (from 1) has received, or those of all connections.
sub received {
    my ($self, $number) = @_;
    my @numbers = defined $number ? ($number) : sort { $a <=> $b } map { m{/(\d+)$} } glob "$self->{dir}/[0-9]*";
    my $bytes   = '';
    for my $one (@numbers) {
        CORE::open(my $file, '<', "$self->{dir}/$one") or next;
        local $/;
        $bytes .= <$file> // '';
    }
    return $bytes;
}

# How many connections there have been.
sub connections {
    my ($self) = @_;
    my @records = glob "$self->{dir}/[0-9]*";
    return scalar @records;
}

# Waits for a line that a callback told, or "accepted N", "closed N", "died N: WHY", and returns it.
sub wait_told {
    my ($self, $pattern) = @_;
    my $deadline = deadline();
    while (1) {
        while ($self->{told} =~ s/\A([^\n]*)\n//) {
            my $line = $1;
            return $line if $line =~ $pattern;
            $self->{passed} .= "$line\n";
        }
        wait_readable($self->{told_read}, $deadline)
            or die "the backend did not tell $pattern, only:\n" . ($self->{passed} // '') . "\n";
        sysread $self->{told_read}, $self->{told}, 65536, length $self->{told}
            or die "the backend has ended without telling $pattern\n";
    }
}

# Lets one wait_go of a callback return.
sub go {
    my ($self) = @_;
    return syswrite $self->{go_write}, '!';
}

# Ends the backend with all its connections, as a crash of its machine would.
sub end {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$ || $self->{is_ended}++;
    local $?;
    kill 'KILL', -$self->{pid}, $self->{pid};
    waitpid $self->{pid}, 0;
    delete $living{ $self->{pid} };
    return;
}

sub DESTROY { $_[0]->end }

sub end_all { $_->end for grep { defined } values %living }

package FlexiLib::Test::Backend::Connection;

# The backend's end of a connection: everything of FlexiLib::Test::Connection, and a line to the test.

our @ISA = ('FlexiLib::Test::Connection');

sub number { return $_[0]{number} }

sub fill {
    my ($self) = @_;
    my $before = length $self->{in};
    my $result = $self->SUPER::fill;
    syswrite $self->{record}, substr $self->{in}, $before if length $self->{in} > $before;
    return $result;
}

sub tell {
    my ($self, $line) = @_;
    return syswrite $self->{told}, "$line\n";
}

sub wait_go {
    my ($self) = @_;
    return sysread $self->{go}, my $byte, 1;
}

# Sends a response with Content-Length.
sub respond {
    my ($self, $status, $headers, $body) = @_;
    return $self->send(FlexiLib::Test::response_bytes($status, $headers, $body));
}

1;
