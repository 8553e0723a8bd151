# Requests beyond what servers may be given at a time wait, first come first served, and not for ever.

use lib 't/lib';
use FlexiLib::Test;

sub hold {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        $connection->tell('got ' . $request->target);
        $connection->wait_go if $request->target !~ /at-once/;
        $connection->respond(200, [], 'served ' . $request->target);
    }
}
my $backend = start_backend(\&hold);
my @quick = map { start_static_backend(body => "quick $_") } 1 .. 2;
my $sick  = start_static_backend(status => 500);

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  one:   { servers: { url: "@{[$backend->url]}", max_requests: 1 }, queue: { length: 2, timeout: 60s } }
  short: { servers: "@{[$backend->url]}", max_requests: 1, queue: { timeout: 1200ms } }
  none:  { servers: "@{[$backend->url]}", max_requests: 1, queue: no }
  tight: { servers: [ "@{[$quick[0]->url]}", "@{[$quick[1]->url]}" ], max_connections: 1, queue: { timeout: 60s } }
  sick:  { servers: "@{[$sick->url]}", health: { path: /, every: 100ms, unhealthy_after: 1 } }
routes:
  - { match: /one, proxy: one }
  - { match: /short, proxy: short }
  - { match: /none, proxy: none }
  - { match: /tight, proxy: tight }
  - { match: /sick, proxy: sick }
  - { match: /, respond: 204 }
END

$flexilib->wait_log(qr/upstream 'sick'.*unhealthy/);

# Once an answer to something that was sent later is there, the worker has read what was sent before.
sub send_one {
    my ($path) = @_;
    my $client = connect_to($flexilib);
    $client->send_request(GET => $path);
    request($flexilib, GET => '/settled');
    return $client;
}

my @clients = map { send_one("/one/$_") } 1 .. 3;
$backend->wait_told(qr/got/);
my $refused = request($flexilib, GET => '/one/4');
is($refused->status, 503, 'beyond the queue a request is refused');
is($refused->header('Retry-After'), '60', 'and told when to come again');
$flexilib->wait_log(qr/error: upstream 'one': all its servers are busy, and 2 requests wait already \(request [0-9a-f]+\)$/);
for my $number (1 .. 3) {
    $backend->go;
    is($clients[$number - 1]->read_response->body, "served /one/$number", "request $number has its turn");
}
is_deeply([$backend->received =~ m{GET /one/(\d)}g], [1, 2, 3], 'in the order they came, one at a time');
is($backend->connections, 1, 'on one connection');

@clients = map { send_one("/one/$_") } 5 .. 7;
$backend->wait_told(qr{got /one/5});
$clients[1]->close;
$flexilib->wait_access(qr{"GET /one/6 HTTP/1\.1"});
$backend->go;
is($clients[0]->read_response->body, 'served /one/5', 'while one is served, another one leaves');
$backend->go;
is($clients[2]->read_response->body, 'served /one/7', 'and the next in the row has its turn');
unlike($backend->received, qr{/one/6}, 'nothing was sent for the one that left');

my $first = send_one('/short/1');
$backend->wait_told(qr{got /short/1});
my $late = request($flexilib, GET => '/short/2');
is($late->status,                503, 'who waits too long is refused');
is($late->header('Retry-After'), '2', 'and told when to come again');
$flexilib->wait_log(qr/error: upstream 'short': no server had room within 1200 ms \(request [0-9a-f]+\)$/);
like($flexilib->wait_access(qr{GET /short/2 }), qr/ upstream short server - tries 0 waited (?!0\.)\d{4,}\.\d+ms answered -$/, 'the access log tells how long it waited');
$backend->go;
is($first->read_response->body, 'served /short/1', 'which does not bother the others');

$first = send_one('/none/1');
$backend->wait_told(qr{got /none/1});
is(request($flexilib, GET => '/none/2')->status, 503, 'without a queue nobody waits');
$backend->go;
is($first->read_response->status, 200, 'the first one is served');
is(request($flexilib, GET => '/none/at-once')->status, 200, 'and so is the next');

my %served;
++$served{ request($flexilib, GET => '/tight')->body } for 1 .. 6;
is_deeply(\%served, { 'quick 1' => 3, 'quick 2' => 3 }, 'an idle connection to one server does not block the other');

my $none = request($flexilib, GET => '/sick');
is($none->status, 503, 'where no server is well nobody waits');
$flexilib->wait_log(qr/error: upstream 'sick': no server is available: 1 unhealthy \(request [0-9a-f]+\)$/);

# What one worker holds, another one gets.
my $pair = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
upstreams:
  tight: { servers: "@{[$quick[0]->url]}", max_connections: 1, queue: { timeout: 60s } }
routes:
  - { match: /, proxy: tight }
END
my @loads = map { connect_to($pair) } 1 .. 8;
for (1 .. 10) {
    $_->send_request(GET => '/') for @loads;
    $served{ $_->read_response->body }++ for @loads;
}
is($served{'quick 1'}, 83, 'workers share the one connection that a server allows');

done_testing;
