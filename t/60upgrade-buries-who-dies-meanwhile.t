# A worker may die at any moment of an upgrade: before the new program is tried, while it is, or in the midst of the
# change. It is told of and buried once, by one program or the other, and nobody waits for it.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Program;
use FlexiLib::Test::Wait qw(deadline);

my $folder  = make_folder();
my $program = FlexiLib::Test::Program->install("$folder/flexilib");
write_file("$folder/flexilib.yaml", <<"END");
listen: 127.0.0.1:0
workers: 2
routes:
  - { match: /, respond: { body: hello } }
END
my $server = FlexiLib::Test::Server->start(
    name          => 'flexilib',
    dir           => $folder,
    command       => [$program->path, '-c', 'flexilib.yaml'],
    expect_alerts => qr/alert: worker \d+ of generation \d+ was killed by signal 9 /,
);
$server->wait_serving;

sub zombies {
    my @found;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $handle, '<', $file or next;
        my ($pid, $parent) = (<$handle> // '') =~ /^(\d+) \(.*\) Z (\d+) / or next;
        push @found, $pid if $parent == $server->pid;
    }
    return @found;
}

my %gone;
my $generation = 1;
for my $delay_ms (0, 1, 2, 4, 6, 8, 12) {
    # clients that may come back, so that no worker is through with draining before it is killed
    my @idle = map { $server->connect } 1 .. 8;
    for my $client (@idle) {
        $client->send_request(GET => '/');
        $client->read_response;
    }
    my ($victim) = grep { !$gone{$_} } reverse $server->worker_pids;
    $server->signal('USR2');
    select undef, undef, undef, $delay_ms / 1000;
    kill 'KILL', $victim or die "cannot kill worker $victim: $!";
    $gone{$victim} = 1;
    ++$generation;
    $server->wait_log(qr/info: generation $generation is serving/);
    is(request($server, GET => '/')->body, 'hello', "killed $delay_ms ms into an upgrade, a worker is not missed");
}
$server->reload;
++$generation;
$server->wait_log(qr/info: generation $generation is serving/);
for my $pid (sort keys %gone) {
    my @lines = $server->log =~ /alert: worker $pid of generation \d+ was killed by signal 9 /g;
    is(scalar @lines, 1, 'its death is told once');
}
# Others, which are through with draining, may be ending right now, and are buried in a moment.
my $until = deadline();
1 while zombies() && time < $until;
is(join(' ', zombies()), '', 'and no process of those is left');
$server->stop;

done_testing;
