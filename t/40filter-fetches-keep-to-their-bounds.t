# Fetches take no more than their filter does, end in time, and never go round in circles.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl');
my $fetch = test_library('fetch');
my $piece = join '', map { chr(33 + $_ % 90) } 1 .. 1 << 20;

# What the kernel's buffers between both may come to, and something for ours.
my $most   = largest_buffer('tcp_rmem') + largest_buffer('tcp_wmem') + (2 << 20);
my $pieces = 2 + int(2 * $most / length $piece);
my $total  = $pieces * length $piece;

sub largest_buffer {
    my ($name) = @_;
    return (split ' ', read_file("/proc/sys/net/ipv4/$name"))[2];
}

# Sends as much of a body as it can, says how much that was, and waits to be sent on, until a round has brought nothing
# more; then the rest.
sub send_in_rounds {
    my ($connection) = @_;
    my $stream = "HTTP/1.1 200 OK\r\nContent-Length: $total\r\n\r\n" . $piece x $pieces;
    my ($sent, $before) = (0, -1);
    while ($sent != $before) {
        $before = $sent;
        while (defined(my $count = syswrite $connection->{socket}, $stream, length($stream) - $sent, $sent)) {
            $sent += $count;
            last if $sent == length $stream;
        }
        $connection->tell("sent $sent");
        $connection->wait_go;
    }
    $connection->send(substr $stream, $sent);
    return;
}

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        if ($request->target eq '/large') {
            send_in_rounds($connection);
        } elsif ($request->target eq '/halves') {
            $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst");
            $connection->tell('half');
            $connection->wait_go;
            $connection->send('later');
        } elsif ($request->target eq '/silent') {
            $connection->tell('silent');
            $connection->is_closed;
            $connection->tell('left');
            return;
        } else {
            $connection->respond(200, [], 'quick');
        }
    }
});

my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue('server', 'DNS:localhost');
my $secure = start_flexilib(config => <<"END");
listen: { address: 127.0.0.1:0, tls: { certificate: $folder/server.pem, key: $folder/server.key } }
workers: 1
routes: [{ match: /, handler: echo }]
END

sub config {
    my ($more) = @_;
    return <<"END";
listen: [127.0.0.1:0, "unix:$folder/front.sock"]
workers: 1
$more
libraries: { fetch: $fetch }
upstreams:
  shop: { servers: ["@{[$backend->url]}"] }
  safe: { servers: ["https://localhost:@{[$secure->port]}"], tls: { ca: $folder/ca.pem } }
  strange: { servers: ["https://localhost:@{[$secure->port]}"] }
  self: { servers: ["http+unix:$folder/front.sock"] }
routes: [{ match: /, handler: fetch }]
END
}
my $flexilib = start_flexilib(config => config(''));

sub fields {
    my ($path, %fields) = @_;
    $fields{upstream} //= 'shop';
    return ['x-path' => $path, map { ("x-$_" => $fields{$_}) } sort keys %fields];
}

sub fetch {
    my ($path, %fields) = @_;
    return request($flexilib, GET => '/', headers => fields($path, %fields))->body;
}

my $client = connect_to($flexilib);
fetch('/quick') for 1 .. 10;
my $before_kb = $flexilib->worker_memory_kb;
$client->send_request(GET => '/', headers => fields('/large', do => 'hold,count'));
ok($flexilib->wait_log(qr/holding$/), 'a filter may take a piece and no more');
my ($sent, $before) = (0, -1);
while ($sent != $before) {
    $before = $sent;
    ($sent) = $backend->wait_told(qr/^sent/) =~ /(\d+)/;
    fetch('/quick') for 1 .. 20;
    $backend->go;
}
cmp_ok($sent, '<', $most, 'then the server comes to a halt');
cmp_ok($flexilib->worker_memory_kb - $before_kb, '<', 4096, 'the worker has not taken it in') if !is_sanitized();
is(request($flexilib, GET => '/release')->body, "released\n", 'when it wants more');
is($client->read_response->body, "200\nVia: 1.1 flexilib\n\n$total bytes\n", 'all of the rest comes');

$client->send_request(GET => '/', headers => fields('/halves', do => 'hold'));
$backend->wait_told(qr/half/);
$flexilib->wait_log(qr/holding$/);
$backend->go;
request($flexilib, GET => '/release');
like($client->read_response->body, qr/\n\nfirstlater\z/, 'also where that is the end');

like(fetch('/hi', upstream => 'safe', host => 'localhost'), qr/\A200\n.*^GET \/hi\nhost: localhost\n/msi, 'a fetch may go by TLS');
is(fetch('/hi', upstream => 'strange'), "failure 502\n", 'which knows whom it speaks to');

is(fetch('/halves', do => 'own,count'), "begun\n", 'a fetch of the filter\'s own outlives the request');
$backend->wait_told(qr/half/);
my ($old) = $flexilib->worker_pids;
$client->close;
$flexilib->reload;
$flexilib->wait_serving(2);
fetch('/quick') for 1 .. 10;
ok(grep({ $_ == $old } $flexilib->worker_pids), 'and a worker without connections waits for it');
$backend->go;
ok($flexilib->wait_log(qr/\[$old\].* over: 0, 10 bytes$/), 'until it is over');
ok($flexilib->wait_log(qr/\[$old\].*: destroyed$/), 'and leaves then');

my $hasty = start_flexilib(config => config('drain_timeout: 50ms') =~ s/front/hasty/gr);
is(request($hasty, GET => '/', headers => fields('/silent', do => 'own'))->body, "begun\n", 'one that does not end');
$backend->wait_told(qr/silent/);
$hasty->reload;
ok($hasty->wait_log(qr/generation 1 has drained/), 'is over with its worker');
like($hasty->log, qr/has not drained in time/, 'which it keeps no longer than may be');
like($hasty->log, qr/over: -1, 0 bytes\n.*: destroyed$/ms, 'and is cancelled before the filter ends');
$backend->wait_told(qr/left/);
is(request($hasty, GET => '/', headers => fields('/silent', do => 'own'))->body, "begun\n", 'at a stop');
$backend->wait_told(qr/silent/);
$hasty->signal('TERM');
$hasty->wait_log(qr/info: no more connections are accepted/);
$hasty->signal('TERM');
ok($hasty->wait_log(qr/over: -1, 0 bytes$/), 'it is cancelled too');
$hasty->check_exit(0);

my $circling = start_flexilib(config => config('') =~ s/front/circle/gr);
my $circle   = request($circling, GET => '/', headers => fields('/', upstream => 'self', do => 'copy'))->body;
like($circle, qr/failure 508\n\z/, 'a fetch in circles is noticed');
is(scalar(() = $circle =~ /^200$/mg), 10, 'when it has come by ten times');
like($circling->wait_log(qr/in circles/), qr/warning: filter 'fetch': a fetch from upstream 'self' has come by ten times/, 'and the log tells');

done_testing;
