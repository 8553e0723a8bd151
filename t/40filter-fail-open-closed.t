# What becomes of a request whose filter fails: 503 by default, on without the filter where the configuration says so.

use lib 't/lib';
use FlexiLib::Test;

my $failing = test_library('failing');
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
            my ($wants_more) = $request->target =~ /two/;
            $connection->wait_go if $wants_more;
            $connection->send("6\r\nsecond\r\n") if $wants_more;
            $connection->send("0\r\n\r\n");
        }
    }
);
my @hooks = qw(request_head request_body response_head response_body);
my $routes = join '', map { my $hook = $_; map { <<"END" } qw(open closed) } @hooks;
  - match: /$_/$hook
    filters:
      - headers: { response_set: { x-outer: yes } }
      - { use: failing, on_error: $_, options: { hook: $hook } }
    handler: echo
END
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { failing: $failing }
routes:
$routes
  - { match: /unknown, filters: [{ failing: { answer: 42 } }], handler: echo }
  - { match: /pause, filters: [{ failing: { answer: 1 } }], handler: echo }
  - { match: /reply, filters: [{ failing: { answer: 2 } }], handler: echo }
  - { match: /handler, handler: failing }
  - { match: /silent, handler: headers }
  - match: /first
    filters: [{ use: failing, on_error: open, options: { hook: response_body } }]
    proxy: "@{[$backend->url]}"
  - match: /two
    filters: [{ use: failing, on_error: open, options: { hook: response_body, piece: 2 } }]
    proxy: "@{[$backend->url]}"
END

for my $hook (@hooks) {
    my $open = request($flexilib, POST => "/open/$hook", body => 'question');
    is($open->status, 200, "$hook, open: the request goes on");
    like($open->body, qr{^POST /open/$hook\n.*\n\nquestion\z}s, "$hook, open: with everything");
    is($open->header('content-length'), length $open->body, "$hook, open: in its length");
    $flexilib->wait_log(qr/error: filter 'failing': failed in on_$hook \(request [0-9a-f]{16}\)$/);

    my $closed = request($flexilib, POST => "/closed/$hook", body => 'question');
    is($closed->status, 503, "$hook, closed: the answer is 503");
    is($closed->body, "503 Service Unavailable\n", "$hook, closed: with a text");
    is($closed->header('x-outer'), 'yes', "$hook, closed: it passes back through the filter in front");
    $flexilib->wait_log(qr/error: filter 'failing': failed in on_$hook \(request [0-9a-f]{16}\)$/);
}

my %wrong = (
    unknown => [503, qr/filter 'failing': answered 42 in on_request_head, which is no answer/],
    pause   => [503, qr/filter 'failing': answered FLEXILIB_PAUSE in on_request_head without having taken a ticket/],
    reply   => [500, qr/filter 'failing': answered FLEXILIB_REPLY in on_request_head without a reply/],
    handler => [503, qr/filter 'failing': failed in on_request_head/],
    silent  => [500, qr/filter 'headers': is the handler of this route and did not answer/],
);
for my $path (sort keys %wrong) {
    my ($status, $blame) = @{ $wrong{$path} };
    is(request($flexilib, GET => "/$path")->status, $status, "$path: $status");
    ok($flexilib->wait_log($blame), "$path: the filter is blamed");
}

my $first = request($flexilib, GET => '/first');
ok($first->is_complete, 'before its first byte a body hook can be left out');
is($first->body, 'first', 'and the body is whole');

my $connection = $flexilib->connect;
$connection->send_request(GET => '/two');
$connection->read_until(qr/first/);
$backend->go;
unlike($connection->read_all, qr/second|^0\r\n/m, 'in the middle of a body the connection is cut, whatever the policy');
$flexilib->wait_log(qr/error: filter 'failing': failed in on_response_body/);

done_testing;
