# Under h2o's start_server, HUP starts another supervisor on the same sockets and ends the old one; no request is lost.

use lib 't/lib';
use FlexiLib::Test;

my $starter = '/usr/share/h2o/start_server';
need('perl');
if (!-x $starter) {
    die "$starter is missing\n" if $ENV{CI};
    plan(skip_all => "$starter is missing");
}

my $folder = make_folder();
my $port   = free_port();
my $admin  = free_port();
write_file("$folder/flexilib.yaml", <<"END");
listen:
  - 127.0.0.1:$port
  - { name: front, address: "unix:$folder/front.sock", mode: 0640 }
admin: 127.0.0.1:$admin
shutdown_delay: 1h
workers: 2
routes:
  - { match: /, handler: hello }
END

my $server = FlexiLib::Test::Server->start(
    name    => 'start_server',
    dir     => $folder,
    command => [
        $starter, '--interval=0', "--port=127.0.0.1:$port", "--port=127.0.0.1:$admin", "--path=$folder/front.sock", '--port=127.0.0.1:' . free_port(),
        '--', build_folder() . '/flexilib', '-c', 'flexilib.yaml'
    ],
);
$server->wait_log(qr/warning: SERVER_STARTER_PORT: nothing in the configuration listens on 127\.0\.0\.1:\d+/);
$server->wait_log(qr/generation 1 is serving/);
like($server->log, qr/info: listening on 127\.0\.0\.1:$port$/m, 'the TCP socket is taken over');
like($server->log, qr/info: listening on unix:\S+front\.sock \(listener 'front'\)$/m, 'the unix socket too');
is((stat "$folder/front.sock")[2] & 07777, 0640, 'which gets its mode');

my @loads = map { start_load($_, connections => 8, path => '/x') } "127.0.0.1:$port", "unix:$folder/front.sock";
$_->wait_running for @loads;
for my $round (1 .. 5) {
    $server->signal('HUP');
    my ($old) = $server->wait_log(qr/killing old workers/);
    # The new one and the old one work side by side, so their lines come in either order.
    my %left = (serving => qr/info: generation 1 is serving/, stopped => qr/info: stopped/);
    while (%left) {
        my $any = join '|', values %left;
        my $line = $server->wait_log(qr/$any/);
        delete @left{ grep { $line =~ $left{$_} } keys %left };
    }
}
for my $load (@loads) {
    my $result = $load->stop;
    is_deeply($result->{failures}, [], 'no request failed');
    ok($result->{requests} > 20, 'of enough') or diag($result->{requests});
    ok($result->{closes} >= 5, 'and connections were told to move') or diag($result->{closes});
}

# One that takes its time to stop leaves it to its follower to say how things stand.
my $slow = connect_to("127.0.0.1:$port");
$slow->send("GET / HTTP/1.1\r\n");
request("127.0.0.1:$port", GET => '/');
$server->signal('HUP');
$server->wait_log(qr/no more connections are accepted/);
my @answers = map { curl('-s', "http://127.0.0.1:$admin/readyz")->{out} } 1 .. 10;
is_deeply([grep { $_ ne "ready\n" } @answers], [], 'the follower alone is asked whether it is ready');
$slow->send("Host: x\r\n\r\n");
is($slow->read_response->status, 200, 'and nothing is lost');
ok(-S "$folder/front.sock", 'the socket file has stayed');
$server->stop;

done_testing;
