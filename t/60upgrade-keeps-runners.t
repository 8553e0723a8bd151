# A program upgrade leaves the processes of isolated libraries as they are, with all that they are in the midst of.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Wait qw(deadline);
use FlexiLib::Test::Program;

my $isolated = test_library('isolated');
my $folder   = make_folder();
my $program  = FlexiLib::Test::Program->install("$folder/flexilib");
write_file("$folder/flexilib.yaml", <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { isolated: { path: $isolated, isolate: process } }
routes:
  - handler: isolated
END
my $server = FlexiLib::Test::Server->start(
    name          => 'flexilib',
    dir           => $folder,
    command       => [$program->path, '-c', 'flexilib.yaml'],
    env           => { FLEXILIB_RUNTIME_DIR => $folder },
    expect_alerts => qr/alert: runner \d+ of library 'isolated', generation 1, was killed by signal 9 /,
);
$server->wait_serving;
sub pid_of { return request($server, GET => '/')->body =~ /^\d+ in (\d+)/ ? $1 : undef }

my ($old) = $server->runner_pids;
is(pid_of(), $old, 'requests find the process');
my ($short, $long) = map { $server->connect } 1 .. 2;
$short->send_request(GET => '/wait?700');
$long->send_request(GET => '/wait?60000');
my $until = deadline();
1 until request($server, GET => '/waits')->body =~ /^2 in/ || time > $until; # it has begun
$server->signal('USR2');
$server->wait_log(qr/info: flexilib \S+ has taken over from/);
$server->wait_serving(2);
like($short->read_response('GET')->body, qr/ in $old,/, 'what it is in the midst of is answered by itself');
isnt(pid_of(), $old, 'the new generation has a process of its own');

kill 'KILL', $old;
$server->wait_log(qr/alert: runner $old of library 'isolated', generation 1, was killed by signal 9 /);
is($long->read_response('GET')->status, 502, 'when it dies, the new program and the old worker notice');
$_->close for $short, $long;
$server->wait_log(qr/generation 1 has drained/);
is(scalar($server->runner_pids), 1, 'the old generation leaves no process behind');
is(request($server, GET => '/')->status, 200, 'and the new one serves');

done_testing;
