# Where a library writes nonsense into the memory of the dictionary, values are lost, and nothing else.

use lib 't/lib';
use FlexiLib::Test;

my ($hostile, $library) = map { test_library($_) } qw(hostile dictionary);

sub config {
    my ($filters) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 2
libraries: { hostile: $hostile, dictionary: $library }
routes:
  - { match: /, filters: [$filters], handler: dictionary }
END
}

my $flexilib = start_flexilib(config => config(''), expect_alerts => qr/was killed by signal 9/);
my $client   = connect_to($flexilib);

sub ask {
    my ($path) = @_;
    $client->send_request(GET => $path);
    return $client->read_response->body;
}

ask('/keep?a+value');
is(ask('/kept'), 'a+value', 'a value is kept');
$flexilib->write_file('flexilib.yaml', config('{ hostile: { scribble: 8 } }'));
my ($old) = $flexilib->worker_pids;
$flexilib->reload;
$flexilib->wait_serving(2);
is(ask('/kept'), 'nothing', 'a worker that uses it meanwhile loses what it has kept');
$client = connect_to($flexilib);
ask('/keep?another');
is(ask('/kept'),  'another', 'what is kept from now on is there');
is(ask('/count'), 1,         'counts begin again');
is(ask('/count'), 2,         'and are counts');
ask('/fill');
is(ask('/count'), 1, 'there is an end to the room');

$flexilib->write_file('flexilib.yaml', config(''));
$flexilib->reload;
$flexilib->wait_serving(3);
like($flexilib->log, qr/warning: cannot use the shared memory of the dictionary: Invalid argument; filters of this worker have one of their own$/m,
    'a worker that comes later does without');
$client = connect_to($flexilib);
is(ask('/count'), 1, 'by one of its own');
is(ask('/count'), 2, 'by one of its own');
$flexilib->wait_log(qr/generation 2 has drained/);
my @workers = $flexilib->worker_pids;
kill 'KILL', @workers;
$flexilib->wait_log(qr/killed by signal 9/) for @workers;
is(request($flexilib, GET => '/count')->status, 200, 'the supervisor goes on');

done_testing;
