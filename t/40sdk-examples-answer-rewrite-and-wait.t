# Each SDK has the same three examples, and they do the same in each language.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;

my $large = join '', map { chr(97 + $_ % 26) } 1 .. 1 << 16;
$large x= 32 * 16;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            if ($request->target eq '/large') {
                $connection->respond(200, [], $large);
                next;
            }
            $connection->respond(200, ['x-seen' => $request->header('x-rewritten') // 'nothing'], 'Got ' . $request->body);
        }
    }
);

my @languages = sdk_languages();
cmp_ok(scalar @languages, '>=', 1, 'there are SDKs');
for my $language (@languages) {
  SKIP: {
        if (!sdk_compiler($language)) {
            die "the compiler for $language is missing\n" if $ENV{CI} && $language ne 'zig';
            skip "the compiler for $language is missing", 1;
        }
        subtest $language => sub { try_examples($language) };
    }
}
done_testing;

sub try_examples {
    my ($language) = @_;
    my %path = map { $_ => sdk_example($language, $_) } qw(answer rewrite wait);
    my $program  = build_folder() . '/flexilib';
    my @libraries = map { ('--library', "$_=$path{$_}") } sort keys %path;
    for my $bytes (0, 1) {
        my $result = run_command([$program, 'filter', 'test', '--chunk', $bytes, @libraries, root_folder() . '/filters/sdk/scenarios/examples.test.yaml']);
        ok($result->{status} == 0 && $result->{out} =~ /^ok 5 - /m, "their scenarios hold, with --chunk $bytes") or diag(@$result{qw(out err)});
    }
    like(run_command([$program, 'filter', 'info', $path{answer}])->{out}, qr/^answer 1\.0: answers by itself\n.*greeting +a text; by default Hello\n/ms,
        'what a library offers can be read');
    is(run_command([$program, 'filter', 'check', $path{rewrite}, '--options', '{ tail: x }'])->{status}, 0, 'and its filters created');
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { answer: $path{answer}, rewrite: $path{rewrite}, wait: $path{wait} }
routes:
  - { match: /plain, handler: answer }
  - { match: /kind, handler: { answer: { greeting: Good morning } } }
  - { match: /wait, handler: wait }
  - match: /
    filters: [{ rewrite: { tail: "!" } }]
    proxy: "@{[$backend->url]}"
END
    my $plain = request($flexilib, GET => '/plain');
    is($plain->status, 200, 'answer: a handler answers');
    is($plain->header('content-type'), 'text/plain', 'answer: with a type');
    is($plain->body, "Hello, you asked for /plain\n", 'answer: with a text');
    is(request($flexilib, GET => '/kind')->body, "Good morning, you asked for /kind\n", 'answer: which is an option');

    my $rewritten = request($flexilib, POST => '/x', body => 'SOME Text');
    is($rewritten->header('x-seen'), 'request', "rewrite: the request's head is changed");
    is($rewritten->header('x-rewritten'), 'response', "rewrite: the response's too");
    is($rewritten->body, 'GOT SOME TEXT!', 'rewrite: and both bodies');
    my $chunked = request($flexilib, POST => '/x', chunks => ['SOME ', 'Pieces']);
    is($chunked->body, 'GOT SOME PIECES!', 'rewrite: pieces too');
    like($backend->received, qr/some text.*some.*pieces/s, 'rewrite: the upstream has got lower case');

    my $before_kb = most_memory_kb($flexilib);
    ok(request($flexilib, GET => '/large')->body eq uc($large) . '!', 'rewrite: and 32 MB');
    my $grown_kb = most_memory_kb($flexilib) - $before_kb;
    cmp_ok($grown_kb, '<', 16 << 10, 'rewrite: in little memory') if !is_sanitized();

    is(request($flexilib, GET => '/wait')->body, "worked out elsewhere\n", 'wait: a thread ends the pause');
    is_deeply([map { request($flexilib, GET => '/wait')->status } 1 .. 50], [(200) x 50], 'wait: again and again');
    $flexilib->stop;
    return;
}

sub most_memory_kb {
    my ($flexilib) = @_;
    my ($worker)   = $flexilib->worker_pids;
    return read_file("/proc/$worker/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : die 'no memory figure';
}
