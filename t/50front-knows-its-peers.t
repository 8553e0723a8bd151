# Every kind of listener serves, and the access log and the service behind learn who asked.

use lib 't/lib';
use FlexiLib::Test;
use Socket qw(:DEFAULT IN6ADDR_LOOPBACK pack_sockaddr_in6);

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(200, [], join ',', $request->headers('x-forwarded-for'));
        }
    }
);
my $folder   = make_folder();
my $probe;
my $has_ipv6 = socket($probe, AF_INET6, SOCK_STREAM, 0) && bind($probe, pack_sockaddr_in6(0, IN6ADDR_LOOPBACK));
my $ipv6     = $has_ipv6 ? '- "[::]:0"' : '';
my $flexilib = start_flexilib(dir => $folder, config => <<"END");
listen:
  - 127.0.0.1:0
  - unix:$folder/front.sock
  $ipv6
workers: 1
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END

sub check {
    my ($name, $address, $peer, $for) = @_;
    my $connection = connect_to($address);
    my $shown      = $peer // $connection->local_address =~ s/^(.*:.*):(\d+)$/[$1]:$2/r;
    $connection->send_request(GET => "/$name");
    my $response = $connection->read_response;
    is($response->status, 200, "$name: served");
    is($response->body,   $for, "$name: the service learns the address") if defined $for;
    my $line = $flexilib->wait_access(qr{"GET /$name HTTP/1.1" 200 });
    like($line, qr{ \Q$shown\E - - "}, "$name: and the log");
    $connection->close;
    return;
}

check('ipv4', $flexilib->address(0), undef, '127.0.0.1');
check('unix', "unix:$folder/front.sock", 'unix:');
SKIP: {
    skip 'no IPv6 here', 3 if !$has_ipv6;
    check('ipv6', $flexilib->address(2), undef, '::1');
}

done_testing;
