# `flexilib metrics` tells what filters of all workers have counted, in the form that Prometheus reads, over crashes and
# reloads.

use lib 't/lib';
use FlexiLib::Test;

my ($library, $hostile) = map { test_library($_) } qw(metrics hostile);

sub config {
    my ($options, $filters) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 2
libraries: { metrics: $library, hostile: $hostile }
routes:
  - { match: /, filters: [@{[$filters // '']}], handler: { metrics: { $options } } }
END
}

my $flexilib = start_flexilib(config => config(''), expect_alerts => qr/was killed by signal 9/);

# What filters have counted, without FlexiLib's own.
sub metrics {
    my $result = run_command([build_folder() . '/flexilib', 'metrics', '-c', 'flexilib.yaml'], dir => $flexilib->dir);
    is($result->{status}, 0, 'metrics are told') or diag(explain($result));
    my $read = FlexiLib::Test::Metrics->new($result->{out});
    my ($values, $types) = ($read->values, $read->types);
    delete @$_{ grep { /^flexilib_/ } keys %$_ } for $values, $types;
    return { %$values, types => $types };
}

my $none = metrics();
is_deeply($none->{types}, { test_visits_total => 'counter', test_size_bytes => 'gauge', test_seconds => 'histogram' }, 'each has its type');
is($none->{test_size_bytes}, 0, 'what has no labels is there from the beginning');
is($none->{'test_seconds_bucket{le="+Inf"}'}, 0, 'histograms too');
is((grep { /visits/ } keys %$none), 0, 'what has labels is not');

request($flexilib, GET => '/count?ann') for 1 .. 20;
request($flexilib, GET => '/count?%22bob') for 1 .. 10;
request($flexilib, GET => "/count?a\\\\%5C\"b");
request($flexilib, GET => "/observe?$_") for 0.03125, 0.0625, 0.5, 7;
my $some = metrics();
is($some->{'test_visits_total{who="ann"}'}, 20, 'workers are summed');
is($some->{'test_visits_total{who="%22bob"}'}, 10, 'by labels');
is($some->{'test_visits_total{who="a\\\\\\\\%5C\\"b"}'}, 1, 'which are escaped') or diag(explain($some));
is($some->{'test_seconds_bucket{le="0.1"}'}, 2, 'a histogram counts what is below a bound');
is($some->{'test_seconds_bucket{le="1"}'}, 3, 'all of it');
is($some->{'test_seconds_bucket{le="+Inf"}'}, 4, 'to the end');
is($some->{test_seconds_count}, 4, 'and as a whole');
is($some->{test_seconds_sum}, 7.59375, 'with its sum');

my $size = 0;
for (1 .. 40) {
    request($flexilib, GET => '/set?5');
    last if ($size = metrics()->{test_size_bytes}) == 10;
}
is($size, 10, 'gauges of all workers are summed as well');
my @workers = $flexilib->worker_pids;
kill 'KILL', @workers;
$flexilib->wait_log(qr/killed by signal 9/) for @workers;
my $later = metrics();
is($later->{test_size_bytes}, 0, 'those of workers that died are gone');
is($later->{'test_visits_total{who="ann"}'}, 20, 'counts are not');

my $load = start_load($flexilib, path => '/count?load', expect => qr/counted/);
$load->wait_running;
$flexilib->reload;
$flexilib->wait_serving(2);
my $requests = $load->stop->{requests};
is(metrics()->{'test_visits_total{who="load"}'}, $requests, 'they are exact over a reload');

$flexilib->write_file('flexilib.yaml', config('label: whose'));
$flexilib->reload;
$flexilib->wait_serving(3);
request($flexilib, GET => '/count?eve');
my $changed = metrics();
is($changed->{'test_visits_total{whose="eve"}'}, 1, 'a metric may get other labels');
ok(!exists $changed->{'test_visits_total{who="ann"}'}, 'and the old ones are not shown any more');

$flexilib->write_file('flexilib.yaml', config('label: who, wrong: yes'));
$flexilib->reload;
$flexilib->wait_log(qr/filter 'metrics': there is no metric 'visits': the name of a counter ends in _total$/);
$flexilib->wait_log(qr/generation 4 failed/);
is(metrics()->{'test_visits_total{whose="eve"}'}, 1, 'a generation that fails changes nothing');

$flexilib->write_file('flexilib.yaml', config('label: who') =~ s/workers: 2/workers: 1/r . "  - { match: /other, handler: { metrics: { label: whose } } }\n");
$flexilib->reload;
$flexilib->wait_log(qr/filter 'metrics': there is no metric 'test_visits_total': another has declared it with another kind, other labels or other buckets$/);
$flexilib->wait_log(qr/generation 5 failed/);

$flexilib->write_file('flexilib.yaml', config('label: name, most_series: 3'));
$flexilib->reload;
$flexilib->wait_serving(6);
request($flexilib, GET => "/count?$_") for 1 .. 10;
my $limited = metrics();
is($limited->{'test_visits_total{name="other"}'}, 7, 'beyond most_series all is one');
is($limited->{'test_visits_total{name="3"}'}, 1, 'what is within is not');

$flexilib->write_file('flexilib.yaml', config('label: name, optional: yes', '{ hostile: { scribble: 9 } }'));
$flexilib->reload;
$flexilib->wait_serving(7);
is(request($flexilib, GET => '/count?x')->status, 200, 'with nonsense in shared memory workers go on') for 1 .. 8;
is(run_command([build_folder() . '/flexilib', 'metrics', '-c', 'flexilib.yaml'], dir => $flexilib->dir)->{status}, 0, 'the supervisor too');
$flexilib->write_file('flexilib.yaml', config(''));
$flexilib->reload;
$flexilib->wait_serving(8);
like($flexilib->log, qr/warning: cannot use the shared memory of metrics: Invalid argument; nobody will see those of this worker$/m, 'a worker that comes later says so');
is(request($flexilib, GET => '/count?x')->status, 200, 'and serves');

is(run_flexilib(['check', '-c', 'flexilib.yaml'], config => config(''))->{status}, 0, 'a check has metrics of its own');
$flexilib->stop;
my $gone = run_command([build_folder() . '/flexilib', 'metrics', '-c', 'flexilib.yaml'], dir => $flexilib->dir);
is($gone->{status}, 1, 'where none runs there are none');
is($gone->{err}, "error: no FlexiLib of this user serves 'flexilib.yaml'\n", 'which is said');

done_testing;
