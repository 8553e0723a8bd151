# jwt fetches its keys: before it serves, when a token names one that is not known, and again and again; and keeps what
# it has while the server gives it nothing better.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Token;

use IO::Select;

need('openssl');
my $folder = make_folder();
my $keys   = FlexiLib::Test::Token->new($folder);
$keys->make($_, 'ES256') for qw(one two three);
write_file("$folder/$_", '') for qw(document status);

# Answers with what the test has written into the folder, at once or when it says so.
my $server = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->tell('asked for ' . $request->target . ' of ' . $request->header('host') . "\n");
            if (-e "$folder/hold") {
                write_file("$folder/held", '');
                $connection->wait_go;
            }
            my $status = read_file("$folder/status") || 200;
            return if $status eq 'close';
            $connection->respond($status, ['Content-Type' => 'application/json'], read_file("$folder/document"));
        }
    }
);

sub publish {
    my ($text, $status) = @_;
    write_file("$folder/document", $text);
    write_file("$folder/status", $status // '');
    return;
}

sub config {
    my (%option) = @_;
    my $workers = $option{workers} // 1;
    my $refresh = $option{refresh} // '1h';
    my $url     = ($option{server} // $server)->url;
    return <<"END";
listen: 127.0.0.1:0
workers: $workers
create_timeout: @{[$option{create_timeout} // '10s']}
upstreams: { login: { servers: ["$url"], retry: { tries: 1 } } }
routes:
  - match: /
    filters: [{ jwt: { jwks: { upstream: login, path: "/keys?v=1", host: login.example, refresh: $refresh, retry: @{[$option{retry} // '100ms']} } } }]
    handler: hello
END
}

my %claims = (sub => 'alice', exp => time + 3600);
my %token  = map { ($_ => $keys->sign($_, \%claims)) } qw(one two three);
$token{"nameless $_"} = $keys->sign($_, \%claims, header => { kid => undef }) for qw(one two three);

sub status_of {
    my ($flexilib, $key) = @_;
    return request($flexilib, GET => '/', headers => [Authorization => "Bearer $token{$key}"])->status;
}

# What comes about by a timer of the filter: asks until it has, with the helper's deadline around it.
sub becomes {
    my ($flexilib, $key, $status) = @_;
    for (1 .. 20_000) {
        return 1 if status_of($flexilib, $key) == $status;
    }
    return 0;
}

publish('', 500);
my $flexilib = start_flexilib(wait => 0, config => config());
$flexilib->wait_log(qr/keys of upstream 'login': the server answered with status 500/);
publish('<html>');
$flexilib->wait_log(qr/keys of upstream 'login': the document is of no use: neither PEM nor JSON: line 1/);
publish('x' x 1_100_000);
$flexilib->wait_log(qr/the document is larger than 1 MB/);
publish('{"keys":[]}');
$flexilib->wait_log(qr/it holds no key that tokens can be signed with/);
unlike($flexilib->log, qr/generation 1 is serving/, 'nothing is served without keys');
publish($keys->set('one'));
$flexilib->wait_serving(1);
is(status_of($flexilib, 'one'), 200, 'with them it is');
like($server->wait_told(qr/asked/), qr{^asked for /keys\?v=1 of login\.example$}, 'they are asked for as told');

publish($keys->set('one', 'two'));
ok(becomes($flexilib, 'two', 200), 'a token of a new key has the keys fetched');
is(status_of($flexilib, 'one'), 200, 'the older one is still good');
publish($keys->set('two', 'three'));
write_file("$folder/hold", '');
my @waiting = map { $flexilib->connect } 1 .. 3;
my $bearer  = [Authorization => "Bearer $token{three}"];
my $answers = IO::Select->new($waiting[0]{socket});
until (-e "$folder/held") {
    $waiting[0]->send_request(GET => '/', headers => $bearer);
    while (!-e "$folder/held") {
        if ($answers->can_read(0.01)) {
            $waiting[0]->read_response;
            last;
        }
    }
}
$_->send_request(GET => '/', headers => $bearer) for @waiting[ 1, 2 ];
$server->go;
unlink "$folder/hold";
is(join(' ', map { $_->read_response->status } @waiting), '200 200 200', 'requests wait for the keys, and one question serves them all');
is(status_of($flexilib, 'one'), 401, 'a key that was taken back is good no more');

publish($keys->set('one', 'two', 'three'));
ok(becomes($flexilib, 'nameless one', 200), 'so is a token that names no key, where no key fits it');
is(status_of($flexilib, 'nameless two'), 200, 'and passes by any that does');
publish('', 'close');
is(status_of($flexilib, 'two'), 200, 'keys stay good while the server cannot be asked');
is(status_of($flexilib, 'three'), 200, 'still');
$flexilib->stop;

publish($keys->set('one'));
my $refreshing = start_flexilib(config => config(refresh => '1s', workers => 2));
is(status_of($refreshing, 'one'), 200, 'two workers have the keys');
publish($keys->set('two'));
ok(becomes($refreshing, 'one', 401), 'keys are fetched again in time, and old ones go');
publish('', 500);
$refreshing->reload;
$refreshing->wait_serving(2);
is(status_of($refreshing, 'two'), 200, 'a new generation takes over what the others know, though the server is ill');
my $failures = 0;
for (1 .. 20_000) {
    $failures = () = $refreshing->log =~ /answered with status 500/g;
    last if $failures >= 12;
    status_of($refreshing, 'two');
}
cmp_ok($failures, '>=', 12, 'the server is ill for longer than keys should get old');
$refreshing->reload;
$refreshing->wait_serving(3);
is(status_of($refreshing, 'two'), 200, 'also where they are older than they should be');
$refreshing->stop;

my $other = start_backend(
    sub {
        my ($connection) = @_;
        while ($connection->read_request) {
            $connection->respond(200, [], $keys->set('three'));
        }
    }
);
publish($keys->set('one'));
my $moving = start_flexilib(config => config());
is(status_of($moving, 'one'), 200, 'keys of one server');
$moving->write_file('flexilib.yaml', config(server => $other));
$moving->reload;
$moving->wait_serving(2);
is(status_of($moving, 'three'), 200, 'another server of that name has keys of its own');
is(status_of($moving, 'one'), 401, 'and those of the one before are good no more');
$moving->stop;

publish('', 500);
my $never = start_flexilib(wait => 0, config => config(create_timeout => '1s'));
like($never->wait_log(qr/was not ready within|create_timeout/), qr/jwt/, 'without any keys the configuration is refused');
$never->check_exit(78);

for my $case (
    ['jwks: { path: /a }', qr/upstream/],
    ['jwks: { upstream: lgoin }', qr/did you mean 'login'/],
    ['jwks: { upstream: login, path: keys }', qr/a path begins with '\/'/],
    ['issuer: a', qr/one of 'jwks_file', 'jwks' and 'secret' is needed/],
    ['secret: short', qr/at least 32 bytes/],
    ['jwks_file: none.json', qr/none\.json/],
    ['jwks_file: flexilib.yaml', qr/neither PEM nor JSON/],
    ['jwks: { upstream: login }, secret: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', qr/one of/],
    ['jwks: { upstream: login }, algorithms: [HS256]', qr/HS algorithms go with 'secret'/],
    ['jwks: { upstream: login }, algorithms: [none]', qr/the algorithms are/],
) {
    my ($options, $expected) = @$case;
    my $result = run_flexilib(['check'], config => "listen: 127.0.0.1:0\nupstreams: { login: { servers: [\"http://127.0.0.1:1\"] } }\n"
            . "routes:\n  - match: /\n    filters: [{ jwt: { $options } }]\n    handler: hello\n");
    is($result->{status}, 78, "refused: $options");
    like($result->{err}, $expected, 'with a reason');
}
done_testing;
