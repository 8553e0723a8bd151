# What was rolled back for crashing stays refused by the next start: what was kept of before is served, with an alert,
# until the library's content changes or the file that names it is removed. Where there is nothing else, it is served all
# the same. Whatever stands in that file, a start comes up.

use lib 't/lib';
use FlexiLib::Test;
use Digest::SHA 'sha256_hex';
use Fcntl ':flock';

my $folder = make_folder();
my %env    = (FLEXILIB_STATE_DIR => "$folder/state");
my %code   = (good => read_file(build_folder() . '/filters/headers.so'), bad => read_file(test_library('crash')));
my $alerts = qr/alert: (?:worker \d+ of generation \d+ was killed by signal 11|library '\S+' (?:has crashed or hung 3 times|\([0-9a-f]{12}\) is refused))/;

sub config {
    my ($more) = @_;
    return "listen: { name: front, address: 127.0.0.1:0 }\nadmin: 127.0.0.1:0\nworkers: 1\nlibraries: { it: ./it.so }\nroutes:\n$more  - { match: /, filters: [it], respond: { body: fine } }\n";
}

sub start {
    my ($config, %more) = @_;
    return start_flexilib(dir => $folder, env => \%env, config => $config, expect_alerts => $alerts, %more);
}

# However long it takes, nothing else is kept as the last good set meanwhile, or, with the other name, what is refused.
sub hold {
    my ($name) = @_;
    my ($place) = glob "$folder/state/*";
    open my $lock, '>>', "$place/$name" or die "cannot open: $!";
    flock $lock, LOCK_EX or die "cannot lock: $!";
    return $lock;
}

# Another file with the same code has other content.
my $count = 0;
sub put {
    my ($name) = @_;
    my $content = $code{$name} . ' ' x ++$count;
    write_file("$folder/it.so.new", $content);
    rename "$folder/it.so.new", "$folder/it.so" or die "cannot rename: $!";
    return sha256_hex($content);
}

sub crash {
    my ($flexilib) = @_;
    my $connection = $flexilib->connect('front');
    $connection->send_request(GET => '/crash');
    return $connection->is_closed;
}

# Two lines that come in any order.
sub wait_both {
    my ($flexilib, $one, $other) = @_;
    $flexilib->wait_log(qr/$one|$other/) for 1, 2;
    return;
}

sub run { return run_flexilib([@_, '-c', 'flexilib.yaml'], dir => $folder) }

put('good');
my $flexilib = start(config(''));
my ($kept) = $flexilib->wait_log(qr/what generation 1 serves is kept/) =~ /for --last-good in (\S+)$/;
my $file = "$kept/refused";
my $lock   = hold('lock');
my $writes = hold('refused.lock');
my $bad    = put('bad');
$flexilib->wait_serving(2);
crash($flexilib) for 1 .. 3;
$flexilib->wait_serving(3);
my $values = $flexilib->metrics->values;
is_deeply([@$values{'flexilib_crash_loops_total{result="rolled_back"}', 'flexilib_refused_libraries'}], [1, 1], 'metrics tell of a loop and of what is refused');
$flexilib->signal('TERM');
ok($flexilib->wait_log(qr/info: which libraries are refused is still being kept on disk$/), 'a stop waits until what is refused is on disk');
close $writes;
$flexilib->check_exit(0);
like($flexilib->log, qr/info: 1 library is refused, also after a restart, as \Q$file\E says$/m, 'so it is');
my $line = "refused\t$folder/it.so\t$bad\n";
like(read_file($file), qr/^# .*\n\Q$line\E\z/ms, 'with path and hash');
is((stat $file)[2] & 07777, 0600, 'for its owner alone');
close $lock;

my $is_refused = qr/library '\Q$folder\E\/it\.so' \([0-9a-f]{12}\) is refused: it was rolled back for crashing; it is taken when its content has changed/;
my $way_out    = qr/$is_refused, or a reload finds '\Q$file\E' removed/;
$flexilib = start(config(''), wait => 0);
$flexilib->wait_serving(2);
like($flexilib->log, qr/alert: $way_out; served is what was kept at \d{4}-\S+Z, when it was generation 1, until then$/m, 'the next start serves what was kept, and tells why');
unlike($flexilib->log, qr/error:/, 'which is no error');
is(request($flexilib, GET => '/crash', listener => 'front')->body, 'fine', 'it does not crash');
my $reload = run('reload');
is($reload->{status}, 78, 'a reload');
like($reload->{err}, $way_out, 'is refused as before');
like(run('status')->{out}, qr/^library \Q$folder\E\/it\.so: sha256 \Q@{[substr $bad, 0, 12]}\E is refused, for it was rolled back for crashing$/m, 'status tells of it');
put('good');
wait_both($flexilib, qr/no library is refused any more/, qr/what generation 4 serves is kept/);
ok(!-e $file, 'once another one is there, it serves, and nothing is refused any more');
is($flexilib->metrics->values->{flexilib_refused_libraries}, 0, 'so metrics say');
$flexilib->stop;

# The file may say anything.
$bad = put('bad');
$line = "refused\t$folder/it.so\t$bad\n";
write_file($file, join "\n", "refused\t$folder/it.so", "\0\xff" x 100, 'x' x 100_000, "refused\tit.so\t$bad", "refused\t/\t12", '', $line);
$flexilib = start(config(''), wait => 0);
$flexilib->wait_serving(2);
like($flexilib->log, qr/warning: \Q$file\E:1: that names no library that is refused, and is skipped, as are other lines behind it$/m, 'of a damaged file lines are skipped');
like($flexilib->log, qr/alert: $way_out; served is what was kept/, 'but those that make sense');
$lock = hold('lock');
unlink $file;
is(run('upgrade')->{status}, 0, 'a new program takes it where the file is gone');
$flexilib->wait_serving(3);
ok(!-e $file, 'and does not put it back');
$flexilib->stop;
close $lock;

write_file($file, $line);
$flexilib = start(config(''), wait => 0);
$flexilib->wait_serving(2);
is($flexilib->log =~ /served is what was kept/, 1, 'it is refused again');
unlink $file;
is(run('reload')->{status}, 0, 'who removes the file has the library taken');
like($flexilib->log, qr/info: '\Q$file\E' was removed: what stood there is refused no longer$/m, 'as the log says');
$flexilib->wait_log(qr/what generation 3 serves is kept/);
$flexilib->stop;

# What was kept is no better.
write_file($file, $line);
$flexilib = start(config(''), wait => 0);
$flexilib->wait_serving(2);
like($flexilib->log, qr/alert: $way_out; it is served all the same, for there is nothing else: what is kept has a refused library too$/m, 'where what was kept has it too, it is served');
is(request($flexilib, GET => '/', listener => 'front')->body, 'fine', 'since who is down helps nobody');
$flexilib->write_file('flexilib.yaml', config("  - { match: /more, respond: { body: more } }\n"));
is(run('reload')->{status}, 0, 'the configuration can be changed then');
is(request($flexilib, GET => '/more', listener => 'front')->body, 'more', 'and serves');
crash($flexilib) for 1 .. 3;
$flexilib->wait_log(qr/alert: library '\S+' has crashed or hung 3 times within 30 s; no change has brought it lately, so it goes on$/);
crash($flexilib);
is(request($flexilib, GET => '/more', listener => 'front')->body, 'more', 'with delays that are longer than it takes to keep it');
$flexilib->stop;
unlike($flexilib->log, qr/is kept for --last-good/, 'it does not become the last good one');

$flexilib = start("rutes: []\n", wait => 0, args => ['--last-good']);
$flexilib->wait_serving(2);
like($flexilib->log, qr/alert: $way_out; it is served all the same, for there is nothing else$/m, 'nor is a broken file better than what was kept with it');
$flexilib->stop;

unlink "$kept/last-good";
$flexilib = start(config(''), wait => 0);
$flexilib->wait_serving(2);
like($flexilib->log, qr/alert: $way_out; it is served all the same, for there is nothing else: nothing is kept in \Q$kept\E$/m, 'so it is where nothing was kept');
$flexilib->stop;
done_testing;
