# A server that says that it is not well gets no requests until it is well again. One worker asks for all, so all of them
# know, whichever of them dies; a reload forgets nothing; and no check keeps FlexiLib from leaving.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my %server = map { $_ => start_named($_) } qw(a b);

# It is as well as a file says: NAME.sick makes it answer checks with 503, NAME.mute not at all.
sub start_named {
    my ($name) = @_;
    return start_backend(
        sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                if ($request->target ne '/healthz') {
                    $connection->respond(200, [], $name);
                    next;
                }
                my $is_sick = -e "$folder/$name.sick";
                $connection->tell('asked');
                if (-e "$folder/$name.mute") {
                    $connection->tell('held');
                    $connection->wait_go;
                }
                $connection->respond($is_sick ? 503 : 200, [], '');
            }
        }
    );
}

sub make { write_file("$folder/$_[0]", '') }
sub heal { unlink "$folder/$_[0].sick" or die "unlink: $!" }
sub url { return quotemeta $server{ $_[0] }->url }

make('a.sick');
my $flexilib = start_flexilib(config => <<"END", expect_alerts => qr/was killed by signal 9/);
listen: 127.0.0.1:0
workers: 2
upstreams:
  shop:
    servers: ["@{[$server{a}->url]}", "@{[$server{b}->url]}"]
    health: { path: /healthz, every: 50ms, timeout: 30s, unhealthy_after: 2 }
routes: [{ match: /, proxy: shop }]
END

# On as many connections, so that both workers have some.
sub ask {
    my %seen;
    for (1 .. 20) {
        my $response = request($flexilib, GET => '/');
        $seen{ $response->status == 200 ? $response->body : $response->status }++;
    }
    return join ' ', sort keys %seen;
}

my $a = url('a');
$flexilib->wait_log(qr/warning: upstream 'shop' server $a: unhealthy: it answered with status 503$/);
is(ask(), 'b', 'the first check decides at once');
heal('a');
$flexilib->wait_log(qr/info: upstream 'shop' server $a: healthy$/);
is(ask(), 'a b', 'well again, it gets requests again');
make('a.sick');
$flexilib->wait_log(qr/unhealthy: it answered with status 503 \(2 checks in a row\)$/);
is(ask(), 'b', 'later on more than one check decides');

$flexilib->reload;
$flexilib->wait_serving(2);
is(ask(), 'b', 'a new generation knows from its first request on');
$flexilib->wait_log(qr/generation 1 has drained/);
my @verdicts = $flexilib->log =~ /: unhealthy/g;
is(@verdicts, 2, 'what is known already is not told again');
heal('a');
$flexilib->wait_log(qr/: healthy$/);
is(ask(), 'a b', 'and the new one goes on asking');

for my $pid ($flexilib->worker_pids) {
    kill 'KILL', $pid;
    $flexilib->wait_log(qr/worker $pid of generation 2 was killed/);
    make('a.sick');
    $flexilib->wait_log(qr/: unhealthy/);
    heal('a');
    $flexilib->wait_log(qr/: healthy$/);
}
pass('the worker that has asked dies, another one goes on');

sub count_checks { return scalar(() = $server{a}->received =~ /healthz/g) }

make('a.mute');
$server{a}->wait_told(qr/^held/);
my $count = count_checks();
is(ask(), 'a b', 'requests are served while a check waits');
my $later = $server{b}->connections + 20;
$server{b}->wait_told(qr/^accepted $later$/);
is(count_checks(), $count, 'one check of a server is under way at a time');
unlink "$folder/a.mute";
$server{a}->go;

make("$_.sick") for qw(a b);
$flexilib->wait_log(qr/: unhealthy/) for 1 .. 2;
is(ask(), '503', 'where none is well nobody is asked');

make('a.mute');
$server{a}->wait_told(qr/^held/);
done_testing;
