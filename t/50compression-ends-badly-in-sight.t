# A compressed response that cannot be completed is never taken for a whole one; clients that leave, or read slowly, cost
# nothing that stays, and a worker drains with compressed responses under way.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;

need('curl');

my $number = 1;
my $noise  = join '', map { $number = ($number * 1103515245 + 12345) % 2**31; pack 'N', $number * 3 } 1 .. 65_536;
my $chunk  = sprintf "%x\r\n%s\r\n", length $noise, $noise;
my $rounds = 4;
my $most   = 24 * 1024 * 1024;
my $backend = start_backend(sub {
    my ($connection) = @_;
    my $path = $connection->read_request->target;
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    if ($path eq '/quick') {
        $connection->respond(200, [], 'quick');
    } elsif ($path =~ m{^/cut/length}) {
        $connection->send("${head}Content-Length: 1000000\r\n\r\n" . substr $noise, 0, 200_000);
    } elsif ($path =~ m{^/cut/chunked}) {
        $connection->send("${head}Transfer-Encoding: chunked\r\n\r\n$chunk");
    } elsif ($path eq '/pausing') {
        $connection->send("${head}Transfer-Encoding: chunked\r\n\r\n$chunk");
        $connection->wait_go;
        $connection->send("${chunk}0\r\n\r\n");
    } elsif ($path eq '/endless') {
        my $sent = 0;
        local $SIG{PIPE} = 'IGNORE';
        $connection->send("${head}Transfer-Encoding: chunked\r\n\r\n");
        for (1 .. $rounds) {
            while ($sent < $most) {
                my $count = syswrite $connection->{socket}, $chunk, length($chunk) - $sent % length $chunk, $sent % length $chunk;
                last if !defined $count;
                $sent += $count;
            }
            $connection->tell("sent $sent");
            $connection->wait_go;
        }
        $connection->tell('left') if $connection->is_closed;
    }
});
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
compress: yes
routes:
  - proxy: "@{[$backend->url]}"
END
my $url = 'http://' . $flexilib->address;

for my $coding (qw(gzip br zstd)) {
    for my $way (qw(length chunked)) {
        for my $front ('--http1.1', '--http2-prior-knowledge') {
            my $result = curl($front, '--header', "Accept-Encoding: $coding", '--output', '/dev/null',
                '--write-out', '%header{content-encoding}', "$url/cut/$way");
            is($result->{out}, $coding, "$front, $coding, $way: a response that breaks off");
            isnt($result->{status}, 0, 'is not taken for a whole one');
        }
    }
}

for my $coding (qw(gzip br zstd)) {
    request($flexilib, GET => '/quick') for 1 .. 5;
    my $before_kb = $flexilib->worker_memory_kb;
    my $client    = connect_to($flexilib);
    $client->limit_buffer(65536);
    $client->send_request(GET => '/endless', headers => ['Accept-Encoding' => $coding]);
    my @sent;
    for (1 .. $rounds) {
        push @sent, $backend->wait_told(qr/^sent/) =~ /(\d+)/;
        request($flexilib, GET => '/quick') for 1 .. 10;
        $backend->go if $_ < $rounds;
    }
    cmp_ok($sent[-1], '<', $most, "$coding: a client that does not read stops the server");
    cmp_ok($flexilib->worker_memory_kb - $before_kb, '<', 6144, 'the worker takes little') if !is_sanitized();
    $client->read_until(qr/\r\n\r\n/);
    $client->reset;
    $backend->go;
    is($backend->wait_told(qr/left/), 'left', 'when it leaves, the server is left too');
}

my $http2 = FlexiLib::Test::Http2->open($flexilib, is_passive => 1);
$http2->request(1, GET => '/endless', ['accept-encoding' => 'zstd']);
$backend->wait_told(qr/^sent/);
while (my $frame = $http2->read_frame) {
    last if $frame->{type} == $FlexiLib::Test::Http2::TYPE{DATA};
}
$http2->reset(1);
$backend->go for 1 .. $rounds;
is($backend->wait_told(qr/left/), 'left', 'a stream that is left, too');
$http2->close;

# What all of them take is bounded too: at some number, the next ones come as they are.
my (@many, $plain);
while (@many < 120 && !$plain) {
    push @many, connect_to($flexilib);
    $many[-1]->send_request(GET => '/pausing', headers => ['Accept-Encoding' => 'zstd']);
    $plain = $many[-1]->read_until(qr/\r\n\r\n/) !~ /^Content-Encoding: zstd\r$/m;
}
cmp_ok(scalar @many, '>', 30, 'many responses are compressed at a time');
ok($plain, 'but not any number of them');
like($flexilib->wait_log(qr/warning: the responses that are being compressed take nearly 64 MB/), qr/sent as they are/, 'which the log tells');
push @many, connect_to($flexilib);
$many[-1]->send_request(GET => '/pausing', headers => ['Accept-Encoding' => 'zstd, gzip;q=0.5']);
like($many[-1]->read_until(qr/\r\n\r\n/), qr/^Content-Encoding: gzip\r$/m, 'who takes gzip as well still has that, which takes less');
$_->close for @many;
$flexilib->wait_access(qr{"GET /pausing }) for @many;
$backend->go for @many;
is(curl('--header', 'Accept-Encoding: zstd', '--output', '/dev/null', '--write-out', '%header{content-encoding}', "$url/cut/length")->{out},
    'zstd', 'afterwards there is room again');

# on kept connections the memory of earlier responses is back
my $client = connect_to($flexilib);
for (1 .. 20) {
    my $other = connect_to($flexilib);
    $other->send_request(GET => '/pausing', headers => ['Accept-Encoding' => 'gzip']);
    $other->read_until(qr/\r\n\r\n/);
    $other->close;
}
$client->send_request(GET => '/pausing', headers => ['Accept-Encoding' => 'gzip']);
like($client->read_until(qr/\r\n\r\n/), qr/^Content-Encoding: gzip\r$/m, 'a response that is under way');
$flexilib->reload;
$flexilib->wait_serving(2);
$backend->go for 1 .. 21;
my $length = 0;
while (my $size = hex $client->read_until(qr/\r\n/) =~ s/\r\n//r) {
    $client->read_bytes($size + 2);
    $length += $size;
}
cmp_ok($length, '>', length($noise) * 3 / 2, 'is completed by a worker that drains');
$client->close;
$flexilib->wait_log(qr/info: generation 1 has drained/);

done_testing;
