# A listener whose descriptor a library has closed, or one of its own twice, is not served by a worker that hears nothing:
# that one ends, and who waits is accepted by the next.

use lib 't/lib';
use FlexiLib::Test;

my $mute     = test_library('mute');
my $flexilib = start_flexilib(
    expect_alerts => qr/alert: (?:a listener has lost its descriptor|worker \d+ of generation 1 was killed by signal 6 )/,
    config        => <<"END");
listen: 127.0.0.1:0
admin: off
workers: 1
libraries: { mute: $mute }
routes:
  - { match: /, filters: [mute], handler: hello }
END

for my $way (qw(deaf taken)) {
    my ($worker) = $flexilib->worker_pids;
    is(request($flexilib, GET => "/$way")->status, 200, "$way: a library closes it");
    is(request($flexilib, GET => '/')->body, "Hello, world!\n", 'the next client is served');
    $flexilib->wait_log(qr/alert: a listener has lost its descriptor: code of a library has closed it$/);
    $flexilib->wait_log(qr/alert: worker $worker of generation 1 was killed by signal 6 /);
}
$flexilib->stop;

done_testing;
