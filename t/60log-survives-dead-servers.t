# A server that is down fails every request, and the log tells so without a line for each of them.

use lib 't/lib';
use FlexiLib::Test;

my $dead     = free_port();
my $url      = "http://127.0.0.1:$dead";
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  shop: $url
routes:
  - { match: /shop, proxy: shop }
END

my $count      = 100;
my $connection = $flexilib->connect;
my %statuses;
for (1 .. $count) {
    $connection->send_request(GET => '/shop');
    $statuses{ $connection->read_response->status }++;
}
is_deeply(\%statuses, { 502 => $count }, 'all requests fail');
$flexilib->stop;

my @lines = grep { /\Q$url\E/ } split /\n/, $flexilib->log;
my @each  = grep { /error: upstream 'shop' server \Q$url\E: connection refused \(request [0-9a-f]{16}\)$/ } @lines;
my ($rest) = map { /error: upstream 'shop' server \Q$url\E: (\d+) more failures within 10 s, the last: connection refused$/ } @lines;
cmp_ok(scalar @each, '>=', 20,     'the first have a line each');
cmp_ok(scalar @each, '<',  $count, 'the others have not');
is(@each + $rest, $count, 'and are counted') if ok(defined $rest, 'one line tells of them');

done_testing;
