# Checks go the way that requests go: to unix sockets, by TLS with the certificate looked at, to names, behind a PROXY
# protocol header; and the log says in plain words what is wrong with a server.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl', 'nginx');
my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('server', 'DNS:localhost,IP:127.0.0.1');
my ($certificate, $key, $ca) = map { $authority->path($_) } qw(server.pem server.key ca.pem);
my $nginx = start_nginx(<<"END", listen => 'ssl');
ssl_certificate $certificate; ssl_certificate_key $key;
location = /well { return 200 "ok so far"; }
location / { return 503; }
END
my $secure = 'https://' . $nginx->address;

my $plain  = start_static_backend(status => 500);
my $unix   = start_static_backend(status => 500, unix => 1);
my $nobody = 'http://127.0.0.1:' . free_port();
my $names  = start_name_server('shop.test' => { A => ['127.0.0.1'] });
my $mute   = start_backend(sub { $_[0]->read_request && $_[0]->read_all });
my $behind = start_backend(
    sub {
        my ($connection) = @_;
        $connection->read_until(qr/\r\n/);
        $connection->respond(500, [], '') if $connection->read_request;
    }
);

my $every    = 'every: 1h';
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
resolver: { servers: "@{[$names->address]}", timeout: 20s }
upstreams:
  plain: { servers: "@{[$plain->url]}", health: { path: "/well?full=1", host: "shop.example:81", $every, timeout: 1m } }
  unix: { servers: "@{[$unix->url]}", health: { path: /, $every, timeout: 1m } }
  named: { servers: "http://shop.test:@{[$plain->port]}", health: { path: /named, $every, timeout: 1m } }
  unknown: { servers: "http://no-such-name.test", health: { path: /, $every, timeout: 1m } }
  nobody: { servers: "$nobody", health: { path: /, $every, timeout: 1m } }
  mute: { servers: "@{[$mute->url]}", health: { path: /, $every, timeout: 100ms } }
  behind: { servers: "@{[$behind->url]}", proxy_protocol: v1, health: { path: /, $every, timeout: 1m } }
  secure: { servers: "$secure", tls: { ca: "$ca" }, health: { path: /, $every, timeout: 1m } }
  secure-body: { servers: "$secure", tls: { ca: "$ca" }, health: { path: /well, $every, timeout: 1m, body: "not" } }
  secure-well: { servers: "$secure", tls: { ca: "$ca" }, health: { path: /well, $every, timeout: 1m, body: "ok" } }
  stranger: { servers: "$secure", health: { path: /well, $every, timeout: 1m } }
routes: [{ match: /, proxy: secure-well }]
END

my %lines = map { /upstream '(\S+)'/ ? ($1 => $_) : () } map { $flexilib->wait_log(qr/upstream '\S+' server/) } 1 .. 10;

sub expect_reason {
    my ($upstream, $url, $reason) = @_;
    $url = quotemeta $url;
    like($lines{$upstream}, qr/warning: upstream '$upstream' server $url: unhealthy: $reason$/, $upstream);
    return;
}

expect_reason('plain',       $plain->url,                            'it answered with status 500');
expect_reason('unix',        $unix->url,                             'it answered with status 500');
expect_reason('named',       'http://shop.test:' . $plain->port,     'it answered with status 500');
expect_reason('unknown',     'http://no-such-name.test',             'its name was not resolved: no such name');
expect_reason('nobody',      $nobody,                                'connection refused');
expect_reason('mute',        $mute->url,                             'no response within 100 ms');
expect_reason('behind',      $behind->url,                           'it answered with status 500');
expect_reason('secure',      $secure,                                'it answered with status 503');
expect_reason('secure-body', $secure,                                'its body does not begin with what is expected');
expect_reason('stranger',    $secure,                                'its certificate is by an unknown authority .*');
is(request($flexilib, GET => '/well')->body, 'ok so far', 'the one that is well serves');
unlike($flexilib->log, qr/upstream 'secure-well'/, 'and nothing is told of it');

my ($head) = grep { /well/ } split /(?<=\r\n\r\n)/, $plain->received;
is($head, "GET /well?full=1 HTTP/1.1\r\nHost: shop.example:81\r\nUser-Agent: flexilib-health-check\r\nAccept: */*\r\n"
        . "Connection: close\r\n\r\n", 'what is asked');
like($plain->received, qr/^GET \/named HTTP\/1.1\r\nHost: shop\.test:\d+\r\n/m, 'by the name of the server');
like($behind->received, qr/^PROXY UNKNOWN\r\nGET \/ /, 'a check is for no client');
done_testing;
