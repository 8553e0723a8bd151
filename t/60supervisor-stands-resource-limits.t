# Limits of its resources are told, or lived with, and end no process.

use lib 't/lib';
use FlexiLib::Test;

need('prlimit');

my $config = <<'END';
listen: 127.0.0.1:0
workers: 2
access_log: access.log
routes:
  - { match: /, respond: { status: 200, body: hello } }
END

my $folder = make_folder();
write_file("$folder/flexilib.yaml", $config);

sub command_with {
    my ($limit) = @_;
    return ['prlimit', $limit, build_folder() . '/flexilib', '-c', 'flexilib.yaml'];
}

my $result = run_command(command_with('--fsize=1000000'), dir => $folder);
is($result->{signal}, 0, 'without room for shared memory nothing is killed');
is($result->{status}, 1, 'the start fails');
like($result->{err}, qr/error: cannot make shared memory: File too large \(the limit of file sizes/, 'and says why');

SKIP: {
    skip 'a sanitizer needs all the addresses there are', 1 if is_sanitized();
    my $flexilib = FlexiLib::Test::Server->start(name => 'flexilib', dir => $folder, command => command_with('--as=40000000'));
    $flexilib->wait_log(qr/warning: cannot use the shared memory of servers: Cannot allocate memory; this worker/);
    $flexilib->wait_serving;
    is(request($flexilib, GET => '/')->status, 200, 'where it cannot be mapped, requests are served all the same');
    $flexilib->stop;
}

my $flexilib = start_flexilib(config => $config);
my @workers  = $flexilib->worker_pids;
run_command(['prlimit', '--fsize=100', '--pid', $_]) for @workers;
is(request($flexilib, GET => '/')->status, 200, 'a worker whose access log is full') for 1 .. 20;
is_deeply([$flexilib->worker_pids], \@workers, 'goes on');
$flexilib->stop;

done_testing;
