# HUP takes up a changed configuration: once it is reported, new connections see nothing but the new one.

use lib 't/lib';
use FlexiLib::Test;

my ($one, $two) = map { test_library("answer_$_") } qw(one two);
sub config {
    my (@routes) = @_;
    return "listen: 127.0.0.1:0\nworkers: 2\nroutes:\n" . join '', map { "  - { match: $_->[0], handler: $_->[1] }\n" } @routes;
}

my $flexilib = start_flexilib(config => config(['/a', $one]));
my $address  = $flexilib->address;
is(request($flexilib, GET => '/a')->body,   "one\n", 'the first configuration serves');
is(request($flexilib, GET => '/b')->status, 404,     'with its routes only');

my $kept = $flexilib->connect;
$kept->send_request(GET => '/a');
ok($kept->read_response->keeps_connection, 'a connection is kept');

$flexilib->write_file('flexilib.yaml', config(['/b', $two]));
$flexilib->reload;
$flexilib->wait_serving(2);
is($flexilib->address, $address, 'the port has stayed');
is_deeply([map { request($flexilib, GET => $_)->status } ('/a', '/b') x 5], [(404, 200) x 5], 'new connections see the new routes');

$kept->send_request(GET => '/a');
my $last = $kept->read_response;
is($last->body, "one\n", 'an older connection may get one more old answer');
ok(!$last->keeps_connection, 'and is told to move');
ok($kept->is_closed,         'and closed');
$flexilib->wait_log(qr/info: generation 1 has drained/);
is(scalar $flexilib->worker_pids, 2, 'the old workers have gone');

my $extra = config(['/b', $two]) =~ s/listen: (\S+)/listen: [$1, { name: second, address: "127.0.0.1:0" }]/r;
$flexilib->write_file('flexilib.yaml', $extra);
$flexilib->reload;
$flexilib->wait_serving(3);
is(request($flexilib, GET => '/b', listener => 'second')->status, 200, 'a listener is added');
is(request($flexilib, GET => '/b')->status, 200, 'the first one has stayed');
my $second = $flexilib->address('second');
$flexilib->write_file('flexilib.yaml', config(['/b', $two]));
$flexilib->reload;
$flexilib->wait_serving(4);
$flexilib->wait_log(qr/info: generation 3 has drained/);
like(run_flexilib(['healthcheck', $second])->{err}, qr/Connection refused/, 'and taken away again');

$flexilib->signal('HUP') for 1 .. 10;
$flexilib->wait_serving(5);
is(request($flexilib, GET => '/b')->status, 200, 'many signals at once are fine');

done_testing;
