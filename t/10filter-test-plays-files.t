# `flexilib filter test` plays the files it is given, in pieces of any size, with other libraries where that is wished.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Wait qw(sanitizer);

my $libraries = build_folder() . '/t/lib';
my $dir       = make_folder();
my %files     = (
    'good.test.yaml'  => "handler: hello\nscenarios:\n  it greets: [client sends: GET /, client sees: 200]\n",
    'bad.test.yaml'   => "handler: hello\nscenarios:\n  it hides: [client sends: GET /, client sees: 404]\n  it greets: [client sends: GET /, client sees: 200]\n",
    'wrong.test.yaml' => "scenarios: []\n",
    'hash.test.yaml'  => "handler: hello\nscenarios:\n  'issue #5': [client sends: GET /]\n",
    'path.test.yaml'  => answering('handler: ./answer.so', 'one'),
    'twice.test.yaml' => answering("filters: [./answer.so]\nhandler: ./answer.so", 'one'),
    'two.test.yaml'   => answering("filters: [./answer.so]\nhandler: ./other.so", 'one'),
    'named.test.yaml' => answering("libraries: { first: ./answer.so, second: { path: ./nowhere.so } }\nhandler: first", 'one'),
    'own.test.yaml'   => "scenarios:\n  it answers:\n    handler: { use: ./answer.so }\n    events: [client sends: GET /, { client sees: 200, body: \"one\\n\" }]\n",
    'pieces.test.yaml' => <<'END',
filters: [headers]
scenarios:
  pieces:
    - client sends: POST /
      body: [abcde, fg]
    - upstream sees: POST /
      body: abcdefg
    - upstream answers: 200
      body: hello
    - client sees: 200
      body: hello
END
);
write_file("$dir/$_", $files{$_}) for keys %files;
system('cp', "$libraries/answer_one.so", "$dir/answer.so") == 0 or die;
system('cp', "$libraries/answer_one.so", "$dir/other.so") == 0  or die;

sub answering {
    my ($chain, $answer) = @_;
    return "$chain\nscenarios:\n  it answers:\n    - client sends: GET /\n    - client sees: 200\n      body: \"$answer\\n\"\n";
}

sub plays {
    my ($arguments, $status, $out, $err, $claim) = @_;
    my $result = run_flexilib(['filter', 'test', @$arguments], dir => $dir);
    my $is_right = $result->{status} == $status
        && (ref $out ? $result->{out} =~ $out : $result->{out} eq $out)
        && (ref $err ? $result->{err} =~ $err : $result->{err} eq $err);
    ok($is_right, $claim) or diag(explain($result));
    return;
}

my $usage = "usage: flexilib filter test [--chunk N] [--library [NAME=]PATH] [--verbose] FILE...\n";

plays(['good.test.yaml'], 0, "# good.test.yaml\nok 1 - it greets\n1..1\n", '', 'a file that holds');
plays(['bad.test.yaml', 'wrong.test.yaml', 'good.test.yaml'], 1,
    "# bad.test.yaml\nnot ok 1 - it hides\nok 2 - it greets\n# wrong.test.yaml\nnot ok 3 - wrong.test.yaml can be read\n"
        . "# good.test.yaml\nok 4 - it greets\n1..4\n",
    qr/\A# bad\.test\.yaml:3:35: .*\n# wrong\.test\.yaml:1:12: /s, 'several files, of which some do not hold');
plays(['hash.test.yaml'],    0, "# hash.test.yaml\nok 1 - issue \\#5\n1..1\n", '', 'a name with a sign that TAP would see');
plays(['nowhere.test.yaml'], 1, qr/^not ok 1 - nowhere\.test\.yaml can be read\n1\.\.1\n\z/m, qr/^# cannot read 'nowhere\.test\.yaml': No such file/, 'a file that is not there');

plays(['path.test.yaml'], 0, qr/^ok 1 - it answers$/m, '', 'paths are relative to the file');
plays(["$dir/path.test.yaml"], 0, qr/^ok 1 - it answers$/m, '', 'wherever that is');
for my $file (qw(path twice own)) {
    plays(['--library', "$libraries/answer_two.so", "$file.test.yaml"], 1, qr/^not ok 1/m, qr/^# - one\n# \+ two\n/m, "$file: another library takes the place");
}
plays(['--library=answer.so', "$libraries/../../../no.test.yaml"], 1, qr/^not ok/m, qr/cannot read/, 'a path that leads nowhere');
plays(['--library', "$libraries/answer_two.so", 'two.test.yaml'], 1, qr/^not ok 1/m,
    qr/^# two\.test\.yaml names several libraries by path \('\.\/answer\.so' and '\.\/other\.so'\): say which one is meant, by its name under 'libraries': --library NAME=PATH\n\z/,
    'it has to be clear whose');
plays(['--library', 'answer.so', 'good.test.yaml'], 1, qr/^not ok 1/m, qr/^# good\.test\.yaml names no library by its path, so none can take its place\n\z/, 'there has to be a place');
plays(['named.test.yaml'], 1, qr/^not ok 1/m, qr/library 'second': there is no file/, 'a library that was not built');
plays(['--library', 'second=other.so', 'named.test.yaml'], 0, qr/^ok 1/m, '', 'may be elsewhere');
plays(['--library', 'second=other.so', "--library=first=$libraries/answer_two.so", 'named.test.yaml'], 1, qr/^not ok 1/m, qr/^# - one\n# \+ two\n/m, 'and so may others');
plays(['--library', 'secnd=other.so', 'named.test.yaml'], 1, qr/^not ok 1/m,
    qr/^# named\.test\.yaml has no library 'secnd' under 'libraries' \(did you mean 'second'\?\)\n\z/, 'a misspelt name');

plays(['--verbose', 'pieces.test.yaml'], 0, <<'END', '', '--verbose tells what happens');
# pieces.test.yaml
#   client sends POST /
#   upstream sees POST /
#   upstream sees 5 bytes of the body
#   upstream sees 2 bytes of the body, and its end
#   upstream answers 200
#   client sees 200
#   client sees 5 bytes of the body, and its end
ok 1 - pieces
1..1
END
plays(['--verbose', '--chunk', 3, 'pieces.test.yaml'], 0, <<'END', '', '--chunk cuts bodies');
# pieces.test.yaml
#   client sends POST /
#   upstream sees POST /
#   upstream sees 3 bytes of the body
#   upstream sees 2 bytes of the body
#   upstream sees 2 bytes of the body, and its end
#   upstream answers 200
#   client sees 200
#   client sees 3 bytes of the body
#   client sees 2 bytes of the body, and its end
ok 1 - pieces
1..1
END

plays([], 2, '', "flexilib: filter test wants a scenario file\n$usage", 'no file');
plays(['--chunk', 'many', 'good.test.yaml'], 2, '', "flexilib: --chunk wants a number of bytes, or 0 for bodies as they are written, not 'many'\n$usage", 'a chunk that is none');
plays(['good.test.yaml', '--chunk'], 2, '', "flexilib: '--chunk' wants a value\n$usage", 'a chunk without a number');
plays(['--library', 'a=', 'good.test.yaml'], 2, '', "flexilib: --library wants the path of a library\n$usage", 'a library without a path');
plays(['--chnk', '1', 'good.test.yaml'], 2, '', "flexilib: unknown option '--chnk'\n$usage", 'an unknown option');

SKIP: {
    skip 'lost memory is found by a sanitizer', 2 if sanitizer() ne 'address';
    need('cc');
    write_file("$dir/leak.c", <<'END');
#include <flexilib/filter.h>
#include <stdlib.h>
static volatile char *lost;
static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    lost = malloc(77);
    lost = NULL;
    return FLEXILIB_CONTINUE;
}
static const struct flexilib_filter filters[] = {{.name = "leak", .on_request_head = on_request_head}};
FLEXILIB_LIBRARY(filters);
END
    write_file("$dir/leak.test.yaml", "filters: [./leak.so]\nscenarios:\n  it leaks: [client sends: GET /, upstream answers: 204, client sees: 204]\n");
    my $built = run_command(['cc', '-g', '-fsanitize=address', '-shared', '-fPIC', '-I', root_folder() . '/filters/include', '-o', 'leak.so', 'leak.c'], dir => $dir);
    is($built->{status}, 0, 'a library that leaks is built') or diag($built->{err});
    plays(['leak.test.yaml'], 1, qr/^not ok 1 - it leaks$/m, qr/^# Direct leak of 77 byte.*on_request_head/ms, 'a scenario fails where memory is lost');
}

done_testing;
