# What all workers know of servers: shared by all generations that have them, cleared of what dead workers had under way,
# and proof against workers that were taken over.

use lib 't/lib';
use FlexiLib::Test;

my $hostile = test_library('hostile');
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while ($connection->read_request) {
            $connection->tell('asked');
            $connection->wait_go;
            $connection->send(response_bytes(200, [], 'late'));
        }
    }
);

sub server {
    my ($flexilib, @arguments) = @_;
    return run_command([build_folder() . '/flexilib', 'server', '-c', 'flexilib.yaml', @arguments], dir => $flexilib->dir);
}

sub config {
    my ($filters, $servers) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 2
libraries: { hostile: $hostile }
upstreams:
  shop: { balance: least-requests, servers: [$servers] }
routes:
  - { match: /shop, proxy: shop }
  - { match: /, filters: [$filters], handler: hello }
END
}

my $flexilib = start_flexilib(
    config        => config('', '"' . $backend->url . '"'),
    expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 9 /,
);
my $connection = $flexilib->connect;
$connection->send_request(GET => '/shop');
$backend->wait_told(qr/asked/);
like(server($flexilib)->{out}, qr/^shop +\S+ +1 +1 +ready$/m, 'a request in flight is counted for all');
kill 'KILL', $flexilib->worker_pids;
$flexilib->wait_log(qr/alert: worker/) for 1 .. 2;
like(server($flexilib)->{out}, qr/^shop +\S+ +0 +0 +ready$/m, 'what a dead worker had under way is forgotten');

my $number = 2;
for my $message ('SERVERS 0 1 4 8 shophttp://x', 'SERVERS 0 9999999 1 1 ab', 'SERVERS', 'NUMBERED 0 1', 'GARBAGE') {
    $flexilib->write_file('flexilib.yaml', config("{ hostile: { say: '$message' } }", '"' . $backend->url . '"'));
    $flexilib->reload;
    like($flexilib->wait_log(qr/error: worker/), qr/said (?:SERVERS|NUMBERED), which makes no sense here|sent what is no message/, "'$message' ends the worker that says it");
    $flexilib->wait_log(qr/generation $number failed: /);
    $number++;
}
like(server($flexilib)->{out}, qr/\AUPSTREAM .*\nshop +\S+ +0 +0 +ready\n\z/, 'and nothing has changed');

$flexilib->write_file('flexilib.yaml', config('{ hostile: { scribble: 5 } }', '"' . $backend->url . '"'));
$flexilib->reload;
$flexilib->wait_serving($number++);
my $result = server($flexilib);
is($result->{status}, 0, 'with nonsense in shared memory the supervisor goes on');
is(request($flexilib, GET => '/')->status, 200, 'workers too');
is(server($flexilib, 'shop', $backend->url, 'drain')->{status}, 0, 'servers can be drained');
$flexilib->write_file('flexilib.yaml', config('', '"' . $backend->url . '"'));
$flexilib->reload;
$flexilib->wait_serving($number++);
$flexilib->stop;

my $servers = join ', ', map { sprintf '"http://127.0.%d.%d:1"', $_ / 250, $_ % 250 + 1 } 0 .. 4999;
my $large = start_flexilib(config => config('', $servers));
my @shortages = $large->log =~ /warning: (.*no more room.*)/g;
is(@shortages, 1, 'where there are too many servers the log says so once');
like($shortages[0], qr{^upstream 'shop' server http://127\.0\.16\.97:1: there is no more room to share what is known of servers \(4096 have it\)}, 'and names the first that has none');
my @listed = server($large)->{out} =~ /^shop /mg;
is(@listed, 4096, 'the others are listed');
is(request($large, GET => '/')->status, 200, 'it serves');
$large->reload;
$large->wait_serving(2);
like($large->log, qr/serving/, 'and reloads');

done_testing;
