# A library that owns a port gives it up before its successor takes it, and has it again where the successor fails.

use lib 't/lib';
use FlexiLib::Test;
use POSIX ();

my ($folder, $port) = (make_folder(), free_port());
for my $name (qw(one two)) {
    write_file("$folder/$name.so", read_file(test_library('owner')));
}
POSIX::mkfifo("$folder/$_", 0600) or die "mkfifo: $!" for qw(hold quiesce);

sub config {
    my ($name, %with) = @_;
    my $options = join ', ', "name: $name", "port: $port", map { "$_: $with{$_}" } grep { !/^(?:workers|also)$/ } sort keys %with;
    return <<"END";
listen: 127.0.0.1:0
workers: @{[$with{workers} // 1]}
filters: [@{[$with{also} // '']}]
routes:
  - { match: /other, respond: { body: other } }
  - { match: /, handler: { use: ./$name.so, options: { $options } } }
END
}

# Opens the pipe as soon as the other side waits for it; when the handle goes, the other side goes on.
sub reach {
    my ($pipe) = @_;
    open my $handle, '>', "$folder/$pipe" or die "$pipe: $!";
    return $handle;
}

sub owner { return connect_to("127.0.0.1:$port")->read_all =~ s/ \d+\n//r }

my $flexilib = start_flexilib(
    dir      => $folder,
    config   => config('one'),
    expect_alerts => qr/was killed by signal (?:9|11) /,
);
is(owner(), 'one', 'the library has its port');
my $generation = 1;

sub reload {
    my ($config, $answer) = @_;
    $flexilib->write_file('flexilib.yaml', $config);
    $flexilib->reload;
    ++$generation;
    return $answer ? $flexilib->wait_serving($generation) : undef;
}

sub check { return run_command([build_folder() . '/flexilib', 'check', '-c', "$folder/flexilib.yaml"])->{status} }

sub rollback { return run_command([build_folder() . '/flexilib', 'rollback', '-c', 'flexilib.yaml'], dir => $folder)->{status} }

sub failure { return $flexilib->wait_log(qr/generation $generation failed: .*/) }

# Under load: what is owned goes from hand to hand, and each request is answered by somebody who can.
my $load = start_load($flexilib, connections => 4, expect => qr/\A(?:owns|quiet) \d+\n\z/);
my $others = start_load($flexilib, path => '/other', connections => 4, expect => qr/\Aother\z/);
$_->wait_running for $load, $others;
my @owners;
for my $name (qw(two one two one)) {
    reload(config($name), 1);
    push @owners, owner();
}
is_deeply(\@owners, [qw(two one two one)], 'each generation takes the port of the one before');

# What fails when the port has changed hands already.
my $patient = connect_to($flexilib);
for my $case (['refuses', 'refuse', qr/it is not in the mood/], ['crashes', 'crash', qr/was killed by signal 11 .*\(create\)/]) {
    my ($what, $fail, $message) = @$case;
    reload(config('two', fail => $fail, hold => "$folder/hold"));
    my $hold = reach('hold');
    is(owner(), 'two', 'the successor has the port');
    $patient->send_request(GET => '/');
    is(request($flexilib, GET => '/other')->body, 'other', 'what does not need it is answered');
    undef $hold;
    like(failure(), $message, "the successor $what");
    like($patient->read_response->body, qr/^owns/, 'who waited is answered by the old owner');
    is(owner(), 'one', 'which has its port again');
}
is_deeply($_->stop->{failures}, [], 'no request failed') for $load, $others;

# A client that does not wait; and one that still waits when the successor serves.
reload(config('two', hold => "$folder/hold"));
my $hold = reach('hold');
$patient->send_request(GET => '/');
my $impatient = connect_to($flexilib);
$impatient->send_request(GET => '/');
$impatient->close;
undef $hold;
$flexilib->wait_serving($generation);
is($patient->read_response->body, "quiet 3\n", 'the old filter answers what it kept back');
ok($patient->is_closed, 'and the connection ends');
$patient->close;
is(owner(), 'two', 'the new one has the port');

# Nothing is given up for a generation that fails for another reason.
reload(config('one', also => test_library('refuse')));
like(failure(), qr/it is not in the mood/, 'another filter refuses');
is(request($flexilib, GET => '/')->body, "owns 0\n", 'and the owner was not asked');
is(check(), 78, 'so does the check');

# With two workers the second finds the port taken, unless the library shares it.
reload(config('one', workers => 2));
like(failure(), qr{flexilib\.yaml:6:\d+: .*port.: Address already in use}, 'two workers cannot have it both');
# The failure is told before the last process of it is gone; requests wait until then.
like(request($flexilib, GET => '/')->body, qr/^owns/, 'and it goes back');
is(check(), 0, 'the check does not take what is owned');

# Whoever comes after a crash takes it again.
reload(config('two'), 1);
my ($worker) = connect_to("127.0.0.1:$port")->read_all =~ /(\d+)/;
kill 'KILL', $worker;
$flexilib->wait_log(qr/worker $worker of generation \d+ was killed by signal 9/);
is(request($flexilib, GET => '/')->body, "owns 0\n", 'a replacement has the port');

# Going back is a reload like any other.
reload(config('one'), 1);
is(owner(), 'one', 'the port goes on');
is(rollback(), 0, 'a rollback succeeds');
$flexilib->wait_serving(++$generation);
is(owner(), 'two', 'and takes the port back');

# One that does not give it up, and one that takes too long.
reload(config('one', keep => 'yes'), 1);
reload(config('two'));
like(failure(), qr/worker \d+ of generation \d+: filter '.*one\.so' does not give up what it owns \(quiesce\)/, 'it may refuse');
is(request($flexilib, GET => '/')->body, "owns 0\n", 'and keeps it');
$flexilib->write_file('flexilib.yaml', config('two'));
$flexilib->signal('QUIT');
$flexilib->check_exit(0);

$flexilib = start_flexilib(dir => $folder, config => config('one', quiesce => "$folder/quiesce"), env => { FLEXILIB_START_TIMEOUT => is_sanitized() ? '20s' : '2s' });
$generation = 1;
reload(config('two'));
my $quiesce = reach('quiesce');
like(failure(), qr/worker \d+ of generation 1 has not given up what it owns within [25]\.000 s, in filter '.*one\.so' \(quiesce\)/,
    'it has to answer in time');
undef $quiesce;
like(request($flexilib, GET => '/')->body, qr/^owns/, 'and is woken even so');
is(owner(), 'one', 'with its port');

# Several workers share, if the library can.
$flexilib->stop;
$flexilib = start_flexilib(dir => $folder, config => config('one', workers => 2, shared => 'yes'));
$generation = 1;
$flexilib->write_file('flexilib.yaml', config('two', workers => 2, shared => 'yes'));
$flexilib->reload;
$flexilib->wait_serving(2);
is(owner(), 'two', 'two workers hand over to two');

done_testing;
