# The filters that come with FlexiLib do what they say.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_static_backend(headers => [Server => 'backend', 'X-Old' => 1, 'x-old' => 2, 'X-Kept' => 'yes']);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /hello, handler: hello }
  - { match: /greeting, handler: { use: hello, options: { greeting: "Grüß Gott" } } }
  - { match: /silence, handler: { use: hello, options: { greeting: "" } } }
  - { match: /echo, handler: echo }
  - match: /request
    filters:
      - headers:
          request_remove: [x-gone, cookie]
          request_set: { x-set: new, x-fresh: "1" }
          request_add: { x-added: more }
    handler: echo
  - match: /response
    filters:
      - headers:
          response_remove: x-old
          response_set: { Server: flexilib }
          response_add: { x-kept: "no" }
    proxy: "@{[$backend->url]}"
END

my $hello = request($flexilib, GET => '/hello');
is($hello->body, "Hello, world!\n", 'hello greets');
is($hello->header('content-type'), 'text/plain', 'in plain text');
is($hello->header('content-length'), 14, 'with a length');
is(request($flexilib, GET => '/greeting')->body, "Gr\xc3\xbc\xc3\x9f Gott\n", 'as it is told');
is(request($flexilib, GET => '/silence')->body, "\n", 'even with nothing');
is(request($flexilib, HEAD => '/hello')->body, '', 'HEAD gets no body');

my $echo = raw($flexilib, "PUT /echo/%61?q=%61&r HTTP/1.1\r\nHost: example.com\r\nX-One:  1 \r\nx-two: 2\r\nX-One: 3\r\n"
        . "Content-Length: 8\r\nConnection: close\r\n\r\nqu\x00st\r\nn");
is($echo->{response}->body, "PUT /echo/a?q=%61&r\nhost: example.com\nX-One: 1\nx-two: 2\nX-One: 3\n\nqu\x00st\r\nn",
    'echo shows the request as filters see it: canonical, without what frames the message');

my $request = request($flexilib, GET => '/request', headers => ['X-Gone' => 1, 'x-gone' => 2, Cookie => 'a=b',
        'X-Set' => 'old', 'x-set' => 'older', 'x-added' => 'one']);
is_deeply([sort grep { /^x-/i } split /\n/, $request->body], ['x-added: more', 'x-added: one', 'x-fresh: 1', 'x-set: new'],
    'headers removes, sets and adds fields of the request');

my $response = request($flexilib, GET => '/response');
is_deeply([$response->headers('x-old')], [], 'it removes fields of the response');
is_deeply([$response->headers('server')], ['flexilib'], 'replaces them');
is_deeply([$response->headers('x-kept')], ['yes', 'no'], 'and adds to them');

done_testing;
