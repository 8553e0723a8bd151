# A library of the original FlexiLib that is written in Rust.

use lib 't/lib';
use FlexiLib::Test;

need('rustc');
my $folder = make_folder();
my $source = root_folder() . '/t/lib/original/answer.rs';
my $built  = run_command(['rustc', '--crate-type', 'cdylib', '-O', '-o', "$folder/answer.so", $source]);
is($built->{status}, 0, 'it builds') or BAIL_OUT($built->{err});

my $flexilib = start_flexilib(dir => $folder, file => 'proxy.ini', config => "/ = answer.so\n", env => { PORT => 0, SERVER_THREAD_COUNT => 1 });
for my $round (1 .. 3) {
    my $response = request($flexilib, PUT => "/some?round=$round", host => 'h', headers => ['X-A' => 'b'], body => 'data');
    is($response->status, 200, 'a request is answered');
    is($response->body, "PUT /some?round=$round\nHost: h\nX-A: b\nContent-Length: 4\ndata", 'with all that it was asked with');
    is($response->header('X-Language'), 'Rust', 'and a header field');
}
is(request($flexilib, GET => '/none')->status, 500, 'no answer is 500');
my $load = start_load($flexilib, path => '/load', expect => qr{GET /load}, connections => 8);
$load->wait_running;
is_deeply($load->stop->{failures}, [], 'requests do not get into each other\'s way');
done_testing;
