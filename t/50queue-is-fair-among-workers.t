# Requests of several workers that wait for the same servers get their turns alike, and nobody waits in vain for a place
# that another worker keeps but does not use.

use lib 't/lib';
use FlexiLib::Test;

my ($client_count, $total) = (12, 1200);

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            if ($request->target =~ /hold/) {
                $connection->tell('holds');
                $connection->wait_go;
            }
            # a server that takes its time
            select undef, undef, undef, 0.002;
            $connection->respond(200, [], 'done');
        }
    });
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
upstreams:
  requests:
    servers: ["@{[$backend->url]}"]
    max_requests: 1
    queue: { timeout: 5m }
  connections:
    servers: ["@{[$backend->url]}"]
    max_connections: 2
    keep_alive: 10m
    queue: { timeout: 10m }
routes:
  - { match: /requests, proxy: requests }
  - { match: /connections, proxy: connections }
END

# As many requests as that, each client's next one as soon as the one before was answered. Returns how many each had.
sub load_evenly {
    my ($path) = @_;
    my @clients = map { connect_to($flexilib) } 1 .. $client_count;
    my @counts  = (0) x $client_count;
    my ($count, $bad) = (0, 0);
    $_->send_request(GET => $path) for @clients;
    while ($count < $total) {
        my $bits = '';
        vec($bits, fileno $_->{socket}, 1) = 1 for @clients;
        select($bits, undef, undef, undef);
        for my $i (grep { vec($bits, fileno $clients[$_]{socket}, 1) } 0 .. $#clients) {
            ++$bad if $clients[$i]->read_response->status != 200;
            ++$counts[$i];
            ++$count;
            $clients[$i]->send_request(GET => $path);
        }
    }
    is($bad, 0, "$path: all are answered");
    $_->close for @clients;
    return sort { $a <=> $b } @counts;
}

my @counts = load_evenly('/requests');
cmp_ok($counts[0], '>=', $total / $client_count / 2, "each client has its share: @counts");

# Has the worker alone accept what the callback opens.
my @workers = $flexilib->worker_pids;
sub with_one_worker {
    my ($number, $callback) = @_;
    my $other = $workers[1 - $number];
    kill STOP => $other;
    my @result = $callback->();
    kill CONT => $other;
    return @result;
}

sub open_two {
    my @clients = map { connect_to($flexilib) } 1 .. 2;
    request_quick($_) for @clients;
    return @clients;
}

sub request_quick {
    my ($client) = @_;
    $client->send_request(GET => '/connections/quick');
    return is($client->read_response->status, 200, 'served');
}

my @first  = with_one_worker(0, \&open_two);
my @second = with_one_worker(1, \&open_two);
$_->send_request(GET => '/connections/hold') for @second;
$backend->wait_told(qr/holds/) for @second;
pass('what one worker keeps and does not use is given up for another');
$backend->go for @second;
is($_->read_response->status, 200, 'which answers') for @second;
request_quick($_) for @first;

done_testing;
