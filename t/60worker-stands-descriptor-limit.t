# At the limit of descriptors a worker serves whom it has accepted, and closes what is idle; others wait until there is room,
# and it neither spins nor loses its listener.

use lib 't/lib';
use FlexiLib::Test;

need('h2load');

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        if ($request->target eq '/wait') {
            $connection->tell('asked');
            $connection->wait_go;
        }
        $connection->respond(200, [], $request->target);
    }
});
my $folder = make_folder();
write_file("$folder/flexilib.yaml", <<"END");
listen: 127.0.0.1:0
workers: 1
header_timeout: 1s
keep_alive_timeout: 1h
routes:
  - { match: /here, respond: 200 }
  - { match: /, proxy: "@{[$backend->url]}" }
END
my $flexilib = FlexiLib::Test::Server->start(
    name    => 'flexilib',
    dir     => $folder,
    command => ['/bin/sh', '-c', 'ulimit -n 64; exec "$0" "$@"', build_folder() . '/flexilib', '-c', 'flexilib.yaml']);
$flexilib->wait_serving;
my ($worker) = $flexilib->worker_pids;

sub ticks { my @fields = split ' ', read_file("/proc/$worker/stat") =~ s/^.*\) //sr; return $fields[11] + $fields[12] }
sub open_descriptors { return scalar(() = glob "/proc/$worker/fd/*") }

# Nothing is kept free for those who rest: all but some 20 descriptors are for them. When they come back at once, each is served.
my $bare    = open_descriptors();
my @resting = map { my $c = connect_to($flexilib); $c->send_request(GET => '/here'); $c->read_response; $c } 1 .. 64 - 24 - $bare;
cmp_ok(open_descriptors(), '>=', $bare + @resting, scalar(@resting) . ' clients that have had an answer stay');
kill STOP => $worker;
$_->send_request(GET => '/wait') for @resting;
kill CONT => $worker;
for (@resting) {
    $backend->wait_told(qr/^asked$/);
    $backend->go;
}
my $served = grep { my $r = $_->read_response; $r && $r->status == 200 && $r->body eq '/wait' } @resting;
is($served, scalar @resting, 'and are served when they all come back at once');
$_->close for @resting;

# Many who stay idle: those that came first make room for the others.
my @idle = map { my $c = connect_to($flexilib); $c->send_request(GET => $_ % 2 ? '/there' : '/here'); $c } 1 .. 100;
is(scalar(grep { my $r = $_->read_response; $r && $r->status == 200 } @idle), 100, '100 clients that stay are served with 64 descriptors');
$flexilib->wait_log(qr/warning: descriptors are running short \(of 64, see `ulimit -n`\): idle connections are closed, and new ones wait/);
$_->close for @idle;

# Many at once that take their time: each gets its answer in the end.
my $slow = connect_to($flexilib);
$slow->send('GET / HT');
my @clients = map { my $c = connect_to($flexilib); $c->send_request(GET => '/wait'); $c } 1 .. 60;
$backend->wait_told(qr/^asked$/);
my $before = ticks();
my $late   = $slow->read_response;
ok($late && $late->status == 408, 'time goes by');
cmp_ok(ticks() - $before, '<', 50, 'and the worker does not spin meanwhile');
cmp_ok(open_descriptors(), '<', 64, 'it has descriptors left');
for (1 .. 59) {
    $backend->go;
    $backend->wait_told(qr/^asked$/);
}
$backend->go;
my @responses = map { $_->read_response } @clients;
is(scalar(grep { $_ && $_->status == 200 && $_->body eq '/wait' } @responses), 60, '60 clients at once are served, one after the other');
is(request($flexilib, GET => '/there')->status, 200, 'and then all is as before');

# One client of HTTP/2 may want more than there is.
my $load = FlexiLib::Test::Process->start(
    name    => 'h2load',
    dir     => make_folder(),
    command => ['h2load', '-n', 60, '-c', 1, '-m', 60, $flexilib->url . '/wait']);
for (1 .. 60) {
    $backend->wait_told(qr/^asked$/);
    $backend->go;
}
is($load->wait_status, 0, '60 requests on one connection of HTTP/2');
$load->wait_streams;
like($load->text('stdout'), qr/^status codes: 60 2xx/m, 'are all answered');
is(scalar(() = $flexilib->log =~ /descriptors are running short/g), 1, 'the log has one line of it');
unlike($flexilib->log, qr/Too many open files|too many open files/, 'nothing has failed for it');
$flexilib->stop;
done_testing;
