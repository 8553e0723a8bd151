# What happens to the supervisor happens to nobody else: killed, its workers leave and its ports are free at once; stopped,
# its workers serve on; told to stop amid a start or a drain, it stops; with a full disk, it says so and serves on.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Wait qw(deadline);

my $folder = make_folder();
my $ready  = test_library('ready');
my $rest   = "workers: 2\nwatch: off\nroutes:\n  - { match: /, respond: { body: hello } }\n";

{
    my $killed = start_flexilib(config => "listen: 127.0.0.1:0\n$rest");
    my $port   = $killed->port;
    my $idle   = $killed->connect;
    $killed->signal('KILL');
    $killed->wait_status;
    $killed->{is_stopped} = 1;
    my $next = start_flexilib(config => "listen: 127.0.0.1:$port\n$rest");
    is(request($next, GET => '/')->body, 'hello', 'the port of one that was killed is free when the next one starts');
    ok($killed->wait_streams, 'its workers have left');
    $next->stop;
}

{
    my $flexilib = start_flexilib(
        config        => "listen: 127.0.0.1:0\n$rest",
        expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 9 /,
    );
    my $load = start_load($flexilib, connections => 4, expect => qr/\Ahello\z/);
    $load->wait_running;
    $flexilib->signal('STOP');
    $flexilib->reload;
    is(request($flexilib, GET => '/')->body, 'hello', 'while it is stopped, workers serve') for 1 .. 20;
    is_deeply($load->stop->{failures}, [], 'old connections too');
    my ($victim) = $flexilib->worker_pids;
    kill 'KILL', $victim;
    is(request($flexilib, GET => '/')->body, 'hello', 'one worker is enough for that') for 1 .. 20;
    $flexilib->signal('CONT');
    $flexilib->wait_log(qr/alert: worker $victim of generation 1 was killed by signal 9 /);
    $flexilib->wait_serving(2);
    pass('when it goes on, it takes up what it has missed');
    $flexilib->stop;
}

my $waiting = <<"END";
listen: 127.0.0.1:0
workers: 1
watch: off
shutdown_timeout: 30s
drain_timeout: 30s
create_timeout: 30s
END

# A library that is not ready before a file is there.
sub not_ready {
    my ($number) = @_;
    return "${waiting}routes:\n  - { match: /, handler: { use: $ready, options: { file: $folder/signal-$number } } }\n";
}

{
    my $flexilib = start_flexilib(config => not_ready(1), wait => 0);
    $flexilib->wait_log(qr/: waiting$/);
    $flexilib->signal('TERM');
    $flexilib->check_exit(0);
    unlike($flexilib->log, qr/is serving|error:/, 'told to stop amid its start, it stops without a word of failure');
}

{
    write_file("$folder/signal-2", '');
    my $flexilib = start_flexilib(config => not_ready(2));
    my $held     = $flexilib->connect;
    $held->send("GET / HTTP/1.1\r\nHost: x\r\n");
    $flexilib->write_file('flexilib.yaml', $waiting . $rest =~ s/^workers.*\n|^watch.*\n//gmr);
    $flexilib->reload;
    $flexilib->wait_serving(2);
    $flexilib->write_file('flexilib.yaml', not_ready(3));
    $flexilib->reload;
    $flexilib->wait_log(qr/: waiting$/);
    $flexilib->signal('TERM');
    $flexilib->wait_log(qr/info: no more connections are accepted/);
    $held->send("\r\n");
    is($held->read_response->status, 200, 'told to stop amid a drain and a start, it lets the old request end');
    $held->close;
    $flexilib->check_exit(0);
}

SKIP: {
    skip 'there is no /dev/full', 2 if !-c '/dev/full';
    my $flexilib = start_flexilib(config => "listen: 127.0.0.1:0\naccess_log: /dev/full\n$rest");
    is(request($flexilib, GET => '/')->body, 'hello', 'a full access log keeps nobody from being served') for 1 .. 3;
    $flexilib->reload;
    $flexilib->wait_serving(2);
    $flexilib->stop;
    my $silent = FlexiLib::Test::Server->start(
        name    => 'flexilib',
        dir     => make_folder(),
        command => ['sh', '-c', "printf '%s' \"\$1\" > flexilib.yaml; exec \"\$0\" -c flexilib.yaml 2>/dev/full", build_folder() . '/flexilib', "listen: \"unix:$folder/full\"\n$rest"],
    );
    my $until = deadline();
    # it has no way to tell
    select undef, undef, undef, 0.01 while !eval { connect_to("unix:$folder/full")->close; 1 } && time < $until;
    is(request("unix:$folder/full", GET => '/')->body, 'hello', 'nor does a console that takes nothing');
    $silent->stop;
}

SKIP: {
    my $probe = run_command(['unshare', '--mount', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', $folder]);
    skip 'no disk can be made full here', 4 if $probe->{status} != 0;
    my ($here, $disk) = (make_folder(), make_folder());
    write_file("$here/flexilib.yaml", "listen: 127.0.0.1:0\n$rest");
    my $flexilib = FlexiLib::Test::Server->start(
        name    => 'flexilib',
        dir     => $here,
        command => ['unshare', '--mount', 'sh', '-c', "mount -t tmpfs -o size=1m none $disk && exec \"\$0\" -c flexilib.yaml", build_folder() . '/flexilib'],
        env     => { FLEXILIB_RUNTIME_DIR => $disk },
    );
    $flexilib->wait_serving;
    my $fill = '/proc/' . $flexilib->pid . "/root$disk/fill";
    open my $file, '>', $fill or die "cannot open $fill: $!";
    1 while syswrite $file, 'x' x 4096;
    close $file;
    $flexilib->reload;
    my $line = $flexilib->wait_log(qr/error: generation 2 failed: /);
    like($line, qr/failed: the snapshot in '\S+' cannot be written: No space left on device; generation 1 goes on serving/, 'with a full disk a reload fails, and says why');
    is(request($flexilib, GET => '/')->body, 'hello', 'the old generation serves on');
    unlink $fill or die "unlink: $!";
    $flexilib->reload;
    $flexilib->wait_serving(3);
    is(request($flexilib, GET => '/')->body, 'hello', 'and once there is room again, a reload works');
    $flexilib->stop;
}

done_testing;
