# Clients that people use: curl, and node's fetch, which keeps connections.

use lib 't/lib';
use FlexiLib::Test;

need('curl', 'node');

my $backend  = start_nginx('location / { }', files => { 'large' => 'x' x 5_000_000, 'small' => "small\n" });
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
body_limit: 20MB
routes:
  - { match: /echo, handler: echo }
  - { match: /hello, handler: hello }
  - { match: /, proxy: "@{[$backend->url]}" }
END
my $folder = make_folder();
my $upload = 'y' x 10_000_000;
write_file("$folder/upload", $upload);

# The echo handler answers with the request's head and, behind an empty line, its body.
sub ends_with_upload { return read_file("$folder/answer") =~ s/.*?\n\n//sr eq $upload }

# curl asks before it sends a large body, and takes several URLs over one connection
my $curl = curl('--write-out', "%{http_code} %{num_connects} %{size_download}\\n", '--output', '/dev/null', '--output',
    '/dev/null', '--output', '/dev/null', map { $flexilib->url($_) } '/hello', '/large', '/small');
is($curl->{status}, 0, 'curl is content') or diag($curl->{err});
is($curl->{out}, "200 1 14\n200 0 5000000\n200 0 6\n", 'three requests, one connection');
$curl = curl('--data-binary', "\@$folder/upload", '--write-out', "%{http_code}\\n", '--output', "$folder/answer",
    $flexilib->url('/echo'));
is($curl->{out}, "200\n", 'curl uploads 10 MB');
ok(ends_with_upload(), 'which arrive whole');
$curl = curl('--data-binary', "\@$folder/upload", '--header', 'Transfer-Encoding: chunked', '--header', 'Expect:',
    '--write-out', "%{http_code}\\n", '--output', "$folder/answer", $flexilib->url('/echo'));
is($curl->{out}, "200\n", 'in chunks too');
ok(ends_with_upload(), 'whole');
is(curl('--head', $flexilib->url('/large'))->{out} =~ /^content-length: 5000000\r$/mi ? 1 : 0, 1, 'curl --head');
is(curl('--http1.0', $flexilib->url('/small'))->{out}, "small\n", 'curl --http1.0');
is(curl('--proxy', $flexilib->url(''), '--noproxy', '', 'http://elsewhere.example/hello')->{out} =~ /^Hello/ ? 1 : 0,
    1, 'curl with FlexiLib as its proxy');

write_file("$folder/client.mjs", <<'END');
const base = process.argv[2];
const check = (condition, what) => { if (!condition) { console.log(`wrong: ${what}`); process.exit(1); } };
for (let i = 0; i < 50; i++) {
    const texts = await Promise.all(['/hello', '/small', '/large'].map(path => fetch(base + path).then(r => r.text())));
    check(texts[0].startsWith('Hello') && texts[1] === 'small\n' && texts[2].length === 5000000, `round ${i}`);
}
const body = new ReadableStream({ start(controller) {
    for (let i = 0; i < 100; i++) controller.enqueue(new TextEncoder().encode('z'.repeat(10000)));
    controller.close();
} });
const echo = await fetch(base + '/echo', { method: 'POST', body, duplex: 'half' }).then(r => r.text());
check(echo.endsWith('z'.repeat(1000000)), 'a streamed upload');
const head = await fetch(base + '/large', { method: 'HEAD' });
check(head.headers.get('content-length') === '5000000', 'HEAD');
const controller = new AbortController();
const aborted = fetch(base + '/large', { signal: controller.signal }).then(r => { controller.abort(); return r.text(); });
check(await aborted.then(() => false, () => true), 'an aborted fetch');
check((await fetch(base + '/small').then(r => r.text())) === 'small\n', 'after an aborted one');
console.log('all right');
END
my $node = run_command(['node', "$folder/client.mjs", $flexilib->url('')]);
is($node->{out}, "all right\n", 'fetch of node is content') or diag($node->{err});

done_testing;
