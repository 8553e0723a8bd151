# A worker that takes a dead one's place does not wait for processes of isolated libraries, which may be busy or hang.

use lib 't/lib';
use FlexiLib::Test;

my $isolated = test_library('isolated');
my $flexilib = start_flexilib(expect_alerts => qr/alert: (?:runner|worker) \d+ /, config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries:
  own: { path: $isolated, isolate: process, call_timeout: 1h }
routes:
  - { match: /free, respond: { body: free } }
  - { match: /, handler: own.isolated }
END

my ($worker) = $flexilib->worker_pids;
my ($runner) = $flexilib->runner_pids;
is(request($flexilib, GET => '/')->status, 200, 'an isolated library answers');
my $hanging = connect_to($flexilib);
$hanging->send_request(GET => '/loop');
is(request($flexilib, GET => '/free')->body, 'free', 'its process hangs, the worker does not');
kill 'KILL', $worker;
ok($hanging->is_closed, 'the worker dies');
is(request($flexilib, GET => '/free')->body, 'free', 'another one serves while that process hangs still');
is(join(' ', $flexilib->runner_pids), $runner, 'it is the same process');

my $waiting = connect_to($flexilib);
$waiting->send_request(GET => '/');
kill 'KILL', $runner;
is($waiting->read_response->status, 200, 'who has waited for it is answered by the one that takes its place');
done_testing;
