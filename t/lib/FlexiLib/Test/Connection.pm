package FlexiLib::Test::Connection;

# A stream socket with HTTP/1.1 spoken by hand: either end of it. Nothing is added to what is sent.

use strict;
use warnings;

use FlexiLib::Test::Wait qw(deadline wait_readable wait_writable);
use Errno qw(EAGAIN EINTR);
use Scalar::Util qw(weaken);
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY inet_ntop inet_pton pack_sockaddr_in6 unpack_sockaddr_in6);

my %open;

# open(ADDRESS): connects to "127.0.0.1:80", "[::1]:80" or "unix:/path". from => '127.0.0.9' is the address of our own,
# buffer => BYTES what the kernel takes in for us.
sub open {
    my ($class, $address, %option) = @_;
    my ($domain, $peer);
    if (my ($path) = $address =~ /^unix:(.*)$/) {
        ($domain, $peer) = (AF_UNIX, pack_sockaddr_un($path));
    } elsif (my ($host6, $port6) = $address =~ /^\[(.*)\]:(\d+)$/) {
        ($domain, $peer) = (AF_INET6, pack_sockaddr_in6($port6, inet_pton(AF_INET6, $host6)));
    } elsif (my ($host, $port) = $address =~ /^([\d.]+):(\d+)$/) {
        ($domain, $peer) = (AF_INET, pack_sockaddr_in($port, inet_pton(AF_INET, $host)));
    } else {
        die "not an address: $address";
    }
    socket(my $socket, $domain, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_in(0, inet_pton(AF_INET, $option{from}))) or die "bind: $!" if defined $option{from};
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, $option{buffer} if defined $option{buffer};
    connect($socket, $peer) or die "cannot connect to $address: $!\n";
    my $self = $class->of($socket);
    weaken($open{$self} = $self);
    return $self;
}

# Closes every connection that open made.
sub close_all { $_->close for grep { defined } values %open }

# of(SOCKET): takes over a connected socket.
sub of {
    my ($class, $socket, %more) = @_;
    $socket->blocking(0);
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    return bless { socket => $socket, in => '', %more }, $class;
}

# Our own end as "127.0.0.1:40000", as the access log shows it; "unix:" for a unix socket.
sub local_address {
    my ($self) = @_;
    my $name   = getsockname $self->{socket};
    my $family = sockaddr_family($name);
    return 'unix:' if $family == AF_UNIX;
    my ($port, $address) = $family == AF_INET ? unpack_sockaddr_in($name) : unpack_sockaddr_in6($name);
    return inet_ntop($family, $address) . ":$port";
}

# Sends bytes; returns how many went out before the peer closed.
sub send {
    my ($self, $bytes) = @_;
    my $deadline = deadline();
    my $sent     = 0;
    while ($sent < length $bytes) {
        local $SIG{PIPE} = 'IGNORE';
        my $count = syswrite $self->{socket}, $bytes, length($bytes) - $sent, $sent;
        if (defined $count) {
            $sent += $count;
        } elsif ($!{EAGAIN}) {
            wait_writable($self->{socket}, $deadline) or die "the peer does not take what is sent\n";
        } elsif (!$!{EINTR}) {
            last;
        }
    }
    return $sent;
}

# Takes more bytes in; false at the peer's end, and then `is_reset` tells whether it was a reset.
sub fill {
    my ($self) = @_;
    return 0 if $self->{is_ended};
    my $deadline = deadline();
    while (1) {
        my $count = sysread $self->{socket}, $self->{in}, 262144, length $self->{in};
        return 1 if $count;
        if (!defined $count && ($!{EAGAIN} || $!{EINTR})) {
            next if wait_readable($self->{socket}, $deadline);
            die 'nothing came in time; so far: ' . printable(substr $self->{in}, 0, 2000) . "\n";
        }
        $self->{is_ended} = 1;
        $self->{is_reset} = 1 if !defined $count;
        return 0;
    }
}

sub printable {
    my ($bytes) = @_;
    $bytes =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;
    return "'$bytes'";
}

sub is_reset { return $_[0]{is_reset} // 0 }

# Reads everything up to the peer's end.
sub read_all {
    my ($self) = @_;
    1 while $self->fill;
    return $self->take(length $self->{in});
}

# Reads exactly so many bytes; fewer at the peer's end.
sub read_bytes {
    my ($self, $count) = @_;
    1 while length $self->{in} < $count && $self->fill;
    return $self->take($count);
}

# Reads up to and with the first match of the pattern; undef where the peer's end comes first.
sub read_until {
    my ($self, $pattern) = @_;
    while (1) {
        if ($self->{in} =~ $pattern) {
            my $end = $+[0];
            return $self->take($end);
        }
        return if !$self->fill;
    }
}

sub take {
    my ($self, $count) = @_;
    return substr $self->{in}, 0, $count, '';
}

# Waits for the peer to close (or to send something): true when it closed.
sub is_closed {
    my ($self) = @_;
    return 0 if length $self->{in};
    return $self->fill ? 0 : 1;
}

# Ends our sending half.
sub finish { return shutdown $_[0]{socket}, 1 }

sub close { CORE::close($_[0]{socket}); $_[0]{is_ended} = 1; return }

# Closes with a reset instead of a proper end.
sub reset {
    my ($self) = @_;
    setsockopt $self->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
    $self->close;
    return;
}

# Limits what the kernel takes in for us, so that the peer feels a slow reader soon.
sub limit_buffer {
    my ($self, $bytes) = @_;
    setsockopt $self->{socket}, SOL_SOCKET, SO_RCVBUF, $bytes;
    return;
}

# Sends one request. headers: [NAME => VALUE, ...]; Host is added unless it stands there (undef: left out), and so is
# Content-Length where there is a body. chunks => [...] sends a chunked body instead.
sub send_request {
    my ($self, $method, $target, %option) = @_;
    my @headers = @{ $option{headers} // [] };
    my %has     = map { lc $headers[$_] => 1 } grep { $_ % 2 == 0 } 0 .. $#headers;
    unshift @headers, Host => $option{host} // 'localhost' if !$has{host};
    my $body = $option{body} // '';
    if ($option{chunks}) {
        push @headers, 'Transfer-Encoding' => 'chunked';
        $body = join('', map { sprintf "%x\r\n%s\r\n", length, $_ } @{ $option{chunks} }) . "0\r\n\r\n";
    } elsif (length $body && !$has{'content-length'}) {
        push @headers, 'Content-Length' => length $body;
    }
    my $head = "$method $target HTTP/" . ($option{version} // '1.1') . "\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $head .= "$name: $value\r\n" if defined $value;
    }
    return $self->send("$head\r\n$body");
}

# Reads one response, undef where the peer closes before its first byte. method is the request's (HEAD has no body);
# interim responses (1xx) are collected in the response's `interim`.
sub read_response {
    my ($self, $method) = @_;
    my @interim;
    while (1) {
        my $response = $self->read_head or return;
        if ($response->{first} !~ m{^HTTP/(1\.[01]) (\d\d\d) ?(.*)$}) {
            die 'not a status line: ' . printable($response->{first}) . "\n";
        }
        @$response{qw(version status reason)} = ($1, $2 + 0, $3);
        if ($response->{status} >= 200 || $response->{status} == 101) {
            $response->{interim} = \@interim;
            $self->read_body($response, ($method // 'GET') ne 'HEAD' && $response->{status} !~ /^(?:101|204|304)$/, 1);
            return $response;
        }
        push @interim, $response;
    }
}

# Reads one request, for backends; undef at the peer's end.
sub read_request {
    my ($self) = @_;
    my $request = $self->read_head or return;
    @$request{qw(method target version)} = split / /, $request->{first}, 3;
    $self->read_body($request, 1, 0);
    return $request;
}

sub read_head {
    my ($self) = @_;
    my $head = $self->read_until(qr/\r\n\r\n/);
    if (!defined $head) {
        die 'the peer closed within a head: ' . printable($self->{in}) . "\n" if length $self->{in};
        return;
    }
    my ($first, @lines) = split /\r\n/, $head;
    my @fields;
    for my $line (@lines) {
        $line =~ /^([!#\$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s or die 'not a field: ' . printable($line) . "\n";
        push @fields, [$1, $2];
    }
    return bless { first => $first, head => $head, fields => \@fields, body => '', is_complete => 1 },
        'FlexiLib::Test::Message';
}

sub read_body {
    my ($self, $message, $has_body, $may_end_by_close) = @_;
    return if !$has_body;
    my $length = $message->header('content-length');
    if (lc($message->header('transfer-encoding') // '') eq 'chunked') {
        $message->{framing} = 'chunked';
        $self->read_chunks($message);
    } elsif (defined $length) {
        $message->{framing}     = 'length';
        $message->{body}        = $self->read_bytes($length);
        $message->{is_complete} = length $message->{body} == $length ? 1 : 0;
    } elsif ($may_end_by_close) {
        $message->{framing}     = 'close';
        $message->{body}        = $self->read_all;
        $message->{is_complete} = $self->is_reset ? 0 : 1;
    }
    return;
}

sub read_chunks {
    my ($self, $message) = @_;
    while (1) {
        my $line = $self->read_until(qr/\r\n/);
        return $message->{is_complete} = 0 if !defined $line;
        $line =~ /^([0-9a-fA-F]+)(?:;[^\r\n]*)?\r\n\z/ or die 'not a chunk: ' . printable($line) . "\n";
        my $size = hex $1;
        last if $size == 0;
        push @{ $message->{chunks} }, $size;
        my $data = $self->read_bytes($size);
        $message->{body} .= $data;
        return $message->{is_complete} = 0 if length $data < $size || ($self->read_bytes(2) // '') ne "\r\n";
    }
    my $trailer = $self->read_until(qr/\A\r\n|\r\n\r\n/);
    $message->{is_complete} = 0 if !defined $trailer;
    $message->{trailer} = $trailer;
    return;
}

package FlexiLib::Test::Message;

# A request or response that was read.

sub status      { return $_[0]{status} }
sub reason      { return $_[0]{reason} }
sub method      { return $_[0]{method} }
sub target      { return $_[0]{target} }
sub body        { return $_[0]{body} }
sub head        { return $_[0]{head} }
sub framing     { return $_[0]{framing} // 'none' }
sub is_complete { return $_[0]{is_complete} }

# The values of all fields of that name.
sub headers {
    my ($self, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $self->{fields} };
}

# The value of the first field of that name, or undef.
sub header {
    my ($self, $name) = @_;
    return ($self->headers($name))[0];
}

# Whether the connection can be used on after this message.
sub keeps_connection {
    my ($self) = @_;
    my $value = lc join ',', $self->headers('connection');
    return 0 if $value =~ /\bclose\b/ || $self->framing eq 'close' || !$self->{is_complete};
    return 1 if ($self->{version} // '') !~ /1\.0$/;
    return $value =~ /\bkeep-alive\b/ ? 1 : 0;
}

1;
