# With `call_cpu_time`, a call into an isolated library that uses too much of a CPU is ended long before `call_timeout`,
# on the loop and on a thread of the pool alike. One that waits may take its time, and calls are not added up.

use lib 't/lib';
use FlexiLib::Test;

my $isolated = test_library('isolated');
my $flexilib = start_flexilib(expect_alerts => qr/alert: runner \d+ of library '(?:loop|pool)', /, config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries:
  loop: { path: $isolated, isolate: process, call_cpu_time: 100ms, call_timeout: 1h }
  pool: { path: $isolated, isolate: process, call_cpu_time: 100ms, call_timeout: 1h, blocking: yes }
  starting: { path: $isolated, isolate: process, call_cpu_time: 10ms, call_timeout: 1h }
routes:
  - { match: { path: /, headers: { x-at: =pool } }, handler: pool.isolated }
  - { match: { path: /, headers: { x-at: =starting } }, handler: { starting.isolated: { work: 100 } } }
  - { match: /, handler: loop.isolated }
END

# Each is a library and a path.
sub ask_at_once {
    my @connections = map { $flexilib->connect } @_;
    for my $i (0 .. $#_) {
        my ($library, $path) = @{ $_[$i] };
        $connections[$i]->send_request(GET => $path, headers => ['x-at' => $library]);
    }
    return [map { $_->read_response('GET')->status } @connections];
}

my @runners = sort $flexilib->runner_pids;
is_deeply(ask_at_once(['loop', '/sleep?500'], ['pool', '/sleep?500']), [200, 200], 'calls that wait for longer than that are let be');
is_deeply(ask_at_once((['loop', '/work?40']) x 8), [(200) x 8], 'and so are many of which none uses as much');
is_deeply(ask_at_once(['starting', '/']), [200], 'nor does the start of a library count');
is_deeply([sort $flexilib->runner_pids], \@runners, 'no process was ended for any of that');

for my $library (qw(loop pool)) {
    is_deeply(ask_at_once([$library, '/loop']), [504], "$library: an endless loop costs its request");
    like($flexilib->wait_log(qr/\(call_cpu_time\)/),
        qr/error: filter '$library\.isolated': on_request_head has used 100 ms of CPU time \(call_cpu_time\): its process is ended \(request [0-9a-f]{16}\)$/,
        "$library: and is told of");
    like($flexilib->wait_log(qr/alert: runner /), qr/library '$library', generation 1, was killed by signal 9 .*, in filter '$library\.isolated' \(on_request_head\)/, "$library: its process ends");
    is_deeply(ask_at_once([$library, '/']), [200], "$library: another one serves");
}
done_testing;
