# A library in Go brings a runtime with threads and signal handlers: everything that signals do for FlexiLib is as before,
# panics end at the border, and what kills the worker is told as for any other library.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;

need_sdk('go');
my $trouble = sdk_library('go', 't/conformance/go/trouble');
my $crash   = test_library('crash');
my $backend = start_static_backend(body => 'x' x 8_000_000);
my $config  = <<"END";
listen: 127.0.0.1:0
workers: 1
stuck_timeout: 1s
libraries: { trouble: $trouble, crash: $crash }
routes:
  - { match: /crash, filters: [trouble, { crash: { hook: request_head } }], handler: hello }
  - { match: /large, filters: [trouble], proxy: "@{[$backend->url]}" }
  - { match: /, filters: [trouble], handler: hello }
END
my $flexilib = start_flexilib(
    expect_alerts => qr/alert: worker \d+ of generation \d+ (?:was killed|exited|was stuck)/,
    config        => $config
);

sub trouble { return request($flexilib, GET => $_[1] // '/', headers => ['x-trouble' => $_[0]]) }

my ($pid) = $flexilib->worker_pids;
is(trouble('nil')->status, 503, 'a nil pointer in a hook is a failure');
like($flexilib->wait_log(qr/has panicked/),
    qr/error: filter 'trouble': OnRequestHead has panicked at \S+trouble\.go:\d+: runtime error: invalid memory address .*\(request [0-9a-f]{16}\)/,
    'the log says where');
is(trouble('work')->status, 503, 'a panic in a goroutine that works for an exchange is one too');
like($flexilib->wait_log(qr/too hard/), qr/OnResume has panicked .*the work has panicked at \S+trouble\.go:\d+: the work is too hard/, 'and told');
is_deeply([map { trouble('state')->status } 1 .. 20], [(200) x 20], 'a state is let go of without an OnEnd');
is_deeply([map { trouble('busy')->body } 1 .. 20], [("busy\n") x 20], "the runtime's own signals do no harm");

my $leaver = $flexilib->connect;
$leaver->limit_buffer(4096);
$leaver->send_request(GET => '/large');
$leaver->read_bytes(1000);
$leaver->reset;
$flexilib->wait_access(qr{/large});
is(trouble('none')->status, 200, 'a client that leaves kills nobody');
kill $_, $pid for qw(HUP INT QUIT TERM USR1 USR2 PIPE);
is(trouble('none')->status, 200, 'signals to the worker itself are ignored as ever');
is_deeply([$flexilib->worker_pids], [$pid], 'it is the same worker after all that');

$flexilib->signal('USR1');
ok($flexilib->wait_log(qr/info: logs reopened/), 'USR1 to the supervisor reopens logs');

my $left = $flexilib->connect;
$left->send_request(GET => '/left', headers => ['x-trouble' => 'wait']);
$left->close;
$flexilib->wait_access(qr{/left});
my $waiting = $flexilib->connect;
$waiting->send_request(GET => '/', headers => ['x-trouble' => 'busy']);
$flexilib->reload;
$flexilib->wait_serving(2);
is($waiting->read_response->status, 200, 'a reload waits for what is under way');
$waiting->close;
ok($flexilib->wait_log(qr/generation 1 has drained/), 'and ends, as Close tells work that is for nobody any more');
is(trouble('none')->status, 200, 'and the next generation serves');

for my $case (['segv', '/', 'trouble'], ['none', '/crash', 'crash']) {
    my ($kind, $path, $filter) = @$case;
    my $connection = $flexilib->connect;
    $connection->send_request(GET => $path, headers => ['x-trouble' => $kind]);
    like($flexilib->wait_log(qr/alert: worker /), qr/alert: worker \d+ of generation 2 .* in filter '$filter' \(on_request_head\) for request [0-9a-f]{16}/,
        "$filter: a crash in C is put down to the filter");
    is(trouble('none')->status, 200, "$filter: and a new worker serves");
}
$flexilib->stop(signal => 'TERM');

# Go's scheduler would take the thread from a loop for a moment now and then, and this could be that moment.
$flexilib = start_flexilib(expect_alerts => qr/alert: worker \d+ of generation \d+ was stuck/, config => $config, env => { GODEBUG => 'asyncpreemptoff=1' });
my $spinner = $flexilib->connect;
$spinner->send_request(GET => '/', headers => ['x-trouble' => 'spin']);
like($flexilib->wait_log(qr/alert: worker \d+ of generation 1 was stuck/),
    qr/was stuck for \d\.\d s and is killed, in filter 'trouble' \(on_request_head\) for request [0-9a-f]{16} .*, at \S*trouble\.so\+0x[0-9a-f]+ \(main\.\S*OnRequestHead/,
    'a hook that never returns is put down to the filter, and told where it is');
is(trouble('none')->status, 200, 'and a new worker serves');
$flexilib->stop(signal => 'TERM');

my $refused = sub { run_flexilib(['check', '-c', 'flexilib.yaml'], config => $config =~ s/filters: \[trouble\], handler/filters: [trouble.$_[0]], handler/r)->{err} };
like($refused->('misspelled'), qr/method OnRequestHaed looks like a hook, but there is none of that name/, 'a misspelled hook is noticed');
like($refused->('misshaped'), qr/method OnRequestHead is not as flexilib\.RequestHeadHook has it/, 'and one of another form');
like($refused->('panicking'), qr/create has panicked at \S+trouble\.go:\d+: cannot be made/, 'a panic in create refuses');
done_testing;
