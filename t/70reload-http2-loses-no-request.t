# Clients of HTTP/2 are told to move by a reload, in two steps, and lose nothing: what was on its way is served by the
# generation that got it, what comes later by the next one.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;
use FlexiLib::Test::Node;

need_node();

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        $connection->respond(200, [], 'ok');
    }
});
sub config {
    my ($answer) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /own, respond: { body: "$answer" } }
  - { match: /, proxy: "@{[$backend->url]}" }
END
}
my $flexilib = start_flexilib(config => config('first'));

my $http2 = FlexiLib::Test::Http2->open($flexilib, is_passive => 1);
$http2->request(1, GET => '/own');
is($http2->wait_stream(1)->{body}, 'first', 'a connection is in use');
$http2->request(3, POST => '/x', [], end => 0);
$http2->wait_ping;
$flexilib->write_file('flexilib.yaml', config('second'));
$flexilib->reload;
$flexilib->wait_serving(2);
1 while !$http2->{goaways} && $http2->read_frame;
is_deeply($http2->{goaways}, [{ last_stream => 0x7fffffff, code => 0 }], 'the client is told to move');
$http2->request(5, GET => '/own');
is($http2->wait_stream(5)->{body}, 'first', 'what was on its way then is served');
1 while @{ $http2->{goaways} } < 2 && $http2->read_frame;
is_deeply($http2->{goaways}[1], { last_stream => 5, code => 0 }, 'then it is told which request was the last');
$http2->data(3, 'abc', end => 1);
is($http2->wait_stream(3)->{status}, 200, 'one that was begun before is served');
$http2->wait_close;
$flexilib->wait_log(qr/generation 1 has drained/);
pass('and the older generation is done');
is(request($flexilib, GET => '/own')->body, 'second', 'the next one serves');

my $script = write_file(make_folder() . '/client.js', <<'END');
const http2 = require('http2');
let client, sent = 0, done = 0, moved = 0, is_over = false;
const failures = [];
function connect() {
    const session = http2.connect('http://' + process.argv[2]);
    session.on('goaway', () => { if (client === session) { ++moved; client = undefined; } });
    session.on('error', () => {});
    return session;
}
function ask() {
    if (client === undefined || client.closed || client.destroyed) client = connect();
    const request = client.request({ ':path': '/own' });
    let body = '', status;
    request.on('response', head => { status = head[':status']; });
    request.on('data', piece => { body += piece; });
    request.on('error', error => {
        // refused: it was not looked at, so it may be sent again
        if (request.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM) ++sent; else failures.push(String(error));
    });
    request.on('close', () => {
        if (status === 200 && /^(first|second)$/.test(body)) ++done;
        else if (request.rstCode !== http2.constants.NGHTTP2_REFUSED_STREAM) failures.push(status + ' ' + body + ' ' + request.rstCode);
        if (!is_over) return ask();
        if (--running === 0) { console.log('failures:', failures.join('; ')); console.log('moved:', moved); process.exit(0); }
    });
    request.end();
}
let running = 20;
for (let i = 0; i < running; ++i) ask();
console.log('running');
process.on('SIGTERM', () => { is_over = true; });
END
my $node = FlexiLib::Test::Process->start(dir => make_folder(), command => ['node', $script, $flexilib->address]);
$node->wait_line(stdout => qr/^running$/m);
for my $round (3 .. 12) {
    $flexilib->write_file('flexilib.yaml', config($round % 2 ? 'first' : 'second'));
    $flexilib->reload;
    $flexilib->wait_serving($round);
}
kill 'TERM', $node->pid;
is($node->wait_status, 0, 'the client ends');
$node->wait_streams;
like($node->text('stdout'), qr/^failures: $/m, 'with no failed request over ten reloads');
cmp_ok(($node->text('stdout') =~ /^moved: (\d+)$/m)[0] // 0, '>=', 5, 'for which it moved');

done_testing;
