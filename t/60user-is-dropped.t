# Workers run as the configured user; what only root may do is done before that, or by the supervisor.

use lib 't/lib';
use FlexiLib::Test;

use File::Basename qw(dirname);

plan(skip_all => 'only root can become somebody else') if $> != 0;
my ($name, $uid, $gid) = (getpwnam 'nobody')[0, 2, 3];
plan(skip_all => 'there is no user nobody') if !defined $uid;

sub identity {
    my ($pid) = @_;
    my $status = read_file("/proc/$pid/status");
    my ($uids)   = $status =~ /^Uid:\s*(.*)/m;
    my ($gids)   = $status =~ /^Gid:\s*(.*)/m;
    my ($groups) = $status =~ /^Groups:\s*(.*?)\s*$/m;
    my ($caps)   = $status =~ /^CapEff:\s*(.*)/m;
    my ($locked) = $status =~ /^NoNewPrivs:\s*(\d)/m;
    return "$uids|$gids|$groups|$caps|$locked";
}
my $expected = join '|', (join "\t", ($uid) x 4), (join "\t", ($gid) x 4), $gid, '0' x 16, 1;

my $folder = make_folder();
my $logs   = make_folder();
chmod 0755, dirname($folder), $folder;
chmod 0700, $logs;
write_file("$folder/crash.so", read_file(test_library('crash')));
write_file("$folder/answer.so", read_file(test_library('answer_one')));
chmod 0755, "$folder/crash.so", "$folder/answer.so";
my $config = <<"END";
user: nobody
listen: [127.0.0.1:0, "unix:$logs/front.sock"]
workers: 2
access_log: $logs/access.log
routes:
  - { match: /own, handler: { use: ./answer.so, isolate: process } }
  - { match: /crash, filters: [./crash.so], handler: ./answer.so }
  - { match: /, handler: ./answer.so }
END
write_file("$folder/flexilib.yaml", $config);
chmod 0600, "$folder/flexilib.yaml";

my $flexilib = start_flexilib(
    dir           => $folder,
    config        => $config,
    expect_alerts => qr/alert: worker \d+ of generation \d+ was killed by signal 11 /,
);
chmod 0600, "$folder/flexilib.yaml";
is(request($flexilib, GET => '/')->body, "one\n", 'it serves');
is(identity($_), $expected, 'a worker is nobody, without any privilege') for $flexilib->worker_pids;
is(request($flexilib, GET => '/own')->body, "one\n", 'so does a library in a process of its own');
is(identity($_), $expected, 'which is nobody too') for $flexilib->runner_pids;

my $victim = $flexilib->connect;
$victim->send_request(GET => '/crash');
$flexilib->wait_log(qr/alert: /);
my $load = start_load($flexilib, expect => qr/\Aone\n\z/);
$load->wait_running;
my %old = map { $_ => 1 } $flexilib->worker_pids;
$flexilib->reload;
$flexilib->wait_serving(2);
is_deeply($load->stop->{failures}, [], 'replacements and reloads work as ever');
my @new = grep { !$old{$_} } $flexilib->worker_pids;
is(scalar @new, 2, 'the new generation has two workers');
is(identity($_), $expected, 'which are nobody too') for @new;
$flexilib->stop;
like(read_file("$logs/access.log"), qr/"GET \/ HTTP/, 'the log stands where only root may write');

my $unknown = run_flexilib([], config => "user: nobody-of-that-name\nlisten: 127.0.0.1:0\nroutes:\n  - { match: /, handler: hello }\n");
is($unknown->{status}, 78, 'an unknown user is refused');
like($unknown->{err}, qr/error: .*user 'nobody-of-that-name' does not exist here/, 'and named');

done_testing;
