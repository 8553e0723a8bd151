# A library that a change has brought, and that crashes again and again, is rolled back and refused until it is another one.
# One that was there before goes on, or is put in quarantine where its settings say so: whoever can make a library crash
# cannot change what runs.

use lib 't/lib';
use FlexiLib::Test;
use File::Copy 'copy';

my $alerts = qr/worker \d+ of generation \d+ was stuck for \S+ s and is killed|worker \d+ of generation \d+ was killed by signal (?:9|11)|library '\S+' has crashed or hung 3 times within 30 s/;

sub make_server {
    my ($library, $settings) = @_;
    my $folder = make_folder();
    copy($library, "$folder/it.so") or die "cannot copy: $!";
    return start_flexilib(dir => $folder, expect_alerts => $alerts, config => <<"END");
listen: 127.0.0.1:0
workers: 1
watch: off
$settings
routes:
  - { match: /free, respond: { body: free } }
  - { match: /, filters: [it], respond: { body: fine } }
END
}

# Another file with the same code has other content.
my $count = 0;
sub put {
    my ($flexilib, $library) = @_;
    $flexilib->write_file('it.so', read_file($library) . ' ' x ++$count);
    return;
}

sub crash {
    my ($flexilib) = @_;
    my $connection = connect_to($flexilib);
    $connection->send_request(GET => '/crash');
    return $connection->is_closed;
}

sub told {
    my ($flexilib, @command) = @_;
    return run_flexilib([@command, '-c', "$flexilib->{dir}/flexilib.yaml"])->{out};
}

my ($good, $bad) = (build_folder() . '/filters/headers.so', test_library('crash'));
my $flexilib = make_server($good, 'libraries: { it: ./it.so }');
put($flexilib, $bad);
$flexilib->reload;
$flexilib->wait_serving(2);
crash($flexilib) for 1 .. 3;
like($flexilib->wait_log(qr/since a change has brought it/),
    qr{alert: library '/.*/it\.so' has crashed or hung 3 times within 30 s since a change has brought it: what served before comes back, and the library is refused until its content changes$},
    'a new library that crashes again and again is named');
$flexilib->wait_log(qr/info: reload \d+ \(rollback\): generation 3 serves what generation 1 did; generation 2 is left \(library '\S+' has crashed or hung 3 times within 30 s\): 1 library changed$/);
is(request($flexilib, GET => '/crash')->body, 'fine', 'and what served before serves again');

$flexilib->reload;
like($flexilib->wait_log(qr/generation 4 failed/),
    qr{library '/.*/it\.so' \([0-9a-f]{12}\) is refused: it was rolled back for crashing; it is taken when its content has changed; generation 3 goes on serving$},
    'the same library is refused');
my $reload = run_flexilib(['reload', '-c', "$flexilib->{dir}/flexilib.yaml"]);
is($reload->{status}, 78, 'a command that reloads is told so');
like($reload->{err}, qr/it was rolled back for crashing/, 'with the reason');
like(told($flexilib, 'status'), qr{^library /.*/it\.so: sha256 [0-9a-f]{12} is refused, for it was rolled back for crashing$}m, 'the status shows it');
$flexilib->signal('USR2');
ok($flexilib->wait_log(qr/generation 6 failed: library '\S+' \([0-9a-f]{12}\) is refused/), 'a new program knows it too');
put($flexilib, $good);
$flexilib->reload;
$flexilib->wait_serving(7);
is(request($flexilib, GET => '/')->body, 'fine', 'another one is taken');
$flexilib->stop;

# However often the configuration changes, before that and between crashes.
my $busy = make_server($good, 'libraries: { it: ./it.so }');
put($busy, $bad);
for my $next (2 .. 6) {
    $busy->write_file('flexilib.yaml', read_file("$busy->{dir}/flexilib.yaml") =~ s/body: free\d*/body: free$next/r) if $next > 2;
    $busy->reload;
    $busy->wait_serving($next);
    next if $next < 5;
    crash($busy);
    $busy->wait_log(qr/was killed by signal 11/);
}
crash($busy);
ok($busy->wait_log(qr/info: reload \d+ \(rollback\): generation 7 serves what generation 1 did; generation 6 is left /), 'the way back is kept over other changes');
is(request($busy, GET => '/crash')->body, 'fine', 'and leads to what does not crash');
$busy->stop;

my $stuck = make_server($good, "libraries: { it: ./it.so }\nstuck_timeout: 200ms");
put($stuck, test_library('hang'));
$stuck->reload;
$stuck->wait_serving(2);
for (1 .. 3) {
    my $connection = connect_to($stuck);
    $connection->send_request(GET => '/sleep');
    $connection->is_closed;
}
ok($stuck->wait_log(qr/has crashed or hung 3 times within 30 s since a change has brought it/), 'so is one in which workers get stuck');
$stuck->wait_serving(3);
is(request($stuck, GET => '/sleep')->body, 'fine', 'and what served before serves again');
$stuck->stop;

my $old = make_server($bad, 'libraries: { it: ./it.so }');
$old->write_file('flexilib.yaml', read_file("$old->{dir}/flexilib.yaml") . "  - { match: /more, respond: 200 }\n");
$old->reload;
$old->wait_serving(2);
crash($old) for 1 .. 3;
ok($old->wait_log(qr/alert: library '\S+' has crashed or hung 3 times within 30 s; no change has brought it lately, so it goes on$/),
    'one that was there before is named and goes on');
is(request($old, GET => '/')->body, 'fine', 'and serves');
like(told($old, 'status'), qr{^library /.*/it\.so: crashes or hangs again and again \(1 time, the last one \S+ s ago\), and goes on, for no change has brought it lately$}m, 'the status shows it');
like(told($old, 'status', '--json'), qr{"crashing": \[\s*\{\s*"path": "/.*/it\.so",\s*"loops": 1,\s*"age_s": \d}, 'also to programs');
like(told($old, 'metrics'), qr/^flexilib_crash_loops_total\{result="restarting"\} 1$/m, 'and metrics do');
$old->signal('USR2');
$old->wait_serving(3);
like(told($old, 'status'), qr{: crashes or hangs again and again \(1 time}, 'a new program knows it too');
$old->write_file('flexilib.yaml', read_file("$old->{dir}/flexilib.yaml") =~ s/filters: \[it\], //r =~ s/^libraries.*\n//mr);
$old->reload;
$old->wait_serving(4);
unlike(told($old, 'status'), qr/again and again/, 'until it is gone');
$old->stop;

my $late = make_server($good, "libraries: { it: ./it.so }\nprobation: 0");
put($late, $bad);
$late->reload;
$late->wait_serving(2);
crash($late) for 1 .. 3;
ok($late->wait_log(qr/no change has brought it lately/), 'so does one whose probation is over');
$late->stop;

my $shut = make_server($bad, 'libraries: { it: { path: ./it.so, quarantine: yes } }');
crash($shut) for 1 .. 3;
$shut->wait_log(qr/alert: library '\S+' has crashed or hung 3 times within 30 s: its routes answer 503 until the next reload$/);
$shut->wait_log(qr/warning: library '\S+' is in quarantine: 1 route answers 503$/);
is(request($shut, GET => $_)->status, 503, "a library in quarantine is out of service: $_") for qw(/ /crash);
is(request($shut, GET => '/free')->body, 'free', 'all others are served');
like(told($shut, 'status', '--json'), qr{"quarantine": \[\s*\{\s*"path": "/.*/it\.so"\s*\}}, 'the status shows it');
my $shown = told($shut, 'metrics');
like($shown, qr/^flexilib_crash_loops_total\{result="quarantined"\} 1$/m, 'so do metrics');
like($shown, qr/^flexilib_quarantined_libraries 1$/m, 'with what is in quarantine');
kill 'KILL', $shut->worker_pids;
$shut->wait_log(qr/killed by signal 9/);
is(request($shut, GET => '/')->status, 503, 'it stays so for workers that come later');
$shut->reload;
$shut->wait_serving(2);
is(request($shut, GET => '/')->body, 'fine', 'a reload lets it out');
like(told($shut, 'metrics'), qr/^flexilib_quarantined_libraries 0$/m, 'and metrics say so');
done_testing;
