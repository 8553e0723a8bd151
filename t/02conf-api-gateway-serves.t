# conf/api-gateway.yaml does what it says: tokens by the keys of a server, limits for each user, a next version for some of
# them, and copies.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Token;

need('openssl');
my $keys = FlexiLib::Test::Token->new(make_folder());
$keys->make(one => 'ES256');

sub start_named {
    my ($name) = @_;
    return start_backend(
        sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                my $seen = join ' ', $request->method, $request->target, map { "$_=" . join ',', $request->headers($_) } qw(x-user x-scope authorization cookie);
                $connection->tell("$seen\n") if $request->target ne '/healthz';
                $connection->respond(200, ['X-Served-By' => $name], $seen);
            }
        }
    );
}
my %backend = map { ($_ => start_named($_)) } qw(one two next copies);
my $login   = start_static_backend(body => $keys->set('one'), headers => ['Content-Type' => 'application/json']);
my $flexilib = start_flexilib(
    config => read_file(root_folder() . '/conf/api-gateway.yaml'),
    env    => {
        PORT     => '127.0.0.1:0',
        LOGIN    => $login->url,
        API_1    => $backend{one}->url,
        API_2    => $backend{two}->url,
        NEXT     => $backend{next}->url,
        COPIES   => $backend{copies}->url,
        ISSUER   => 'login',
        AUDIENCE => 'shop',
        COPIED   => 1,
    }
);
my %claims = (iss => 'login', aud => 'shop', exp => time + 3600, scope => 'read write');

my %token;

sub ask {
    my ($user, %option) = @_;
    my $claims = delete $option{claims} // {};
    my $token  = $token{ join ' ', $user, %$claims } //= $keys->sign(one => { %claims, sub => $user, %$claims });
    my @headers = (Authorization => "Bearer $token", @{ delete $option{headers} // [] });
    return request($flexilib, (delete $option{method} // 'GET') => '/orders?id=7', headers => \@headers, %option);
}

like($login->received, qr{^GET /\.well-known/jwks\.json }, 'keys are fetched first');
is(request($flexilib, GET => '/healthz')->body, "ok\n", 'who watches is answered');
is(request($flexilib, GET => '/orders')->status, 401, 'nobody passes without a token');
is(ask('alice', claims => { aud => 'bank' })->status, 401, 'nor with one for others');
like($flexilib->wait_access(qr/another audience/), qr/"user":null.*"status":401/, 'which the access log tells');

my $answer = ask('alice', headers => ['X-User' => 'root', X_User => 'root', 'X-Scope' => 'all', Cookie => 'a=b']);
is($answer->body, 'GET /orders?id=7 x-user=alice x-scope=read write authorization= cookie=a=b', 'the API is told who it is, and nothing else of it');
my ($user) = grep { /^"user"/ } $answer->headers('ratelimit');
is($user, '"user";r=19;t=1', 'the client is told what is left');
is($backend{copies}->wait_told(qr/orders/), 'GET /orders?id=7 x-user=alice x-scope=read write authorization= cookie=', 'a copy goes elsewhere');

my %side = map { ($_ => ask("user$_")->header('x-served-by')) } 1 .. 60;
my %count;
$count{ $_ =~ s/^(?:one|two)$/api/r }++ for values %side;
cmp_ok($count{api} // 0, '>', 40, 'most users meet the version that is there');
cmp_ok($count{next} // 0, '>', 0, 'some the next one');
my ($next) = grep { $side{$_} eq 'next' } sort keys %side;
is(ask("user$next")->header('x-served-by'), 'next', 'and they stay with it');

my $posted = ask('bob', method => 'POST', body => 'order');
is($posted->status, 200, 'what changes something passes too');
is(join(' ', map { ask('carol')->status } 1 .. 20), join(' ', (200) x 20), 'a user has twenty requests at once');
my $refused;
for (1 .. 1000) {
    $refused = ask('carol');
    last if $refused->status == 429;
}
is($refused->status, 429, 'and no more than comes back');
is($refused->header('retry-after'), 1, 'which is told');
is(ask('dave')->status, 200, 'others are not held up by that');

like($flexilib->wait_access(qr/"status":429/), qr/"user":"carol".*"limit":"refused"/, 'the access log tells who was refused');
unlike($backend{copies}->received, qr/^POST/m, 'what changes something was not copied');
done_testing;
