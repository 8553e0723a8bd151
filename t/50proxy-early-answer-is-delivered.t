# A server may answer before it has read all of the request, and close: the client gets that answer.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        my $head = $connection->read_head;
        my ($path) = $head->{first} =~ /^\w+ (\S+)/;
        $connection->send(response_bytes(413, [], 'too much'));
        return if $path eq '/closes';
        $connection->tell('left') if $connection->read_all && $connection->is_closed;
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
body_limit: 64MB
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END

for my $path (qw(/closes /stays)) {
    my $response = request($flexilib, POST => $path, body => 'x' x (16 << 20));
    is($response->status, 413, "$path: the answer");
    is($response->body, 'too much', 'with its text');
}
is($backend->wait_told(qr/left/), 'left', 'a connection with half a request in it is not used again');
is($backend->connections, 2, 'each request had its own');

done_testing;
