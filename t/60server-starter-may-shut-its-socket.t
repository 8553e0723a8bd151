# A socket that was inherited, and is shut by whoever opened it, does not keep the worker from its other ones.

use lib 't/lib';
use FlexiLib::Test;

use Fcntl qw(F_SETFD);
use Socket;

socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
bind($socket, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
listen($socket, 5) or die "listen: $!";
my ($port) = unpack_sockaddr_in(getsockname $socket);
fcntl $socket, F_SETFD, 0;
my $flexilib = start_flexilib(
    config => "listen: [ \"127.0.0.1:$port\", { name: other, address: \"127.0.0.1:0\" } ]\nworkers: 1\nroutes:\n  - { match: /, respond: 204 }\n",
    env    => { SERVER_STARTER_PORT => "127.0.0.1:$port=" . fileno($socket) },
);
is(request("127.0.0.1:$port", GET => '/')->status, 204, 'the inherited socket serves');
shutdown $socket, 2;
$flexilib->wait_log(qr/warning: cannot accept connections: Invalid argument; trying again every 100 ms/);
is(request($flexilib, GET => '/', listener => 'other')->status, 204, 'the other one serves on');
is(() = $flexilib->log =~ /cannot accept connections/g, 1, 'it is told of once');
done_testing;
