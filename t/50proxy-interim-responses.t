# Interim responses of a server are passed on at once, to those who know them; too many are refused.

use lib 't/lib';
use FlexiLib::Test;

need('curl');

my $final   = response_bytes(200, [], "done\n");
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my $path = $request->target;
            if ($path =~ m{^/count/(\d+)}) {
                $connection->send(join('', map { "HTTP/1.1 103 Early Hints\r\nLink: </$_>\r\n\r\n" } 1 .. $1) . $final);
            } elsif ($path =~ m{^/size/(\d+)}) {
                my $field = 'X-Large: ' . 'x' x 6000;
                $connection->send("HTTP/1.1 103 Early Hints\r\n$field\r\n\r\n" x $1 . $final);
            } elsif ($path eq '/kinds') {
                $connection->send("HTTP/1.1 $_ Some\r\nX-Kind: $_\r\n\r\n") for 100, 102, 199;
                $connection->send($final);
            } elsif ($path eq '/fields') {
                $connection->send("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nlink: </b>\r\nConnection: x-hop, close\r\n"
                        . "X-Hop: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 5\r\nVia: 1.1 cache\r\n\r\n$final");
            } elsif ($path eq '/waits') {
                $connection->send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                $connection->wait_go;
                $connection->send($final);
            } elsif ($path eq '/dies') {
                $connection->send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                last;
            }
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  one: { servers: "@{[$backend->url]}", retry: no }
routes:
  - { match: /, proxy: one }
END

my $client = connect_to($flexilib);
my $get    = sub {
    $client->send_request(GET => $_[0]);
    return $client->read_response;
};
my $response = $get->('/fields');
is($response->status, 200, 'a response comes behind its hints');
is($response->body,   "done\n", 'whole');
my ($hints) = @{ $response->{interim} };
is($hints->status, 103, 'they are passed on');
is(join(' ', $hints->headers('link')), '</a>; rel=preload </b>', 'with their fields');
is($hints->header('via'), '1.1 cache, 1.1 flexilib', 'and the way they came');
ok(!defined $hints->header($_), "without $_") for qw(connection x-hop content-length transfer-encoding keep-alive);

is(join(' ', map { $_->status } @{ $get->('/kinds')->{interim} }), '102 199', '100 was for us, others are not');
$response = $get->('/count/16');
is($response->status, 200, '16 are taken');
is(join(' ', map { $_->header('link') } @{ $response->{interim} }), join(' ', map { "</$_>" } 1 .. 16), 'in order');
is($get->('/size/10')->status, 200, 'large ones too');

$client->send_request(GET => '/waits');
like($client->read_until(qr/\r\n\r\n/), qr{^HTTP/1\.1 103 Early Hints\r\nLink: </a>\r\n}, 'hints come while the response is waited for');
$backend->go;
is($client->read_response->body, "done\n", 'and then it comes');

is(request($flexilib, GET => '/count/17')->status, 502, '17 are too many');
$flexilib->wait_log(qr/error: upstream 'one' .*: bad response: too many interim ones before it \(request/);
is(request($flexilib, GET => '/size/11')->status, 502, 'so is more than 64 KB');
$flexilib->wait_log(qr/error: .*: bad response: the interim ones before it are larger than 64 KB \(request/);
$response = request($flexilib, GET => '/dies');
is($response->status, 502, 'nothing but hints is no response');
is(scalar @{ $response->{interim} }, 1, 'which the client has had');

$response = raw($flexilib, "GET /count/3 HTTP/1.0\r\nHost: a\r\n\r\n")->{response};
is($response->status, 200, 'a client of HTTP/1.0');
is(scalar @{ $response->{interim} }, 0, 'gets none');

# one that reads nothing has the server's response wait, and gets everything in the end
my $slow = connect_to($flexilib);
$slow->limit_buffer(16384);
$slow->send_request(GET => '/size/10') for 1 .. 3;
is(request($flexilib, GET => '/count/1')->status, 200, 'others are served meanwhile');
for (1 .. 3) {
    $response = $slow->read_response;
    is($response->body, "done\n", 'a slow reader gets the response');
    is(scalar @{ $response->{interim} }, 10, 'and what came before');
}

my $curl = curl('--include', $flexilib->url('/count/2'));
is($curl->{status}, 0, 'curl is content') or diag($curl->{err});
like($curl->{out}, qr{\AHTTP/1.1 103 Early Hints\r\n.*?HTTP/1.1 103 .*?HTTP/1.1 200 .*done\n\z}s, 'and shows all three');

done_testing;
