# `flexilib rollback` serves what served before, from its snapshot, whatever the files say by now; again, it goes further
# back, as far as is kept. The next reload reads the files as they are.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Process;

my $folder  = make_folder();
my %variant = map { $_ => read_file(test_library("answer_$_")) } qw(one two);

sub config {
    my ($number) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 2
watch: off
create_timeout: 1m
routes:
  - { match: /number, respond: { status: 200, body: "$number" } }
  - { match: /, handler: ./answer.so }
END
}
write_file("$folder/answer.so", $variant{one});
my $flexilib = start_flexilib(dir => $folder, config => config(1), expect_alerts => qr/was killed by signal 9 /);

sub run { return run_flexilib([@_, '-c', 'flexilib.yaml'], dir => $folder) }

sub change {
    my ($number, $variant) = @_;
    $flexilib->write_file('flexilib.yaml', config($number));
    $flexilib->write_file('answer.so',     $variant{$variant});
    is(run('reload')->{status}, 0, "a change to $number");
    return;
}

sub serves {
    my ($number, $variant, $claim) = @_;
    is(request($flexilib, GET => '/number')->body . request($flexilib, GET => '/')->body, "$number$variant\n", $claim);
    return;
}

my $none = run('rollback');
is($none->{status}, 1, 'a first generation has nothing to go back to');
like($none->{err}, qr/\Aerror: there is nothing to go back to: /, 'and says so');

change(2, 'two');
run('reload');
change(3, 'two');
serves(3, 'two', 'which serves');
unlink "$folder/answer.so", "$folder/flexilib.yaml";
my $result = run('rollback');
is($result->{status}, 0, 'a rollback needs no file');
like($result->{out}, qr/\Areload 5: generation 5 serves what generation 3 did; generation 4 is left \(by hand\): 1 route changed\n  ~ route \/number /,
    'and tells what it does; a reload without change is no step');
serves(2, 'two', 'what served before serves again');
kill 'KILL', $flexilib->worker_pids;
$flexilib->wait_log(qr/alert: /) for 1 .. 2;
serves(2, 'two', 'also when its workers have crashed');
like(run('rollback')->{out}, qr/\Areload 6: generation 6 serves what generation 1 did; generation 5 is left/, 'a second one goes further back');
serves(1, 'one', 'with its libraries');
is(run('rollback')->{status}, 1, 'until nothing is left');
serves(1, 'one', 'which changes nothing');

change(7, 'two');
serves(7, 'two', 'the next reload reads what is there');
like(run('rollback')->{out}, qr/generation 8 serves what generation 1 did; generation 7 is left/, 'and can be taken back');
serves(1, 'one', 'so it is');

my ($ready, $printer, $signal) = (test_library('ready'), test_library('early_print'), "$folder/signal");
change_to_come();
$flexilib->stop;
stays_though_files_differ();
done_testing;

# A rollback does not wait for a reload that is under way.
sub change_to_come {
    my $new = config(10) =~ s{(?=  - \{ match: /,)}{  - { match: /ready, filters: [$printer], handler: { use: $ready, options: { file: $signal } } }\n}r;
    $flexilib->write_file('flexilib.yaml', config(9));
    is(run('reload')->{status}, 0, 'another change');
    $flexilib->write_file('flexilib.yaml', $new);
    my $waiting = FlexiLib::Test::Process->start(dir => $folder, command => [build_folder() . '/flexilib', 'reload', '-c', 'flexilib.yaml']);
    $flexilib->wait_log(qr/early_print: created$/);
    $flexilib->reload;
    $flexilib->wait_log(qr/reloading \(/);
    like(run('rollback')->{out}, qr/serves what generation 1 did/, 'a rollback comes before all else');
    is($waiting->wait_status >> 8, 1, 'a reload that it overtakes');
    $waiting->wait_streams;
    like($waiting->text('stderr'), qr/\Aerror: overtaken by a rollback \(reload \d+\)\n\z/, 'is told so');
    like($flexilib->log, qr/reload \d+ \(signal HUP\): overtaken by a rollback/, 'and one that was to follow never begins');
    serves(1, 'one', 'what served before serves');
    return;
}

# What is watched is no reason for a reload before it changes once more.
sub stays_though_files_differ {
    write_file("$folder/answer.so", $variant{one});
    $flexilib = start_flexilib(dir => $folder, config => config(1) =~ s/watch: off/watch: all/r);
    $flexilib->write_file('answer.so', $variant{two});
    $flexilib->wait_serving(2);
    like(run('rollback')->{out}, qr/generation 3 serves what generation 1 did/, 'a rollback of a library that was watched');
    serves(1, 'one', 'lasts');
    $flexilib->write_file('flexilib.yaml', config(2) =~ s/watch: off/watch: all/r);
    like($flexilib->wait_log(qr/reloading/), qr/reloading \(reload 4\): .*flexilib\.yaml' has changed$/, 'until something changes again');
    $flexilib->wait_serving(4);
    serves(2, 'two', 'which takes up all as it is then');
    return;
}
