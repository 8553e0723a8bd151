# Ten thousand idle connections, or as many as the machine's limit of descriptors allows, cost little memory each, keep
# nobody from being served, and are served themselves afterwards: HTTP/1 and HTTP/2, in the clear and over TLS.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

use IPC::Open2;

use constant CONNECTIONS  => 10_000;
use constant SPARE        => 100;
use constant MOST_KB_EACH => 25;

need('curl', 'openssl');
my $hold = build_folder() . '/bench/hold';
plan(skip_all => 'bench/ is not built') if !-x $hold;

# A worker keeps a sixteenth of its descriptors free, and some more.
my ($limit) = qx{sh -c 'ulimit -Hn'} =~ /^(\d+)/;
my $most    = defined $limit ? int($limit * 15 / 16) - SPARE : CONNECTIONS;
my $half    = int(($most < CONNECTIONS ? $most : CONNECTIONS) / 2);
plan(skip_all => "there may be no more than $limit descriptors") if $half < 1;
note('connections: ', 2 * $half);

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('site', 'IP:127.0.0.1');
my $flexilib = start_flexilib(
    files  => { 'site.pem' => read_file($authority->path('site.pem')), 'site.key' => read_file($authority->path('site.key')) },
    config => <<'END');
listen:
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: site.pem, key: site.key } }
workers: 1
keep_alive_timeout: 1d
routes:
  - { match: /, respond: { body: here } }
END
my $before_kb = $flexilib->worker_memory_kb;

my @holders = (hold(plain => qw(http1 http2)), hold(secure => qw(https1 https2)));
is(answer_of($_), 'held ' . $half, "$_->{name}: connections are held") for @holders;
my $each_kb = ($flexilib->worker_memory_kb - $before_kb) / (2 * $half);
note(sprintf 'memory: %.1f KB each', $each_kb);
cmp_ok($each_kb, '<', MOST_KB_EACH, 'they cost little memory') if !is_sanitized();

is(request($flexilib, GET => '/', listener => 'plain')->status, 200, 'somebody else is served');
print { $_->{in} } "again\n" for @holders;
is(answer_of($_), 'answered ' . $half, "$_->{name}: all of them are served") for @holders;

for my $holder (@holders) {
    close $holder->{in};
    waitpid $holder->{pid}, 0;
    is($?, 0, "$holder->{name}: they leave");
}
is(request($flexilib, GET => '/', listener => 'plain')->status, 200, 'and leave a worker that serves');

done_testing;

# It ends with its input, so also with this test.
sub hold {
    my ($listener, @kinds) = @_;
    my $pid = open2(my $out, my $in, $hold, $flexilib->port($listener), '/', $half, @kinds);
    $in->autoflush(1);
    return { name => $listener, pid => $pid, in => $in, out => $out };
}

sub answer_of {
    my ($holder) = @_;
    my $line = readline($holder->{out}) // 'nothing';
    chomp $line;
    return $line;
}
