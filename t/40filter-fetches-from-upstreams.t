# A filter asks upstreams for something: what it sends, what it is given, and how it fails.

use lib 't/lib';
use FlexiLib::Test;

my $fetch   = test_library('fetch');
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my $target = $request->target;
        if ($request->method eq 'HEAD') {
            $connection->send("HTTP/1.1 200 OK\r\nX-A: b\r\nX-A: c\r\nContent-Length: 6\r\n\r\n");
        } elsif ($target eq '/echo') {
            $connection->respond(200, ['X-Length' => length $request->body], $request->body);
        } elsif ($target eq '/early') {
            $connection->send("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
            $connection->respond(200, [], 'late');
        } elsif ($target eq '/empty') {
            $connection->send("HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n");
        } elsif ($target eq '/broken') {
            $connection->send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            return;
        } elsif ($target eq '/nonsense') {
            $connection->send("what?\r\n\r\n");
            return;
        } elsif ($target eq '/chunked') {
            $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\nContent-Encoding: gzip\r\n\r\n"
                    . "3\r\nabc\r\n2\r\nde\r\n0\r\nx-t: u\r\n\r\n");
        } elsif ($target eq '/silent') {
            $connection->tell('silent');
            $connection->is_closed;
            $connection->tell('left');
            return;
        } else {
            $connection->respond(200, ['X-A' => 'b', 'X-A' => 'c'], "hello\n");
        }
    }
});
my $dead = do { my $gone = start_backend(sub { }); my $address = $gone->address; $gone->end; $address };
my $config = <<"END";
listen: 127.0.0.1:0
workers: 1
libraries: { fetch: $fetch }
upstreams:
  shop: { servers: ["@{[$backend->url]}"] }
  dead: { servers: ["http://$dead"] }
  pair: { servers: ["http://$dead", "@{[$backend->url]}"] }
  self: { servers: [SELF] }
routes:
  - { match: /, handler: fetch }
END
my $flexilib = start_flexilib(config => $config =~ s/SELF/http:\/\/$dead/r);

sub fetch {
    my ($path, %fields) = @_;
    my $body = delete $fields{body};
    $fields{upstream} //= 'shop';
    my @fields = map { ("x-$_" => $fields{$_}) } keys %fields;
    return request($flexilib, POST => '/', headers => ['x-path' => $path, @fields], body => $body)->body;
}

my $via   = "Via: 1.1 flexilib\n";
my $hello = "200\nX-A: b\nX-A: c\n$via\nhello\n";
is(fetch('/a?b=/?'), $hello, 'a response is given as it came, but for what frames it');
my ($received) = $backend->received(1) =~ /\A(.*?\r\n\r\n)/s;
is($received, "GET /a?b=/? HTTP/1.1\r\nHost: @{[$backend->address]}\r\nx-more: yes\r\nVia: 1.1 flexilib\r\n\r\n",
    'to a request of which every field is known');
is(fetch('/a', method => 'HEAD'), $hello =~ s/hello\n//r, 'HEAD has no body');
is(fetch('/empty'), "204\nX-A: b\n$via\n", 'nor has 204');
is(fetch('/early'), "200\n$via\nlate", 'interim responses are passed over');
is(fetch('/chunked'), "200\nContent-Encoding: gzip\n$via\nabcde", 'a coded body stays as it is, trailers are left out');
is(fetch('/chunked', do => 'more'), "200\nContent-Encoding: gzip\n$via\nabcde", 'more may be asked for in on_body');
is(fetch('/echo', method => 'POST', host => 'shop.example', body => 'question'), "200\nX-Length: 8\n$via\nquestion", 'a body is sent');
like($backend->received(1), qr{POST /echo HTTP/1\.1\r\nHost: shop\.example\r\nx-more: yes\r\nContent-Length: 8\r\nVia}, 'with its length, to the host that is asked for');
is(fetch('/a', field => 'x-forwarded-for 192.0.2.1'), $hello, 'a filter may speak for others');
like($backend->received(1), qr{x-forwarded-for: 192\.0\.2\.1\r\nVia}, 'and is believed');
is($backend->connections, 1, 'all by one connection');

my $large = join '', map { "line $_\n" } 1 .. 150_000;
cmp_ok(length $large, '>', 1 << 20, 'a megabyte');
is(fetch('/echo', method => 'PUT', body => $large), "200\nX-Length: @{[length $large]}\n$via\n$large", 'goes both ways at once');
is(fetch('/echo', method => 'PUT', body => $large, do => 'stream'), "200\nX-Length: @{[length $large]}\n$via\n$large", 'or piece by piece');
ok($flexilib->wait_log(qr/there is room$/), 'as the server takes it');
is(fetch('/echo', method => 'PUT', body => $large, do => 'stream once'), "200\nX-Length: @{[length $large]}\n$via\n$large", 'also in one piece, however large');
is(fetch('/echo', method => 'PUT', do => 'stream'), "200\nX-Length: 0\n$via\n", 'a streamed body may be empty');

is(fetch('/broken'), "failure 502\n", 'a response that breaks off is told');
is(fetch('/nonsense'), "failure 502\n", 'one that is none too');
is(fetch('/a', upstream => 'dead'), "failure 502\n", 'and a server that is not there');
like($flexilib->wait_log(qr/upstream 'dead'/), qr/upstream 'dead' server http:\S+: .*refused \(request [0-9a-f]{16}, filter 'fetch'\)$/,
    'the log says why, and for whom');
is(fetch('/a', upstream => 'pair'), $hello, 'where another server is there, it is asked') for 1 .. 4;

is(fetch('/silent', timeout => 50), "failure 504\n", 'a server may take so long');
$backend->wait_told(qr/left/);
like($flexilib->wait_log(qr/are over/), qr/error: upstream 'shop': filter 'fetch' has given a fetch 50 ms, which are over \(request [0-9a-f]{16}, filter 'fetch'\)$/,
    'and is left then');
my $leaver = connect_to($flexilib);
$leaver->send_request(POST => '/', headers => ['x-path' => '/silent', 'x-upstream' => 'shop']);
$backend->wait_told(qr/silent/);
$leaver->close;
$backend->wait_told(qr/left/);
ok($flexilib->wait_log(qr/filter 'fetch': over: -1, 0 bytes$/), 'a client that leaves takes its fetch along');
ok($flexilib->wait_log(qr/filter 'fetch': end$/), 'before its end');

is(fetch('/a', do => $_), "failure -1\n", "a filter may cancel ($_)") for qw(head piece);

my %refusals = (
    'a path without its beginning'    => ['a', {}, 'a path begins with \'/\''],
    'a path that ends the line'       => ["/a b", {}, 'it holds what has to be escaped, or a broken escape'],
    'a query that is more than one'   => ['/a?b#c', {}, 'it holds what has to be escaped'],
    'a method of two words'           => ['/a', { method => 'GET /' }, 'a method is one word without separators'],
    'a method that is not forwarded'  => ['/a', { method => 'CONNECT' }, 'CONNECT and TRACE are not forwarded'],
    'a host that is none'             => ['/a', { host => 'a/b' }, 'HOST or HOST:PORT is needed'],
    'a field that frames'             => ['/a', { field => 'Content-Length 5' }, 'a field frames messages or belongs to one connection'],
    'a field of a connection'         => ['/a', { field => 'upgrade websocket' }, 'a field frames messages or belongs to one connection'],
    'a field that is the host'        => ['/a', { field => 'Host a' }, 'the host is said by authority'],
    'a field without a name'          => ['/a', { field => 'a:b c' }, 'a field\'s name is no token'],
    'an upstream that is not there'   => ['/a', { upstream => 'shopp' }, 'there is no upstream of that name'],
);
for my $name (sort keys %refusals) {
    my ($path, $fields, $why) = @{ $refusals{$name} };
    my $upstream = $fields->{upstream} // 'shop';
    is(fetch($path, %$fields), "refused\n", "$name is refused");
    like($flexilib->wait_log(qr/was refused/), qr/error: filter 'fetch': a fetch from upstream '$upstream' was refused: \Q$why\E \(request [0-9a-f]{16}\)$/, 'by name');
}

done_testing;
