# Routes are tried in the order of the file and the first that matches takes the request: by host, path, method, header
# and listener, alone and nested.

use lib 't/lib';
use FlexiLib::Test;

# Every route answers with its name.
my $routes = '';

sub route {
    my ($name, $match, $indent) = @_;
    $routes .= '  ' . ($indent // '') . "- { match: $match, handler: { use: hello, options: { greeting: $name } } }\n";
    return;
}

sub group {
    my ($match) = @_;
    $routes .= "  - match: $match\n    routes:\n";
    return;
}

route('exact-host-and-path', '{ host: shop.example.com, path: =/exact }');
group('{ host: [shop.example.com, "*.shop.example.com"] }');
route('nested-get',     '{ path: /items, methods: GET }',                   '    ');
route('nested-tenant',  '{ path: /items, headers: { x-tenant: [a, =b] } }', '    ');
route('nested-items',   '/items',                                           '    ');
route('nested-private', '{ path: /private, headers: { x-key: ~ } }',        '    ');
route('suffix',         '{ host: "*.example.com", path: /items }');
route('prefix',         '{ host: "api*" }');
route('v6',             '{ host: "[::1]" }');
route('original-style', '{ headers: { host: iam }, path: / }');
route('inner',          '{ listener: inner, path: /only }');
route('two-methods',    '{ methods: [PUT, PATCH], path: /m }');
route('exact',          '=/a');
route('deep',           '/a/b/c');
route('raw',            '/a/b*');
route('segment',        '/a');
route('folder',         '/folder/');
route('canary',         '{ headers: { x-canary: =1 } }');
route('many-hosts',     '{ host: [' . join(', ', map { "h$_.test" } 1 .. 50) . '] }');
route('last',           '/last');

my $flexilib = start_flexilib(config => <<"END");
listen: [127.0.0.1:0, { address: 127.0.0.1:0, name: inner }]
workers: 1
routes:
$routes
END

my @cases = (
    # expected, path, host, further options of the request
    ['exact-host-and-path', '/exact',         'shop.example.com'],
    ['exact-host-and-path', '/exact?q',       'SHOP.example.com:8069'],
    ['nothing',             '/exact/',        'shop.example.com'],
    ['nothing',             '/exact',         'www.shop.example.com'],
    ['nested-get',          '/items/1',       'shop.example.com'],
    ['nested-get',          '/items',         'a.b.shop.example.com.'],
    ['nested-tenant',       '/items',         'shop.example.com', method => 'POST', headers => ['X-Tenant' => 'abc']],
    ['nested-tenant',       '/items',         'shop.example.com', method => 'POST', headers => ['x-tenant' => 'b']],
    ['nested-tenant',       '/items',         'shop.example.com', method => 'POST',
        headers => ['X-Tenant' => 'c', 'X-TENANT' => 'a']],
    ['nested-items',        '/items',         'shop.example.com', method => 'POST', headers => ['X-Tenant' => 'bc']],
    ['nested-items',        '/items',         'shop.example.com', method => 'POST', headers => ['X-Tenant' => 'Abc']],
    ['nested-items',        '/items',         'shop.example.com', method => 'POST'],
    ['nested-private',      '/private',       'shop.example.com'],
    ['nothing',             '/private',       'shop.example.com', headers => ['X-Key' => '']],
    ['suffix',              '/items',         'other.example.com'],
    ['nothing',             '/items',         'example.com'],
    ['nothing',             '/items',         'other-example.com'],
    ['prefix',              '/',              'api'],
    ['prefix',              '/',              'API.internal:80'],
    ['nothing',             '/',              'ap'],
    ['v6',                  '/',              '[::1]:8069'],
    ['original-style',      '/x',             'iam.example'],
    ['nothing',             '/x',             'Iam.example'],
    ['two-methods',         '/m',             'any', method => 'PUT'],
    ['two-methods',         '/m',             'any', method => 'PATCH'],
    ['nothing',             '/m',             'any', method => 'GET'],
    ['exact',               '/a',             'any'],
    ['exact',               '/a?b',           'any'],
    ['segment',             '/a/',            'any'],
    ['segment',             '/a/x',           'any'],
    ['raw',                 '/a/b',           'any'],
    ['raw',                 '/a/bcd',         'any'],
    ['raw',                 '/a/b/cd',        'any'],
    ['deep',                '/a/b/c',         'any'],
    ['deep',                '/a/b/c/d',       'any'],
    ['nothing',             '/A',             'any'],
    ['nothing',             '/ab',            'any'],
    ['folder',              '/folder/',       'any'],
    ['folder',              '/folder/x',      'any'],
    ['nothing',             '/folder',        'any'],
    ['canary',              '/z',             'any', headers => ['X-Canary' => '1']],
    ['nothing',             '/z',             'any', headers => ['X-Canary' => '12']],
    ['many-hosts',          '/z',             'h1.test'],
    ['many-hosts',          '/z',             'h50.test'],
    ['nothing',             '/z',             'h51.test'],
    ['last',                '/last',          'any'],
    ['inner',               '/only',          'any', listener => 'inner'],
    ['nothing',             '/only',          'any'],
);

for my $case (@cases) {
    my ($expected, $path, $host, %option) = @$case;
    my $method   = delete $option{method} // 'GET';
    my $response = request($flexilib, $method => $path, host => $host, %option);
    my $got      = $response->status == 404 ? 'nothing' : $response->body =~ s/\n\z//r;
    is($got, $expected, join ' ', "$expected:", $method, $host, $path, @{ $option{headers} // [] });
}

my $without_host = raw($flexilib, "GET /a HTTP/1.0\r\n\r\n");
is($without_host->{response}->body, "exact\n", 'a request without a host matches a route without one');
$without_host = raw($flexilib, "GET /z HTTP/1.0\r\n\r\n");
is($without_host->{status}, 404, 'and none that has one');

done_testing;
