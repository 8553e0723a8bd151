# A filter may pause in any hook and be resumed by a thread of its own; a second resume is harmless.

use lib 't/lib';
use FlexiLib::Test;

my $pause = test_library('pause');
my @hooks = qw(request_head request_body response_head response_body);
my $routes = join '', map { <<"END" } @hooks;
  - match: /$_
    filters: [{ pause: { hook: $_, twice: yes } }]
    handler: echo
  - match: /proxied/$_
    filters: [{ pause: { hook: $_, twice: yes } }]
    proxy: BACKEND
END

my $large = 'x' x 300_000;
my $backend = start_static_backend(body => $large);
$routes =~ s/BACKEND/$backend->url/ge;
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { pause: $pause }
routes:
  - { match: /handler, handler: { use: pause, options: { reply: yes } } }
$routes
END

my $response = request($flexilib, GET => '/handler');
is($response->status, 200, 'a handler answers after its pause');
is($response->body, "resumed: first\n", 'with what the thread brought');

for my $hook (@hooks) {
    my $echoed = request($flexilib, POST => "/$hook", body => 'question');
    is($echoed->status, 200, "$hook: the chain goes on after the pause");
    like($echoed->body, qr{^POST /$hook\n.*\n\nquestion\z}s, "$hook: nothing is lost");
    $flexilib->wait_log(qr/filter 'pause': pausing/);
    $flexilib->wait_log(qr/filter 'pause': resumed: first/);
    ok($flexilib->wait_log(qr/pause dropped: second/), "$hook: the second resume is dropped");
    my $proxied = request($flexilib, GET => "/proxied/$hook");
    ok($proxied->is_complete && $proxied->body eq $large, "$hook: a streamed response arrives whole");
}
my $impatient = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
handler_timeout: 50ms
libraries: { pause: $pause }
routes:
  - { match: /never, filters: [{ pause: { never: yes } }], handler: echo }
  - { match: /never-body, filters: [{ pause: { never: yes, hook: response_body } }], proxy: "@{[$backend->url]}" }
  - { match: /, handler: hello }
END
$response = request($impatient, GET => '/never');
is($response->status, 504, 'a pause without end is answered 504');
is($response->body, "504 Gateway Timeout\n", 'by FlexiLib itself');
like($impatient->wait_log(qr/for too long/), qr/error: filter 'pause': paused in on_request_head for too long \(request [0-9a-f]{16}\)$/,
    'and the filter is blamed');
$response = request($impatient, GET => '/never-body');
ok(!$response->is_complete, 'where the head is under way, the connection is cut');
is(request($impatient, GET => '/')->status, 200, 'the worker goes on');

done_testing;
