# With the PROXY protocol a server learns who the client is, in plain and over TLS, and no two clients share a connection.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('nginx', 'openssl');
my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue('server', 'IP:127.0.0.1');

my $seen   = 'return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port $connection $connection_requests\n";';
my $nginx  = start_nginx("location / { $seen }", listen => 'proxy_protocol');
my $secure = start_nginx("ssl_certificate $folder/server.pem; ssl_certificate_key $folder/server.key; location / { $seen }", listen => 'ssl proxy_protocol');
my %server = (plain => $nginx->url, tls => $secure->url =~ s/^http:/https:/r);

my (@upstreams, @routes);
for my $version (qw(v1 v2)) {
    for my $kind (sort keys %server) {
        my $tls = $kind eq 'tls' ? ", tls: { ca: $folder/ca.pem }" : '';
        push @upstreams, "  $kind-$version: { servers: [\"$server{$kind}\"], proxy_protocol: $version$tls }\n";
        push @routes,    "  - { match: /$kind-$version, proxy: $kind-$version }\n";
    }
}
push @upstreams, "  single: { servers: [\"$server{plain}\"], proxy_protocol: v1, max_connections: 1 }\n";
push @routes,    "  - { match: /single, proxy: single }\n";
my $socket   = "$folder/flexilib.sock";
my $flexilib = start_flexilib(config => join '', <<"END", @upstreams, "routes:\n", @routes);
listen:
  - 127.0.0.1:0
  - { name: six, address: "[::1]:0" }
  - { name: unix, address: "unix:$socket" }
workers: 1
upstreams:
END

sub ask {
    my ($client, $path) = @_;
    $client->send_request(GET => $path);
    return split ' ', $client->read_response->body;
}

for my $version (qw(v1 v2)) {
    for my $kind (sort keys %server) {
        my $path = "/$kind-$version";
        for my $listener (undef, 'six') {
            my $what   = $listener ? 'IPv6' : 'IPv4';
            my $client = connect_to($flexilib, $listener);
            my ($host, $port) = $flexilib->address($listener) =~ /^\[?(.+?)\]?:(\d+)$/;
            my ($own_port) = $client->local_address =~ /:(\d+)$/;
            my @told = ask($client, $path);
            is("@told[0 .. 3]", "$host $own_port $host $port", "$path: both ends of an $what connection");
            my @again = ask($client, $path);
            is("@again[4, 5]", "$told[4] 2", 'its next request has the same connection to the server');
            my $other = connect_to($flexilib, $listener);
            my @others = ask($other, $path);
            isnt($others[4], $told[4], "another client's has its own");
            isnt($others[1], $told[1], 'with its own port');
            @again = ask($client, $path);
            is("@again[4, 5]", "$told[4] 3", 'and each keeps its own');
        }
        my @told = ask(connect_to($flexilib, 'unix'), $path);
        is(scalar @told, 2, "$path: a client on a unix socket has no address") or diag("@told");
    }
}

my @clients = map { connect_to($flexilib) } 1 .. 2;
for my $round (1 .. 3) {
    for my $client (@clients) {
        my ($own_port) = $client->local_address =~ /:(\d+)$/;
        is((ask($client, '/single'))[1], $own_port, "clients take turns where the server has room for one, round $round");
    }
}

# Checks of servers are nobody's requests.
my $checked = start_backend(sub {
    my ($connection) = @_;
    my $header  = $connection->read_until(qr/\n/) // return;
    my $request = $connection->read_request // return;
    $connection->respond(200, [], '');
    $connection->tell($header =~ s/\s+\z//r . ' ' . $request->target);
});
my $checking = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  checked: { servers: ["@{[$checked->url]}"], proxy_protocol: v1, health: /health }
routes:
  - { match: /, proxy: checked }
END
is($checked->wait_told(qr{/health}), 'PROXY UNKNOWN /health', 'a check says that it is for no client');
is(request($checking, GET => '/x')->status, 200, 'a request');
like($checked->wait_told(qr{/x}), qr{^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ @{[$checking->port]} /x}, 'says for whom it is');

done_testing;
