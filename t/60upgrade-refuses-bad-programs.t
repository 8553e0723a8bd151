# A program that could not take over is found out by a child that tries: the one that runs goes on, and says why.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Program;

my $folder  = make_folder();
my $program = FlexiLib::Test::Program->install("$folder/flexilib");
my $path    = $program->path;
my $version = $program->version;
my $config  = <<"END";
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, handler: @{[test_library('answer_one')]} }
END
write_file("$folder/flexilib.yaml", $config);
my $server = FlexiLib::Test::Server->start(
    name          => 'flexilib',
    dir           => $folder,
    command       => [$path, '-c', 'flexilib.yaml'],
    expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 9 /,
    env           => { FLEXILIB_CONTROL => "$folder/control", FLEXILIB_START_TIMEOUT => is_sanitized() ? '10s' : '1s' },
);
$server->wait_serving;
my ($worker) = $server->worker_pids;
my $load = start_load($server, connections => 2, expect => qr/\Aone\n\z/);
$load->wait_running;

sub refused {
    my ($what, $reason) = @_;
    $server->signal('USR2');
    my $line = $server->wait_log(qr/ error: the upgrade failed: /);
    $line =~ s/.* error: the upgrade failed: //;
    like($line, qr/\A$reason; flexilib \Q$version\E goes on\z/, "$what is refused");
    return;
}

unlink $path or die "unlink: $!";
refused('a file that is not there', qr/cannot open \Q$path\E: No such file or directory/);
$program->replace(content => "#!/bin/sh\nexit 1\n");
refused('a script', qr/\Q$path\E is no program/);
$program->replace(mode => 0644);
refused('a file without the right to be executed', qr/\Q$path\E may not be executed/);
$program->replace(content => read_file('/bin/true'));
refused('another program', qr/\Q$path\E cannot take over \(status 0\)/);
$program->replace(content => read_file('/bin/false'));
refused('one that says nothing', qr/\Q$path\E cannot take over \(status 1\)/);
$program->replace(bytes => sub { substr $_[0], 0, 4096 });
refused('one that was cut short', qr/\Q$path\E (?:cannot take over \(status 127\): .*cannot execute flexilib: .+|was ended by signal \d+ .*)/);
$program->replace(bytes => sub { my ($image) = @_; substr $image, 18, 2, "\xff\x7f"; $image });
refused('one for another machine', qr/\Q$path\E cannot take over \(status 127\): .*cannot execute flexilib: Exec format error/);
$program->replace(text => ['--supervisor', '--overvisor?']);
refused('one that knows of no upgrades', qr/\Q$path\E cannot take over \(status 2\): flexilib: unknown option '--supervisor'.*/);
$program->replace(text => ['uses-listener', 'uses-sockets!']);
refused('one that does not understand the state',
    qr/\Q$path\E cannot take over \(status 1\): the state makes no sense: record \d+ \(uses-listener\): this program does not know such a record/);
SKIP: {
    my $crashing = FlexiLib::Test::Program::crashing($program->image) // skip 'the instructions of this machine are not known', 2;
    $program->replace(content => $crashing);
    refused('one that crashes', qr/\Q$path\E was ended by signal 4 \(Illegal instruction\) while it restored the state/);
    $program->replace(content => FlexiLib::Test::Program::hanging($program->image));
    refused('one that hangs', qr/\Q$path\E has not restored the state within \d+\.000 s/);
}
$program->replace(content => '');
my $result = run_command([build_folder() . '/flexilib', 'upgrade'], env => { FLEXILIB_CONTROL => "$folder/control" });
is($result->{status}, 1, 'a command for it fails');
like($result->{err}, qr/\Aerror: the upgrade failed: .*; flexilib \Q$version\E goes on\n\z/, 'with the reason');
is_deeply([$server->worker_pids], [$worker], 'the workers have noticed nothing');
is_deeply($load->stop->{failures}, [], 'no request fails');

for my $arguments ([], ['probe'], ['resume', 2, '-c', 'x'], ['probe', 'x'], ['serve', 7]) {
    my $role = run_command([build_folder() . '/flexilib', '--supervisor', @$arguments]);
    is("$role->{status} $role->{err}", "2 flexilib: --supervisor is how a supervisor starts its successor; it is of no other use\n",
        "--supervisor @$arguments is nothing for people");
}
like(run_command([build_folder() . '/flexilib', '--supervisor', 'probe', 7])->{out}, qr/\Aflexilib-probe failed: descriptor 7 holds no state\n\z/,
    'without a state there is nothing to try');

my $newer = $program->next_version;
$program->replace(version => $newer);
write_file("$folder/flexilib.yaml", "no configuration\n");
$result = run_command([build_folder() . '/flexilib', 'upgrade'], env => { FLEXILIB_CONTROL => "$folder/control" });
is($result->{status}, 78, 'a configuration that the new program refuses');
is($result->{out}, "flexilib $newer has taken over from flexilib $version\n", 'does not undo the upgrade');
like($result->{err}, qr/\Aerror: flexilib\.yaml:1:/, 'but is told');
$server->wait_log(qr/info: flexilib \Q$newer\E has taken over from flexilib \Q$version\E$/);
$server->wait_log(qr/error: generation 2 failed: .*; generation 1 goes on serving/);
is(request($server, GET => '/')->body, "one\n", 'where the new program cannot start a generation, the old one serves on');
kill 'KILL', $worker;
$server->wait_log(qr/alert: worker $worker of generation 1 was killed by signal 9 /);
is(request($server, GET => '/')->body, "one\n", 'and the new program replaces its workers');
write_file("$folder/flexilib.yaml", $config);
$server->reload;
$server->wait_log(qr/generation \d+ is serving/);
$server->stop;

done_testing;
