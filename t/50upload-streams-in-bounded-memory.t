# The body of a request goes on to the server as it comes, however large it is: the worker holds a little of it only, a
# server that does not take it holds the client back, and what arrives is what was sent. Where the progress of a client
# that is held back has to be seen, it is measured in turns of the worker's loop and not in time.

use lib 't/lib';
use FlexiLib::Test;
use Digest::MD5;

my $rounds = 5;
my $piece  = join '', map { chr(33 + $_ % 90) } 1 .. 1 << 20;
my $many   = is_sanitized() ? 40 : 200;
my $few    = 48;

# Takes whatever comes, and says how much that was and what. On /held it takes nothing at first, but tells so that other
# requests can be made meanwhile.
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $head = $connection->read_head or return;
        my ($path) = $head->{first} =~ / (\S+) /;
        return $connection->respond(200, [Connection => 'close'], 'quick') if $path eq '/quick';
        if ($path =~ m{^/held}) {
            $connection->tell('held');
            $connection->wait_go for 1 .. $rounds;
        }
        my $is_chunked = $head->head =~ /Transfer-Encoding: chunked/i;
        my ($left)     = $head->head =~ /Content-Length: (\d+)/i;
        my $wire       = Digest::MD5->new;
        my $last       = '';
        my $bytes      = $connection->take(length $connection->{in});
        my $seen       = 0;
        $connection->{socket}->blocking(1);
        while (1) {
            $seen += length $bytes;
            $wire->add($bytes) if !$is_chunked;
            $last = substr $last . $bytes, -7;
            last if $is_chunked ? $last eq "\r\n0\r\n\r\n" : $seen >= $left;
            sysread $connection->{socket}, $bytes, 1 << 20 or last;
        }
        $connection->{socket}->blocking(0);
        $connection->respond(200, [Connection => 'close'], $is_chunked ? "chunks $seen" : "$seen " . $wire->hexdigest);
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 1GB
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END
my ($worker) = $flexilib->worker_pids;

sub held_bytes {
    my ($kilobytes) = read_file("/proc/$worker/smaps_rollup") =~ /^Pss:\s+(\d+) kB/m;
    return $kilobytes * 1024;
}

my $expected = Digest::MD5->new;
$expected->add($piece) for 1 .. $many;
$expected = $expected->hexdigest;

for my $framing ('length', 'chunked') {
    request($flexilib, GET => '/quick') for 1 .. 10;
    my $before = held_bytes();
    my $client = connect_to($flexilib);
    my $total  = $many * length $piece;
    my $chunk  = $framing eq 'length' ? $piece : sprintf("%x\r\n%s\r\n", length $piece, $piece);
    my @fields = $framing eq 'length' ? ('Content-Length' => $total) : ('Transfer-Encoding' => 'chunked');
    $client->send_request(POST => '/upload', headers => \@fields);
    my $most = 0;
    for my $number (1 .. $many) {
        $client->send($chunk);
        my $now = $number % 8 ? 0 : held_bytes();
        $most = $now if $now > $most;
    }
    $client->send("0\r\n\r\n") if $framing eq 'chunked';
    my $response = $client->read_response;
    if ($framing eq 'length') {
        is($response->body, "$total $expected", "$many MB arrive as they were sent");
    } else {
        like($response->body, qr/^chunks \d+$/, 'in chunks they come to their end too');
    }
    cmp_ok($most - $before, '<', 2 << 20, "$framing: the worker holds little of it at any time") if !is_sanitized();
    $client->send_request(GET => '/quick');
    is($client->read_response->body, 'quick', 'and the connection goes on');
}

# a server that takes nothing
for my $framing ('length', 'chunked') {
    my $client = connect_to($flexilib);
    my $total  = $few * length $piece;
    my $stream = $framing eq 'length' ? $piece x $few : sprintf("%x\r\n%s\r\n", length $piece, $piece) x $few . "0\r\n\r\n";
    my @fields = $framing eq 'length' ? ('Content-Length' => $total) : ('Transfer-Encoding' => 'chunked');
    my $before = held_bytes();
    $client->send_request(POST => "/held-$framing", headers => \@fields);
    $backend->wait_told(qr/^held$/);
    my ($sent, @after) = (0);
    for (1 .. 10 * $rounds) {
        while (defined(my $count = syswrite $client->{socket}, $stream, length($stream) - $sent, $sent)) {
            $sent += $count;
            last if $sent == length $stream;
        }
        push @after, $sent;
        last if @after >= $rounds && $after[-1] == $after[-2];
        request($flexilib, GET => '/quick') for 1 .. 20;
    }
    $backend->go for 1 .. $rounds;
    cmp_ok($after[-1], '<', length($stream) / 2, "$framing: a server that takes nothing holds the client back");
    is($after[-1], $after[-2], 'the client has come to a halt');
    cmp_ok(held_bytes() - $before, '<', 2 << 20, 'with little in between') if !is_sanitized();
    $client->send(substr $stream, $sent);
    like($client->read_response->body, $framing eq 'length' ? qr/^$total / : qr/^chunks/, 'all of it arrives in the end');
}

done_testing;
