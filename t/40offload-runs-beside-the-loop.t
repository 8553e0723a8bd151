# Work that filters leave to threads: it runs beside the loop and beside other work, one library's leaves others their
# share, and what nobody waits for any more is dropped.

use lib 't/lib';
use FlexiLib::Test;
use File::Copy 'copy';

my $folder = make_folder();
copy(test_library('offload'), "$folder/$_.so") or die "cannot copy: $!" for qw(one other);
my $config = <<'END';
listen: 127.0.0.1:0
workers: 1
drain_timeout: 0
pool: { threads: 4, queue: 4, share: 50 }
libraries:
  one: { path: ./one.so, share: 75 }
  other: { path: ./other.so }
routes:
  - match: { host: one }
    handler: { one.offload: { prepare: yes } }
  - { match: { host: other }, handler: other }
END

sub ask {
    my ($flexilib, $host, $path) = @_;
    my $connection = connect_to($flexilib);
    $connection->send_request(GET => $path, host => $host);
    return $connection;
}

sub answer { return request($_[0], GET => $_[2], host => $_[1])->body }

my $flexilib = start_flexilib(dir => $folder, config => $config, expect_alerts => qr/killed by signal 6/);
like(answer($flexilib, 'one', '/work'), qr{^/work on pool \d+$}, 'work is done on a thread of the pool');
my $counts;
for (1 .. 1000) {
    last if ($counts = answer($flexilib, 'one', '/counts')) ne "prepared 0\n";
}
is($counts, "prepared 1\n", 'so is work of the filter itself, which is told of it');

my @meeting = map { ask($flexilib, 'one', '/meet/3') } 1 .. 3;
like($_->read_response->body, qr{^/meet/3}, 'as many are at work at once as the share allows') for @meeting;

my @held = map { ask($flexilib, 'one', "/hold/$_") } 1 .. 3;
$flexilib->wait_log(qr{begun: /hold/[1-3]$}m) for 1 .. 3;
my @waiting = map { ask($flexilib, 'one', "/work/$_") } 1 .. 3;
is(request($flexilib, GET => '/counts', host => 'one')->status, 200, 'the loop goes on while threads are at work');
is(request($flexilib, GET => '/work', host => 'one')->status, 503, 'what finds no place to wait in is refused');
like(answer($flexilib, 'other', '/work'), qr{^/work on pool 3$}, 'a library that hangs leaves others their share');

$_->close for $held[0], $waiting[0];
$flexilib->wait_log(qr{dropped: /work/1$}m);
is(answer($flexilib, 'one', '/release'), "released\n", 'what hangs is let go');
$flexilib->wait_log(qr{dropped: /hold/1$}m);
like($held[$_]->read_response->body,    qr{^/hold},  'who has waited is answered') for 1, 2;
like($waiting[$_]->read_response->body, qr{^/work/}, 'and who has queued')         for 1, 2;
unlike($flexilib->log, qr{begun: /work/1$}m, 'work is not begun for a client that has left');

my $left = ask($flexilib, 'one', '/hold/4');
$flexilib->wait_log(qr{begun: /hold/4$}m);
$_->close for @meeting, @held, @waiting;
$flexilib->reload;
$flexilib->wait_serving(2);
$flexilib->wait_log(qr{worker \d+ of generation 1 does not end and is killed, in filter 'one\.offload' \(offload\)});
ok($left->is_closed, 'what hangs holds up an old generation for as long as requests may, and is named then');

my $crashing = ask($flexilib, 'one', '/crash');
$flexilib->wait_log(qr{worker \d+ of generation 2 was killed by signal 6.* in filter 'one\.offload' \(offload\) for request [0-9a-f]{16}});
ok($crashing->is_closed, 'a crash on a thread is put down to the filter and the request');
$flexilib->stop;
like($flexilib->log, qr{destroyed: 0 at work}, 'no filter is destroyed while its work goes on');
unlike($flexilib->log, qr{destroyed: [^0]}, 'not one');
done_testing;
