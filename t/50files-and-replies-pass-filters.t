# Filters change the bodies of files, redirects and fixed replies as they change any others.

use lib 't/lib';
use FlexiLib::Test;

my $rewrite = test_library('rewrite');
my $folder  = make_folder();
my $large   = join '', map { "line $_\n" } 1 .. 300_000;
write_file("$folder/public/large.txt", $large);
write_file("$folder/public/empty.txt", '');

my $flexilib = start_flexilib(dir => $folder, config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { rewrite: $rewrite }
filters: [{ rewrite: { append: "!?" } }]
routes:
  - { match: /away, redirect: /there }
  - { match: /fixed, respond: { status: 203, body: fixed } }
  - { match: /none, respond: 204 }
  - files: public
END
my $client = connect_to($flexilib);
my @cases  = (
    ['/large.txt', 200, "$large!?"],
    ['/empty.txt', 200, '!?'],
    ['/away',      302, "302 Found\n!?"],
    ['/fixed',     203, 'fixed!?'],
    ['/none',      204, ''],
);
for my $case (@cases, @cases) {
    my ($path, $status, $body) = @$case;
    $client->send_request(GET => $path);
    my $response = $client->read_response;
    is($response->status, $status, "$path through a filter");
    ok($response->body eq uc $body, 'which changes the body');
    $client->send_request(HEAD => $path);
    is($client->read_response('HEAD')->status, $status, 'HEAD has none');
}
my ($worker) = $flexilib->worker_pids;
my @files = grep { defined && m{/public/} } map { readlink } glob "/proc/$worker/fd/*";
is(scalar @files, 0, 'no file stays open');

done_testing;
