# A library of the original FlexiLib that is written in Zig and gets its memory of FlexiLib, as all that are built on the
# original's helper do.

use lib 't/lib';
use FlexiLib::Test;

my $zig = root_folder() . '/build/zig/node_modules/.bin/zig';
if (!-x $zig) {
    die "there is no Zig compiler: deps/install-zig\n" if $ENV{CI};
    plan(skip_all => 'there is no Zig compiler: deps/install-zig');
}
my $source = root_folder() . '/t/lib/original/answer.zig';
$ENV{ZIG_GLOBAL_CACHE_DIR} = root_folder() . '/build/zig/cache';

for my $mode (qw(Debug ReleaseFast)) {
    my $folder = make_folder();
    local $ENV{ZIG_LOCAL_CACHE_DIR} = "$folder/cache";
    my $built = run_command([$zig, 'build-lib', '-dynamic', '-O', $mode, "-femit-bin=$folder/answer.so", $source]);
    is($built->{status}, 0, "it builds ($mode)") or BAIL_OUT($built->{err});

    my $flexilib = start_flexilib(dir => $folder, file => 'proxy.ini', config => "/ = answer.so\n", env => { PORT => 0, SERVER_THREAD_COUNT => 1 });
    my $response = request($flexilib, POST => '/a?b', host => 'h', headers => ['X-A' => 'b'], body => 'data');
    is($response->status, 200, 'a request is answered');
    is($response->header('Content-Type'), 'text/plain', 'as plain text');
    is($response->body, "POST /a?b 3 data\n", 'with all that it was asked with');
    my $early = request($flexilib, GET => '/early', host => 'h');
    is($early->status, 200, 'a response of the early, shorter shape has status 200');
    is($early->body, "GET /early 1 \n", 'and its body');
    my $fields = request($flexilib, GET => '/fields');
    is($fields->status, 202, 'a status');
    is($fields->header('X-Language'), 'Zig', 'and a header field');
    is(request($flexilib, GET => '/memory')->body, "as it should be\n", 'the allocator keeps its word');
    is(request($flexilib, GET => '/large')->body, '0123456789abcdef' x 65536, 'a large body arrives whole');
    my $load = start_load($flexilib, path => '/load', expect => qr{GET /load}, connections => 8);
    $load->wait_running;
    is_deeply($load->stop->{failures}, [], 'requests do not get into each other\'s way');
}
done_testing;
