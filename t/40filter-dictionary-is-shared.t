# What filters keep in a dictionary is known to all workers and generations, exactly, and outlives those that crash.

use lib 't/lib';
use FlexiLib::Test;

my ($library, $blocking) = map { test_library($_) } qw(dictionary dictionary_blocking);
my $config  = <<"END";
listen: 127.0.0.1:0
workers: 2
libraries: { dictionary: $library, blocking: $blocking }
routes:
  - { match: { path: /, headers: { host: blocking } }, handler: blocking }
  - { match: { path: /, headers: { host: other } }, handler: { dictionary: { name: other } } }
  - { match: /, handler: dictionary }
END

sub ask {
    my ($target, $path, %option) = @_;
    return request($target, GET => $path, %option)->body;
}

my $flexilib = start_flexilib(config => $config, expect_alerts => qr/alert: worker \d+ of generation \d+ was killed by signal/);
my $asked    = 0;
is(ask($flexilib, '/count'), ++$asked, "request $asked, whichever worker has it") for 1 .. 16;

my $load = start_load($flexilib, path => '/count', expect => qr/\A\d+\z/);
$load->wait_running;
$flexilib->reload;
$flexilib->wait_serving(2);
my $result = $load->stop;
is_deeply($result->{failures}, [], 'counting goes on during a reload');
$asked += $result->{requests};
is(ask($flexilib, '/count'), ++$asked, 'and no request is lost or counted twice');

$load = start_load($flexilib, path => '/count', expect => qr/\A\d+\z/);
$load->wait_running;
is(request($flexilib, GET => '/count', host => 'blocking')->status, 200, 'threads of the pool may count too') for 1 .. 20;
$asked += 20 + $load->stop->{requests};
is(ask($flexilib, '/count', host => 'blocking'), ++$asked, 'in the same dictionary');

is(ask($flexilib, '/count', host => 'other'), 1, 'another name is another dictionary');
ask($flexilib, '/keep?a+value');
is(ask($flexilib, '/kept'), 'a+value', 'a value is kept');

connect_to($flexilib)->send_request(GET => '/crash');
$flexilib->wait_log(qr/killed by signal 6/);
is(ask($flexilib, '/count'), ++$asked, 'over a crash too') for 1 .. 8;
my @workers = $flexilib->worker_pids;
kill 'KILL', @workers;
$flexilib->wait_log(qr/killed by signal 9/) for @workers;
is(ask($flexilib, '/kept'),  'a+value', 'and when all workers are gone');
is(ask($flexilib, '/count'), ++$asked,  'counts as well');

is(ask($flexilib, '/forget'), 'nothing', 'a value is forgotten when somebody wants it');
ask($flexilib, '/keep-briefly?x');
my $kept = ask($flexilib, '/kept');
$kept = ask($flexilib, '/kept') while $kept eq 'x';
is($kept, 'nothing', 'or when its time is over');
ask($flexilib, '/keep?for+good');
ask($flexilib, '/fill', host => 'other');
is(ask($flexilib, '/kept'), 'nothing', 'and where others need the room');
unlike($flexilib->log, qr/shared dictionary/, 'no part of it was ever left half changed');

is(run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config)->{status}, 0, 'a check has a dictionary of its own');
my $refused = run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config =~ s/name: other/name: ''/r);
like($refused->{err}, qr/option 'name': that is no name$/m, 'a name has to be one');

my $large = start_flexilib(config => $config, env => { FLEXILIB_DICTIONARY_SIZE => '128MB' });
ask($large, '/keep?for+good');
ask($large, '/fill', host => 'other');
is(ask($large, '/kept'), 'for+good', 'in a larger one there is more room');
for my $wrong (['many', qr/'many' is no size such as 64MB$/m], ['1KB', qr/1KB is not between 1MB and 64GB$/m]) {
    my $default = start_flexilib(config => $config, env => { FLEXILIB_DICTIONARY_SIZE => $wrong->[0] });
    like($default->log, qr/warning: FLEXILIB_DICTIONARY_SIZE: $wrong->[1]/, "a size of $wrong->[0] is none");
    is(ask($default, '/count'), 1, 'the usual one is taken');
}

done_testing;
