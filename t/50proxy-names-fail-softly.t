# Names that cannot be resolved cost the requests that need them, with the reason in the log, and nothing else; what was
# known goes on serving while no name server answers.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        $connection->read_request or return;
        $connection->respond(200, [Connection => 'close'], 'here');
    }
);
my $names = start_name_server(
    'here.test'   => { A => ['127.0.0.1'], ttl => 1 },
    'empty.test'  => { A => [] },
    'broken.test' => { code => 2 },
    'silent.test' => { is_silent => 1 },
    'left.test'   => { A => ['127.0.0.1'], ttl => 1 },
);
my $nobody = free_port();
my $routes = join '', map { qq(  - { match: "/$_", proxy: "http://$_.test:@{[$backend->port]}" }\n) }
    qw(here gone empty broken silent left);
my $config = <<"END";
listen: 127.0.0.1:0
workers: 1
resolver: { servers: ["@{[$names->address]}"], timeout: 600ms }
routes:
$routes
END

my $flexilib = start_flexilib(config => $config);
ok(1, 'names that are not resolved do not keep it from starting');

sub status_of { return request($flexilib, GET => "/$_[0]")->status }

# Repeats a request until it is answered by that status.
sub wait_status_of {
    my ($path, $wanted) = @_;
    my $deadline = FlexiLib::Test::deadline();
    my $status   = status_of($path);
    $status = status_of($path) while $status != $wanted && time < $deadline;
    return $status;
}

my %reasons = (
    gone   => 'no such name',
    empty  => 'it has no address',
    broken => 'no name server could answer',
    silent => 'no name server answered in time',
);
is(status_of('here'), 200, 'a name that is known');
for my $name (sort keys %reasons) {
    is(status_of($name), 502, "$name.test: $reasons{$name}");
    $flexilib->wait_log(qr/error: upstream 'http:\S+' server \S+\/\/$name\.test:\d+: its name was not resolved: $reasons{$name} \(request/);
    like($flexilib->log, qr/warning: the name '$name\.test' is not resolved: $reasons{$name}\n/, 'which was told early');
}

$names->set('gone.test' => { A => ['127.0.0.1'], ttl => 60 });
is(wait_status_of(gone => 200), 200, 'a name that comes into being');
$flexilib->wait_log(qr/info: the name 'gone\.test' is resolved again/);

is(status_of('left'), 200, 'a name that is known');
$names->set('left.test' => undef);
is(wait_status_of(left => 502), 502, 'one that ceases to be');
$flexilib->wait_log(qr/warning: the name 'left\.test' is not resolved: no such name/);

is(status_of('here'), 200, 'a name that is known');
$names->pause;
my $load = start_load($flexilib, path => '/here', connections => 2);
$flexilib->wait_log(qr/warning: the name 'here\.test' is not resolved anew: no name server answered in time; its last addresses serve for an hour/);
$names->resume;
$flexilib->wait_log(qr/info: the name 'here\.test' is resolved again/);
my $result = $load->stop;
is(join("\n", @{ $result->{failures} }), '', 'no request fails while the name server is down');
cmp_ok($result->{requests}, '>', 0, 'and there were some');

my $alone = start_flexilib(config => $config =~ s/servers: \[.*?\]/servers: "127.0.0.1:$nobody"/r);
is(request($alone, GET => '/here')->status, 502, 'a name server that refuses');
$alone->wait_log(qr/its name was not resolved: no name server (?:could answer|answered in time)/);

done_testing;
