# A worker serves when its filters say that they are ready; where one never does, the old generation goes on.

use lib 't/lib';
use FlexiLib::Test;

my $ready  = test_library('ready');
my $folder = make_folder();
my $signal = "$folder/signal";

sub signal_ready {
    my ($sentence) = @_;
    write_file("$signal.new", $sentence // '');
    rename "$signal.new", $signal or die "rename: $!";
    return;
}

sub config {
    my ($handler, $timeout, $workers) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: @{[$workers // 1]}
create_timeout: @{[$timeout // '1m']}
libraries: { ready: $ready }
routes:
  - { match: /, handler: $handler }
END
}
my $waiting = "{ ready: { file: $signal } }";

signal_ready();
my $flexilib = start_flexilib(dir => $folder, config => config($waiting), env => { FLEXILIB_START_TIMEOUT => '2s' });
is(request($flexilib, GET => '/')->body, "ready\n", 'a filter gets ready by a thread of its own');
ok($flexilib->wait_log(qr/error: filter 'ready': called defer_ready outside of create$/), 'and cannot put it off later');
my ($old) = $flexilib->worker_pids;

$flexilib->reload;
my ($new) = $flexilib->wait_log(qr/\[(?!$old\])\d+\] info: filter 'ready': waiting for long$/) =~ /\[(\d+)\]/;
is(request($flexilib, GET => '/')->body, "ready\n", 'the old generation serves while the new one waits');
unlike($flexilib->log, qr/generation 2 is serving/, 'for longer than workers otherwise may');
signal_ready();
$flexilib->wait_serving(2);
is(($flexilib->worker_pids)[-1], $new, 'until its filter is ready');
is(request($flexilib, GET => '/')->body, "ready\n", 'and it serves');

sub fails {
    my ($name, $handler, $timeout, $failure) = @_;
    $flexilib->write_file('flexilib.yaml', config($handler, $timeout));
    $flexilib->reload;
    like($flexilib->wait_log(qr/generation \d+ failed/), qr/error: generation \d+ failed: flexilib\.yaml:6:\d+: $failure; generation 2 goes on serving$/, $name);
    is(request($flexilib, GET => '/')->body, "ready\n", 'and the old generation goes on');
    return;
}
fails('one that is never ready is named', '{ ready: { } }', '50ms', qr/filter 'ready' is not ready after 50 ms \(create_timeout\)/);
fails('one that cannot be ready at once says why', '{ ready: { at_once: no luck } }', '1m', qr/filter 'ready': no luck/);
signal_ready("no keys\nat all");
fails('or later', $waiting, '1m', qr/filter 'ready': no keys\?at all/);

my $pair = start_flexilib(dir => $folder, config => config('{ ready: { at_once: "" } }', '1m', 2), expect_alerts => qr/killed by signal/);
is(request($pair, GET => '/')->body, "ready\n", 'what is ready in create is not waited for');
my %before = map { $_ => 1 } $pair->worker_pids;
$pair->write_file('flexilib.yaml', config($waiting, '1m', 2));
$pair->reload;
my $others = join '|', keys %before;
my ($first) = $pair->wait_log(qr/\[(?!(?:$others)\])\d+\] info: filter 'ready': waiting$/) =~ /\[(\d+)\]/;
signal_ready();
my ($second) = $pair->wait_log(qr/\[(?!(?:$others|$first)\])\d+\] info: filter 'ready': waiting$/) =~ /\[(\d+)\]/;
unlike($pair->log, qr/generation 2 is serving/, 'a sibling waits for its own filters');
signal_ready();
$pair->wait_serving(2);

kill KILL => $second or die "kill: $!";
my ($third) = $pair->wait_log(qr/\[(?!(?:$others|$first|$second)\])\d+\] info: filter 'ready': waiting$/) =~ /\[(\d+)\]/;
is(request($pair, GET => '/')->body, "ready\n", 'a replacement waits too, and others serve meanwhile');
signal_ready("out of order");
like($pair->wait_log(qr/could not start/), qr/error: worker $third of generation 2 could not start: flexilib\.yaml:6:\d+: filter 'ready': out of order$/,
    'one that cannot be ready is told of');
$pair->wait_log(qr/\[(?!(?:$others|$first|$second|$third)\])\d+\] info: filter 'ready': waiting$/);
signal_ready();
is(request($pair, GET => '/')->body, "ready\n", 'and the next one may be luckier');

my $checked = run_flexilib(['check', '-c', 'flexilib.yaml'], config => config('{ ready: { } }'));
is($checked->{status}, 0, 'a check does not wait');
$checked = run_flexilib(['check', '-c', 'flexilib.yaml'], config => config('{ ready: { at_once: no luck } }'));
is($checked->{status}, 78, 'but knows what create has said already');
like($checked->{err}, qr/flexilib\.yaml:6:\d+: filter 'ready': no luck$/m, 'and tells it');
my $refused = run_flexilib(['-c', 'flexilib.yaml'], config => config('{ ready: { } }', '1ms'));
is($refused->{status}, 78, 'a start that comes to nothing is the configuration\'s fault');

done_testing;
