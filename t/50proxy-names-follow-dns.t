# The names of servers mean what DNS says at the time: TTLs, aliases, several addresses, answers too long for UDP.

use lib 't/lib';
use FlexiLib::Test;

# Tells which of its addresses it was reached at.
sub tell_address {
    my ($connection) = @_;
    my ($address) = $connection->local_address =~ /^(.*):/;
    $connection->read_request or return;
    $connection->respond(200, [Connection => 'close'], $address);
}

my $everywhere = start_backend(\&tell_address, everywhere => 1);
my $one        = start_backend(\&tell_address);
my $names      = start_name_server(
    'moving.test'  => { A => ['127.0.0.1'], ttl => 1 },
    'lasting.test' => { A => ['127.0.0.1'], ttl => 3600 },
    'alias.test'   => { CNAME => 'real.test', ttl => 60 },
    'real.test'    => { A => ['127.0.0.4'] },
    'three.test'   => { A => [qw(127.0.0.1 127.0.0.2 127.0.0.3)] },
    'limping.test' => { A => [qw(127.0.0.3 127.0.0.1 127.0.0.2)] },
    'large.test'   => { A => ['127.0.0.5'], is_truncated => 1 },
);
my %port = map { $_ => $everywhere->port } qw(moving.test lasting.test alias.test three.test large.test localhost shop.localhost);
$port{'limping.test'} = $one->port;
my $routes = join '', map { qq(  - { match: "/$_", proxy: "http://$_:$port{$_}" }\n) } sort keys %port;
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
resolver: { servers: "@{[$names->address]}", timeout: 20s }
routes:
$routes
END

sub ask {
    my ($name) = @_;
    my $response = request($flexilib, GET => "/$name");
    return $response->status == 200 ? $response->body : $response->status;
}

sub count_questions {
    my ($name) = @_;
    return scalar grep { / A \Q$name\E$/ } $names->questions;
}

is(ask('alias.test'), '127.0.0.4', 'an alias is followed');
is(ask('large.test'), '127.0.0.5', 'an answer too long for UDP comes');
ok(scalar(grep { $_ eq 'tcp A large.test' } $names->questions), 'over TCP');

my %seen;
$seen{ ask('three.test') }++ for 1 .. 9;
is_deeply(\%seen, { map { ("127.0.0.$_" => 3) } 1 .. 3 }, 'several addresses take turns');
is(join(' ', map { ask('limping.test') } 1 .. 9), join(' ', ('127.0.0.1') x 9), 'those that refuse are passed over');

is(ask('localhost'),      '127.0.0.1', 'localhost is here');
is(ask('shop.localhost'), '127.0.0.1', 'and so is what ends in it');
is(scalar(grep { /localhost/ } $names->questions), 0, 'without a question');

is(ask('moving.test'), '127.0.0.1', 'a name before it moves');
is(ask('lasting.test'), '127.0.0.1', 'one that lasts');
my $asked = count_questions('lasting.test');    # more than once where the name server was slow
$names->set(map { $_ => { A => ['127.0.0.2'], ttl => 1 } } qw(moving.test lasting.test));
my $deadline = FlexiLib::Test::deadline();
my ($answer, %answers) = ('');
$answers{ $answer = ask('moving.test') }++ while $answer ne '127.0.0.2' && time < $deadline;
is($answer, '127.0.0.2', 'a name is followed once its TTL is over');
# on a slow machine the TTL may be over before the first of them
is(join(' ', grep { $_ ne '127.0.0.1' } sort keys %answers), '127.0.0.2', 'and no request fails meanwhile');
is(ask('lasting.test'), '127.0.0.1', 'one of a long TTL stays');
is(count_questions('lasting.test'), $asked, 'without being asked for again');
cmp_ok(count_questions('moving.test'), '<', 10, 'not every request asks');

$names->set('lasting.test' => { A => ['127.0.0.3'] });
$flexilib->reload;
$flexilib->wait_serving(2);
is(ask('lasting.test'), '127.0.0.3', 'a reload asks anew');

done_testing;
