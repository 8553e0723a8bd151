# A connection may not cost a worker more than 2 MB, whatever its client does with it: takes nothing of many responses, sends
# what nobody takes or what has to be kept, sends large heads, or leaves tunnels full.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;
use Digest::SHA qw(sha1_base64);

use constant STREAMS => 100;

plan(skip_all => 'the sanitizer has memory of its own') if is_sanitized();

my $large   = 'x' x 300_000;
my $number  = 1;
my $noise   = join '', map { $number = ($number * 1103515245 + 12345) % 2**31; pack 'N', $number * 3 } 1 .. 75_000;
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_head) {
        my ($method, $target, $path) = $request->{first} =~ m{^(\S+) ((/\w*)\S*)};
        @$request{qw(method target)} = ($method, $target);
        if ($path eq '/tunnel' || $path eq '/echo') {
            my $key    = $request->header('sec-websocket-key');
            my $accept = sha1_base64("${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11") . '=';
            $connection->limit_buffer(4096);
            $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                    . "Sec-WebSocket-Accept: $accept\r\n\r\n");
            return if $path eq '/echo';
            eval { $connection->send($large x 20) };
            return;
        }
        $connection->limit_buffer(4096) if $path eq '/stuck';
        $connection->tell('asked') if $path ne '/warm';
        return $connection->wait_go if $path eq '/stuck';
        $connection->read_body($request, 1, 0);
        $connection->tell('read'), return $connection->read_all if $path eq '/kept';
        if ($path eq '/trickle') {
            $connection->send("HTTP/1.1 200 OK\r\n\r\n" . 'x' x 40_000);
            return $connection->read_all;
        }
        if ($path eq '/packed') {
            my $length = $target =~ /tiny/ ? 2000 : $target =~ /short/ ? 40_000 : length $noise;
            my $framing = $target =~ /chunked/ ? 'Transfer-Encoding: chunked' : "Content-Length: $length";
            eval {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n$framing\r\n\r\n");
                $connection->send(sprintf "%x\r\n", $length) if $framing =~ /chunked/;
                $connection->send(substr $noise, 0, $length);
                $connection->send("\r\n0\r\n\r\n") if $framing =~ /chunked/;
            };
            next;
        }
        eval { $connection->respond(200, [], $large) };
    }
});

my $flexilib;

sub start {
    $flexilib = start_flexilib(files => { 'www/files/large' => $large x 10 }, config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 100MB
upstreams:
  one: { servers: "@{[$backend->url]}", eject: no }
routes:
  - { match: /files, files: ./www }
  - { match: /packed, compress: yes, proxy: one }
  - { match: /kept/narrowed, filters: [{ replace: { rules: [{ from: a }] } }], proxy: one }
  - { match: /kept/joined, filters: [{ rate-limit: { requests: 1000, per: 1s, by: "{header.a}" } }], proxy: one }
  - { match: /, proxy: one }
END
    my $warm = FlexiLib::Test::Http2->open($flexilib);
    for (1 .. 3) {
        $warm->request(4 * $_ - 3, GET => '/warm');
        $warm->wait_stream(4 * $_ - 3);
        $warm->request(4 * $_ - 1, GET => '/files/large');
        $warm->wait_stream(4 * $_ - 1);
    }
    # what libraries take once, whatever they are used for
    for (1 .. 3) {
        $warm->request(2 * $_ + 11, GET => '/packed?tiny', ['accept-encoding' => (qw(gzip br zstd))[$_ - 1]]);
        $warm->wait_stream(2 * $_ + 11);
    }
    $warm->headers(101, [':method' => 'CONNECT', ':protocol' => 'websocket', ':scheme' => 'http', ':authority' => 'a', ':path' => '/echo'],
        end => 0);
    1 while !defined $warm->stream(101)->{status} && $warm->read_frame;
    return;
}

# What the worker holds in kB, but for pages of its program and libraries: the kernel takes those and gives them back as it
# likes, and they are nothing that a connection costs.
sub held_kb {
    my ($worker) = $flexilib->worker_pids;
    my %kb = read_file("/proc/$worker/status") =~ /^(Rss\w+):\s+(\d+) kB/mg;
    return $kb{RssAnon} + $kb{RssShmem};
}

sub check {
    my ($name, $act, %option) = @_;
    start();
    my $before = held_kb();
    my $http2  = FlexiLib::Test::Http2->open($flexilib, %option);
    $act->($http2);
    my $more = held_kb() - $before;
    cmp_ok($more, '<=', 2048, "$name: at most 2 MB more") or diag("$more kB");
    note("$name: $more kB");
    $http2->close;
    $flexilib->stop;
    return;
}

sub request_all {
    my ($http2, $method, $path, %option) = @_;
    $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => $option{end} // 5, 2 * $_ - 1,
        FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields($method, "$path?$_" . ($option{query} // ''), $option{more}))) } 1 .. STREAMS);
    return;
}

# Until as many responses have begun and the worker has nothing left to do.
sub settle {
    my ($http2) = @_;
    while (STREAMS > grep { defined $http2->stream(2 * $_ - 1)->{status} } 1 .. STREAMS) {
        $http2->read_frame or last;
    }
    $http2->wait_ping for 1 .. 20;
    return;
}

sub wait_asked { $backend->wait_told(qr/^asked/) for 1 .. STREAMS; return }

check('responses of servers, no window', sub { request_all($_[0], GET => '/large'); settle($_[0]) }, settings => { 4 => 0 }, is_passive => 1);
check('responses of servers, windows of one byte', sub { request_all($_[0], GET => '/large'); settle($_[0]) },
    settings => { 4 => 1 }, is_passive => 1);
check('files, no window', sub { request_all($_[0], GET => '/files/large'); settle($_[0]) }, settings => { 4 => 0 }, is_passive => 1);
check('pieces with little in them', sub {
    my ($http2) = @_;
    request_all($http2, GET => '/trickle');
    $http2->open_window(0, 10_000_000);
    1 while grep({ length($http2->stream(2 * $_ - 1)->{body} // '') < 40_000 } 1 .. STREAMS) && $http2->read_frame;
    settle($http2);
}, settings => { 4 => 40_000 }, is_passive => 1);
check('responses that are not received', sub {
    my ($http2) = @_;
    $http2->open_window(0, 1_000_000_000);
    request_all($http2, GET => '/large');
    wait_asked();
}, settings => { 4 => 100_000_000 }, is_passive => 1, buffer => 4096);
for my $coding (qw(gzip br zstd), 'zstd, br, gzip') {
    for my $kind (qw(chunked length short)) {
        check("responses compressed by $coding, $kind", sub {
            my ($http2) = @_;
            request_all($http2, GET => '/packed', more => ['accept-encoding' => $coding], query => $kind);
            settle($http2);
        }, settings => { 4 => 0 }, is_passive => 1);
    }
}
check('bodies that nobody takes', sub {
    my ($http2) = @_;
    $http2->wait_ping;
    request_all($http2, POST => '/stuck', end => 4);
    wait_asked();
    my ($next, $silent) = (0, 0);
    while ($silent < 300) {
        my $stream = 2 * ($next++ % STREAMS) + 1;
        if ($http2->may_send($stream) >= 10_000) {
            $http2->data($stream, 'x' x 10_000);
            $silent = 0;
        } else {
            $http2->wait_ping if ++$silent % 50 == 0;
        }
    }
});
check('bodies that are kept', sub {
    my ($http2) = @_;
    $http2->wait_ping;
    request_all($http2, PUT => '/kept', end => 4);
    wait_asked();
    for my $stream (map { 2 * $_ - 1 } 1 .. STREAMS) {
        for (1 .. 20) {
            1 while $http2->may_send($stream) < 20_000 && $http2->read_frame;
            $http2->data($stream, 'x' x 20_000);
        }
    }
    $http2->wait_ping;
});
check('bodies that are whole', sub {
    my ($http2) = @_;
    $http2->wait_ping;
    for my $stream (map { 2 * $_ - 1 } 1 .. STREAMS) {
        last if $http2->may_send($stream) < 40_000;
        $http2->request($stream, PUT => '/kept', [], end => 0);
        $http2->data($stream, 'x' x 40_000, end => 1);
        $http2->wait_ping;
    }
    $http2->wait_ping for 1 .. 10;
});
# 15 fields of 4,000 bytes from 4 KB: one literal that is remembered, and then referred to.
my $field = "\x40\1a" . FlexiLib::Test::Http2::number(0, 7, 4_000) . 'x' x 4_000;
check('heads', sub {
    my ($http2) = @_;
    my $block = FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(GET => '/kept'));
    $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 5, 2 * $_ - 1, $block . ($_ == 1 ? $field : "\xbe") . "\xbe" x 14) }
        1 .. STREAMS);
    $http2->wait_ping for 1 .. 10;
    is($http2->stream(199)->{reset}, 7, 'those that are too much are refused');
});
my $announcement = "\x40" . FlexiLib::Test::Http2::number(0, 7, 7) . 'trailer' . FlexiLib::Test::Http2::number(0, 7, 600) . 'x' x 600;
check('heads that announce many trailers', sub {
    my ($http2) = @_;
    my $block = FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(GET => '/kept'));
    $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 5, 2 * $_ - 1, $block . ($_ == 1 ? $announcement : "\xbe") . "\xbe" x 90) }
        1 .. STREAMS);
    $http2->wait_ping for 1 .. 10;
    is($http2->stream(199)->{reset}, 7, 'those that are too much are refused');
});
# A list of 1,300 codings in each of 15 fields.
my $codings = "\x40\x0faccept-encoding" . FlexiLib::Test::Http2::number(0, 7, 3_900) . 'br,' x 1_300;
# 91 fields of one name
my $part = "\x40\1a" . FlexiLib::Test::Http2::number(0, 7, 600) . 'x' x 600;
for my $row (['lists that are narrowed', narrowed => $codings, 14], ['fields that are joined', joined => $part, 90]) {
    my ($name, $path, $first, $count) = @$row;
    check($name, sub {
        my ($http2) = @_;
        my $block = FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(GET => "/kept/$path"));
        $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 5, 2 * $_ - 1, $block . ($_ == 1 ? $first : "\xbe") . "\xbe" x $count) }
            1 .. STREAMS);
        $http2->wait_ping for 1 .. 10;
        is($http2->stream(199)->{reset}, 7, 'those that are too much are refused');
    });
}
# 3,900 bytes that become 11,700 in the one spelling that paths have.
my $path = "\x44" . FlexiLib::Test::Http2::number(0, 7, 3_900) . '/kept/' . '"' x 3_894;
my $crumb = "\x40\6cookie\3a=b";
my $empty = "\x40\1a\0";
for my $row (['crumbs of cookies', $crumb, 108, 7], ['fields of little', $empty, 95]) {
    my ($name, $first, $count, $reset) = @$row;
    check($name, sub {
        my ($http2) = @_;
        my $block = FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(GET => '/kept'));
        $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 5, 2 * $_ - 1, $block . ($_ == 1 ? $first : "\xbe") . "\xbe" x $count) }
            1 .. STREAMS);
        $http2->wait_ping for 1 .. 10;
        is($http2->stream(199)->{reset}, $reset, 'those that are too much are refused');
    });
}
my $host = "\x41" . FlexiLib::Test::Http2::number(0, 7, 3_900) . 'x' x 3_900;
check('hosts', sub {
    my ($http2) = @_;
    my $block = FlexiLib::Test::Http2::fields_bytes([':method' => 'GET', ':scheme' => 'http', ':path' => '/kept']);
    $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 5, 2 * $_ - 1, $block . ($_ == 1 ? $host : "\xbe")) } 1 .. STREAMS);
    is($http2->wait_stream(199)->{status}, 400, 'those that are too long are refused');
});
check('paths', sub {
    my ($http2) = @_;
    my $block = FlexiLib::Test::Http2::fields_bytes([':method' => 'GET', ':scheme' => 'http', ':authority' => 'localhost']);
    $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 5, 2 * $_ - 1, $block . ($_ == 1 ? $path : "\xbe")) } 1 .. STREAMS);
    $http2->wait_ping for 1 .. 10;
    is($http2->stream(199)->{reset}, 7, 'those that are too much are refused');
});
check('trailers', sub {
    my ($http2) = @_;
    my $block = FlexiLib::Test::Http2::fields_bytes(FlexiLib::Test::Http2::request_fields(PUT => '/kept'));
    $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 4, 2 * $_ - 1, $block) } 1 .. STREAMS);
    $http2->wait_ping for 1 .. 10;
    $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 5, 2 * $_ - 1, ($_ == 1 ? $field : "\xbe") . "\xbe" x 14) } 1 .. STREAMS);
    $http2->wait_ping for 1 .. 10;
    is($http2->wait_stream(199)->{status}, 431, 'those that are too much are refused');
});
check('tunnels', sub {
    my ($http2) = @_;
    $http2->wait_ping;
    my $block = FlexiLib::Test::Http2::fields_bytes(
        [':method' => 'CONNECT', ':protocol' => 'websocket', ':scheme' => 'http', ':authority' => 'localhost', ':path' => '/tunnel']);
    $http2->send(join '', map { FlexiLib::Test::Http2::frame_bytes(HEADERS => 4, 2 * $_ - 1, $block) } 1 .. STREAMS);
    settle($http2);
    $http2->data(2 * $_ - 1, 'x' x 4_000) for 1 .. STREAMS;
    $http2->wait_ping for 1 .. 10;
}, settings => { 4 => 0 }, is_passive => 1);

done_testing;
