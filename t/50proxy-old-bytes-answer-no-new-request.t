# What a server does on a kept connection just before it is used again: the request that comes at the same moment gets
# its own response, by another connection. So that both have happened when the worker looks, it is stopped meanwhile.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Wait qw(deadline);
use Time::HiRes ();

my $old    = response_bytes(200, [], 'old');
my %before = (
    'a response'            => sub { $_[0]->send($old) },
    'half a response'       => sub { $_[0]->send(substr $old, 0, 20) },
    'an interim response'   => sub { $_[0]->send("HTTP/1.1 100 Continue\r\n\r\n") },
    'a response and an end' => sub { $_[0]->send($old); $_[0]->close },
    'an end'                => sub { $_[0]->close },
    'a reset'               => sub { $_[0]->reset },
);
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my ($path) = $request->target =~ m{^/(.*)};
            $connection->respond(200, [], 'own ' . $connection->number);
            next if $path eq '';
            $connection->tell('answered');
            $connection->wait_go;
            $before{ $path =~ s/%20/ /gr }->($connection);
            $connection->tell('done');
            $connection->read_all if defined fileno $connection->{socket};
            return;
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  kept: { servers: "@{[$backend->url]}", retry: no, eject: no }
routes:
  - { match: /, proxy: kept }
END
my ($worker) = $flexilib->worker_pids;

sub stop_worker {
    my $deadline = deadline();
    kill 'STOP', $worker;
    while (read_file("/proc/$worker/stat") !~ /^\d+ \(.*\) T/) {
        die "the worker does not stop\n" if Time::HiRes::time() > $deadline;
    }
    return;
}

my $client   = connect_to($flexilib);

for my $method (qw(GET HEAD PUT POST)) {
    for my $what (sort keys %before) {
        for my $is_client_first (0, 1) {
            $client->send_request(GET => '/' . $what =~ s/ /%20/gr);
            my ($used) = $client->read_response->body =~ /^own (\d+)$/;
            $backend->wait_told(qr/^answered/);
            stop_worker();
            my $ask = sub { $client->send_request($method => '/', $method =~ /^P/ ? (body => 'x') : ()) };
            $ask->() if $is_client_first;
            $backend->go;
            $backend->wait_told(qr/^done/);
            $ask->() if !$is_client_first;
            kill 'CONT', $worker;
            my $order    = $is_client_first ? 'behind' : 'before';
            my $response = $client->read_response($method);
            is($response->status, 200, "$what $order $method");
            isnt($response->body, "own $used", 'comes by another connection');
            like($response->body, $method eq 'HEAD' ? qr/^$/ : qr/^own \d+$/, 'and the response is its own');
        }
    }
}
is_deeply([$flexilib->worker_pids], [$worker], 'it is still the same worker');

done_testing;
