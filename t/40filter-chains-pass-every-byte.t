# Whatever filters are in a chain, and however bodies come and go: on connections that are kept, each request and each
# response passes as it was sent. The bodies are random, the same in each run; FLEXILIB_TEST_SEED makes others.

use lib 't/lib';
use FlexiLib::Test;
use Digest::MD5 qw(md5_hex);

my $seed    = $ENV{FLEXILIB_TEST_SEED} // 1;
my $rounds  = is_sanitized() ? 6 : 20;
my $bodies  = build_folder() . '/t/lib/bodies.so';
my $pause   = build_folder() . '/t/lib/pause.so';
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        srand $seed + $connection->number;
        while (my $request = $connection->read_request) {
            my $body = $request->body;
            my @seen = ('X-Seen' => length($body) . ' ' . md5_hex($body));
            if (rand() < 0.5) {
                $connection->respond(200, \@seen, $body);
                next;
            }
            $connection->send("HTTP/1.1 200 OK\r\nX-Seen: $seen[1]\r\nTransfer-Encoding: chunked\r\n\r\n");
            for my $piece (cut($body)) {
                $connection->send(sprintf "%x\r\n%s\r\n", length $piece, $piece);
            }
            $connection->send("0\r\n\r\n");
        }
    }
);

my @chains = (
    [],
    ['pass'], ['collect'], ['hold'], ['skip'], ['observe'], ['pause'],
    [qw(pass pass pass)], [qw(hold collect pass)], [qw(collect hold observe)], [qw(pass hold skip collect)],
    [qw(pause collect pause)], [qw(hold pause hold observe)], [qw(observe skip pause)],
);
my %filters = (
    observe => 'bodies.observe',
    pause   => '{ pause: { hook: request_body } }, { pause: { hook: response_body } }',
    map { $_ => "{ bodies.bodies: { request: $_, response: $_ } }" } qw(pass collect hold skip)
);
my $routes = '';
for my $number (0 .. $#chains) {
    my $filters = join ', ', map { $filters{$_} } @{ $chains[$number] };
    $routes .= "  - { match: /chain-$number, filters: [$filters], proxy: &to$number \"@{[$backend->url]}\" }\n";
}
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { bodies: { path: "$bodies" }, pause: { path: "$pause" } }
routes:
$routes
END

sub cut {
    my ($body) = @_;
    my @pieces;
    while (length $body) {
        my $length = rand() < 0.3 ? 1 + int rand 10 : 1 + int rand 70_000;
        push @pieces, substr $body, 0, $length, '';
    }
    return @pieces;
}

sub make_body {
    my $length = (0, 1 + int rand 100, 1 + int rand 20_000, 1 + int rand 400_000)[int rand 4];
    return join '', map { chr(33 + ($_ * 7 + $length) % 90) } 1 .. $length;
}

sub ask {
    my ($connection, $number, $body) = @_;
    my $is_chunked = length $body && rand() < 0.5;
    my @fields = $is_chunked ? ('Transfer-Encoding' => 'chunked') : ('Content-Length' => length $body);
    $connection->send_request(POST => "/chain-$number", headers => \@fields);
    my @pieces = cut($body);
    $connection->send($is_chunked ? sprintf("%x\r\n%s\r\n", length $_, $_) : $_) for @pieces;
    $connection->send("0\r\n\r\n") if $is_chunked;
    return $connection->read_response;
}

srand $seed;
for my $number (0 .. $#chains) {
    my $connection = connect_to($flexilib);
    my $good       = 0;
    for my $round (1 .. $rounds) {
        my $body     = make_body();
        my $response = ask($connection, $number, $body);
        last if !$response->is_complete || $response->status != 200;
        last if $response->header('x-seen') ne length($body) . ' ' . md5_hex($body) || $response->body ne $body;
        ++$good;
    }
    is($good, $rounds, 'through ' . (join(', ', @{ $chains[$number] }) || 'no filter'));
}

done_testing;
