# A configuration that is wrong never takes effect: what serves goes on, also through a crash.

use lib 't/lib';
use FlexiLib::Test;

my $one = test_library('answer_one');
my $good = <<"END";
listen: 127.0.0.1:0
workers: 2
routes:
  - { match: /, handler: $one }
END
my $flexilib = start_flexilib(config => $good, expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 9 /);
my @workers  = $flexilib->worker_pids;
my $load     = start_load($flexilib, connections => 4, expect => qr/\Aone\n\z/);
$load->wait_running;

my @cases = (
    ["listne: 80\n", qr/flexilib\.yaml:1:1: .*'listne'.*did you mean 'listen'.*/],
    ["listen: [\n",  qr/flexilib\.yaml:\d+:\d+: .*/],
    [$good =~ s/\Q$one\E/.\/not-there.so/r, qr/flexilib\.yaml:4:\d+: .*not-there\.so.*/],
    [$good =~ s/127\.0\.0\.1/192.0.2.1/r,   qr/flexilib\.yaml:1:9: cannot listen on 192\.0\.2\.1:0: cannot assign requested address .*/],
    [undef,                                 qr/.*flexilib\.yaml.*/],
);
my $generation = 1;
for my $case (@cases) {
    my ($content, $message) = @$case;
    if (defined $content) {
        $flexilib->write_file('flexilib.yaml', $content);
    } else {
        unlink $flexilib->dir . '/flexilib.yaml' or die "unlink: $!";
    }
    ++$generation;
    $flexilib->reload;
    like($flexilib->wait_log(qr/generation $generation /),
        qr/error: generation $generation failed: $message; generation 1 goes on serving$/, 'the mistake is told in one line');
}
my %alive = map { $_ => 1 } $flexilib->worker_pids;
is_deeply([grep { !$alive{$_} } @workers], [], 'no worker was touched');

kill 'KILL', $workers[0];
$flexilib->wait_log(qr/alert: /);
my $result = $load->stop;
cmp_ok(scalar @{ $result->{failures} }, '<=', 4, 'a crash loses the requests at hand only');
is(request($flexilib, GET => '/')->body, "one\n", 'and is healed though the file is gone');

$flexilib->write_file('flexilib.yaml', $good);
$flexilib->reload;
++$generation;
$flexilib->wait_serving($generation);
is(request($flexilib, GET => '/')->body, "one\n", 'a good file is taken up again');

done_testing;
