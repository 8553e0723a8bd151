# conf/isolated-function.yaml does what it says: the function answers from processes of its own, and its crash costs one
# request.

use lib 't/lib';
use FlexiLib::Test;

my $conf   = root_folder() . '/conf';
my $folder = make_folder();
symlink "$conf/pages", "$folder/pages" or die "cannot link the pages: $!";
my $flexilib = start_flexilib(
    dir           => $folder,
    config        => read_file("$conf/isolated-function.yaml"),
    env           => { PORT => 0, FUNCTION => test_library('isolated') },
    expect_alerts => qr/alert: runner \d+ of library 'function', generation 1, was killed by signal 11 /,
);

is(scalar($flexilib->runner_pids), 2, 'there are two processes');
like(request($flexilib, GET => '/')->body, qr/^1 in \d+/, 'the function answers');
my $lost = request($flexilib, GET => '/crash');
is($lost->status, 502, 'a crash costs the request');
is($lost->body, read_file("$conf/pages/sorry.html"), 'which is answered with the page that says sorry');
is(request($flexilib, GET => '/')->status, 200, 'and no other one');

done_testing;
