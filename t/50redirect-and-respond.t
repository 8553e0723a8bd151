# Routes that answer by themselves: redirects with what the request held, and fixed replies; filters see both.

use lib 't/lib';
use FlexiLib::Test;

my $flexilib = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
filters:
  - headers: { response_set: { x-filtered: "yes" } }
routes:
  - { match: =/usual, redirect: /elsewhere }
  - { match: =/301, redirect: { to: "https://example.com/", status: 301 } }
  - { match: =/303, redirect: { to: "https://example.com/", status: 303 } }
  - { match: =/307, redirect: { to: "https://example.com/", status: 307 } }
  - { match: =/308, redirect: { to: "https://example.com/", status: 308 } }
  - { match: /all, redirect: "https://{host}{path}{query}" }
  - { match: /scheme, redirect: "{scheme}://{host}:1{path}" }
  - { match: /merged, redirect: "/search?from={host}&{query}" }
  - { match: /again, redirect: "{path}" }
  - match: /changed
    filters: [headers: { request_set: { x-any: "1" } }]
    redirect: "/new{path}"
  - { match: =/204, respond: 204 }
  - { match: =/304, respond: 304 }
  - { match: =/404, respond: 404 }
  - { match: =/text, respond: { body: "hello\n" } }
  - match: =/full
    respond:
      status: 503
      headers: { Content-Type: text/html, retry-after: "120", X-Filtered: "no" }
      body: <h1>Back soon</h1>
  - { match: /replied, filters: [echo], respond: 200 }
END

my $redirect = request($flexilib, GET => '/usual');
is($redirect->status,             302,          'a redirect is 302 by default');
is($redirect->header('location'), '/elsewhere', 'it leads where it was told to');
is($redirect->body,               "302 Found\n", 'it has a short text');
is($redirect->header('x-filtered'), 'yes',      'filters see it');
for my $status (301, 303, 307, 308) {
    my $response = request($flexilib, POST => "/$status", body => 'x=1');
    is($response->status, $status, "$status, also for POST");
    is($response->header('location'), 'https://example.com/', 'with its URL');
}

my @locations = (
    ['/all',                        'a.example',      'https://a.example/all'],
    ['/all/',                       'a.example:8080', 'https://a.example/all/'],
    ['/all?',                       'a.example',      'https://a.example/all?'],
    ['/all?a=1&b=%0d%0a',           'a.example',      'https://a.example/all?a=1&b=%0d%0a'],
    ['/all/%0D%0Ax:y',              'a.example',      'https://a.example/all/%0D%0Ax:y'],
    ['/all/..//b/../all//evil.com', 'a.example',      'https://a.example/all/evil.com'],
    ['/all/a%2Fb%20c',              '[::1]:80',       'https://[::1]/all/a%2Fb%20c'],
    ['/all?a="<b>\\',               'a.example',      'https://a.example/all?a=%22%3Cb%3E%5C'],
    ['/scheme',                     'a.example:80',   'http://a.example:1/scheme'],
    ['/merged?q=x',                 'a.example',      '/search?from=a.example&q=x'],
    ['/merged',                     'a.example',      '/search?from=a.example&'],
    ['//again//evil.com',           'a.example',      '/again/evil.com'],
    ['http://b.example/all',        'a.example',      'https://b.example/all'],
    ['/changed/x',                  'a.example',      '/new/changed/x'],
);
for my $case (@locations) {
    my ($target, $host, $location) = @$case;
    my $raw = raw($flexilib, "GET $target HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n");
    is($raw->{response}->header('location'), $location, "$target of $host");
}

my $hostless = raw($flexilib, "GET /all HTTP/1.0\r\n\r\n");
is($hostless->{status}, 400, 'a redirect to the same host wants a host');
is(raw($flexilib, "GET /usual HTTP/1.0\r\n\r\n")->{status}, 302, 'another one does not');

for my $status (204, 304, 404) {
    my $response = request($flexilib, GET => "/$status");
    is($response->status, $status, "just a status: $status");
    is($response->body, '', 'without a body');
    is($response->header('content-type'), undef, 'or a type');
    is($response->header('x-filtered'), 'yes', 'seen by filters');
}
my $text = request($flexilib, PUT => '/text', body => 'x' x 100_000);
is($text->status, 200, 'a text is 200');
is($text->body, "hello\n", 'as it was written');
is($text->header('content-type'), 'text/plain; charset=utf-8', 'plain by default');
is($text->header('content-length'), 6, 'with its length');

my $full = request($flexilib, GET => '/full');
is($full->status, 503, 'everything given: the status');
is($full->body, '<h1>Back soon</h1>', 'the body');
is($full->header('content-type'), 'text/html', 'the type');
is($full->header('retry-after'), '120', 'a header');
is($full->header('x-filtered'), 'yes', 'which a filter may change');

my $head = request($flexilib, HEAD => '/full');
is($head->status, 503, 'HEAD: the same status');
is($head->header('content-length'), 18, 'the same length');

like(request($flexilib, GET => '/replied/by-filter')->body, qr{/replied/by-filter}, 'a filter may answer first');

my $client = connect_to($flexilib);
for my $path (qw(/usual /204 /text /404 /304 /full)) {
    $client->send_request(GET => $path);
    ok($client->read_response, "$path on a kept connection");
}
my $followed = curl('--location', '--max-redirs', 3, '--output', '/dev/null', '--write-out', '%{num_redirects} %{http_code}',
    $flexilib->url('/merged'));
is($followed->{out}, '1 404', 'curl follows');

done_testing;
