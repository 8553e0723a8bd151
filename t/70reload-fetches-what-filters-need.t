# A filter may ask an upstream for what it needs, and is waited for; where it does not get it, the configuration is
# refused.

use lib 't/lib';
use FlexiLib::Test;

my $fetch   = test_library('fetch');
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        if ($request->target eq '/held') {
            $connection->tell('held');
            $connection->wait_go;
        }
        return if $request->target eq '/gone';
        if ($request->target eq '/silent') {
            $connection->is_closed;
            return;
        }
        $connection->respond(200, [], 'keys of ' . $request->target);
    }
});

sub config {
    my ($path, $upstream, $more) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 2
@{[$more // '']}
libraries: { fetch: $fetch }
upstreams:
  keys: { servers: ["@{[$backend->url]}"] }
routes: [{ match: /, handler: { fetch: { upstream: @{[$upstream // 'keys']}, path: $path } } }]
END
}

my $flexilib = start_flexilib(config => config('/first'));
like(request($flexilib, GET => '/ready')->body, qr/keys of \/first\z/, 'a filter has what it needs before it serves');
is($backend->connections, 2, 'each worker has asked for itself');

$flexilib->write_file('flexilib.yaml', config('/held'));
$flexilib->reload;
$backend->wait_told(qr/held/);
like(request($flexilib, GET => '/ready')->body, qr/keys of \/first\z/, 'the old generation serves meanwhile');
$backend->go;
$backend->wait_told(qr/held/);
$backend->go;
$flexilib->wait_serving(2);
like(request($flexilib, GET => '/ready')->body, qr/keys of \/held\z/, 'then the new one does');

sub fails {
    my ($name, $config, $failure) = @_;
    $flexilib->write_file('flexilib.yaml', $config);
    $flexilib->reload;
    like($flexilib->wait_log(qr/generation \d+ failed/), qr/error: generation \d+ failed: flexilib\.yaml:7:\d+: $failure; generation 2 goes on serving$/, $name);
    return;
}
fails('where the server does not answer, it is refused', config('/gone'), qr/filter 'fetch': the first fetch failed: 502/);
fails('where there is no such upstream', config('/x', 'kees'), qr/filter 'fetch': option 'upstream': it cannot be asked/);
like($flexilib->log, qr/error: filter 'fetch': a fetch from upstream 'kees' was refused: there is no upstream of that name$/m, 'the log says why');
fails('and where it takes too long', config('/silent', 'keys', 'create_timeout: 50ms'), qr/filter 'fetch' is not ready after 50 ms \(create_timeout\)/);
like(request($flexilib, GET => '/ready')->body, qr/keys of \/held\z/, 'none of that harms the old generation');

my $seen    = $backend->connections;
my $checked = run_flexilib(['check', '-c', 'flexilib.yaml'], config => config('/first'));
is($checked->{status}, 0, 'a check asks nobody');
is($backend->connections, $seen, 'and the backend has seen nothing of it');
$checked = run_flexilib(['check', '-c', 'flexilib.yaml'], config => config('/first', 'kees'));
is($checked->{status}, 78, 'but knows the upstreams');

done_testing;
