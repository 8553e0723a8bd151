# TERM and INT let requests in flight finish; a second one ends at once; QUIT waits too.

use lib 't/lib';
use FlexiLib::Test;

sub start_holding {
    my (%option) = @_;
    my $pause = test_library('pause');
    my $shutdown = $option{shutdown} // '60s';
    return start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
shutdown_timeout: $shutdown
libraries: { pause: $pause }
routes:
  - { match: /, filters: [{ pause: { hold: yes, reply: yes } }], handler: hello }
END
}

# A request that waits in a filter, and a connection on which the word to go on can be said: half of a request is there
# already, so that it is not taken for an idle one.
sub hold_request {
    my ($flexilib) = @_;
    my $release = $flexilib->connect;
    my $waiting = $flexilib->connect;
    $waiting->send_request(GET => '/wait');
    $flexilib->wait_log(qr/pausing/);
    $release->send("GET /release HTTP/1.1\r\nHost: x\r\n");
    return ($waiting, $release);
}

for my $signal (qw(TERM INT QUIT)) {
    my $flexilib = start_holding();
    my ($waiting, $release) = hold_request($flexilib);
    my $address = $flexilib->address;
    $flexilib->signal($signal);
    $flexilib->wait_log(qr/info: no more connections are accepted/);
    my $refused = run_flexilib(['healthcheck', $address]);
    like($refused->{err}, qr/Connection refused/, "$signal: nobody listens any more");
    $release->send("\r\n");
    my $released = $release->read_response;
    is($released->status, 200, "$signal: an open connection is served once more");
    ok(!$released->keeps_connection, "$signal: and told that it closes");
    my $response = $waiting->read_response;
    is($response->body, "resumed: first\n", "$signal: the request in flight is answered");
    ok(!$response->keeps_connection, "$signal: and its connection closes");
    $flexilib->wait_log(qr/info: stopped/);
    $flexilib->check_exit(0);
}

{
    my $flexilib = start_holding();
    my ($waiting) = hold_request($flexilib);
    $flexilib->signal('TERM');
    $flexilib->wait_log(qr/info: no more connections are accepted/);
    $flexilib->signal('TERM');
    $flexilib->wait_log(qr/info: stopped/);
    ok(!defined $waiting->read_response, 'a second TERM does not wait for the request');
    $flexilib->check_exit(0);
}

{
    my $flexilib = start_holding(shutdown => '100ms');
    my ($waiting) = hold_request($flexilib);
    $flexilib->signal('TERM');
    like($flexilib->wait_log(qr/warning: /), qr/worker \d+ of generation 1 has not drained in time and is cut short/,
        'shutdown_timeout ends the wait');
    $flexilib->wait_log(qr/info: stopped/);
    ok(!defined $waiting->read_response, 'and the request');
    $flexilib->check_exit(0);
}

{
    my $flexilib = start_holding(shutdown => '100ms');
    my ($waiting, $release) = hold_request($flexilib);
    $flexilib->signal('QUIT');
    $flexilib->wait_log(qr/info: no more connections are accepted/);
    $release->send("\r\n");
    is($waiting->read_response->body, "resumed: first\n", 'QUIT has no limit');
    $flexilib->wait_log(qr/info: stopped/);
    $flexilib->check_exit(0);
    unlike($flexilib->log, qr/warning: /, 'nothing was cut');
}

{
    my $flexilib = start_holding();
    my ($waiting, $release) = hold_request($flexilib);
    kill 'INT', -$flexilib->pid;
    $flexilib->wait_log(qr/info: no more connections are accepted/);
    $release->send("\r\n");
    is($waiting->read_response->body, "resumed: first\n", 'Ctrl-C, which reaches every process, is graceful too');
    $flexilib->wait_log(qr/info: stopped/);
    $flexilib->check_exit(0);
}

{
    my $flexilib = start_holding();
    for my $signal (qw(HUP TERM QUIT USR1 USR2)) {
        kill $signal, $_ for $flexilib->worker_pids;
    }
    is(request($flexilib, GET => '/release')->status, 200, 'workers leave signals to the supervisor');
}

done_testing;
