# Servers by https:// are believed only what their certificate proves, and every way in which TLS fails is told in plain
# words while the client gets 502 (504 for a server that is silent).

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl', 'node');
my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
my $stranger  = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('good',    'DNS:localhost,IP:127.0.0.1');
$authority->issue('wild',    'DNS:*.shop.example');
$authority->issue('name',    'DNS:localhost');
$authority->issue('other',   'DNS:other.example,IP:192.0.2.1');
$authority->issue('expired', 'DNS:localhost', days => 0);
$authority->issue('client',  'DNS:client.example');
$stranger->issue('strange', 'DNS:localhost');

write_file("$folder/servers.js", <<'END');
const fs = require('fs'), net = require('net'), tls = require('tls');
const folder = process.argv[2], strange = process.argv[3];
const read = (name, from = folder) => ({ cert: fs.readFileSync(`${from}/${name}.pem`), key: fs.readFileSync(`${from}/${name}.key`) });
const say = (name, server) => server.listen(0, '127.0.0.1', () => console.log(`${name} ${server.address().port}`));
const answer = how => socket => {
    let got = '';
    socket.on('error', () => {});
    socket.on('data', bytes => {
        got += bytes;
        if (!got.includes('\r\n\r\n')) return;
        got = '';
        how(socket);
    });
};
const plain = socket => {
    const body = `${socket.getProtocol()} ${socket.servername || '-'} ${socket.isSessionReused() ? 'again' : 'new'}`;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`, () => socket.end());
};
const serve = (name, options, how = plain) => say(name, tls.createServer({ ...read('good'), ...options }, answer(how)).on('tlsClientError', () => {}));

for (const name of ['good', 'wild', 'name', 'other', 'expired']) serve(name, read(name));
serve('strange', read('strange', strange));
serve('old', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
for (const version of ['TLSv1.2', 'TLSv1.3'])
    serve(`client${version}`, { requestCert: true, rejectUnauthorized: true, ca: fs.readFileSync(`${folder}/ca.pem`), minVersion: version, maxVersion: version });
serve('h2', { ALPNCallback: ({ protocols }) => protocols.find(name => name === 'h2') }); // older nodes go on where ALPNProtocols has no match
for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const versions = { minVersion: version, maxVersion: version };
    serve(`whole${version}`, versions, socket => socket.end('HTTP/1.1 200 OK\r\n\r\nthe whole body'));
    serve(`cut${version}`, versions, socket => socket.write('HTTP/1.1 200 OK\r\n\r\nhalf of the bo', () => socket.destroy()));
}
say('http', net.createServer(answer(socket => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))).on('connection', socket =>
    socket.on('data', bytes => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'))));
say('closing', net.createServer(socket => { socket.on('error', () => {}); socket.once('data', () => socket.end()); }));
say('silent', net.createServer(socket => socket.on('error', () => {})));
END
my $node  = FlexiLib::Test::Process->start(name => 'node', dir => make_folder(), command => ['node', "$folder/servers.js", $folder, $stranger->path('')],
    env => { ASAN_OPTIONS => undef, UBSAN_OPTIONS => undef });
my %port = map { split / /, $node->wait_line(stdout => qr/^\S+ \d+$/) } 1 .. 17;

my (@upstreams, @routes, @expected);

# A route to one of the servers, and what comes of it: the body, or the reason in the log.
sub expect {
    my ($claim, $name, $host, $tls, $outcome, %more) = @_;
    my $number = @expected;
    my $url    = "https://$host:$port{$name}";
    $tls = join ', ', ($tls =~ /\bca:|insecure/ ? () : "ca: '$folder/ca.pem'"), $tls || ();
    push @upstreams, "  u$number: { servers: '$url', tls: { $tls }, tls_timeout: " . ($more{timeout} // '20s') . " }\n";
    push @routes,    "  - { match: /$number, proxy: u$number }\n";
    push @expected,  [$claim, $outcome, $more{status} // 502, $url];
    return;
}

my $client = "certificate: '$folder/client.pem', key: '$folder/client.key'";
expect('a name of the certificate',         good    => 'localhost', '', 'TLSv1.3 localhost new');
expect('an address of the certificate',     good    => '127.0.0.1', '', 'TLSv1.3 - new');
expect('another name by server_name',       other   => '127.0.0.1', 'server_name: other.example', 'TLSv1.3 other.example new');
expect('another name with a dot behind it', other   => '127.0.0.1', 'server_name: other.example.', 'TLSv1.3 other.example new');
expect('another address by server_name',    other   => 'localhost', 'server_name: 192.0.2.1', 'TLSv1.3 - new');
expect('a wildcard',                        wild    => '127.0.0.1', 'server_name: a.shop.example', 'TLSv1.3 a.shop.example new');
expect('a wildcard for one label',          wild    => '127.0.0.1', 'server_name: a.b.shop.example', qr/its certificate is not for 'a\.b\.shop\.example'/);
expect('a wrong name',                      other   => 'localhost', '', qr/its certificate is not for 'localhost'/);
expect('a wrong address',                   name    => '127.0.0.1', '', qr/its certificate is not for '127\.0\.0\.1'/);
expect('a certificate that has expired',    expired => 'localhost', '', qr/its certificate has expired/);
expect('an unknown authority',              strange => 'localhost', '', qr/its certificate is by an unknown authority \(trust one with 'ca'\)/);
expect('that authority trusted',            strange => 'localhost', "ca: '" . $stranger->path . "'", 'TLSv1.3 localhost new');
expect('just that certificate trusted',     strange => 'localhost', "ca: '" . $stranger->path('strange.pem') . "'", 'TLSv1.3 localhost new');
expect('none checked',                      expired => '127.0.0.1', 'insecure: yes', 'TLSv1.3 - new');
expect('an old version',                    old     => 'localhost', '', qr/it speaks neither TLS 1\.2 nor 1\.3/);
for my $version ('TLSv1.2', 'TLSv1.3') {
    expect("a client's certificate, $version",          "client$version" => 'localhost', $client, "$version localhost new");
    expect("a client's certificate missing, $version",  "client$version" => 'localhost', '',
        $version eq 'TLSv1.3' ? qr/it wants a client's certificate \(set 'certificate' and 'key'\)/ : qr/it refused TLS with the alert '/);
    expect("a body that ends with the connection, $version", "whole$version" => 'localhost', '', 'the whole body');
    expect("a body that is cut, $version", "cut$version" => 'localhost', '',
        qr/it closed the connection without TLS's close_notify in the middle of the response's body/, status => 200);
}
expect('another protocol', h2 => 'localhost', '', qr/it does not speak HTTP\/1\.1/);
expect('a plain server',   http    => 'localhost', '', qr/it does not speak TLS \(is it a plain http:\/\/ server\?\)/);
expect('a server that closes', closing => 'localhost', '', qr/it closed the connection during the TLS handshake/);
expect('a server that is silent', silent => 'localhost', '', qr/no TLS handshake within 200 ms/, timeout => '200ms', status => 504);

my $flexilib = start_flexilib(config => "listen: 127.0.0.1:0\nworkers: 1\nupstreams:\n@{[join '', @upstreams]}routes:\n@{[join '', @routes]}");

for my $number (0 .. $#expected) {
    my ($claim, $outcome, $status, $url) = @{ $expected[$number] };
    my $response = request($flexilib, GET => "/$number");
    if (ref $outcome) {
        is($response->status, $status, $claim);
        ok(!$response->is_complete, 'is not passed on as complete') if $status == 200;
        like($flexilib->wait_log(qr/error: upstream 'u$number' /), qr/server \Q$url\E: $outcome/, 'and the log says why');
    } else {
        is($response->status, 200, $claim);
        is($response->body, $outcome, 'is spoken to as it should be');
    }
}
# Sessions do not get around what another upstream asks for: the same server, visited before.
my ($good, $address) = grep { $expected[$_][3] =~ /:$port{good}$/ } 0 .. $#expected;
is(request($flexilib, GET => "/$good")->body, 'TLSv1.3 localhost again', 'a session is used again');
is(request($flexilib, GET => "/$address")->body, 'TLSv1.3 - again', 'each with its own upstream');
for my $number (grep { ref $expected[$_][1] && $expected[$_][2] == 502 } 0 .. $#expected) {
    is(request($flexilib, GET => "/$number")->status, 502, "$expected[$number][0], once more");
}
my ($insecure) = grep { $expected[$_][0] eq 'none checked' } 0 .. $#expected;
is(() = $flexilib->log =~ /warning: upstream 'u$insecure' is insecure: /g, 1, 'what is insecure is noted once');
is(() = $flexilib->log =~ / is insecure: /g, 1, 'and nothing else');

done_testing;
