# Libraries in C, C++, Rust and Go are replaced under load again and again, and the configuration with them, as bench/reload
# does it at length: no request fails, no WebSocket and no download is cut, and no old code answers once new code serves.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;

need(qw(strip taskset setpriv));
need_sdk($_) for qw(c cpp rust go);

# By then everything has changed, as the first two seconds have one change of each library and two of the configuration.
use constant LEAST => 6;

my $seconds = $ENV{FLEXILIB_RELOAD_SECONDS} // 1.2;
my $result  = run_command(
    [root_folder() . '/bench/reload', '--build', build_folder(), '--peers', 'flexilib', '--seconds', $seconds, '--least', LEAST, qw(--warm-up 0.2 --quiet 0.1 --rounds 1)],
    env     => { ASAN_OPTIONS => 'detect_leaks=0' },
    timeout => $seconds + 60
);
is($result->{status}, 0, 'it runs to its end, and nothing has failed') or diag($result->{out} . $result->{err});
my ($changes, $requests) = $result->{out} =~ /^  flexilib +(\d+) +(\d+) /m;
cmp_ok($changes  // 0, '>=', LEAST, 'there were changes');
cmp_ok($requests // 0, '>=', 100,   'and requests');
like($result->{out}, qr/^  goal: failed 0: reached$/m, 'of which none has failed');
like($result->{out}, qr/^  goal: no idle connection closed: reached$/m, 'connections that are idle are left alone');
like($result->{out}, qr/^  goal: processes as many as before: reached$/m, 'and old processes have gone');

done_testing;
