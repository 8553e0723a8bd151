# What is counted is exact: requests by route and status, bytes, connections, what upstreams did, calls of filters; over
# crashes and reloads nothing of that goes back, and `flexilib metrics` tells the same. The manual names each metric with
# its kind and its labels.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        return if $request->target eq '/break';
        if ($request->target eq '/wait') {
            $connection->tell('asked');
            $connection->wait_go;
        }
        $connection->respond($request->target eq '/missing' ? 404 : 200, [], 'x' x 10);
    }
});
my $closed = 'http://127.0.0.1:' . free_port();
my $routes = join '', map { "  - { name: r$_, match: \"=/r/$_\", respond: 204 }\n" } 1 .. 300;
my $config = <<"END";
listen: { name: front, address: 127.0.0.1:0 }
admin: 127.0.0.1:0
workers: 2
upstreams:
  shop: { servers: "@{[$backend->url]}", retry: no }
  pair: { servers: ["@{[$backend->url]}", "$closed"], eject: off }
  narrow: { servers: "@{[$backend->url]}", max_requests: 1, queue: { length: 5 } }
libraries:
  failing: @{[test_library('failing')]}
  boxed: { path: @{[build_folder()]}/filters/headers.so, isolate: process }
routes:
  - { name: hello, match: =/hello, filters: [{ headers: { response_set: { a: b } } }], handler: hello }
  - { name: boxed, match: /boxed, filters: [{ boxed: { response_set: { a: b } } }], respond: 200 }
  - { name: echo, match: /echo, handler: echo }
  - { name: failing, match: /failing, filters: [{ failing: { hook: request_head } }], respond: 200 }
  - { name: shop, match: /shop, proxy: { to: shop, strip: /shop } }
  - { name: pair, match: /pair, proxy: { to: pair, strip: /pair } }
  - { name: narrow, match: /narrow, proxy: { to: narrow, strip: /narrow } }
$routes
END
my $flexilib = start_flexilib(config => $config, expect_alerts => qr/was killed by signal 9/);

# Asks, and waits until it is counted: before its line is written.
sub ask {
    my ($count, @arguments) = @_;
    my @answers = map { request($flexilib, @arguments)->status } 1 .. $count;
    $flexilib->wait_access(qr/"$arguments[0] \Q$arguments[1]\E HTTP/) for 1 .. $count;
    return join ' ', @answers;
}

is(ask(5, GET => '/hello'), '200 200 200 200 200', 'five greetings');
is(ask(2, GET => '/boxed'), '200 200', 'two by way of a runner');
is(ask(2, POST => '/echo', body => 'y' x 100), '200 200', 'two echoes');
is(ask(1, GET => '/nowhere'), '404', 'one for nobody');
is(ask(3, GET => '/failing'), '503 503 503', 'three failures');
is(ask(2, GET => '/shop/a'), '200 200', 'two for a server');
is(ask(1, GET => '/shop/missing'), '404', 'one that it does not have');
is(ask(1, GET => '/shop/break'), '502', 'one that breaks off');
is(ask(4, GET => '/pair/x'), '200 200 200 200', 'four where one of two servers is not there');
is(raw($flexilib, "GET /hello HTTP/1.1\r\n\r\n")->{status}, 400, 'one that is refused');
$flexilib->wait_access(qr/" 400 /);
my $first = connect_to($flexilib);
$first->send_request(GET => '/narrow/wait');
$backend->wait_told(qr/asked/);
my $second = connect_to($flexilib);
$second->send_request(GET => '/narrow/x');
my $waiting;
for (1 .. 1000) {
    $waiting = $flexilib->metrics;
    last if $waiting->sum('flexilib_upstream_queued_total', qr/narrow/);
}
is($waiting->sum('flexilib_requests_in_flight'), 2, 'two are under way');
is($waiting->sum('flexilib_upstream_requests_in_flight', qr/narrow/), 1, 'one of them with a server');
is($waiting->sum('flexilib_connections', qr/front/), 2, 'and so many are connected');
$backend->go;
is($_->read_response->status, 200, 'both are answered') for $first, $second;
$_->close for $first, $second;
$flexilib->wait_access(qr{/narrow/}) for 1, 2;

my $address = $backend->url;
my %exact   = (
    'flexilib_requests_total{route="hello",code="200"}'            => 5,
    'flexilib_requests_total{route="echo",code="200"}'             => 2,
    'flexilib_requests_total{route="-",code="404"}'                => 1,
    'flexilib_requests_total{route="-",code="400"}'                => 1,
    'flexilib_requests_total{route="failing",code="503"}'          => 3,
    'flexilib_requests_total{route="shop",code="200"}'             => 2,
    'flexilib_requests_total{route="shop",code="404"}'             => 1,
    'flexilib_requests_total{route="shop",code="502"}'             => 1,
    'flexilib_requests_total{route="pair",code="200"}'             => 4,
    'flexilib_request_duration_seconds_count{route="hello"}'       => 5,
    'flexilib_request_duration_seconds_bucket{route="hello",le="+Inf"}' => 5,
    'flexilib_request_body_bytes_total{route="echo"}'              => 200,
    'flexilib_response_body_bytes_total{route="pair"}'             => 40,
    'flexilib_connections_total{listener="front"}'                 => 24,
    'flexilib_filter_calls_total{filter="boxed",hook="on_response_head"}'   => 2,
    'flexilib_filter_calls_total{filter="headers",hook="on_response_head"}' => 5,
    'flexilib_filter_calls_total{filter="hello",hook="on_request_head"}'    => 5,
    'flexilib_filter_calls_total{filter="failing",hook="on_request_head"}'  => 3,
    'flexilib_filter_errors_total{filter="failing",hook="on_request_head"}' => 3,
    'flexilib_filter_errors_total{filter="headers",hook="on_response_head"}' => 0,
    qq(flexilib_upstream_tries_total{upstream="shop",server="$address"})                   => 4,
    qq(flexilib_upstream_failures_total{upstream="shop",server="$address",kind="broken"})  => 1,
    qq(flexilib_upstream_failures_total{upstream="pair",server="$closed",kind="timeout"})  => 0,
    qq(flexilib_upstream_tries_total{upstream="pair",server="$address"})                   => 4,
    'flexilib_upstream_response_seconds_count{upstream="shop"}' => 3,
    'flexilib_upstream_queued_total{upstream="narrow"}'         => 1,
    qq(flexilib_upstream_server_up{upstream="pair",server="$closed"}) => 1,
    'flexilib_generation'                                    => 1,
    'flexilib_stopping'                                      => 0,
    'flexilib_reloads_total{result="succeeded"}'             => 0,
    'flexilib_crashes_total{kind="signal"}'                  => 0,
    'flexilib_crashes_total{kind="runner"}'                  => 0,
);

sub counts_are {
    my ($claim) = @_;
    my $values = $flexilib->metrics->values;
    is_deeply({ map { ($_ => $values->{$_}) } keys %exact }, \%exact, $claim);
    return;
}

counts_are('each count is exact');
my $told = $flexilib->metrics;
my $lost = $told->sum('flexilib_upstream_failures_total', qr/"pair".*"connect"/);
cmp_ok($lost, '>=', 1, 'a server that is not there fails');
is($told->sum('flexilib_upstream_retries_total', qr/"pair"/), $lost, 'and each failure makes another try');
cmp_ok($told->sum('flexilib_filter_seconds_total', qr/"hello"/), '>', 0, 'filters take time');
cmp_ok($told->sum('flexilib_upstream_queue_seconds_total', qr/narrow/), '>', 0, 'waiting too');

my @workers = ($flexilib->worker_pids, $flexilib->runner_pids);
kill 'KILL', @workers;
$flexilib->wait_log(qr/killed by signal 9/) for @workers;
is(scalar @workers, 3, 'two workers and a runner');
@exact{'flexilib_crashes_total{kind="signal"}', 'flexilib_crashes_total{kind="runner"}', 'flexilib_worker_restarts_total'} = (2, 1, 2);
counts_are('crashes lose none');
$flexilib->write_file('flexilib.yaml', "routes: 1\n");
$flexilib->reload;
$flexilib->wait_log(qr/generation 2 failed/);
$exact{'flexilib_reloads_total{result="failed"}'} = 1;
$exact{flexilib_last_reload_success} = 0;
counts_are('nor does a reload that fails');
$flexilib->write_file('flexilib.yaml', $config . "  - { name: new, match: /new, respond: 204 }\n");
$flexilib->reload;
$flexilib->wait_serving(3);
$exact{'flexilib_reloads_total{result="succeeded"}'} = 1;
@exact{qw(flexilib_last_reload_success flexilib_generation)} = (1, 3);
counts_are('nor one that succeeds');
ask(1, GET => '/hello');
++$exact{$_} for grep { /(?:route|filter)="(?:hello|headers)"/ && !/errors/ } keys %exact;
++$exact{'flexilib_connections_total{listener="front"}'};
counts_are('and it goes on from there');

my $many = connect_to($flexilib);
$many->send(join '', map { "GET /r/$_ HTTP/1.1\r\nHost: x\r\n\r\n" } 1 .. 300);
$many->read_response for 1 .. 300;
$flexilib->wait_access(qr{GET /r/300 });
my $bounded = $flexilib->metrics;
is($bounded->sum('flexilib_requests_total', qr/code="204"/), 300, 'many routes are counted');
my @timed = grep { /^flexilib_request_duration_seconds_count/ } keys %{ $bounded->values };
is(scalar @timed, 257, 'but only so many by their names');
cmp_ok($bounded->values->{'flexilib_request_duration_seconds_count{route="other"}'}, '>', 40, 'the others together');

my $command = FlexiLib::Test::Metrics->new(run_command([build_folder() . '/flexilib', 'metrics', '-c', 'flexilib.yaml'], dir => $flexilib->dir)->{out});
is_deeply([sort keys %{ $command->values }], [sort keys %{ $bounded->values }], 'the command tells the same');

my %labels;
for my $series (keys %{ $bounded->values }) {
    my ($name, $written) = $series =~ /\A([^{]*)(.*)\z/s;
    $name =~ s/_(?:bucket|sum|count)\z// if !$bounded->types->{$name};
    $labels{$name} = join ', ', map { "`$_`" } grep { $_ ne 'le' } $written =~ /(\w+)="/g;
}
my %page = map { /^\| `(flexilib_\w+)` \| (\w+) \| ([^|]*?) *\|/ ? ($1 => "$2 $3") : () } split /\n/, read_file(root_folder() . '/doc/metrics.md');
my %real = map { ($_ => "$bounded->{types}{$_} $labels{$_}") } keys %labels;
is_deeply(\%page, \%real, 'the manual has each of them, with its kind and labels');
done_testing;
