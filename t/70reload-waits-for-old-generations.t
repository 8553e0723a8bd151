# Old generations with requests left are bounded: at three of them a reload waits, and then the newest file wins.

use lib 't/lib';
use FlexiLib::Test;

my $pause = test_library('pause');
sub config {
    my ($number) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
drain_timeout: 10m
libraries: { pause: $pause }
routes:
  - { match: /version-$number, handler: hello }
  - { match: { path: [/wait, /release] }, filters: [{ pause: { hold: yes, reply: yes } }], handler: hello }
END
}

my $flexilib = start_flexilib(config => config(1));

# In each generation a request waits; half a request on a second connection will end that.
sub hold_request {
    my $release = $flexilib->connect;
    my $waiting = $flexilib->connect;
    $release->send("GET /release HTTP/1.1\r\nHost: x\r\n");
    $waiting->send_request(GET => '/wait');
    $flexilib->wait_log(qr/pausing/);
    return [$waiting, $release];
}

my @held;
for my $generation (1 .. 3) {
    push @held, hold_request();
    $flexilib->write_file('flexilib.yaml', config($generation + 1));
    $flexilib->reload;
    $flexilib->wait_serving($generation + 1);
}
$flexilib->write_file('flexilib.yaml', config('skipped'));
$flexilib->reload;
$flexilib->wait_log(qr/info: the reload waits: 3 generations are still draining/);
is(request($flexilib, GET => '/version-4')->status, 200, 'the fourth generation goes on');
$flexilib->write_file('flexilib.yaml', config('newest'));

my ($waiting, $release) = @{ $held[1] };
$release->send("\r\n");
is($waiting->read_response->body, "resumed: first\n", 'a request of an old generation ends');
$flexilib->wait_serving(5);
$_->close for $waiting, $release;
$flexilib->wait_log(qr/info: generation 2 has drained/);
is(request($flexilib, GET => '/version-newest')->status, 200, 'then the file as it is now is taken up');

for my $held (@held[0, 2]) {
    ($waiting, $release) = @$held;
    $release->send("\r\n");
    is($waiting->read_response->body, "resumed: first\n", 'the others end in their own time');
}
$flexilib->wait_log(qr/info: generation [13] has drained/) for 1 .. 2;

done_testing;
