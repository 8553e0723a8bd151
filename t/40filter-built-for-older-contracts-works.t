# Libraries that were built with an older header work as they did: one source is built with each released header, as C and
# as C++, and serves.

use lib 't/lib';
use FlexiLib::Test;

need('cc', 'c++');
my $root    = root_folder();
my @headers = sort glob "$root/t/abi/filter-*.h";
cmp_ok(scalar @headers, '>=', 2, 'the released headers are found');

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $seen = join ' ', map { $request->header($_) // '-' } qw(x-older x-body);
        $connection->respond(200, ['X-Seen' => $seen], 'echo ' . $request->body . "\n");
    }
});

for my $header (@headers) {
    my ($version) = $header =~ m{filter-([^/]+)\.h$};
    for my $language (['cc', '-std=c11', 'c'], ['c++', '-std=c++17', 'cc']) {
        my ($compiler, $standard, $suffix) = @$language;
        my $folder = make_folder();
        mkdir "$folder/flexilib" or die "mkdir: $!";
        write_file("$folder/flexilib/filter.h", read_file($header));
        write_file("$folder/older.$suffix",     read_file("$root/t/abi/older.c"));
        my @warnings = qw(-Wall -Werror -D_GNU_SOURCE);
        my $built    = run_command([$compiler, $standard, @warnings, qw(-shared -fPIC -pthread -I. -o older.so), "older.$suffix"], dir => $folder);
        is($built->{status}, 0, "$version: $compiler builds a library") or diag($built->{err});
        serve("$version, $compiler", "$folder/older.so");
    }
}

sub serve {
    my ($claim, $library) = @_;
    my $result = run_flexilib(['filter', 'check', $library, '--filter', 'older-answer']);
    is("$result->{status} $result->{out}", "0 filter 'older-answer': created and destroyed\n$library: ok\n", "$claim: it is checked");
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
libraries: { older: $library }
routes:
  - { match: /answer, handler: older.older-answer }
  - match: /
    filters: [{ older.older-edit: { number: 7, list: [a, b], map: { k: v } } }]
    proxy: "@{[$backend->url]}"
END
    my $plain = request($flexilib, GET => '/answer');
    is($plain->status . $plain->body, "203at once\n", "$claim: it answers");
    is(request($flexilib, GET => '/answer?later')->body, "resumed\n", "$claim: also from a thread");
    my $edited = request($flexilib, POST => '/', chunks => ['hello ', 'older ', 'world']);
    is($edited->header('X-Options'), 'usual 7 2/b 1/v 1000', "$claim: options are what they were");
    is($edited->header('X-Seen'), 'request 17 whole', "$claim: the body of a request comes as one, before its head goes on");
    is($edited->body, "echo HELLO OLDER WORLD\ntail\n", "$claim: bodies are changed");
    is(request($flexilib, GET => '/')->header('X-Seen'), 'request 0 whole', "$claim: a request without a body has an empty one");
    $flexilib->wait_log(qr/filter 'older\.older-edit': has ended/);
    $flexilib->stop;
    return;
}

done_testing;
