package FlexiLib::Test::Recorder;

# An upstream server within the test's own process: it answers every request and keeps what it receives, byte by byte.
# Nothing of it happens but while the test waits in it, so what has come by then is known without waiting for anybody;
# and a client must not send more at once than buffers on the way hold.
#
#   my $recorder = FlexiLib::Test::Recorder->new;
#   start_flexilib(... $recorder->url ...);
#   $connection->send(...);
#   $recorder->serve_until_readable($connection);    # a FlexiLib::Test::Connection
#   my $bytes = $recorder->take;                     # all that has come since the last time, of all connections

use strict;
use warnings;

use FlexiLib::Test::Connection;
use FlexiLib::Test::Wait qw(deadline);
use Errno qw(EAGAIN EINTR);
use Socket;
use Time::HiRes qw(time);

use constant ANSWER => "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

sub new {
    my ($class) = @_;
    socket(my $listener, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    bind($listener, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
    listen($listener, 1024) or die "listen: $!";
    $listener->blocking(0);
    my ($port) = unpack_sockaddr_in(getsockname $listener);
    return bless { listener => $listener, url => "http://127.0.0.1:$port", connections => [], seen => '' }, $class;
}

sub url { return $_[0]{url} }

# Accepts and reads what there is, and answers requests that are whole.
sub serve {
    my ($self) = @_;
    while (accept(my $socket, $self->{listener})) {
        $socket->blocking(0);
        push @{ $self->{connections} }, { socket => $socket, in => '' };
    }
    @{ $self->{connections} } = grep { $self->serve_connection($_) } @{ $self->{connections} };
    return;
}

# Returns false at the connection's end.
sub serve_connection {
    my ($self, $connection) = @_;
    while (1) {
        my $count = sysread $connection->{socket}, my $bytes, 65536;
        return $!{EAGAIN} if !defined $count && !$!{EINTR};
        return 0          if defined $count  && $count == 0;
        next if !defined $count;
        $self->{seen} .= $bytes;
        $connection->{in} .= $bytes;
        while (take_request(\$connection->{in})) {
            syswrite $connection->{socket}, ANSWER;
        }
    }
}

# Takes one request off the front, as any server would read it; false where it is not whole.
sub take_request {
    my ($in) = @_;
    my ($head) = $$in =~ /\A(.*?\r\n\r\n)/s or return 0;
    return take_chunked($in, length $head) if $head =~ /^transfer-encoding: *chunked\r$/mi;
    my ($length) = $head =~ /^content-length: *(\d+)\r$/mi;
    my $whole = length($head) + ($length // 0);
    return 0 if length $$in < $whole;
    substr $$in, 0, $whole, '';
    return 1;
}

sub take_chunked {
    my ($in, $at) = @_;
    pos($$in) = $at;
    while ($$in =~ /\G([0-9a-fA-F]+)\r\n/gc) {
        if (hex $1 == 0) {
            $$in =~ /\G(?:[^\r\n]+\r\n)*\r\n/gc or return 0;
            substr $$in, 0, pos $$in, '';
            return 1;
        }
        my $next = pos($$in) + hex($1) + 2;
        return 0 if $next > length $$in;
        pos($$in) = $next;
    }
    return 0;
}

# Serves until there is something to read from a client's connection, or its end.
sub serve_until_readable {
    my ($self, $client) = @_;
    my $deadline = deadline();
    while (1) {
        $self->serve;
        my $bits = '';
        vec($bits, fileno $_, 1) = 1 for $client->{socket}, $self->{listener}, map { $_->{socket} } @{ $self->{connections} };
        my $left = $deadline - time;
        die "neither the client nor the server has anything to read\n" if $left <= 0;
        select $bits, undef, undef, $left;
        return if vec $bits, fileno $client->{socket}, 1;
    }
}

# What has come since the last time.
sub take {
    my ($self) = @_;
    $self->serve;
    my $seen = $self->{seen};
    $self->{seen} = '';
    return $seen;
}

1;
