# Templates in options, and what they say: of the request, of other filters' attributes, of the trace, of the response.

use lib 't/lib';
use FlexiLib::Test;

my $values   = test_library('values');
my $backend  = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $said = join '|', $request->headers('x-said');
        $connection->respond(201, ['X-Seen' => $said, Server => 'scripted'], "12345");
    }
});
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { values: $values }
upstreams: { back: "@{[$backend->url]}" }
routes:
  - match: /request
    name: asking
    filters: [{ values: { request: "{method} {host} {path} {query.name|nobody} {cookie.id} {header.x-a} {route}" } }]
    proxy: back
  - match: /response
    filters: [{ values: { response: "{status} {response.header.server} {upstream} {server} {tries}" } }]
    proxy: back
  - match: /attributes
    filters:
      - values: { attribute: jwt.sub, value: "{query.who}", request: "{jwt.sub|none}" }
      - values: { response: "{jwt.sub|none}" }
    proxy: back
  - match: /good-name
    filters: [{ values: { attribute: a.b, value: x } }]
    proxy: back
  - match: /bad-name
    filters: [{ values: { attribute: header.x, value: x } }]
    proxy: back
  - match: /trace
    filters: [{ values: { request: "{trace.id}", response: "{trace.id} {request.id}" } }, { values: { response: "{trace.id}" } }]
    proxy: back
  - match: /braces
    filters: [{ values: { response: '{{"path": "{path}"}}' } }]
    handler: hello
END

my $response = request($flexilib, GET => '/request/a?x=1&name=J%c3%b6rg+M', headers => [Cookie => 'id=7; b=8', 'X-A' => 'one', 'X-A' => 'two'],
    host => 'Shop.Example:81');
is($response->header('x-seen'), "GET shop.example /request/a J\xc3\xb6rg M 7 one, two asking", 'a template says what the request is');
$response = request($flexilib, GET => '/request?name=a%0d%0aX-Evil:%20b');
like($response->header('x-seen'), qr/ nobody /, 'a line break in a parameter leaves it without a value');

$response = request($flexilib, GET => '/response');
is($response->header('x-said'), "201 scripted back @{[$backend->url]} 1", 'and what the response is, and whom it is from');

$response = request($flexilib, GET => '/attributes?who=alice');
is($response->header('x-seen'), 'alice', 'a filter sees its own attribute');
is($response->header('x-said'), 'alice', 'another one, and the response half too');
$response = request($flexilib, GET => '/attributes');
is($response->header('x-said'), 'none', 'none of an earlier request is left');
is(request($flexilib, GET => '/good-name')->header('x-refused'), undef, 'an attribute is set');
is(request($flexilib, GET => '/bad-name')->header('x-refused'), 'set_attribute', "one with a name of FlexiLib's own is not");
$flexilib->wait_log(qr/error: filter 'values': set_attribute in on_request_head was refused: names of attributes do not begin with a word of FlexiLib's own \(request /);

my $parent = '00f067aa0ba902b7';
my $trace  = '4bf92f3577b34da6a3ce929d0e0e4736';
$response = request($flexilib, GET => '/trace', headers => [Traceparent => "00-$trace-$parent-01"]);
is($response->header('x-seen'), $trace, "the trace is the client's");
$response = request($flexilib, GET => '/trace', headers => [Traceparent => "00-$trace-$parent"]);
my ($made) = $response->header('x-seen') =~ /^([0-9a-f]{32})$/;
isnt($made // $trace, $trace, 'one is made where that is malformed');
is_deeply([map { s/ .*//r } $response->headers('x-said')], [$made, $made], 'and is the same for all filters, to the end');
isnt(request($flexilib, GET => '/trace')->header('x-seen'), $made, 'another request has another one');

is(request($flexilib, GET => '/braces')->header('x-said'), '{"path": "/braces"}', 'doubled braces are braces');

for my $row (
    ['"{stauts}"',       28, "'{stauts}' stands for nothing (did you mean 'status'?)"],
    ['"a {path"',        30, "'{path' is never closed: a '}' is missing (a brace itself is written '{{')"],
    ['{path}',           27, "'request' wants a text, not a mapping: one that begins with '{' must stand in quotes"],
    ['"it\'s } so"',     33, "a '}' that ends no placeholder is written '}}'"],
) {
    my ($template, $column, $message) = @$row;
    my $result = run_flexilib(['check'], config => <<"END");
routes:
  - filters: [{ $values: { request: $template } }]
    handler: hello
END
    my $shift = length "  - filters: [{ $values: { request: ";
    $column += $shift - 26;
    is($result->{status}, 78, "$template is refused");
    like($result->{err}, qr/^flexilib\.yaml:2:$column: \Q$message\E$/m, 'with the place and the reason');
}

done_testing;
