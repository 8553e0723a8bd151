# When the supervisor is killed, its workers leave at once, and the next one cleans up.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my $runtime = make_folder();
my %option = (
    env    => { FLEXILIB_RUNTIME_DIR => $runtime },
    config => <<"END");
listen:
  - 127.0.0.1:0
  - { address: "unix:$folder/front.sock", name: front }
workers: 2
routes:
  - { match: /, handler: hello }
END

my $killed = start_flexilib(%option);
my $idle   = $killed->connect('front');
is(request($killed, GET => '/', listener => 'front')->status, 200, 'it serves on a unix socket');
my @left = glob "$runtime/flexilib-*";
is(scalar @left, 1, 'its snapshots have a folder');
$killed->signal('KILL');
is($killed->wait_status & 127, 9, 'the supervisor is killed');
ok($killed->wait_streams, 'no worker is left');
ok($idle->is_closed, 'connections are closed');
ok(-d $left[0],                'its folder is left');
ok(-S "$folder/front.sock",    'its socket file too');
$killed->{is_stopped} = 1;

my $next = start_flexilib(%option);
ok(!-d $left[0], 'the next one removes the folder');
is(request($next, GET => '/', listener => 'front')->status, 200, 'and takes the socket over');

my $second = run_flexilib([], config => <<"END");
listen: "unix:$folder/front.sock"
routes:
  - { match: /, handler: hello }
END
is($second->{status}, 78, 'a socket that somebody listens on is not taken');
like($second->{err}, qr/error: flexilib\.yaml:1:9: cannot listen on unix:\S+: address already in use/, 'which is said');
is(request($next, GET => '/', listener => 'front')->status, 200, 'and changes nothing for who has it');

$next->stop;
is_deeply([glob "$runtime/*"], [], 'after an orderly stop no folder is left');
ok(!-e "$folder/front.sock", 'and no socket file');

my $misled = run_flexilib([], config => $option{config}, env => { FLEXILIB_RUNTIME_DIR => "$runtime/nowhere" });
is($misled->{status}, 1, 'a folder that is asked for but missing is not passed over');
like($misled->{err}, qr{error: no folder for snapshots: \Q$runtime\E/nowhere: No such file or directory \(FLEXILIB_RUNTIME_DIR}, 'but named');

done_testing;
