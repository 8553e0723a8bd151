# Reloads that come during another one merge into one that follows it, and each who waits is told of the one that covers
# his request. Who leaves while he waits changes nothing; when FlexiLib stops, who waits is told so.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Process;
use IO::Socket::UNIX;

my $ready   = test_library('ready');
my $printer = test_library('early_print'); # tells that a generation is being made
my $folder  = make_folder();
my $signal  = "$folder/signal";
my $control = "$folder/control";

sub config {
    my ($number) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
watch: off
create_timeout: 1m
libraries: { ready: $ready, printer: $printer }
filters: [printer]
routes:
  - { match: /number, respond: { status: 200, body: "$number" } }
  - { match: /, handler: { use: ready, options: { file: $signal } } }
END
}

sub let_start {
    write_file("$signal.new", '');
    rename "$signal.new", $signal or die "rename: $!";
    return;
}

my %env = (FLEXILIB_CONTROL => $control);
let_start();
my $flexilib = start_flexilib(dir => $folder, config => config(1), env => \%env);

sub start_reload { return FlexiLib::Test::Process->start(dir => $folder, env => \%env, command => [build_folder() . '/flexilib', 'reload']) }

sub is_told {
    my ($process, $status, $stream, $pattern, $claim) = @_;
    is($process->wait_status >> 8, $status, "$claim: the exit status");
    $process->wait_streams;
    like($process->text($stream), $pattern, $claim);
    return;
}

sub ask {
    my $socket = IO::Socket::UNIX->new(Peer => $control) or die "cannot connect: $!";
    syswrite $socket, "flexilib\t1\treload\n";
    return $socket;
}

sub answer {
    my ($socket) = @_;
    local $/;
    return scalar <$socket>;
}

$flexilib->write_file('flexilib.yaml', config(2));
my $first = start_reload();
$flexilib->wait_log(qr/early_print: created$/);
$flexilib->write_file('flexilib.yaml', config(3));
my @others = map { start_reload() } 1 .. 2;
$flexilib->wait_log(qr/info: reloading \(reload 3\): command$/) for 1 .. 2;
close ask();
$flexilib->wait_log(qr/info: reloading \(reload 3\): command$/);
$flexilib->reload;
$flexilib->wait_log(qr/info: reloading \(reload 3\): signal HUP$/);
like(run_flexilib(['status', '-c', 'flexilib.yaml'], dir => $folder, env => \%env)->{out},
    qr/^reload 2 \(command\): under way, .*\nreload 3 \(signal HUP, command\): waits, /m, 'status tells what is under way and what waits');
my @crowd = map { ask() } 1 .. 30;
like(answer($crowd[-1]), qr/\Aend\t1\t32 others wait already; reload 3 goes on, as the log will tell\n\z/, 'only so many wait');
let_start();
is_told($first, 0, 'stdout', qr/\Areload 2: generation 2 serves: 1 route changed\n/, 'the first is told of its own reload');
$flexilib->wait_serving(2);
let_start();
is_told($_, 0, 'stdout', qr/\Areload 3: generation 3 serves: 1 route changed\n/, 'the others share one') for @others;
like(answer($_), qr/\Areload\t3\t3\tchanged\t.*\nend\t0\t/s, 'as does everybody else') for $crowd[0], $crowd[28];
like($flexilib->wait_log(qr/reload 3 \(/), qr/info: reload 3 \(signal HUP, command\): generation 3 serves/, 'with the signal');
is(request($flexilib, GET => '/number')->body, '3', 'the file as it was when they asked is what serves');

my $late = start_reload();
$flexilib->wait_log(qr/early_print: created$/);
my $later = start_reload();
$flexilib->wait_log(qr/info: reloading \(reload 5\): command$/);
$flexilib->signal('TERM');
is_told($_, 1, 'stderr', qr/\Aerror: FlexiLib stops: the reload has not taken effect\n\z/, 'a stop is told') for $late, $later;
$flexilib->check_exit(0);
unlike($flexilib->log, qr/generation 5|reload 6/, 'and no other reload was begun');

done_testing;
