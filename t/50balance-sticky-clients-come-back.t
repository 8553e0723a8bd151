# A client with the sticky cookie comes back to its server: in every worker, after a reload, among other cookies; and is
# given another one when that server is gone.

use lib 't/lib';
use FlexiLib::Test;

my %backend = map { $_ => start_static_backend(body => $_, headers => ['Set-Cookie' => "app=$_"]) } qw(a b c);

sub config {
    my @servers = @_;
    my $list = join ', ', map { '"' . $backend{$_}->url . '"' } @servers;
    return <<"END";
listen: 127.0.0.1:0
workers: 2
upstreams:
  shop: { servers: [$list], sticky: shop_server }
  full:
    servers: [$list]
    sticky: { cookie: full_server, path: /full, max_age: 1h, secure: yes, same_site: none }
routes:
  - { match: /full, proxy: full }
  - { match: /, proxy: shop }
END
}

my $flexilib = start_flexilib(config => config(qw(a b c)));

sub ask {
    my ($path, $cookie) = @_;
    return request($flexilib, GET => $path, headers => [defined $cookie ? (Cookie => $cookie) : ()]);
}

# The sticky one among the response's cookies.
sub given {
    my ($response) = @_;
    return (grep { /_server=/ } $response->headers('Set-Cookie'))[0];
}

my %cookie;
for (1 .. 12) {
    my $response = ask('/');
    my $given = given($response);
    like($given, qr/\Ashop_server=[0-9a-f]{16}; Path=\/; HttpOnly; SameSite=Lax\z/, 'a new client gets a cookie');
    my ($pair) = $given =~ /\A([^;]*)/;
    is($cookie{ $response->body } // $pair, $pair, 'the same one from every worker');
    $cookie{ $response->body } = $pair;
}
is(join('', sort keys %cookie), 'abc', 'new clients are balanced');
like(given(ask('/full')), qr/\Afull_server=[0-9a-f]{16}; Path=\/full; Max-Age=3600; Secure; HttpOnly; SameSite=None\z/,
    'with all that the settings say');

sub expect_own {
    my ($when) = @_;
    for my $server (sort keys %cookie) {
        my @responses = map { ask('/', "x=y; $cookie{$server}; z=\"\"") } 1 .. 6;
        is(join('', map { $_->body } @responses), $server x 6, "$when: clients of $server come back");
        is(join('', map { given($_) // '' } @responses), '', 'and get no new cookie');
        is(($responses[0]->headers('Set-Cookie'))[0], "app=$server", 'the server\'s own cookies stay');
    }
    return;
}

expect_own('at once');
$flexilib->write_file('flexilib.yaml', config(qw(c a b)));
$flexilib->reload;
$flexilib->wait_serving(2);
expect_own('after a reload with another order');

for my $wrong ('shop_server=0123456789abcdef', 'shop_server=', 'shop_server', "full_$cookie{a}") {
    ok(given(ask('/', $wrong)), "'$wrong' is no cookie of ours");
}

$backend{b}->end;
my $response = ask('/', $cookie{b});
like($response->body, qr/\A[ac]\z/, 'where the server is gone another one serves');
is((given($response) =~ /\A([^;]*)/)[0], $cookie{ $response->body }, 'and its cookie is given');

done_testing;
