# A filter that ends its worker with status 0 has done harm too, whether the worker serves or drains.

use lib 't/lib';
use FlexiLib::Test;

my $leave    = test_library('leave');
my $flexilib = start_flexilib(
    expect_alerts => qr/alert: worker \d+ of generation [12] exited with status 0 /,
    config        => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { leave: $leave }
routes:
  - { match: /, filters: [leave], handler: hello }
END

sub check_leaving {
    my ($connection, $pid, $generation, $when) = @_;
    $connection->send_request(GET => '/leave');
    ok(!defined $connection->read_response, "$when: the request is lost");
    like(
        $flexilib->wait_log(qr/alert: |has drained/),
        qr/alert: worker $pid of generation $generation exited with status 0 after \d+\.\d{3} s, in filter 'leave' \(on_request_head\) for request [0-9a-f]{16} \(GET \/leave\), at leave\.so\+0x[0-9a-f]+ \(on_request_head at lib\/leave\.c:\d+\), by a call of exit$/,
        "$when: which is told"
    );
    return;
}

my $old = $flexilib->connect;
$old->send_request(GET => '/');
is($old->read_response->status, 200, 'a connection to the first generation');
my ($pid) = $flexilib->worker_pids;
$flexilib->reload;
$flexilib->wait_serving(2);
check_leaving($old, $pid, 1, 'draining');

$flexilib->wait_log(qr/generation 1 has drained/);
($pid) = $flexilib->worker_pids;
check_leaving($flexilib->connect, $pid, 2, 'serving');
is(request($flexilib, GET => '/')->status, 200, 'and the worker is replaced');

done_testing;
