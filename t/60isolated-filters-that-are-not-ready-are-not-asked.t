# Where a process takes the place of another, its filters have to be ready before they are asked for anything: one that
# cannot be ready, or is not in time, makes room for the next process. One that refuses to start is asked again.

use lib 't/lib';
use FlexiLib::Test;

my $ready  = test_library('ready');
my $folder = make_folder();
my $signal = "$folder/signal";

sub signal_ready {
    my ($sentence) = @_;
    write_file("$signal.new", $sentence // '');
    rename "$signal.new", $signal or die "rename: $!";
    return;
}

signal_ready();
my $flexilib = start_flexilib(dir => $folder, expect_alerts => qr/alert: runner \d+ .* was killed by signal 9 /, config => <<"END");
listen: 127.0.0.1:0
workers: 1
create_timeout: 1s
libraries: { late: { path: $ready, isolate: process } }
routes:
  - { match: /, handler: { late: { file: $signal } } }
END
is(request($flexilib, GET => '/')->body, "ready\n", 'a filter in a process of its own gets ready');

# Kills the process, and waits for another one's filter.
sub go_to_next {
    kill 'KILL', $flexilib->runner_pids;
    $flexilib->wait_log(qr/info: filter 'late': waiting$/);
    return;
}

go_to_next();
my $asking = connect_to($flexilib);
$asking->send_request(GET => '/');
like($flexilib->wait_log(qr/could not start: /), qr/error: runner \d+ of library 'late' could not start: .*flexilib\.yaml:6:\d+: filter 'late' is not ready after 1000 ms \(create_timeout\)$/,
    'one that takes its place and does not get ready ends');
signal_ready();
is($asking->read_response->body, "ready\n", 'whoever has waited for it is answered by the next one');

go_to_next();
signal_ready('no keys');
ok($flexilib->wait_log(qr/error: library .*: a process that took the place of another refuses: .*no keys$/), 'one that cannot be ready says why');
$asking->send_request(GET => '/');
like($flexilib->wait_log(qr/could not start: /), qr/filter 'late': no keys$/, 'and ends, without having been asked');
signal_ready();
is($asking->read_response->body, "ready\n", 'the next one answers');

my $obstacle = "$folder/obstacle";
my $refusing = start_flexilib(expect_alerts => qr/alert: runner \d+ .* was killed by signal 9 /, config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { apart: { path: @{[test_library('isolated')]}, isolate: process } }
routes:
  - { match: /, handler: { apart.isolated: { unless: $obstacle } } }
END
is(request($refusing, GET => '/')->status, 200, 'a filter starts');
write_file($obstacle, '');
kill 'KILL', $refusing->runner_pids;
ok($refusing->wait_log(qr/error: library 'apart': a process that took the place of another refuses: .*filter 'apart\.isolated' refused to start/), 'in the next process it does not');
is(request($refusing, GET => '/')->status, 502, 'so requests are not answered');
unlink $obstacle;
my $until = time + 20;
1 until request($refusing, GET => '/')->status == 200 || time > $until;
is(request($refusing, GET => '/')->status, 200, 'until it can');
done_testing;
