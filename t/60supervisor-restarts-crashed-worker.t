# A worker that crashes is replaced, and its obituary says where it died.

use lib 't/lib';
use FlexiLib::Test;

my $crash = test_library('crash');
my $flexilib = start_flexilib(
    expect_alerts => qr/alert: (?:worker \d+ of generation 1 was killed by signal (?:11|9) |library .* has crashed or hung)/,
    config        => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { crash: $crash }
routes:
  - { match: /crash-head, filters: [{ crash: { hook: request_head } }], handler: hello }
  - { match: /crash-response, filters: [{ crash: { hook: response_body } }], handler: hello }
  - { match: /crash-end, filters: [{ crash: { hook: end } }], handler: hello }
  - { match: /, handler: hello }
END

my ($first) = $flexilib->worker_pids;
is(request($flexilib, GET => '/')->status, 200, 'it serves');

my @cases = (['/crash-head', 'on_request_head'], ['/crash-response', 'on_response_body'], ['/crash-end', 'on_end']);
for my $case (@cases) {
    my ($path, $hook) = @$case;
    my ($pid) = $flexilib->worker_pids;
    my $connection = $flexilib->connect;
    $connection->send_request(GET => $path);
    my $line = $flexilib->wait_log(qr/alert: worker /);
    like(
        $line,
        qr/^\S+Z \[\d+\] alert: worker $pid of generation 1 was killed by signal 11 \(Segmentation fault\) after \d+\.\d{3} s, in filter 'crash' \($hook\) for request [0-9a-f]{16} \(GET $path\), at crash\.so\+0x[0-9a-f]+ \(act at lib\/crash\.c:\d+\), touching address 0x0$/,
        "$path: the obituary tells signal, life, filter, hook, request and place"
    );
    is(request($flexilib, GET => '/')->status, 200, "$path: a new worker answers");
    isnt(($flexilib->worker_pids)[0], $pid, "$path: it is another process");
}

my ($pid) = $flexilib->worker_pids;
kill 'KILL', $pid;
like($flexilib->wait_log(qr/alert: worker /), qr/alert: worker $pid of generation 1 was killed by signal 9 \(Killed\) after \d+\.\d{3} s$/,
    'a death outside of filters is put down to none');
is(request($flexilib, GET => '/')->status, 200, 'and healed too');

# What waits to be accepted when the only worker dies waits for the next one.
my $alone = start_flexilib(
    expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 11 /,
    config        => "listen: 127.0.0.1:0\nworkers: 1\nroutes:\n  - { match: /, handler: hello }\n");
($pid) = $alone->worker_pids;
kill 'STOP', $pid;
my @waiting = map { $alone->connect } 1 .. 10;
$_->send_request(GET => '/') for @waiting;
kill 'SEGV', $pid;
kill 'CONT', $pid;
is_deeply([map { $_->read_response->status } @waiting], [(200) x @waiting], 'connections in the queue are served by the next worker');
isnt(($alone->worker_pids)[0], $pid, 'which is another one');
like($alone->wait_log(qr/alert: worker /), qr/worker $pid of generation 1 was killed by signal 11 .*, sent by process $$/, 'when it has died in the meantime');
$_->close for @waiting;

my $unnoticed = start_flexilib(
    expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 11 /,
    config        => <<"END");
listen: 127.0.0.1:0
workers: 2
libraries: { crash: $crash }
routes:
  - { match: /crash, filters: [crash], handler: hello }
  - { match: /, handler: hello }
END
my $idle = $unnoticed->connect;
my $victim = $unnoticed->connect;
$victim->send_request(GET => '/crash');
$unnoticed->wait_log(qr/alert: worker /);
my $load = start_load($unnoticed, path => '/');
$load->wait_running;
my $result = $load->stop;
is_deeply($result->{failures}, [], 'with two workers the other one goes on');

done_testing;
