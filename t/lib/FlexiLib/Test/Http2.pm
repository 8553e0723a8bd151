package FlexiLib::Test::Http2;

# HTTP/2 by hand, the client's end, frame by frame: nothing is checked, so that anything can be sent.
#
#   my $http2 = FlexiLib::Test::Http2->open($flexilib);      # preface and SETTINGS are sent; connection => one that is open
#   $http2->headers(1, [':method' => 'GET', ...], end => 1);
#   $http2->request(3, GET => '/path', ['x-a' => 'b']);      # with proper pseudo-fields
#   $http2->data(3, 'body', end => 1);
#   $http2->frame($type, $flags, $stream, $payload);
#   my $outcome = $http2->wait_stream(1);   # { status, body, is_ended, reset, goaway, is_closed }
#   $http2->may_send(3);                    # bytes, as far as the windows go that frames read so far have opened
#   my $frame = $http2->read_frame;         # { type, flags, stream, payload }, undef at the peer's end
#
# SETTINGS and PING are answered while frames are read, and windows opened, unless open was told is_passive => 1.

use strict;
use warnings;

use FlexiLib::Test ();

our %TYPE = (
    DATA => 0, HEADERS => 1, PRIORITY => 2, RST_STREAM => 3, SETTINGS => 4, PUSH_PROMISE => 5, PING => 6, GOAWAY => 7,
    WINDOW_UPDATE => 8, CONTINUATION => 9,
);
our $PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

use constant { END_STREAM => 1, ACK => 1, END_HEADERS => 4 };

sub open {
    my ($class, $target, %option) = @_;
    my $connection = $option{connection} // FlexiLib::Test::connect_to($target, $option{listener});
    my $self       = bless { streams => {}, %option, connection => $connection }, $class;
    $self->{connection}->limit_buffer($option{buffer}) if $option{buffer};
    # no table, so that what comes can be read without remembering
    my %settings = (1 => 0, %{ $option{settings} // {} });
    $self->send($PREFACE . frame_bytes(SETTINGS => 0, 0, join '', map { pack 'nN', $_, $settings{$_} } sort keys %settings));
    return $self;
}

sub send       { my ($self, $bytes) = @_; return $self->{connection}->send($bytes) }
sub connection { return $_[0]{connection} }
sub close      { return $_[0]{connection}->close }

sub frame_bytes {
    my ($type, $flags, $stream, $payload) = @_;
    $type = $TYPE{$type} // $type;
    return substr(pack('N', length $payload), 1) . pack('CCN', $type, $flags, $stream) . $payload;
}

sub frame {
    my ($self, @frame) = @_;
    return $self->send(frame_bytes(@frame));
}

sub number {
    my ($first, $bits, $value) = @_;
    my $most = (1 << $bits) - 1;
    return chr($first | $value) if $value < $most;
    my $bytes = chr($first | $most);
    for ($value -= $most; $value >= 128; $value >>= 7) {
        $bytes .= chr($value & 127 | 128);
    }
    return $bytes . chr $value;
}

# Fields as HPACK, each a literal as it is.
sub fields_bytes {
    my ($fields) = @_;
    my @fields = @$fields;
    my $bytes  = '';
    while (my ($name, $value) = splice @fields, 0, 2) {
        $bytes .= "\0" . number(0, 7, length $name) . $name . number(0, 7, length $value) . $value;
    }
    return $bytes;
}

sub headers {
    my ($self, $stream, $fields, %option) = @_;
    return $self->frame(HEADERS => END_HEADERS | ($option{end} ? END_STREAM : 0), $stream, fields_bytes($fields));
}

# How many bytes of a body the peer's windows have room for.
sub may_send {
    my ($self, $stream) = @_;
    my ($all, $one) = (65_535 + ($self->{opened}{0} // 0), ($self->{window} // 65_535) + ($self->{opened}{$stream} // 0));
    $all -= $self->{sent}{0} // 0;
    $one -= $self->{sent}{$stream} // 0;
    return $all < $one ? $all : $one;
}

sub data {
    my ($self, $stream, $data, %option) = @_;
    my $bytes = '';
    $self->{sent}{$_} += length $data for 0, $stream;
    while (length $data > 16384) {
        $bytes .= frame_bytes(DATA => 0, $stream, substr $data, 0, 16384, '');
    }
    return $self->send($bytes . frame_bytes(DATA => $option{end} ? END_STREAM : 0, $stream, $data));
}

sub request_fields {
    my ($method, $path, $more) = @_;
    return [':method' => $method, ':scheme' => 'http', ':authority' => 'localhost', ':path' => $path, @{ $more // [] }];
}

sub request {
    my ($self, $stream, $method, $path, $more, %option) = @_;
    return $self->headers($stream, request_fields($method, $path, $more), end => $option{end} // 1);
}

sub reset { my ($self, $stream, $code) = @_; return $self->frame(RST_STREAM => 0, $stream, pack 'N', $code // 8) }
sub open_window { my ($self, $stream, $bytes) = @_; return $self->frame(WINDOW_UPDATE => 0, $stream, pack 'N', $bytes) }

sub read_frame {
    my ($self) = @_;
    my $head = $self->{connection}->read_bytes(9);
    if (length $head < 9) {
        $self->{is_closed} = 1;
        return;
    }
    my ($high, $low, $type, $flags, $stream) = unpack 'CnCCN', $head;
    my $frame = { type => $type, flags => $flags, stream => $stream & 0x7fffffff };
    $frame->{payload} = $self->{connection}->read_bytes($high << 16 | $low);
    $self->note($frame);
    return $frame;
}

# What :status is, which comes first: from the static table, or as digits, likely by Huffman's code.
sub status_of {
    my ($block) = @_;
    $block =~ s/^[\x20-\x3f]+//;    # sizes of the table
    my $first = ord $block;
    return (200, 204, 206, 304, 400, 404, 500)[($first & 127) - 8] if $first & 128;
    my $length = ord substr $block, 1;
    return substr $block, 2, $length if !($length & 128);
    my $bits = unpack 'B*', substr $block, 2, $length & 127;
    my $text = '';
    while ($bits =~ /\G(?:000(00|01|10)|011(001|010|011|100|101|110|111))/gc) {
        $text .= defined $1 ? oct "0b$1" : 2 + oct "0b$2";
    }
    return $text;
}

sub note {
    my ($self, $frame) = @_;
    my ($type, $id) = @$frame{qw(type stream)};
    my $stream = $self->{streams}{$id} //= { body => '', interim => [] };
    if ($type == $TYPE{HEADERS}) {
        my $status = status_of($frame->{payload});
        push @{ $stream->{interim} }, $stream->{status} if defined $stream->{status};
        $stream->{status} = $status;
    } elsif ($type == $TYPE{DATA}) {
        $stream->{body} .= $frame->{payload};
        my $size = length $frame->{payload};
        $self->send(join '', map { frame_bytes(WINDOW_UPDATE => 0, $_, pack 'N', $size) } 0, $id)
            if $size && !$self->{is_passive};
    } elsif ($type == $TYPE{RST_STREAM}) {
        $stream->{reset} = unpack 'N', $frame->{payload};
    } elsif ($type == $TYPE{GOAWAY}) {
        @$self{qw(last_stream goaway)} = unpack 'NN', $frame->{payload};
        push @{ $self->{goaways} }, { last_stream => $self->{last_stream}, code => $self->{goaway} };
    } elsif ($type == $TYPE{WINDOW_UPDATE}) {
        $self->{opened}{$id} += unpack 'N', $frame->{payload};
    } elsif ($type == $TYPE{SETTINGS} && !($frame->{flags} & ACK)) {
        my %settings = unpack '(nN)*', $frame->{payload};
        $self->{window} = $settings{4} // $self->{window};
        $self->frame(SETTINGS => ACK, 0, '') if !$self->{is_passive};
    } elsif ($type == $TYPE{PING} && !($frame->{flags} & ACK)) {
        $self->frame(PING => ACK, 0, $frame->{payload}) if !$self->{is_passive};
    }
    $stream->{is_ended} = 1 if $type <= 1 && $frame->{flags} & END_STREAM;
    return;
}

sub stream { my ($self, $id) = @_; return $self->{streams}{$id} // {} }

# Reads until the stream has ended, in whatever way.
sub wait_stream {
    my ($self, $id) = @_;
    while (1) {
        my $stream = $self->stream($id);
        last if $stream->{is_ended} || defined $stream->{reset};
        $self->read_frame or last;
    }
    return { %{ $self->stream($id) }, goaway => $self->{goaway}, is_closed => $self->{is_closed} };
}

# Reads until the peer closes; returns the code of its last GOAWAY.
sub wait_close {
    my ($self) = @_;
    1 while $self->read_frame;
    return $self->{goaway};
}

# Waits until the peer has seen everything that was sent.
sub wait_ping {
    my ($self) = @_;
    $self->frame(PING => 0, 0, 'a ping..');
    while (my $frame = $self->read_frame) {
        return 1 if $frame->{type} == $TYPE{PING} && $frame->{flags} & ACK;
    }
    return 0;
}

1;
