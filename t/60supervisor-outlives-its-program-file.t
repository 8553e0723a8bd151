# Workers are started from the program as it was opened, so that an upgrade of the file, or its removal, changes nothing.

use lib 't/lib';
use FlexiLib::Test;

my $folder  = make_folder();
my $one     = test_library('answer_one');
my $program = write_file("$folder/program", read_file(build_folder() . '/flexilib'));
chmod 0755, $program;
write_file("$folder/flexilib.yaml", <<"END");
listen: 127.0.0.1:0
workers: 2
routes:
  - { match: /, handler: $one }
END

my $server = FlexiLib::Test::Server->start(
    name          => 'flexilib',
    dir           => $folder,
    command       => [$program, '-c', 'flexilib.yaml'],
    expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 9 /,
);
$server->wait_serving;
write_file("$program.new", "this is no program\n");
rename "$program.new", $program or die "rename: $!";

my ($first) = $server->worker_pids;
kill 'KILL', $first;
$server->wait_log(qr/alert: worker $first /);
is(request($server, GET => '/')->body, "one\n", 'it serves after a crash');
$server->reload;
$server->wait_serving(2);
$server->wait_log(qr/generation 1 has drained/);
unlink $program or die "unlink: $!";
$server->reload;
$server->wait_serving(3);
$server->wait_log(qr/generation 2 has drained/);
is(request($server, GET => '/')->body, "one\n", 'and after reloads');
is(readlink("/proc/$_/exe") =~ s/ \(deleted\)$//r, $program, 'with the program it was started from') for $server->worker_pids;
$server->stop;

done_testing;
