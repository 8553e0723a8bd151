# Servers by https://: nginx behind TLS 1.2 and 1.3, with large bodies both ways, sessions that are used again on new
# connections, and the server's name told by SNI.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('openssl', 'nginx');
my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('server', 'DNS:localhost,DNS:shop.example,IP:127.0.0.1');
my ($certificate, $key, $ca) = map { $authority->path($_) } qw(server.pem server.key ca.pem);

my $small = "hello from nginx\n";
my $large = join '', map { sprintf "%09d\n", $_ } 1 .. 1 << 20;

for my $version ('TLSv1.2', 'TLSv1.3') {
    my $nginx = start_nginx(<<"END", listen => 'ssl', files => { 'small.txt' => $small, 'large.txt' => $large });
ssl_certificate $certificate; ssl_certificate_key $key; ssl_protocols $version;
keepalive_requests 100000; client_max_body_size 32m;
add_header X-Tls "\$ssl_protocol \$ssl_server_name \$ssl_alpn_protocol \$ssl_session_reused" always;
add_header X-Connection "\$connection" always;
location /closing/ { keepalive_timeout 0; alias html/; }
location /upload { dav_methods PUT; create_full_put_path on; dav_access all:rw; }
location /secret { return 200 "\$http_host"; }
END
    my $port     = $nginx->address =~ s/.*://r;
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  name: { servers: "https://localhost:$port", tls: { ca: "$ca" } }
  address: { servers: "https://127.0.0.1:$port", tls: { ca: "$ca" } }
  shop: { servers: "https://127.0.0.1:$port", tls: { ca: "$ca", server_name: shop.example } }
routes:
  - { match: /address, proxy: { to: address, strip: /address } }
  - { match: /shop, proxy: { to: shop, strip: /shop } }
  - { match: /host, proxy: { to: name, strip: /host, host: server } }
  - { match: /, proxy: name }
END
    my $client = connect_to($flexilib);
    my $get    = sub {
        $client->send_request(GET => $_[0]);
        return $client->read_response;
    };
    my $protocol = quotemeta $version;
    my $response = $get->('/small.txt');
    is($response->status, 200, "$version: a small file");
    is($response->body, $small, 'as it is');
    like($response->header('x-tls'), qr{^$protocol localhost http/1\.1 \.$}, 'by that version, with name and protocol, a session of its own');
    my $connection = $response->header('x-connection');
    is($get->('/small.txt')->header('x-connection'), $connection, 'the connection is kept');
    ok($get->('/large.txt')->body eq $large, '10 MB come back exact');
    $client->send_request(PUT => '/upload/large.txt', body => $large);
    is($client->read_response->status, 201, '10 MB are sent');
    ok($get->('/upload/large.txt')->body eq $large, 'and arrive exact');
    is($get->('/large.txt')->header('x-connection'), $connection, 'all on the same connection');

    my $get_closing = sub { $get->('/closing/small.txt')->header('x-tls') };
    $get_closing->();
    like($get_closing->(), qr{ r$}, 'a new connection uses the session again') for 1 .. 5;

    like($get->('/address/small.txt')->header('x-tls'), qr{^$protocol  http/1\.1 \.$}, 'an address is no name for SNI, and has sessions of its own');
    like($get->('/shop/small.txt')->header('x-tls'), qr{^$protocol shop\.example http/1\.1 \.$}, 'server_name is told and checked');
    is($get->('/host/secret')->body, "localhost:$port", 'the Host of the server has its port');
    $client->send_request(POST => '/small.txt', body => 'x');
    is($client->read_response->status, 405, 'what must not be sent twice finds a connection that is quiet');

    my $load = start_load($flexilib, path => '/small.txt', expect => qr/\A\Q$small\E\z/, connections => 8);
    $load->wait_running;
    ok($get->('/large.txt')->body eq $large, '10 MB under load') for 1 .. 3;
    my $result = $load->stop;
    is_deeply($result->{failures}, [], "$result->{requests} requests at the same time");
    unlike($flexilib->log, qr/error: /, 'without an error');
    $client->close;
}

done_testing;
