# mirror sends copies of requests to another upstream; whatever becomes of them, the requests notice nothing.

use lib 't/lib';
use FlexiLib::Test;

my $copies = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            return if !$request->is_complete;
            my $length = length $request->body;
            $connection->tell(join(' ', $request->method, $request->target, $request->framing, $length, $request->header('x-copy') // '-',
                    $request->header('authorization') // '-', $request->header('x-late') // '-') . "\n");
            $connection->respond(500, [], 'nobody sees this');
        }
    }
);
my $stuck = start_backend(
    sub {
        my ($connection) = @_;
        $connection->tell("stuck\n");
        $connection->wait_go;
    }
);
my $service = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(200, ['X-Framing' => $request->framing, 'X-Copy' => $request->header('x-copy') // '-'], length $request->body);
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
  copies: { servers: ["@{[$copies->url]}"] }
  stuck: { servers: ["@{[$stuck->url]}"] }
  gone: { servers: ["http://127.0.0.1:1"] }
routes:
  - match: /stuck
    filters: [{ mirror: { upstream: stuck, most: 2 } }]
    proxy: "@{[$service->url]}"
  - match: /gone
    filters: [{ mirror: { upstream: gone } }]
    proxy: "@{[$service->url]}"
  - match: /never
    filters: [{ mirror: { upstream: copies, fraction: 0 } }]
    proxy: "@{[$service->url]}"
  - match: /half
    filters: [{ mirror: { upstream: copies, fraction: 0.5 } }]
    proxy: "@{[$service->url]}"
  - match: /get
    filters: [{ mirror: { upstream: copies, methods: [GET] } }]
    proxy: "@{[$service->url]}"
  - match: /
    filters:
      - mirror: { upstream: copies, buffer: 4MB, remove: [authorization], set: { x-copy: "{request.id} {path}" } }
      - headers: { request_set: { x-late: "yes" } }
    proxy: "@{[$service->url]}"
END

my $get = request($flexilib, GET => '/a?b=c', headers => [Authorization => 'secret', 'X-Copy' => 'client']);
is($get->status, 200, 'the request is answered by its own upstream');
is($get->header('x-copy'), 'client', 'and goes there as it was');
like($copies->wait_told(qr{^GET /a}), qr{^GET /a\?b=c none 0 \w{16} /a - yes$}, 'its copy has the target, the fields as they went on, some more and some less');

my $post = request($flexilib, POST => '/post', body => 'x' x 5000);
is($post->body, 5000, 'a body goes on');
is($post->header('x-framing'), 'length', 'with its length');
like($copies->wait_told(qr{^POST /post}), qr{^POST /post \w+ 5000 }, 'and into the copy');
my $large = request($flexilib, POST => '/large', body => 'x' x 3_000_000);
is($large->body, 3_000_000, 'a large one too');
like($copies->wait_told(qr{^POST /large}), qr{^POST /large \w+ 3000000 }, 'piece by piece');
my $chunked = request($flexilib, POST => '/chunked', chunks => ['a' x 1000, 'b' x 1000]);
is($chunked->body, 2000, 'and one of unknown length');
like($copies->wait_told(qr{^POST /chunked}), qr{^POST /chunked \w+ 2000 }, 'is copied likewise');

is(request($flexilib, GET => '/gone')->status, 200, 'an upstream that is not there is nobody\'s concern');
for my $number (1 .. 4) {
    is(request($flexilib, POST => '/stuck', body => 'x' x 4_000_000)->body, 4_000_000, "one that takes nothing holds up nothing, $number");
}

request($flexilib, GET => '/never') for 1 .. 20;
request($flexilib, POST => '/get', body => 'x');
request($flexilib, GET => '/half') for 1 .. 60;
request($flexilib, GET => '/get/last');
my $told = '';
$told .= $copies->wait_told(qr{.}) . "\n" until $told =~ m{^GET /get/last}m;
unlike($told, qr{/never|POST /get}, 'a fraction of 0 and other methods make no copies');
my $half = () = $told =~ m{^GET /half}mg;
ok($half > 10 && $half < 50, "about half of the requests are copied: $half of 60");

my $broken = $flexilib->connect;
$broken->send("POST /broken HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" . 'x' x 10);
$broken->close;
request($flexilib, GET => '/after');
like($copies->wait_told(qr{^\w+ /(?:after|broken)}m), qr{^GET /after}m, 'a request that breaks off is no whole one there either');
my $metrics = run_command([build_folder() . '/flexilib', 'metrics', '-c', 'flexilib.yaml'], dir => $flexilib->dir);
like($metrics->{out}, qr/^mirror_copies_total\{upstream="copies",outcome="sent"\} \d+$/m, 'operators see how many copies were sent');
like($metrics->{out}, qr/^mirror_copies_total\{upstream="$$_[0]",outcome="$$_[1]"\} [1-9]\d*$/m, "$$_[1] to $$_[0]") for ['gone', 'failed'], ['stuck', 'given up'];
$stuck->go for 1 .. $stuck->connections;
done_testing;
