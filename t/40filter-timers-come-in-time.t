# A filter's timers come on the loop, repeat, end pauses, and are over when the filter is.

use lib 't/lib';
use FlexiLib::Test;

my $timers = test_library('timers');
my $config = <<"END";
listen: 127.0.0.1:0
workers: 1
libraries: { timers: $timers }
routes:
  - match: /
    handler: timers
END
my $flexilib = start_flexilib(config => $config, wait => 0);
my @lines = map { $flexilib->wait_log(qr/filter 'timers': |generation 1 is serving/) } 1 .. 5;
is_deeply([map { /filter 'timers': (.*)/ } @lines], ['count 1', 'count 2', 'count 3', 'stopped'], 'a repeated timer comes, and can be stopped while it runs');

my $response = request($flexilib, GET => '/wait');
is($response->status . $response->body, "200waited\n", 'a pause ends after its time');
$response = request($flexilib, GET => '/early');
is($response->status . $response->body, "200waited\n", 'or before it, by somebody else');

my $leaver = connect_to($flexilib);
$leaver->send_request(GET => '/long');
$leaver->close;
$flexilib->reload;
ok($flexilib->wait_log(qr/filter 'timers': destroyed$/), 'a client that leaves takes its timer along');
unlike($flexilib->log, qr/count 4/, 'a stopped timer does not come again');
is(run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config)->{status}, 0, 'a check creates timers that never come');

my $drained = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { timers: $timers }
routes:
  - match: /
    filters: [{ timers: { forever: yes } }]
    handler: echo
END
my ($old) = $drained->worker_pids;
my $client = connect_to($drained);
$client->send("POST /long HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
$drained->reload;
$drained->wait_serving(2);
my ($count) = $drained->wait_log(qr/\[$old\].*filter 'timers': count \d+$/) =~ /count (\d+)$/;
my $later = $count + 100;
ok($drained->wait_log(qr/filter 'timers': count $later$/), 'timers go on while a worker drains');
$client->close;
ok($drained->wait_log(qr/filter 'timers': destroyed$/), 'until their filter ends');

my $crashing = start_flexilib(config => $config, expect_alerts => qr/killed by signal/);
connect_to($crashing)->send_request(GET => '/crash');
like(
    $crashing->wait_log(qr/killed by signal/),
    qr/killed by signal 6 \(Aborted\).*, in filter 'timers' \(on_time\), at timers\.so\+/,
    'a crash in a timer is put down to the filter'
);

done_testing;
