# A server that listens on a unix socket, kept connections included; and one that is not there.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(200, ['X-Host' => $request->header('host')], $request->body . $request->target);
        }
    },
    unix => 1
);
my $folder   = make_folder();
my $flexilib = start_flexilib(dir => $folder, config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /gone, proxy: "http+unix:$folder/nobody.sock" }
  - { match: /server, proxy: { to: "@{[$backend->url]}", host: server } }
  - { match: /, proxy: "@{[$backend->url]}" }
END

my $response = request($flexilib, POST => '/x?y', body => 'z' x 300_000, host => 'shop.example');
is($response->status, 200, 'a request goes through');
is($response->body, 'z' x 300_000 . '/x?y', 'with its body');
is($response->header('x-host'), 'shop.example', 'and Host');
is(request($flexilib, GET => '/server')->header('x-host'), 'localhost', 'the server itself has no better name');
is(request($flexilib, GET => '/')->status, 200, 'more requests');
is($backend->connections, 1, 'over one connection');

is(request($flexilib, GET => '/gone')->status, 502, 'nobody listens');
$flexilib->wait_log(qr/error: upstream '.*' server http\+unix:.*nobody\.sock: no such file or directory \(request/);

done_testing;
