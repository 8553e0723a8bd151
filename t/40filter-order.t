# Requests pass filters in the order of the chain, responses in the reverse order; global filters stand in front.

use lib 't/lib';
use FlexiLib::Test;

my $order = test_library('order');
my $flexilib = start_flexilib(config => <<"END");
workers: 1
listen:
  - { address: 127.0.0.1:0, name: front }
  - { address: 127.0.0.1:0, name: behind }
libraries: { order: $order }
filters: [{ order: { name: a } }]
routes:
  - match: { path: /reply, listener: front }
    filters: [{ order: { name: b, reply: yes } }, { order: { name: c } }]
    handler: echo
  - match: { listener: front }
    filters: [{ order: { name: b } }, { order: { name: c } }]
    handler: echo
END

my $response = request($flexilib, POST => '/all', listener => 'front', body => 'question');
is($response->status, 200, 'the chain is gone through');
is_deeply([$response->body =~ /^x-order: (.*)$/mg], [qw(a b c)], 'the request passed it in order');
is_deeply([$response->headers('x-order')], [qw(c b a)], 'the response passed it in reverse');
like($response->body, qr/\n\nquestion\z/, 'the body went through');
$flexilib->wait_log(qr/order a end/);
is(trace(), 'a request_head, b request_head, c request_head, a request_body, b request_body, c request_body, '
        . 'c response_head, b response_head, a response_head, c response_body, b response_body, a response_body, '
        . 'c end, b end, a end', 'all hooks in their order');

$response = request($flexilib, GET => '/reply', listener => 'front');
is($response->body, "replied\n", 'a filter replied');
is_deeply([$response->headers('x-order')], ['a'], 'only the filter before it saw the response');
$flexilib->wait_log(qr/order a end/);
is(trace(), 'a request_head, b request_head, a response_head, a response_body, b end, a end',
    'those behind it saw nothing');

$response = request($flexilib, GET => '/nothing', listener => 'behind');
is($response->status, 404, 'nothing matched');
is_deeply([$response->headers('x-order')], ['a'], 'the global filters still ran');

done_testing;

# The hooks that ran since the last call.
my $seen;

sub trace {
    my @lines = $flexilib->log =~ /info: filter 'order': order (\w \w+) \(request [0-9a-f]{16}\)$/mg;
    splice @lines, 0, $seen // 0;
    $seen += @lines;
    return join ', ', @lines;
}
