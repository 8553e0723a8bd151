# Filters that do anything at any time, much of it wrong, between a client and a server that are no better: FlexiLib does
# not crash, loses nothing, and mixes up no connection. Every message that comes out of it, either way, is well-formed and
# belongs to its request. FLEXILIB_CHAOS_EXCHANGES says how many there are in each round, FLEXILIB_CHAOS_SEED whose luck they
# have, FLEXILIB_CHAOS_FIRST which number the first one has.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Wait qw(deadline);

my $seed  = $ENV{FLEXILIB_CHAOS_SEED}      // int rand 1_000_000;
my $count = $ENV{FLEXILIB_CHAOS_EXCHANGES} // 1_500;
my $first = $ENV{FLEXILIB_CHAOS_FIRST}     // 1;
diag("FLEXILIB_CHAOS_SEED=$seed");
alarm(600 + $count);

my $folder = build_folder() . '/t';
my $files  = make_folder();
mkdir "$files/files";
symlink "$folder/lib/chaos.so", "$files/told.so" or die "symlink: $!";
write_file("$files/files/some path", 'f' x 5000);

my $backend = FlexiLib::Test::Process->start(command => ["$folder/chaos_backend", $seed], dir => make_folder(), name => 'backend');
my ($port) = $backend->wait_line(stdout => qr/^port \d+$/) =~ /(\d+)/;

# One use of a filter of the library, how wild, and what else there is to say. One in three is in a process of its own.
my $uses = 0;
sub chaos {
    my ($name, $wild, %more) = @_;
    $more{isolate} = 'process' if ($seed + $uses) % 3 == 0;
    my $options = sprintf '{ seed: %d, who: %d, wild: %d%s }', $seed, ++$uses, $wild, delete $more{answers} ? ', answers: yes' : '';
    return "{ use: chaos.$name, options: $options" . join('', map { ", $_: $more{$_}" } sort keys %more) . ' }';
}

# One use after the other, the harmless one that marks responses in front.
sub chain { return join ', ', 'chaos.stamp', @_ }

my %routes = (
    calm     => '- { match: /calm, filters: [' . chain(chaos('all', 5), chaos('all', 5, on_error => 'open')) . '], proxy: main }',
    wild     => '- { match: /wild, filters: [' . chain(chaos('all', 60), chaos('heads', 30), chaos('all', 60, on_error => 'open')) . '], proxy: main }',
    open     => '- { match: /open, filters: [' . chain(map { chaos('all', 30, on_error => 'open') } 1 .. 3) . '], proxy: main }',
    mixed    => '- { match: /mixed, filters: [' . chain(chaos('observer', 20), chaos('bodies', 20), chaos('unaware', 20), chaos('observer', 20, on_error => 'open')) . '], proxy: other }',
    compress => '- { match: /compress, compress: { min_length: 1 }, filters: [' . chain(chaos('all', 20), chaos('bodies', 10)) . '], proxy: main }',
    limit    => '- { match: /limit, body_limit: 5000, filters: [' . chain(chaos('all', 20), chaos('bodies', 30, on_error => 'open')) . '], proxy: main }',
    handler  => '- { match: /handler, filters: [' . chain(chaos('all', 10)) . '], handler: ' . chaos('all', 20, answers => 1) . ' }',
    blocking => '- { match: /blocking, filters: [' . chain(chaos('blocking', 20), chaos('all', 20), chaos('concurrent', 20, on_error => 'open')) . '], proxy: main }',
    told     => '- { match: /told, filters: [' . chain(map { s/chaos/told/r } chaos('all', 20), chaos('observer', 20, on_error => 'open')) . '], proxy: other }',
    waiting  => '- { match: /waiting, filters: [' . chain(chaos('concurrent', 20), chaos('all', 10)) . '], handler: ' . chaos('blocking', 20, answers => 1) . ' }',
    files    => '- { match: /files, filters: [' . chain(chaos('all', 20)) . '], files: . }',
    respond  => '- { match: /respond, filters: [' . chain(chaos('all', 20)) . '], respond: { status: 200, body: hello } }',
    tunnel   => '- { match: /tunnel, filters: [' . chain(chaos('all', 10), chaos('blocking', 5)) . '], proxy: { to: main, upgrade: echo } }',
    plain    => '- { match: /plain, filters: [chaos.stamp], proxy: main }',
);
my $flexilib = start_flexilib(dir => $files, config => <<"END");
listen: 127.0.0.1:0
workers: 1
access_log: off
handler_timeout: 100ms
body_timeout: 2s
keep_alive_timeout: 5s
shutdown_timeout: 1s
drain_timeout: 1s
pool: { threads: 8, queue: 16 }
libraries:
  chaos: { path: "$folder/lib/chaos.so", share: 50 }
  told: { path: "$files/told.so", blocking: yes }
upstreams:
  main: { servers: "http://127.0.0.1:$port", response_timeout: 250ms, idle_timeout: 250ms, send_timeout: 1s, eject: no, retry: { tries: 2, budget: 100 } }
  other: { servers: "http://localhost:$port", response_timeout: 250ms, idle_timeout: 250ms, eject: no, retry: no }
  dead: { servers: "http://127.0.0.1:1", connect_timeout: 250ms, eject: no, retry: no }
routes:
@{[join "\n", map { "  $routes{$_}" } sort keys %routes]}
END
my ($worker) = $flexilib->worker_pids;

# Asks for exchanges.
sub ask {
    my ($version, $title) = @_;
    my $client = FlexiLib::Test::Process->start(
        name => 'client', dir => make_folder(),
        command => ["$folder/chaos_client", split(/:/, $flexilib->address), $seed, $first, $count, 48, $version, sort keys %routes]);
    my $status = $client->wait_status(deadline(120 + $count / 10));
    $client->wait_streams;
    my $told = $client->text('stdout');
    my ($report) = $told =~ /^(whole .*)$/m;
    is($status, 0, "$title: every response is well-formed and belongs to its request") or diag($told);
    diag("$title: " . ($report // 'nothing'));
    my ($whole) = ($report // '') =~ /^whole (\d+)/;
    cmp_ok($whole // 0, '>', $count / 4, "$title: and many are whole");
    ($first) = ($report // '') =~ /next (\d+)/;
    return;
}

ask(1, 'HTTP/1.1');
ask(2, 'HTTP/2');
is($backend->text('stdout'), "port $port\n", 'every request at the backend is well-formed, and one at a time');
is_deeply([$flexilib->worker_pids], [$worker], 'the worker is still the same');

done_testing;
