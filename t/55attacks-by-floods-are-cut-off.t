# Many clients at once that flood the HTTP/2 front, in the clear and over TLS, are each ended and named in the log, at most
# 200 of their streams after they have begun, of which the service behind has seen 100 at most. The worker lives on, holds
# at most 2 MB more for each of them, and all others are served meanwhile.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Attack;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Floods;
use FlexiLib::Test::Http2;

need('openssl');

use constant {
    PLAIN        => 10,
    SECURE       => 4,
    MOST_STREAMS => 200,
    MOST_STARTS  => 100,
    FROM         => '127.0.0.9',
};

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_head) {
        return $connection->read_all if $request->{first} =~ m{/slow };
        $connection->respond(200, [], 'quick');
    }
});
my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example');
my $flexilib = start_flexilib(
    files  => { map { ("shop.$_" => read_file($authority->path("shop.$_"))) } qw(pem key) },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0" }
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: shop.pem, key: shop.key } }
workers: 1
upstreams:
  service: { servers: "@{[$backend->url]}", keep_alive: 60s }
routes:
  - { match: /, proxy: service }
END
my $attack = FlexiLib::Test::Attack->begin($flexilib, '/quick');

sub open_all {
    my @connections = (
        $attack->open(PLAIN, from => FROM),
        $attack->open(SECURE, from => FROM, listener => 'secure', secure => 1, alpn => 'h2'),
    );
    return map { FlexiLib::Test::Http2->open($flexilib, connection => $_, is_passive => 1) } @connections;
}

sub count_named { return $attack->count_named(FROM, $_[0] // 0) }

# How each of them has ended.
sub judge {
    my ($name, $starts, $named, @clients) = @_;
    my (@codes, @counts);
    for my $http2 (@clients) {
        my $code   = $http2->wait_close;
        my $resets = grep { defined $_->{reset} } values %{ $http2->{streams} };
        my $begun  = (($http2->{last_stream} // 0) + 1) / 2;
        push @codes, defined $code && $code != 0 ? 'told' : 'none';
        push @counts, $begun > $resets ? $begun : $resets;
        $http2->close;
    }
    is(join(' ', @codes), join(' ', ('told') x @clients), "$name: all connections are ended, and told why");
    my ($most) = sort { $b <=> $a } @counts;
    cmp_ok($most, '<=', MOST_STREAMS, "after $most streams");
    my $begun = int(($backend->connections - $starts) / @clients);
    cmp_ok($begun, '<=', MOST_STARTS, "of which the service has seen $begun");
    $attack->check($name, scalar @clients);
    cmp_ok(count_named($named + @clients) - $named, '>=', @clients, 'and the log names each of them');
    return;
}

for my $flood (FlexiLib::Test::Floods::rows()) {
    my ($starts, $named) = ($backend->connections, count_named());
    my @clients = open_all();
    $attack->send_all([map { $_->connection } @clients], $flood->{bytes});
    judge($flood->{name}, $starts, $named, @clients);
}

# Those that wait until each request has been begun.
my ($starts, $named) = ($backend->connections, count_named());
my @clients = open_all();
my $rounds  = 0;
while ($rounds < 400 && (my @open = grep { !defined $_->{goaway} } @clients)) {
    my $stream = 2 * ++$rounds - 1;
    for my $step (sub { $_[0]->request($stream, GET => '/slow') }, sub { $_[0]->reset($stream) }) {
        $step->($_)   for @open;
        $_->wait_ping for @open;
    }
}
cmp_ok($rounds, '<=', 110, 'requests that are begun and broken off, one by one: only so many');
judge('patient resets', $starts, $named, @clients);
$attack->finish;
done_testing;
