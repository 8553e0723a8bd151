# What an isolated filter does wrong has the outcome that it has in a worker, but for that worker: errors when it starts
# stand at their places, on_error decides about requests, a body that has begun is cut.

use lib 't/lib';
use FlexiLib::Test;

my %lib = map { $_ => test_library($_) } qw(fatal nosymbol refuse owner crash blocking original);
$lib{mirror} = build_folder() . '/filters/mirror.so';

sub start_with {
    my ($library, $settings, $handler, @command) = @_;
    my $result = run_flexilib(
        \@command,
        config => "listen: 127.0.0.1:0\nworkers: 1\n"
            . "libraries: { bad: { path: $lib{$library}, isolate: process, $settings } }\nroutes:\n  - handler: $handler\n",
        crashing => 1,
    );
    return $result;
}

for my $case (
    ['fatal', 'instances: 2', '{ bad: { how: crash } }', qr/filter 'bad': its process has ended/,
        qr/alert: runner \d+ of library 'bad', generation 1, was killed by signal 11 \(Segmentation fault\) after \S+ s, in filter 'bad' \(create\)/],
    ['fatal', 'instances: 1', '{ bad: { how: exit } }', qr/filter 'bad': its process has ended/, qr/runner \d+ of library 'bad', .* exited with status 3/],
    ['fatal', 'call_timeout: 100ms', '{ bad: { how: hang } }', qr/filter 'bad': its process has ended/,
        qr/error: filter 'bad': create has been running for 100 ms \(call_timeout\): its process is ended$/m],
    ['fatal', 'instances: 1', 'bad', qr/'how' is missing in the options of filter 'bad'/],
    ['nosymbol', 'instances: 1', 'bad', qr/nosymbol\.so: does not export the symbol 'flexilib_library'/],
    ['owner', 'instances: 1', 'bad', qr/owner\.so: filter 'owner' is exclusive, so it cannot run in a process of its own \(isolate: process\)/],
    ['mirror', 'instances: 1', "hello\n    filters: [{ bad: { upstream: u } }]\nupstreams: { u: { servers: 'http://127.0.0.1:1' } }",
        qr/filter 'bad': requests of a filter's own are not there for one that is isolated/],
    ['refuse', 'instances: 1', '{ bad: { color: blue } }', qr/filter 'bad': option 'color': this color does not suit anybody/],
) {
    my ($library, $settings, $handler, $sentence, $logged) = @$case;
    my $result = start_with($library, $settings, $handler);
    is($result->{status}, 78, "$library, $handler: it does not start");
    like($result->{err}, qr/flexilib\.yaml:[56]:\d+: .*$sentence/, 'and says why, at its place');
    like($result->{err}, qr/$logged/m, 'and what the process has died of') if defined $logged;
    next if $library eq 'fatal' && $handler ne 'bad';
    my $checked = start_with($library, $settings, $handler, 'check');
    is($checked->{status}, 78, 'a check says so too');
    like($checked->{err}, qr/flexilib\.yaml:[56]:\d+: .*$sentence/, 'likewise');
}

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        $connection->respond(200, [], 'from behind');
    }
});
my $flexilib = start_flexilib(
    expect_alerts => qr/alert: runner \d+ of library '\w+', generation 1, /,
    config        => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries:
  crash: { path: $lib{crash}, isolate: process, instances: 4 }
  blocking: { path: $lib{blocking}, isolate: process, call_timeout: 300ms }
  original: { path: $lib{original}, isolate: process, instances: 1 }
upstreams: { back: "@{[$backend->url]}" }
routes:
@{[join '', map { "  - { match: /crash-$_, filters: [{ crash: { hook: $_ } }], proxy: { to: back } }\n"
       . "  - { match: /crash/open-$_, filters: [{ use: crash, on_error: open, options: { hook: $_ } }], proxy: { to: back } }\n" }
     qw(request_head request_body response_head response_body end)]}
  - { match: /hold, handler: { blocking: { hook: request_head, hold: yes, reply: yes } } }
  - { match: /work, handler: { blocking: { hook: request_head, reply: yes } } }
  - { match: /, handler: original }
END

my $worker = ($flexilib->worker_pids)[0];
for my $case (
    ['request_head', 502, 'on_request_head'], ['request_body', 502, 'on_request_body'], ['response_head', 502, 'on_response_head'],
    ['response_body', 502, 'on_response_body'], ['end', 200, 'on_end'],
) {
    my ($hook, $status, $name) = @$case;
    my $connection = $flexilib->connect;
    $connection->send_request(POST => "/crash-$hook", body => 'sent');
    my $response = $connection->read_response('POST');
    if ($hook eq 'response_body' && (!$response || !$response->is_complete)) {
        ok($connection->is_closed, "$hook: a response that has begun is cut");
    } else {
        is($response->status, $status, "$hook: the answer is $status");
    }
    like($flexilib->wait_log(qr/alert: runner/), qr/in filter 'crash' \($name\) for request [0-9a-f]{16}/, "$hook: and the log says where");
}
for my $hook (qw(request_head response_head)) {
    is(request($flexilib, GET => "/crash/open-$hook")->body, 'from behind', "$hook: with on_error: open it goes on without the filter");
}

my $holding = $flexilib->connect;
$holding->send_request(GET => '/hold');
is($holding->read_response('GET')->status, 504, 'a hook that blocks for too long is ended');
ok($flexilib->wait_log(qr/error: filter 'blocking': on_request_head has been running for 300 ms \(call_timeout\)/), 'and told of');
is(request($flexilib, GET => '/work')->status, 200, 'another process serves');

is(request($flexilib, GET => '/show')->body =~ /^(\S+ \S+)/ && $1, 'GET /show', 'a library of the original answers there');
is(request($flexilib, GET => '/crash')->status, 502, 'and crashes there');
like($flexilib->wait_log(qr/alert: runner \d+ of library 'original'/), qr/in filter 'original' \(handle_request\) for request [0-9a-f]{16}/, 'by name');
is(request($flexilib, GET => '/show')->status, 200, 'it is back at once');
is(($flexilib->worker_pids)[0], $worker, 'the worker is the same all along');

done_testing;
