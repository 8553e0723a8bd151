# `flexilib server` tells how servers stand, and takes one out of service: for all workers at once, until it is ready
# again, over reloads and crashes.

use lib 't/lib';
use FlexiLib::Test;

my ($a, $b) = map { start_static_backend(body => $_) } qw(a b);
my ($url_a, $url_b) = ($a->url, $b->url);
my $shop   = "  shop: [\"$url_a\", \"$url_b\"]";
my $dead   = 'http://127.0.0.1:' . free_port();
my $config = <<"END";
listen: 127.0.0.1:0
workers: 2
upstreams:
$shop
  blog: { servers: "$url_b" }
  sick: { servers: ["$dead", "$url_b"], eject: { failures: 1, time: 1h } }
routes:
  - { match: /sick, proxy: sick }
  - { match: /shop, proxy: shop }
  - { match: /blog, proxy: blog }
END
my $flexilib = start_flexilib(config => $config, expect_alerts => qr/alert: worker \d+ of generation \d+ was killed by signal 9 /);

sub server {
    my (@arguments) = @_;
    return run_command([build_folder() . '/flexilib', 'server', '-c', 'flexilib.yaml', @arguments], dir => $flexilib->dir);
}

sub is_server {
    my ($arguments, $status, $out, $err, $name) = @_;
    my $result = server(@$arguments);
    my $is_right = $result->{status} == $status && $result->{out} =~ $out && $result->{err} =~ $err;
    return ok($is_right, $name) || diag(explain($result));
}

# New connections, so that each worker gets some.
sub answers {
    my %bodies;
    $bodies{ request($flexilib, GET => '/shop')->body }++ for 1 .. 16;
    return join '', sort keys %bodies;
}

my $nothing = qr/\A\z/;
is_server([], 0, qr/\AUPSTREAM +SERVER +REQUESTS +CONNECTIONS +STATE\nshop +\Q$url_a\E +\S+ +\S+ +ready\nshop +\Q$url_b\E +\S+ +\S+ +ready\nblog +\Q$url_b\E +\S+ +\S+ +ready\nsick /,
    $nothing, 'all servers are listed, in the order of the file');
is_server(['blog'], 0, qr/\AUPSTREAM .*\nblog +\Q$url_b\E .* ready\n\z/, $nothing, 'or those of one upstream');
is_server(['--json', 'blog'], 0, qr/\A\[\n  \{"upstream": "blog", "server": "\Q$url_b\E", "requests": (?:\d+|null), "connections": (?:\d+|null), "state": "ready"\}\n\]\n\z/,
    $nothing, 'or as JSON');
is(answers(), 'ab', 'both servers get requests');
request($flexilib, GET => '/sick') for 1 .. 2;
$flexilib->wait_log(qr/server \Q$dead\E: put out for /);
is_server(['sick'], 0, qr/^sick +\Q$dead\E .* ejected \(\d+ s left\)$/m, $nothing, 'people are told how long one is ejected');
is_server(['sick', '--json'], 0, qr/"server": "\Q$dead\E", .*, "state": "ejected", "seconds_left": 3\d\d\d\}/, $nothing, 'and programs by a number');

my $load = start_load($flexilib, path => '/shop', expect => qr/\A[ab]\z/);
$load->wait_running;
is_server(['shop', $url_a, 'drain'], 0, qr/\Aupstream 'shop' server \Q$url_a\E: draining(?:, \d+ requests? in flight)?\n\z/, $nothing, 'one is drained');
$flexilib->wait_log(qr/info: upstream 'shop' server \Q$url_a\E: draining \(by hand\)$/);
is(answers(), 'b', 'it gets no more requests');
is_deeply($load->stop->{failures}, [], 'and none has failed');
is_server(['shop'], 0, qr/^shop +\Q$url_a\E .* draining$/m, $nothing, 'it is listed as draining');
is_server(['blog'], 0, qr/ ready$/m, $nothing, 'the same server of another upstream is another one');
is_server(['shop', $url_a, 'drain'], 0, qr/: draining/, $nothing, 'once more changes nothing');

$flexilib->reload;
$flexilib->wait_serving(2);
is(answers(), 'b', 'it stays drained over a reload');
kill 'KILL', $flexilib->worker_pids;
$flexilib->wait_log(qr/alert: worker/) for 1 .. 2;
is(answers(), 'b', 'and over crashes');

is_server(['shop', uc($url_a =~ s/:.*//r) . substr($url_a, 4) . '/', 'ready'], 0, qr/\Aupstream 'shop' server \Q$url_a\E: ready/, $nothing,
    'a URL may be written in another way');
$flexilib->wait_log(qr/info: upstream 'shop' server \Q$url_a\E: ready \(by hand\)$/);
is(answers(), 'ab', 'ready, it gets requests again');
my @told = $flexilib->log =~ /(\(by hand\))/g;
is(@told, 2, 'the log tells each change once');

is_server(['shop', $url_a, 'drain'], 0, qr/: draining/, $nothing, 'drained again');
$flexilib->write_file('flexilib.yaml', $config =~ s/\Q"$url_a", \E//r);
$flexilib->reload;
$flexilib->wait_serving(3);
is_server(['shop'], 0, qr/\AUPSTREAM .*\nshop +\Q$url_b\E .* ready\n\z/, $nothing, 'one that the configuration has no more is not listed');
is_server(['shop', $url_a, 'ready'], 1, $nothing, qr/\Aerror: upstream 'shop' has no server '\Q$url_a\E'(?: \(did you mean '\Q$url_b\E'\?\))?; it has: \Q$url_b\E\n\z/,
    'nor can it be made ready');
$flexilib->wait_log(qr/generation 2 has drained/);
$flexilib->write_file('flexilib.yaml', $config);
$flexilib->reload;
$flexilib->wait_serving(4);
is(answers(), 'ab', 'when it comes back after nobody had it, it is as new');

is_server(['shpo'], 1, $nothing, qr/\Aerror: there is no upstream 'shpo' \(did you mean 'shop'\?\); there are: shop, blog, sick\n\z/, 'a misspelt upstream');
is_server(['shop', 'http://127.0.0.1', 'drain'], 1, $nothing, qr/\Aerror: upstream 'shop' has no server 'http:\/\/127\.0\.0\.1'.*; it has: \Q$url_a\E, \Q$url_b\E\n\z/,
    'a server that is none');
is_server(['shop', 'nonsense', 'drain'], 1, $nothing, qr/\Aerror: upstream 'shop' has no server 'nonsense'; it has: /, 'a server that is no URL');

$flexilib->stop;
is_server([], 1, $nothing, qr/\Aerror: no FlexiLib of this user serves 'flexilib\.yaml'\n\z/, 'nobody runs');

done_testing;
