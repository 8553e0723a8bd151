# A quarter of a gigabyte in either direction passes a filter that changes every byte of it, in pieces: the worker stays small, and so
# does a process of the filter's own, and what arrives is what was sent, in upper case.

use lib 't/lib';
use FlexiLib::Test;
use Digest::MD5;

my $many  = is_sanitized() ? 16 : 256;
my $piece = join '', map { chr(97 + $_ % 26) } 1 .. 1 << 20;
my $total = $many << 20;

# Of a body in capital letters, whatever it is framed by: how many there are, and the digest of the first of them.
my $digested = 16 << 20;

sub new_letters { return { count => 0, digest => Digest::MD5->new } }

sub add_letters {
    my ($letters, $bytes) = @_;
    $letters->{digest}->add(substr $bytes =~ tr/A-Z//cdr, 0, $digested - $letters->{count})
        if $letters->{count} < $digested;
    return $letters->{count} += $bytes =~ tr/A-Z//;
}

sub tell_letters { return "$_[0]{count} " . $_[0]{digest}->hexdigest }

my $expected = new_letters();
add_letters($expected, uc $piece) for 1 .. $digested >> 20;
$expected = "$total " . $expected->{digest}->hexdigest;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $head = $connection->read_head or return;
        if ($head->{first} =~ /^GET/) {
            $connection->send("HTTP/1.1 200 OK\r\nContent-Length: $total\r\n\r\n");
            $connection->send($piece) for 1 .. $many;
            return;
        }
        my $letters = new_letters();
        my $bytes   = $connection->take(length $connection->{in});
        $connection->{socket}->blocking(1);
        do { add_letters($letters, $bytes) }
            while ($letters->{count} < $total && sysread $connection->{socket}, $bytes, 1 << 20);
        $connection->{socket}->blocking(0);
        $connection->respond(200, [Connection => 'close'], tell_letters($letters));
    }
);
my $rewrite  = build_folder() . '/t/lib/rewrite.so';
my $most_kb  = 0;

# Of a worker and a runner.
sub look_at_memory {
    my ($flexilib) = @_;
    my $now_kb = 0;
    for my $pid ($flexilib->worker_pids, $flexilib->runner_pids) {
        my ($own_kb) = read_file("/proc/$pid/status") =~ /^VmRSS:\s+(\d+) kB/m;
        $now_kb += $own_kb;
    }
    $most_kb = $now_kb if $now_kb > $most_kb;
    return;
}

for my $isolate (qw(no process)) {
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 2GB
libraries: { rewrite: { path: "$rewrite", isolate: $isolate } }
routes:
  - match: /
    filters: [{ rewrite: { request: yes } }]
    proxy: "@{[$backend->url]}"
END
    $most_kb = 0;
    my $client = connect_to($flexilib);
    $client->send_request(POST => '/', headers => ['Content-Length' => $total]);
    for my $number (1 .. $many) {
        $client->send($piece);
        look_at_memory($flexilib) if $number % 8 == 0;
    }
    is($client->read_response->body, uc $expected, "isolate: $isolate: a request passes as it was sent, in upper case");
    cmp_ok($most_kb, '<', 32 * 1024, "isolate: $isolate: all stay below 32 MB") if !is_sanitized();

    $client = connect_to($flexilib);
    $client->send_request(GET => '/');
    $client->read_until(qr/\r\n\r\n/);
    my $letters = new_letters();
    my $bytes   = $client->take(length $client->{in});
    my $reads   = 0;
    $most_kb = 0;
    $client->{socket}->blocking(1);
    do {
        add_letters($letters, $bytes);
        look_at_memory($flexilib) if ++$reads % 256 == 0;
    } while ($letters->{count} < $total && sysread $client->{socket}, $bytes, 1 << 20);
    is(tell_letters($letters), $expected, "isolate: $isolate: so does a response");
    cmp_ok($most_kb, '<', 32 * 1024, "isolate: $isolate: all stay below 32 MB") if !is_sanitized();
    $client->close;
    $flexilib->stop;
}

done_testing;
