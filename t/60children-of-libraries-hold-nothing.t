# What a library starts ends when it is told to, and a child that it forks and lets live keeps neither the listener nor
# connections of its worker open, nor what tells the worker that a process of an isolated library is gone.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Wait qw(deadline wait_readable);

use Errno 'ECONNREFUSED';
use IO::Socket::INET;

my $parent   = test_library('parent');
my $upstream = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "cannot listen: $!";
my $flexilib = start_flexilib(expect_alerts => qr/alert: runner \d+ of library 'apart'/, config => <<"END");
listen: 127.0.0.1:0
admin: off
workers: 1
libraries: { parent: $parent, apart: { path: $parent, isolate: process } }
routes:
  - { match: /apart, handler: apart.parent }
  - { match: /upstream, proxy: "http://127.0.0.1:@{[$upstream->sockport]}" }
  - { match: /, handler: parent }
END

for my $where ('', '/apart') {
    is(request($flexilib, GET => "$where/spawned")->body, "15 13\n", "$where/spawned: a program ends by TERM, and by PIPE");
    is(request($flexilib, GET => "$where/forked")->body,  "15 13\n", "$where/forked: so does a child");
}

my ($client, $asking) = ($flexilib->connect, $flexilib->connect);
$asking->send_request(GET => '/upstream');
ok(wait_readable($upstream, deadline()), 'an upstream is asked');
my $asked = $upstream->accept;
sysread $asked, my $request, 4096;
$client->send_request(GET => '/stays');
my ($child) = $client->read_response->body =~ /^(\d+)$/;
ok(kill(0, $child), 'a child stays');
$client->send_request(GET => '/', headers => [connection => 'close']);
is($client->read_response->body, "nothing\n", 'its worker serves on');
ok($client->is_closed, 'a connection that the worker closes is closed');
$asking->close;
ok(wait_readable($asked, deadline()) && sysread($asked, $request, 1) == 0, 'so is one to an upstream, when nobody waits any more');

my ($apart) = request($flexilib, GET => '/apart/stays')->body =~ /^(\d+)$/;
kill 'KILL', $flexilib->runner_pids;
is(request($flexilib, GET => '/apart')->body, "nothing\n", 'where the process of an isolated library dies, the next one answers');
ok(kill(0, $apart), 'a child of the dead one lives on');
kill 'TERM', $apart;

$flexilib->signal('TERM');
$flexilib->wait_log(qr/info: stopped$/);
ok(kill(0, $child), 'the child lives on');
is(IO::Socket::INET->new(PeerAddr => $flexilib->address, Timeout => 5), undef, 'nobody listens any more');
is($! + 0, ECONNREFUSED, 'and the port is free');
kill 'TERM', $child;
$flexilib->check_exit(0);

done_testing;
