# A stop does not reset connections that have been made but not accepted yet.

use lib 't/lib';
use FlexiLib::Test;

for my $signal (qw(TERM QUIT)) {
    my $flexilib = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 2
routes:
  - { match: /, handler: hello }
END
    my @workers = $flexilib->worker_pids;
    kill 'STOP', @workers;
    my @waiting = map { $flexilib->connect } 1 .. 20;
    $_->send_request(GET => '/') for @waiting;
    $flexilib->signal($signal);
    # With the supervisor's own part of the socket closed, the workers' are the last.
    $flexilib->wait_log(qr/info: stopping/);
    kill 'CONT', @workers;
    my @answers = map { $_->read_response } @waiting;
    is(scalar(grep { defined && $_->status == 200 } @answers), 20, "$signal: all who waited are served");
    $flexilib->wait_log(qr/info: stopped/);
    $flexilib->check_exit(0);
}

done_testing;
