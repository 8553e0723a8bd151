# What clients and services do at the worst moments harms neither the bundled filters nor others: clients that leave while
# keys or a verdict are waited for, reloads in the midst of that, copies that are under way when a worker ends; and
# filters of libraries that the configuration has run on threads.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Token;

use IO::Select;

need('openssl');
my $folder = make_folder();
my $keys   = FlexiLib::Test::Token->new($folder);
$keys->make($_, 'ES256') for qw(one two);
my %token = map { ($_ => $keys->sign($_, { sub => 'alice', exp => time + 3600 })) } qw(one two);

# Both answer at once until the file is there, and not before they are told then.
sub start_service {
    my ($name, @answer) = @_;
    return start_backend(
        sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                if (-e "$folder/hold") {
                    write_file("$folder/$name-holds", '');
                    $connection->tell("$name is asked\n");
                    $connection->wait_go;
                }
                $connection->respond(@answer);
            }
        }
    );
}
my $login   = start_service('login', 200, [], $keys->set('one'));
my $auth    = start_service('auth', 204, []);
my $copies  = start_service('copies', 200, [], '');
my $service = start_static_backend(body => 'served', headers => ['Content-Type' => 'text/plain']);

sub config {
    my ($blocking) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
libraries:
  limit: { path: rate-limit, blocking: yes }
  side: { path: canary, blocking: yes }
  words: { path: replace, blocking: yes }
  token: { path: jwt, blocking: yes }
upstreams:
  login: { servers: ["@{[$login->url]}"], retry: { tries: 1 } }
  auth: { servers: ["@{[$auth->url]}"], retry: { tries: 1 } }
  copies: { servers: ["@{[$copies->url]}"] }
  main: { servers: ["@{[$service->url]}"] }
routes:
  - match: /jwt
    filters: [{ jwt: { jwks: { upstream: login, retry: 100ms } } }]
    proxy: main
  - match: /auth
    filters: [{ use: forward-auth, on_error: open, options: { upstream: auth } }]
    proxy: main
  - match: /copy
    filters: [{ mirror: { upstream: copies } }]
    proxy: main
  - match: /threads
    filters:
      - token: { jwks_file: keys.json }
      - limit: { requests: 1000, per: 1m, by: "{jwt.sub}" }
      - side: { choices: [{ upstream: main }], by: "{jwt.sub}", cookie: side }
      - words: { types: "*", rules: [{ from: served, to: "{jwt.sub}" }] }
    proxy: main
END
}
my $flexilib = start_flexilib(config => config(), files => { 'keys.json' => $keys->set('one') });
my @unknown = (headers => [Authorization => "Bearer $token{two}"]);
my @known   = (headers => [Authorization => "Bearer $token{one}"]);

sub asks {
    my ($path, @more) = @_;
    my $client = $flexilib->connect;
    $client->send_request(GET => $path, @more);
    return $client;
}

my $answer = request($flexilib, GET => '/threads', @known);
is($answer->status . ' ' . $answer->body, '200 alice', 'on threads they do the same');
like($answer->header('set-cookie'), qr/^side=main;/, 'and remember');
is(request($flexilib, GET => '/threads')->status, 401, 'and refuse');

write_file("$folder/hold", '');
my $waiting = asks('/auth');
$auth->wait_told(qr/auth is asked/);
$waiting->close;
my $leaving = asks('/jwt', @unknown);
until (-e "$folder/login-holds") {
    next if !IO::Select->new($leaving->{socket})->can_read(0.01);
    $leaving->read_response;
    $leaving->send_request(GET => '/jwt', @unknown);
}
is(request($flexilib, GET => '/jwt', @known)->status, 200, 'known keys serve while others are waited for');
$leaving->close;
my $patient = asks('/jwt', @unknown);
my $verdict = asks('/auth');
$auth->wait_told(qr/auth is asked/);
request($flexilib, GET => '/copy');
$copies->wait_told(qr/copies is asked/);
unlink "$folder/hold";
$flexilib->reload;
$login->go for 1 .. $login->connections;
$flexilib->wait_serving(2);
$auth->go for 1 .. $auth->connections;
is($patient->read_response->status, 401, 'who waited for keys is answered while its generation drains');
is($verdict->read_response->status, 200, 'so is who waited for a verdict');
is(request($flexilib, GET => '/jwt', @known)->status, 200, 'the new generation serves');
$_->close for $patient, $verdict;
$copies->go for 1 .. $copies->connections;
$flexilib->wait_log(qr/generation 1 has drained/);
is(request($flexilib, GET => '/copy')->status, 200, 'and copies');
done_testing;
