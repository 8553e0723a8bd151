# rate-limit lets each client have what its bucket holds, counted by all workers together and over reloads.

use lib 't/lib';
use FlexiLib::Test;

my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
routes:
  - match: /plain
    filters: [{ rate-limit: { requests: 5, per: 1h, by: "{header.x-key}", name: plain } }]
    handler: hello
  - match: /burst
    filters: [{ rate-limit: { requests: 3600, per: 1h, burst: 2, by: "{header.x-key}", name: burst } }]
    handler: hello
  - match: /quick
    filters: [{ rate-limit: { requests: 1000, per: 1s, burst: 1, name: quick } }]
    handler: hello
  - match: /two
    filters:
      - rate-limit: { requests: 100, per: 1h, name: wide, by: "{header.x-key}" }
      - rate-limit: { requests: 2, per: 1h, name: narrow, by: "{header.x-key}", status: 503 }
    handler: hello
  - match: /dry
    filters:
      - rate-limit: { requests: 1, per: 1h, name: dry, dry_run: yes, headers: no }
      - headers: { request_set: { x-verdict: "{rate-limit.verdict}" } }
    handler: echo
  - match: /login
    filters: [{ rate-limit: { requests: 3, per: 1h } }]
    handler: hello
  - match: /twin
    filters: [{ rate-limit: { requests: 3, per: 1h } }]
    handler: hello
  - match: /pages
    filters: [{ rate-limit: { requests: 1000, per: 1m } }]
    handler: hello
  - match: /verdicts
    filters:
      - rate-limit: { requests: 1, per: 1h, name: strict, dry_run: yes }
      - rate-limit: { requests: 10, per: 1h, name: mild, dry_run: yes }
      - headers: { request_set: { x-verdict: "{rate-limit.verdict}" } }
    handler: echo
  - match: /address
    filters: [{ rate-limit: { requests: 1, per: 1h, name: address } }]
    handler: hello
END

sub ask {
    my ($path, $key) = @_;
    return request($flexilib, GET => $path, headers => [defined $key ? ('X-Key' => $key) : ()]);
}

sub statuses {
    my ($count, @arguments) = @_;
    return join ' ', map { ask(@arguments)->status } 1 .. $count;
}

is(statuses(8, '/plain', 'a'), '200 200 200 200 200 429 429 429', 'five pass, whichever worker they meet, and no more');
is(statuses(1, '/plain', 'b'), '200', 'another client has a bucket of its own');
is(statuses(7, '/plain', ''), '200 200 200 200 200 429 429', 'those without a key share one');

my $first = ask('/plain', 'c');
is($first->header('ratelimit-policy'), '"plain";q=5;w=3600', 'responses tell the limit');
is($first->header('ratelimit'), '"plain";r=4;t=720', 'and what is left of it');
ask('/plain', 'c') for 1 .. 4;
my $refused = ask('/plain', 'c');
is($refused->status, 429, 'beyond it: 429');
like($refused->header('retry-after'), qr/^7[12]\d$/, 'with the seconds until there is a token again');
like($refused->header('ratelimit'), qr/^"plain";r=0;t=7[12]\d$/, 'nothing is left, until the same moment');
is($refused->header('ratelimit') =~ s/.*t=//r, $refused->header('retry-after'), 'to the second');
is($refused->body, "too many requests\n", 'and a word');

is(statuses(3, '/burst', 'a'), '200 200 429', 'a burst is what the bucket holds');
is(ask('/burst', 'b')->header('ratelimit-policy'), '"burst";q=2;w=2', 'which is what it tells');

my $quick = ask('/quick');
for (1 .. 200) {
    last if $quick->status == 429;
    $quick = ask('/quick');
}
my $tries = 0;
++$tries while $quick->status == 429 && $tries < 1000 && (($quick = ask('/quick'))->status != 200);
is($quick->status, 200, 'tokens come back');

my $two = ask('/two', 'a');
is_deeply([map { /^("\w+")/ } $two->headers('ratelimit')], ['"narrow"', '"wide"'], 'two limits tell both');
is(statuses(2, '/two', 'a'), '200 503', 'the tighter one counts, with its own status');

like(ask('/dry')->body, qr/x-verdict: passed/, 'dry run: passes');
my $dry = ask('/dry');
like($dry->body, qr/x-verdict: refused/, 'also beyond the limit, and tells what would have been');
is($dry->header('ratelimit'), undef, 'without a word to clients, where they shall not know');

is(statuses(2, '/address'), '200 429', 'by default the client address counts');

is(statuses(2, '/login') . ' ' . statuses(2, '/twin'), '200 200 200 429', 'equal limits of one name count together');
is(statuses(3, '/pages'), '200 200 200', 'others of that name count for themselves');
ask('/verdicts');
like(ask('/verdicts')->body, qr/x-verdict: refused/, 'of two verdicts the one that refuses is told');

my $metrics = run_command([build_folder() . '/flexilib', 'metrics', '-c', 'flexilib.yaml'], dir => $flexilib->dir);
like($metrics->{out}, qr/^rate_limit_requests_total\{limit="narrow",verdict="refused"\} 1$/m, 'operators see how many were refused');

$flexilib->reload;
$flexilib->wait_serving(2);
is(statuses(2, '/plain', 'a'), '429 429', 'a reload does not fill buckets');
my $long = 'k' x 4000;
is(statuses(6, '/plain', $long), '200 200 200 200 200 429', 'a long key counts too');
is(statuses(1, '/plain', "${long}x"), '200', 'by all of it');

for my $case (
    ['requests: 0', qr/:4:\d+: .*requests/],
    ['per: 1s', qr/requests/],
    ['requests: 10000000, per: 1s', qr/more than a million requests a second cannot be told apart/],
    ['requests: 1, per: 31d, burst: 1000000000', qr/burst.*would not be full in a hundred years/],
    ['requests: 1, name: "a\"b"', qr/a name is 1 to 64 printable characters/],
    ['requests: 1, by: "{client.adress}"', qr/did you mean.*client\.address/],
) {
    my ($options, $expected) = @$case;
    my $result = run_flexilib(['check'], config => "listen: 127.0.0.1:0\nroutes:\n  - match: /\n"
            . "    filters: [{ rate-limit: { $options } }]\n    handler: hello\n");
    like($result->{err}, $expected, "refused: $options");
}
done_testing;
