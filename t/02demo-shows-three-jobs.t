# The demo does what `./dev run` says it does: each of the curl lines that it prints shows one of the three jobs.

use lib 't/lib';
use FlexiLib::Test;

need('curl');
my $root  = root_folder();
my @lines = map { s/\s+#.*//r } read_file("$root/dev") =~ /^  (curl .*)$/mg;
is(scalar @lines, 3, 'three commands are printed');

my ($port, $backend_port) = (free_port(), free_port());
my $demo = start_flexilib(
    dir  => make_folder(),
    args => ['-c', "$root/conf/demo.yaml"],
    env  => { PORT => $port, DEMO_BACKEND_PORT => $backend_port, SERVER_THREAD_COUNT => 2 },
);
is($demo->address('backend'), "127.0.0.1:$backend_port", 'the service behind listens on loopback only');

my @answers = map { run_command(['sh', '-c', s/\$port/$port/r . ' --silent --show-error --noproxy "*"']) } @lines;
is($_->{status}, 0, 'curl is content') or diag($_->{err}) for @answers;

like($answers[0]{out}, qr/hello/i, 'a function answers');
like($answers[1]{out}, qr{^GET /any/path$}m, 'the service behind answers');
like($answers[2]{out}, qr{^HTTP/1\.1 200 }, 'the whole answer is shown');
like($answers[2]{out}, qr{^x-demo: seen by the client\r$}mi, 'a filter changes the response');
like($answers[2]{out}, qr{^x-demo: seen by the service\r?$}mi, 'a filter changes the request');
like($answers[2]{out}, qr{^some text}m, 'the body arrives');

done_testing;
