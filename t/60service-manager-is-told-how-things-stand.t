# systemd, or whoever else names a socket in $NOTIFY_SOCKET, is told when FlexiLib serves, reloads and stops, how it stands,
# and that it is alive.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Program;
use FlexiLib::Test::Wait qw(deadline wait_readable);
use Socket;
use Time::HiRes ();

my $folder = make_folder();
my $rest   = "listen: 127.0.0.1:0\nworkers: 2\nroutes:\n  - { match: /, respond: 204 }\n";

sub manager {
    my ($name) = @_;
    socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_un($name =~ s/^@/\0/r)) or die "bind $name: $!";
    return $socket;
}

# All that comes until something matches.
sub told {
    my ($socket, $pattern) = @_;
    my ($all, $until) = ('', deadline());
    while ($all !~ $pattern) {
        wait_readable($socket, $until) or die "nothing matches $pattern; what came:\n$all\n";
        recv($socket, my $message, 65536, 0) // die "recv: $!";
        $all .= $message;
    }
    return $all;
}

sub monotonic_us { return int(1e6 * Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC())) }

my $program = FlexiLib::Test::Program->install("$folder/flexilib");
my $version = $program->version;
my $manager = manager("$folder/notify");
write_file("$folder/flexilib.yaml", $rest);
my $server = FlexiLib::Test::Server->start(
    name    => 'flexilib',
    dir     => $folder,
    command => [$program->path, '-c', 'flexilib.yaml'],
    env     => { NOTIFY_SOCKET => "$folder/notify", WATCHDOG_USEC => 40_000, WATCHDOG_PID => undef },
);
my $all = told($manager, qr/^READY=1\n/m);
unlike($all, qr/RELOADING|STOPPING/, 'a start is no reload');
like($all, qr/^STATUS=starting \(flexilib \Q$version\E\)\n.*^READY=1\nMAINPID=@{[$server->pid]}\nSTATUS=generation 1, 2 workers \(flexilib \Q$version\E\)\n/ms,
    'it starts, and is ready once it serves');
ok($server->wait_log(qr/generation 1 is serving/), 'and says so');
for my $pid ($server->worker_pids) {
    unlike(read_file("/proc/$pid/environ"), qr/NOTIFY_SOCKET|WATCHDOG/, 'a worker cannot tell anything in its place');
}
told($manager, qr/^WATCHDOG=1\n(?:.*^WATCHDOG=1\n){4}/ms);
pass('it tells again and again that it lives');

my $before = monotonic_us();
$server->reload;
$all = told($manager, qr/^READY=1\n.*^STATUS=.*\n/ms);
my ($time) = $all =~ /^RELOADING=1\nMONOTONIC_USEC=(\d+)\n/m;
cmp_ok($time // 0, '>=', $before,        'a reload is told of, with a time behind the signal');
cmp_ok($time // 0, '<=', monotonic_us(), 'which has come');
like($all, qr/^RELOADING=1\n.*^READY=1\n/ms, 'and its end');
told($manager, qr/^STATUS=generation 2, 2 workers \(/m) if $all !~ /^STATUS=generation 2, 2 workers \(/m;

write_file("$folder/flexilib.yaml", "nonsense: 1\n");
$server->reload;
$all = told($manager, qr/^READY=1\n/m);
$all .= told($manager, qr/^STATUS=/m) if $all !~ /^READY=1\n.*^STATUS=/ms;
like($all, qr/^RELOADING=1\n.*^READY=1\n/ms, 'one that fails too');
like($all, qr/^STATUS=generation 2, 2 workers; the last reload has failed \(/m, 'and the status says so');

write_file("$folder/flexilib.yaml", $rest);
my $newer = $program->next_version;
$program->replace(version => $newer);
$server->signal('USR2');
$all = told($manager, qr/^READY=1\n/m);
like($all, qr/^RELOADING=1\n.*^READY=1\n/ms, 'an upgrade is a reload');
$all .= told($manager, qr/^STATUS=generation 4, .*\(flexilib \Q$newer\E\)/m) if $all !~ /^STATUS=generation 4, .*\(flexilib \Q$newer\E\)/m;
pass('after which the new program tells how it stands');
told($manager, qr/^WATCHDOG=1\n(?:.*^WATCHDOG=1\n){2}/ms);
pass('and that it lives');

$server->signal('TERM');
$all = told($manager, qr/^STOPPING=1\n/m);
like($all, qr/^STOPPING=1\nSTATUS=stopping/m, 'a stop is told of');
$server->check_exit(0);

my $abstract = manager("\@flexilib-test-$$");
my $refused = run_flexilib([], config => "nonsense: 1\n", env => { NOTIFY_SOCKET => "\@flexilib-test-$$" });
is($refused->{status}, 78, 'a start that fails');
like(told($abstract, qr/^STATUS=flexilib\.yaml:1:1: /m), qr/nonsense/, 'is explained, in the abstract namespace too');

my $other = start_flexilib(config => $rest, env => { NOTIFY_SOCKET => "\@flexilib-test-$$", WATCHDOG_USEC => 1000, WATCHDOG_PID => 1 });
$all = told($abstract, qr/^READY=1\n/m);
$other->stop;
$all .= told($abstract, qr/^STOPPING=1\n/m) if $all !~ /^STOPPING=1\n/m;
unlike($all, qr/WATCHDOG/, 'a watchdog that waits for another process gets nothing');

for my $name ('nowhere', '/', "$folder/nobody", '') {
    my $deaf = start_flexilib(config => $rest, env => { NOTIFY_SOCKET => $name });
    $deaf->stop;
    my @told = $deaf->log =~ /warning: NOTIFY_SOCKET: /g;
    is(scalar @told, 1, "that nobody is told by '$name' is said once");
}
done_testing;
