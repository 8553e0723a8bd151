# A fast server and a slow client: what the server can get rid of stays bounded, in memory of ours too, and nothing is
# lost. Progress is measured in turns of the worker's loop, which other requests bring about, and not in time.

use lib 't/lib';
use FlexiLib::Test;

my $piece = join '', map { chr(33 + $_ % 90) } 1 .. 1 << 20;

# What the kernel's buffers on both connections may come to, and something for ours and the pipe.
my $most   = largest_buffer('tcp_rmem') + 2 * largest_buffer('tcp_wmem') + (4 << 20);
my $pieces = int(2 * $most / length $piece);
my $total  = $pieces * length $piece;

sub largest_buffer {
    my ($name) = @_;
    return (split ' ', read_file("/proc/sys/net/ipv4/$name"))[2];
}

my %streams = (
    '/length'  => "HTTP/1.1 200 OK\r\nContent-Length: $total\r\n\r\n" . $piece x $pieces,
    '/chunked' => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        . sprintf("%x\r\n%s\r\n", length $piece, $piece) x $pieces
        . "0\r\n\r\n",
);

# Sends as much as it can, says how much that was, and waits to be sent on, until a round has brought nothing more; then
# the rest.
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $request = $connection->read_request;
        my $stream  = $streams{ $request->target } // return $connection->respond(200, [], 'quick');
        my ($sent, $before) = (0, -1);
        while ($sent != $before) {
            $before = $sent;
            while (defined(my $count = syswrite $connection->{socket}, $stream, length($stream) - $sent, $sent)) {
                $sent += $count;
                last if $sent == length $stream;
            }
            $connection->tell("sent $sent");
            $connection->wait_go;
        }
        $connection->send(substr $stream, $sent);
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END

for my $path (sort keys %streams) {
    request($flexilib, GET => '/quick') for 1 .. 10;
    my $before_kb = $flexilib->worker_memory_kb;
    my $client = connect_to($flexilib);
    $client->limit_buffer(65536);
    $client->send_request(GET => $path);

    my ($sent, $before) = (0, -1);
    while ($sent != $before) {
        $before = $sent;
        ($sent) = $backend->wait_told(qr/^sent/) =~ /(\d+)/;
        request($flexilib, GET => '/quick') for 1 .. 20;
        $backend->go;
    }
    cmp_ok($sent, '<', $most, "$path: the server comes to a halt");
    cmp_ok($flexilib->worker_memory_kb - $before_kb, '<', 4096, 'the worker has not taken it in') if !is_sanitized();

    my $response = $client->read_response;
    ok($response->is_complete, 'the client gets all of it in the end');
    ok($response->body eq $piece x $pieces, 'as it was');
}

done_testing;
