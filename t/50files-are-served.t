# A folder as a route's target: types, HEAD, index files, folders without their slash, the fallback, methods, filters, and
# forms that were compressed beforehand.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my %files  = (
    'index.html'        => "<h1>start</h1>\n",
    'a b.txt'           => 'blank',
    "caf\xc3\xa9.txt"   => 'accent',
    'empty.css'         => '',
    'unknown.xyz'       => 'bytes',
    'docs/index.html'   => 'docs',
    'docs/page.html'    => 'page',
    'old/index.htm'     => 'old',
    'bare/file.js'      => 'js',
    '.well-known/x.txt' => 'well known',
    'app.js'            => 'plain script',
    'app.js.gz'         => 'gzip script',
    'app.js.br'         => 'brotli script',
    'only.css'          => 'plain style',
    'only.css.gz'       => 'gzip style',
    'both.css'          => 'plain both',
    'both.css.gz'       => 'gzip both',
    'both.css.zst'      => 'zstd both',
    'folder.txt'        => 'plain folder',
    'folder.txt.gz/x'   => '',
);
write_file("$folder/public/$_", $files{$_}) for keys %files;
write_file("$folder/late.txt", '');

my $flexilib = start_flexilib(dir => $folder, config => <<'END');
listen: 127.0.0.1:0
workers: 1
filters: [headers: { response_set: { x-filtered: "yes" } }]
routes:
  - { match: { host: spa.example }, files: { root: public, fallback: index.html } }
  - { match: { host: packed.example }, files: { root: ./public/, precompressed: yes } }
  - { match: { host: many.example }, files: { root: public, index: [index.html, index.htm] } }
  - { match: { host: listless.example }, files: { root: public, index: [] } }
  - { match: { host: late.example }, files: late }
  - { match: { host: filtered.example }, filters: [headers: { request_set: { x: "1" } }], files: public }
  - files: public
END
like($flexilib->log, qr/warning: flexilib\.yaml:\d+:\d+: there is no folder '\Q$folder\E\/late': its route answers 404 until it is there$/m,
    'a folder that is missing is told');

my @found = (
    ['/',                 'index.html',        'text/html; charset=utf-8'],
    ['/index.html',       'index.html',        'text/html; charset=utf-8'],
    ['/?a=b',             'index.html',        'text/html; charset=utf-8'],
    ['/a%20b.txt',        'a b.txt',           'text/plain; charset=utf-8'],
    ['/caf%c3%a9.txt',    "caf\xc3\xa9.txt",   'text/plain; charset=utf-8'],
    ['/empty.css',        'empty.css',         'text/css; charset=utf-8'],
    ['/unknown.xyz',      'unknown.xyz',       'application/octet-stream'],
    ['/docs/',            'docs/index.html',   'text/html; charset=utf-8'],
    ['//docs/./page.html', 'docs/page.html',   'text/html; charset=utf-8'],
    ['/.well-known/x.txt', '.well-known/x.txt', 'text/plain; charset=utf-8'],
    ['/app.js.gz',        'app.js.gz',         'application/gzip'],
);
for my $case (@found) {
    my ($path, $name, $type) = @$case;
    my $response = request($flexilib, GET => $path, headers => ['Accept-Encoding' => 'br, gzip']);
    is($response->status, 200, "$path is found");
    is($response->body, $files{$name}, 'with its content');
    is($response->header('content-type'), $type, 'its type');
    is($response->header('content-length'), length $files{$name}, 'its length');
    is($response->header('accept-ranges'), 'bytes', 'and an offer of ranges');
    like($response->header('etag'), qr/^"[0-9a-f]+-[0-9a-f]+"$/, 'its tag');
    like($response->header('last-modified'), qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'its date');
    is($response->header('vary'), undef, 'nothing varies');
    is($response->header('x-filtered'), 'yes', 'filters see it');
    my $head = request($flexilib, HEAD => $path);
    is($head->status, 200, 'HEAD finds it too');
    is_deeply([map { $head->header($_) } qw(content-type content-length etag last-modified)],
        [map { $response->header($_) } qw(content-type content-length etag last-modified)], 'and says the same');
}

my @missing = ('/none', '/none/', '/docs/none.html', '/index.html/', '/index.html/x', '/bare/', '/docs/page.html/', '/' . 'x' x 300,
    '/' . 'x/' x 3000);
for my $path (@missing) {
    my $response = request($flexilib, GET => $path);
    is($response->status, 404, substr($path, 0, 40) . ' is not found');
    is($response->header('x-filtered'), 'yes', 'filters see that');
}

my @folders = (['/docs', '/docs/'], ['/docs?a=b', '/docs/?a=b'], ['/bare', '/bare/'], ['//docs', '/docs/'], ['/docs/../docs', '/docs/']);
for my $case (@folders) {
    my $response = request($flexilib, GET => $case->[0]);
    is($response->status, 301, "$case->[0] lacks a slash");
    is($response->header('location'), $case->[1], 'and is told so');
}

for my $method (qw(POST PUT DELETE PATCH OPTIONS BREW)) {
    my $response = request($flexilib, $method => '/', $method =~ /^P/ ? (body => 'x') : ());
    is($response->status, 405, "$method is not allowed");
    is($response->header('allow'), 'GET, HEAD', 'GET and HEAD are');
}

sub of { my ($host, $path, @headers) = @_; return request($flexilib, GET => $path, headers => [Host => $host, @headers]) }

is(of('spa.example', '/any/page?x')->body, $files{'index.html'}, 'the fallback stands for what is missing');
is(of('spa.example', '/any/page?x')->status, 200, 'as if it were that');
is(of('spa.example', '/bare/')->body, $files{'index.html'}, 'also for a folder without an index');
is(of('spa.example', '/app.js')->body, 'plain script', 'not for what is there');
is(of('spa.example', '/.env')->status, 404, 'nor for what nobody may have');
is(of('many.example', '/old/')->body, 'old', 'the second index');
is(of('many.example', '/docs/')->body, 'docs', 'the first one first');
is(of('listless.example', '/')->status, 404, 'no index at all');
is(of('filtered.example', '/app.js')->body, 'plain script', 'a filter changes nothing');
is(of('late.example', '/x.txt')->status, 404, 'a folder that is not there');
write_file("$folder/late/x.txt", 'at last');
is(of('late.example', '/x.txt')->body, 'at last', 'is found as soon as it is');

my @packed = (
    ['/app.js',     'br, gzip',           'brotli script', 'br'],
    ['/app.js',     'gzip, br',           'brotli script', 'br'],
    ['/app.js',     'gzip;q=1, br;q=0.5', 'gzip script',   'gzip'],
    ['/app.js',     'gzip',               'gzip script',   'gzip'],
    ['/app.js',     '*',                  'brotli script', 'br'],
    ['/app.js',     'gzip;q=0, br;q=0',   'plain script',  undef],
    ['/app.js',     'deflate',            'plain script',  undef],
    ['/app.js',     undef,                'plain script',  undef],
    ['/only.css',   'br, gzip;q=0.1',     'gzip style',    'gzip'],
    ['/only.css',   'br',                 'plain style',   undef],
    ['/only.css',   'gzip;q=0.1, identity', 'plain style', undef],
    ['/both.css',   'br, zstd, gzip',     'zstd both',     'zstd'],
    ['/both.css',   'br, zstd;q=0.5, gzip;q=0.7', 'gzip both', 'gzip'],
    ['/folder.txt', 'gzip',               'plain folder',  undef],
);
my %tags;
for my $case (@packed) {
    my ($path, $accepted, $body, $coding) = @$case;
    my $response = of('packed.example', $path, defined $accepted ? ('Accept-Encoding' => $accepted) : ());
    is($response->body, $body, "$path for " . ($accepted // 'nothing'));
    is($response->header('content-encoding'), $coding, 'says so');
    is($response->header('vary'), 'Accept-Encoding', 'and that it varies');
    like($response->header('content-type'), qr{^text/(javascript|css|plain)}, 'with the type of the file itself');
    $tags{ $response->header('etag') }{$body} = 1;
}
is(scalar(grep { keys %$_ != 1 } values %tags), 0, 'forms have tags of their own');
my $same = of('packed.example', '/app.js', 'Accept-Encoding' => 'br', 'If-None-Match' => '*');
is($same->status, 304, 'what has not changed');
is($same->header('vary'), 'Accept-Encoding', 'varies too');
is($same->header('content-encoding'), undef, 'but is not there');

my $client = connect_to($flexilib);
for my $path (qw(/ /none /docs /empty.css /docs/)) {
    $client->send_request(GET => $path);
    ok($client->read_response->is_complete, "$path on a kept connection");
}
my $curl = curl('--location', '--output', '/dev/null', '--write-out', '%{num_redirects} %{http_code} %{size_download}', $flexilib->url('/docs'));
is($curl->{out}, '1 200 4', 'curl follows to the index');

done_testing;
