# Request and response pass their filters at the same time: what a server answers to the first piece of a body reaches the
# client before the second one is sent; and a server that has answered without reading ends neither filter nor client
# badly.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $head = $connection->read_head) {
            if ($head->{first} =~ m{/refuse}) {
                $connection->send(response_bytes(403, [], 'No, thank you'));
                $connection->tell('left') if defined $connection->read_all;
                return;
            }
            $connection->send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while (my $line = $connection->read_until(qr/\r\n/)) {
                my ($size) = map { hex } $line =~ /^(\w+)/;
                $connection->send($line . $connection->read_bytes($size + 2));
                last if $size == 0;
            }
        }
    }
);
my ($rewrite, $pause, $failing) = map { build_folder() . "/t/lib/$_.so" } qw(rewrite pause failing);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { rewrite: { path: "$rewrite" }, pause: { path: "$pause" }, failing: { path: "$failing" } }
routes:
  - { match: /hello, handler: hello }
  - { match: /fails, filters: [{ failing: { hook: request_body } }], proxy: &to "@{[$backend->url]}" }
  - { match: /open, filters: [{ use: failing, on_error: open, options: { hook: request_body } }], proxy: *to }
  - match: /pause
    filters: [{ pause: { hook: request_body } }, { pause: { hook: response_body } }]
    proxy: *to
  - { match: /, filters: [{ rewrite: { append: "<", request: yes } }, { rewrite: { append: ">" } }], proxy: *to }
END

sub begin {
    my ($path) = @_;
    my $client = connect_to($flexilib);
    $client->send_request(POST => $path, headers => ['Transfer-Encoding' => 'chunked']);
    return $client;
}

for my $path (qw(/both-ways /pause /open)) {
    my $client = begin($path);
    for my $word (qw(one two three)) {
        $client->send(sprintf "%x\r\n%s\r\n", length $word, $word);
        my $seen = $path eq '/both-ways' ? uc $word : $word;
        ok($client->read_until(qr/\r\n$seen(?=\r\n)/), "$path: the answer to '$word' is there before the next piece is sent");
    }
    $client->send("0\r\n\r\n");
    my $rest = $client->read_until(qr/\r\n0\r\n\r\n/);
    like($rest, qr/<.*></s, 'each body ends as its filters want') if $path eq '/both-ways';
    $client->send_request(GET => '/hello');
    is($client->read_response->body, "Hello, world!\n", 'and the connection goes on');
}

# a failure in the midst of a request, whose first piece comes before the server can have answered
my $client = connect_to($flexilib);
$client->send("POST /fails HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
is($client->read_response->status, 503, 'a filter that fails in the first piece answers for all');

# a server that answers early
for my $path ('/refuse', '/pause/refuse') {
    my $client = begin($path);
    $client->send("3\r\none\r\n");
    my $response = $client->read_response;
    is($response->status, 403, "$path: the client gets an early answer");
    is($response->body, $path eq '/refuse' ? 'NO, THANK YOU><' : 'No, thank you', 'through its filters');
    $client->close;
    $backend->wait_told(qr/left/);
}

done_testing;
