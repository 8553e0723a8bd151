# forward-auth asks a service before a request goes on, lets it pass with what the service adds, and gives the client its
# answer otherwise.

use lib 't/lib';
use FlexiLib::Test;

my $auth = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my $token = $request->header('authorization') // '';
            if ($token eq 'good') {
                $connection->respond(200, ['X-User' => 'alice', 'X-User' => 'second', 'Set-Cookie' => 's=1', 'X-Other' => 'o'], 'ignored');
            } elsif ($token eq 'empty') {
                $connection->send("HTTP/1.1 204 No Content\r\n\r\n");
            } elsif ($token eq 'login') {
                $connection->respond(302, [Location => 'https://login.example/?a=b', 'Set-Cookie' => 'back=1'], 'go there');
            } elsif ($token eq 'large') {
                $connection->respond(403, [], 'x' x 900_000);
            } elsif ($token eq 'huge') {
                $connection->respond(403, [], 'x' x 1_200_000);
            } elsif ($token eq 'slow') {
                $connection->tell("asked\n");
                $connection->read_until(qr/never/);
            } elsif ($token =~ /^status (\d+)/) {
                $connection->send("HTTP/1.1 $1 Strange\r\nContent-Length: 0\r\n\r\n");
            } elsif ($token eq 'broken') {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
                return;
            } else {
                $connection->respond(401, ['WWW-Authenticate' => 'Bearer', 'Content-Type' => 'text/plain'], "who are you?\n");
            }
        }
    }
);
my $service = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(200, ['X-Seen-User' => join('|', $request->headers('x-user'), $request->headers('x_user')), 'Set-Cookie' => 'own=1'], 'service got ' . length $request->body);
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
header_limit: 1000
upstreams:
  auth: { servers: ["@{[$auth->url]}"], retry: { tries: 1 } }
  gone: { servers: ["http://127.0.0.1:1"] }
routes:
  - match: /gone
    filters: [{ forward-auth: { upstream: gone } }]
    proxy: "@{[$service->url]}"
  - match: /open
    filters: [{ use: forward-auth, on_error: open, options: { upstream: gone, copy: x-user } }]
    proxy: "@{[$service->url]}"
  - match: /few
    filters: [{ forward-auth: { upstream: auth, path: "/verify{path}", host: auth.example, send: [authorization], method: HEAD } }]
    proxy: "@{[$service->url]}"
  - match: /quick
    filters: [{ forward-auth: { upstream: auth, timeout: 50ms } }]
    proxy: "@{[$service->url]}"
  - match: /
    filters: [{ forward-auth: { upstream: auth, path: /verify, copy: [x-user, x-groups] } }]
    proxy: "@{[$service->url]}"
END

sub ask {
    my ($path, $token, %option) = @_;
    my @headers = (Authorization => $token, @{ delete $option{headers} // [] });
    return request($flexilib, ($option{method} // 'GET') => $path, headers => \@headers, %option);
}

my $good = ask('/orders?id=7', 'good', method => 'POST', body => 'b' x 100_000, host => 'shop.example',
    headers => ['X-User' => 'mallory', 'X-Groups' => 'admins', 'X-Forwarded-Uri' => '/spoofed', 'If-None-Match' => '"a"', Cookie => 'a=b']);
is($good->body, 'service got 100000', 'a yes lets the request pass, with its body');
is($good->header('x-seen-user'), 'alice|second', 'with the fields of the answer, in place of the client\'s');
is_deeply([sort $good->headers('set-cookie')], ['own=1', 's=1'], 'its cookies are added to the response');
is($good->header('x-other'), undef, 'and nothing else of it');
unlike($service->received, qr/^x-groups/mi, 'what the answer does not say the client cannot either');
my $question = $auth->received;
like($question, qr{^GET /verify HTTP/1\.1\r\n}, 'the question is a GET of the path');
like($question, qr/^$_\r$/mi, "it says $_") for 'x-forwarded-method: POST', 'x-forwarded-uri: /orders\?id=7', 'x-forwarded-host: shop\.example',
    'x-forwarded-proto: http', 'x-forwarded-for: 127\.0\.0\.1', 'cookie: a=b', 'authorization: good';
unlike($question, qr/^(?:if-none-match|content-type|transfer-encoding)|spoofed|bbb/mi, 'nothing of conditions, body, or what clients invent');

is(ask('/', 'empty')->status, 200, 'any 2xx is a yes');
my $no = ask('/', 'bad');
is($no->status, 401, 'a no goes to the client');
is($no->body, "who are you?\n", 'with its body');
is($no->header('www-authenticate'), 'Bearer', 'and its fields');
my $login = ask('/', 'login');
is($login->status, 302, 'so does a redirection');
is($login->header('location'), 'https://login.example/?a=b', 'with its place');
is($login->header('set-cookie'), 'back=1', 'and cookies');
is(length ask('/', 'large')->body, 900_000, 'an answer may be large');
is(ask('/', 'huge')->status, 503, 'but not huge');
is(ask('/', $_)->status, 503, "$_ is no answer that a client can have") for 'status 600', 'status 999';
is(ask('/', 'broken')->status, 503, 'nor is a yes that breaks off');
is(ask('/', 'good', headers => [map { ("X-Field-$_" => $_) } 1 .. 500])->status, 200, 'of many fields');
my $asked = $auth->received;
like($asked, qr/^x-field-$_: $_\r$/mi, "the service is sent all, number $_ too") for 1, 500;
is(ask('/gone', 'good')->status, 503, 'a service that is not there: nobody passes');
my $open = ask('/open', 'good', headers => ['X-User' => 'mallory', X_User => 'mallory']);
is($open->status, 200, 'unless the step says on_error: open');
is($open->header('x-seen-user'), '', 'but nobody says who he is');
is(ask('/quick', 'slow')->status, 503, 'so for one that takes too long');

is(ask('/few/x', 'good')->status, 200, 'by another method');
like($auth->received($auth->connections), qr{^HEAD /verify/few/x HTTP/1\.1\r\nhost: auth\.example\r\n}mi, 'and path, and as another host');

my $client = $flexilib->connect;
$client->send_request(GET => '/', headers => [Authorization => 'slow']);
$auth->wait_told(qr/asked/);
$client->close;
like(request($flexilib, GET => '/', headers => [Authorization => 'good'])->body, qr/^service got/, 'a client that leaves while it is asked harms nobody');
done_testing;
