# A library with `isolate: process` runs in a process of its own. A crash, an endless loop or a hunger for memory there
# costs the one request, is named in the log, and leaves the workers and everything else alone.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Wait qw(deadline);

my $isolated = test_library('isolated');
my $flexilib = start_flexilib(
    expect_alerts => qr/alert: (?:runner \d+ of library '\w+', generation 1, |worker \d+ of generation 1 was killed by signal 9 )/,
    config        => <<"END");
listen: 127.0.0.1:0
workers: 2
stuck_timeout: 1s
libraries:
  own: { path: $isolated, isolate: process, memory: 64MB, call_timeout: 200ms }
  other: { path: $isolated, isolate: process }
  small: { path: $isolated, isolate: process, memory: 1MB }
routes:
  - { match: /other, handler: { use: other.isolated } }
  - { match: /inside, handler: { use: other.isolated, isolate: no } }
  - { match: /small, handler: small.isolated }
  - { match: /, handler: own.isolated }
END

my @workers = $flexilib->worker_pids;
sub pid_of { return request($flexilib, GET => $_[0])->body =~ /^\d+ in (\d+)/ ? $1 : undef }

my $first = request($flexilib, GET => '/');
is($first->status, 200, 'a handler in a process of its own answers');
like($first->body, qr/^1 in \d+, no fetch$/, 'what it cannot have there is not there');
my $runner = pid_of('/');
is(scalar(grep { $_ == $runner } $flexilib->runner_pids), 1, 'it is none of the workers');
my $inside = pid_of('/inside');
ok((grep { $_ == $inside } @workers), 'a use may be excepted from what its library says');
my %memory = map { (readlink($_) // '') =~ /^\/memfd:flexilib-(\w+)/ ? ($1 => 1) : () } glob "/proc/$runner/fd/*";
is_deeply([sort keys %memory], [qw(dictionary metrics slots)], 'it has no more of our memory than it needs');
my %counts = map { request($flexilib, GET => '/')->body =~ /^(\d+) in $runner,/ ? ($1 => 1) : () } 1 .. 8;
is(scalar(keys %counts), 8, 'all workers share one process, and so one state');
my $other = pid_of('/other');
isnt($other, $runner, 'another library has another process');
like(request($flexilib, GET => '/small')->body, qr/^1 in \d+, /, 'the least memory that may be set is enough for us');

my $load = start_load($flexilib, path => '/', expect => qr/^\d+ in \d+, no fetch$/);
$load->wait_running;
for my $case (
    ['/crash', 502, qr/was killed by signal 11 \(Segmentation fault\)/],
    ['/leave', 502, qr/exited with status 0/],
    ['/hog',   502, qr/was killed by signal 6 \(Aborted\)/],
    ['/loop',  504, qr/was killed by signal 9 \(Killed\)/],
) {
    my ($path, $status, $death) = @$case;
    next if $path eq '/hog' && is_sanitized();    # whose memory has no end
    my $before   = pid_of('/');
    my $response = request($flexilib, GET => $path);
    is($response->status, $status, "$path: the request is answered $status");
    my $line = $flexilib->wait_log(qr/alert: runner/);
    like($line, qr/alert: runner $before of library 'own', generation 1, $death after \d+\.\d{3} s, in filter 'own\.isolated' \(on_request_head\) for request [0-9a-f]{16}/,
        "$path: the log names library, filter, hook and request");
    isnt(pid_of('/'), $before, "$path: another process has taken the place");
}
my $stopped = pid_of('/other');
kill 'STOP', $stopped;
$flexilib->wait_log(qr/warning: runner $stopped of library 'other', generation 1, was stopped by a signal$/);
is(request($flexilib, GET => '/other')->status, 200, 'a process that was stopped keeps nobody waiting for long');
$flexilib->wait_log(qr/error: runner $stopped of library 'other', generation 1, stays stopped and is killed$/);
$other = pid_of('/other');
isnt($other, $stopped, 'another one takes its place');
my $crashes = is_sanitized() ? 4 : 5;
my $metrics = run_command([build_folder() . '/flexilib', 'metrics', '-c', 'flexilib.yaml'], dir => $flexilib->dir)->{out};
like($metrics, qr/^flexilib_crashes_total\{kind="runner"\} $crashes$/m, 'and each of these ends is counted');
my $result = $load->stop;
is_deeply($result->{failures}, [], 'no other request has failed');
is_deeply([sort $flexilib->worker_pids], [sort @workers], 'no worker has died');
is(pid_of('/other'), $other, 'nor another library');
like($flexilib->log, qr/error: filter 'own\.isolated': on_request_head has been running for 200 ms \(call_timeout\): its process is ended \(request [0-9a-f]{16}\)/,
    'an endless loop is told of as such');

my $status = run_command([build_folder() . '/flexilib', 'status', '-c', 'flexilib.yaml'], dir => $flexilib->dir)->{out};
like($status, qr/^library 'own' of generation 1: isolated, 1 process, [34] died$/m, 'the status tells of processes that have died');
like($status, qr/^library 'other' of generation 1: isolated, 1 process$/m, 'and of those that live');

my $waiting = $flexilib->connect;
$waiting->send_request(GET => '/wait?60000');
my $until = deadline();
1 until request($flexilib, GET => '/waits')->body =~ /^1 in/ || time > $until; # it has begun
my $asked = pid_of('/');
kill 'KILL', $asked;
is($waiting->read_response('GET')->status, 502, 'what the process was in the midst of is lost with it');
isnt(pid_of('/'), $asked, 'and the next request finds another');
$waiting->close;

my $before = pid_of('/');
my $victim = ($flexilib->worker_pids)[0];
kill 'KILL', $victim;
$flexilib->wait_log(qr/alert: worker $victim /);
is(pid_of('/'), $before, 'a worker that dies takes no process of a library along');
$flexilib->reload;
$flexilib->wait_serving(2);
isnt(pid_of('/'), $before, 'a new generation has processes of its own');
$flexilib->wait_log(qr/generation 1 has drained/);
is(kill(0, $before), 0, 'and those of the old one end with it');

done_testing;
