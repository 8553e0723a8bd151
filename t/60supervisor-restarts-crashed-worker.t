# A worker that crashes is replaced, and its obituary says where it died.

use lib 't/lib';
use FlexiLib::Test;

my $crash = test_library('crash');
my $flexilib = start_flexilib(
    expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal (?:11|9) /,
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
    my $line = $flexilib->wait_log(qr/alert: /);
    like(
        $line,
        qr/^\S+Z \[\d+\] alert: worker $pid of generation 1 was killed by signal 11 \(Segmentation fault\) after \d+\.\d{3} s, in filter 'crash' \($hook\) for request [0-9a-f]{16}$/,
        "$path: the obituary tells signal, life, filter, hook and request"
    );
    is(request($flexilib, GET => '/')->status, 200, "$path: a new worker answers");
    isnt(($flexilib->worker_pids)[0], $pid, "$path: it is another process");
}

my ($pid) = $flexilib->worker_pids;
kill 'KILL', $pid;
like($flexilib->wait_log(qr/alert: /), qr/alert: worker $pid of generation 1 was killed by signal 9 \(Killed\) after \d+\.\d{3} s$/,
    'a death outside of filters is put down to none');
is(request($flexilib, GET => '/')->status, 200, 'and healed too');

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
$unnoticed->wait_log(qr/alert: /);
my $load = start_load($unnoticed, path => '/');
$load->wait_running;
my $result = $load->stop;
is_deeply($result->{failures}, [], 'with two workers the other one goes on');

done_testing;
