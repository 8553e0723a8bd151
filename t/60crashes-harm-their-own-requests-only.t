# Workers that crash under load, one after the other and in every way: each is put down to its filter and request, nothing
# fails but what was with them, and others take what is new.

use lib 't/lib';
use FlexiLib::Test;

my $crashes  = $ENV{FLEXILIB_CRASHES} // 18;
my $flexilib = start_flexilib(
    expect_alerts => qr/ alert: worker \d+ of generation 1 /,
    config        => <<"END");
listen: 127.0.0.1:0
workers: 8
watch: off
libraries: { mortal: @{[test_library('mortal')]} }
routes:
  - { match: /, handler: mortal }
END

my %ways = (
    write  => 'was killed by signal 11 \(Segmentation fault\)',
    jump   => 'was killed by signal 11 \(Segmentation fault\)',
    abort  => 'was killed by signal 6 \(Aborted\)',
    divide => 'was killed by signal 8 \(Floating point exception\)',
    kill   => 'was killed by signal 9 \(Killed\)',
    leave  => 'exited with status 7',
);
my @loads = map { start_load($flexilib, connections => 12, owner => qr/\A(\d+)\n\z/, most_failures => 100 * $crashes) } 1, 2;
$_->wait_running for @loads;

my (%dead, @unnamed);
for my $number (1 .. $crashes) {
    my $way        = (sort keys %ways)[$number % keys %ways];
    my $connection = $flexilib->connect;
    $connection->send_request(GET => '/');
    my ($pid) = $connection->read_response->body =~ /(\d+)/;
    $dead{$pid} = 1;
    $connection->send_request(GET => "/$way");
    my $line = $flexilib->wait_log(qr/ alert: worker /);
    push @unnamed, $line
        if $line !~ qr/ alert: worker $pid of generation 1 $ways{$way} after \d+\.\d{3} s, in filter 'mortal' \(on_request_head\) for request [0-9a-f]{16}/;
    is($connection->read_response, undef, "$way: the request is lost") if $number <= keys %ways;
}
is_deeply(\@unnamed, [], "every one of $crashes crashes is named, with its filter and request");
is(scalar keys %dead, $crashes, 'each in a worker of its own');

my ($requests, @failures) = (0);
for my $load (@loads) {
    my $result = $load->stop;
    $requests += $result->{requests};
    push @failures, @{ $result->{failures} };
}
my @unknown = grep { /worker unknown: / } @failures;
is_deeply([grep { !/worker (\d+): / || !$dead{$1} } grep { !/worker unknown: / } @failures], [], 'requests of no other worker fail');
cmp_ok(scalar @unknown, '<=', @loads * $crashes, 'on new connections none but those that were under way');
is_deeply([grep { /refused|status/ } @failures], [], 'and nobody is turned away');
diag("$requests requests, of which " . @failures . " failed by $crashes crashes") if $ENV{FLEXILIB_CRASHES};

done_testing;
