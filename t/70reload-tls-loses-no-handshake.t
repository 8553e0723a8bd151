# Clients that begin TLS while reloads come, each with another certificate, all get their answers: a handshake goes on with
# what it was begun with, whether the session is new or an earlier one.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Node;

need_node();
need('openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('first',  'DNS:shop.example');
$authority->issue('second', 'DNS:shop.example');
sub pair { my ($name) = @_; return map { ("shop.$_" => read_file($authority->path("$name.$_"))) } qw(pem key) }
my $flexilib = start_flexilib(files => { pair('first') }, config => <<'END');
listen: { address: "127.0.0.1:0", tls: { certificate: shop.pem, key: shop.key } }
workers: 2
routes:
  - { match: /, respond: { body: "fine" } }
END

my $script = write_file(make_folder() . '/client.js', <<'END');
const fs = require('fs'), https = require('https'), tls = require('tls');
const [host, port] = process.argv[2].split(':'), ca = fs.readFileSync(process.argv[3]);
const failures = [], shown = new Set();
let resumed = 0, done = 0, is_over = false, running = 10;
function end(failure) {
    if (failure) failures.push(failure); else ++done;
}
// each keeps the session of its last connection, every third time a new one is begun
function ask(number, round, session) {
    if (is_over && shown.size === 2 && resumed > 0) return --running === 0 && report();
    let kept = session, body = '';
    const request = https.request({
        host, port, ca, agent: false, servername: 'shop.example', headers: { Host: 'shop.example' }, path: '/',
        maxVersion: number % 2 ? 'TLSv1.2' : 'TLSv1.3', session: round % 3 ? session : undefined,
    });
    request.on('socket', socket => {
        socket.on('session', fresh => { kept = fresh; });
        socket.on('secureConnect', () => {
            if (socket.isSessionReused()) ++resumed;
            else shown.add(socket.getPeerCertificate().subject.CN);
        });
    });
    request.on('error', error => { end(String(error)); ask(number, round + 1); });
    request.on('response', response => {
        response.on('data', piece => { body += piece; });
        response.on('end', () => { end(body === 'fine' ? '' : response.statusCode + ' ' + body); ask(number, round + 1, kept); });
    });
    request.end();
}
function report() {
    console.log('failures:', failures.join('; '));
    console.log('done:', done, 'resumed:', resumed, 'shown:', [...shown].sort().join(' '));
    process.exit(0);
}
for (let i = 0; i < running; ++i) ask(i, 0);
console.log('running');
process.on('SIGTERM', () => { is_over = true; });
END
my $node = FlexiLib::Test::Process->start(dir => make_folder(), command => ['node', $script, $flexilib->address, $authority->path]);
$node->wait_line(stdout => qr/^running$/m);
$flexilib->wait_access(qr/"GET \/ HTTP\/1\.1" 200 /);
for my $round (2 .. 9) {
    my %pair = pair($round % 2 ? 'first' : 'second');
    $flexilib->write_file($_, $pair{$_}) for sort keys %pair;
    $flexilib->reload;
    $flexilib->wait_serving($round);
}
kill 'TERM', $node->pid;
is($node->wait_status, 0, 'the client ends');
$node->wait_streams;
like($node->text('stdout'), qr/^failures: $/m, 'with no failed request over eight reloads') or diag($node->text('stdout'));
like($node->text('stdout'), qr/^done: [1-9]\d* resumed: [1-9]\d* shown: first second$/m, 'both certificates were shown, and sessions taken up again');
unlike($flexilib->log, qr/TLS handshake .* failed/, 'no handshake has failed');

done_testing;
