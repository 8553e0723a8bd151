# replace finds texts across the borders of pieces, in decoded bodies, and puts right what was said of the old bytes.

use lib 't/lib';
use FlexiLib::Test;

use Compress::Zlib qw(memGzip);

my $page    = '<a href="http://shop.internal/x">Shop</a> and http://shop.internal/y, not http://shop.inter';
my $wanted  = '<a href="https://example.com/x">Shop</a> and https://example.com/y, not http://shop.inter';
my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            my ($kind) = $request->target =~ m{^/\w+/(\w*)};
            my @more = ('Content-Type' => 'text/html; charset=utf-8', ETag => '"v1"', 'Content-MD5' => 'abc', 'Accept-Ranges' => 'bytes');
            if ($kind eq 'bytes') {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n");
                $connection->send("1\r\n$_\r\n") for split //, $page;
                $connection->send("0\r\n\r\n");
            } elsif ($kind eq 'gzip') {
                $connection->respond(200, [@more, 'Content-Encoding' => 'gzip'], memGzip($page));
            } elsif ($kind eq 'image') {
                $connection->respond(200, ['Content-Type' => 'image/png', ETag => '"i1"'], $page);
            } elsif ($kind eq 'part') {
                $connection->respond(206, [@more, 'Content-Range' => 'bytes 0-3/100'], 'http');
            } elsif ($kind eq 'strange') {
                $connection->respond(200, [@more, 'Content-Encoding' => 'sdch'], $page);
            } elsif ($kind eq 'weak') {
                $connection->respond(200, ['Content-Type' => 'text/html', ETag => 'W/"v1"'], $page);
            } elsif ($kind eq 'echo') {
                $connection->respond(200, ['Content-Type' => 'text/plain', 'X-Framing' => $request->framing], $request->body);
            } elsif ($kind eq 'head') {
                $connection->send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 90\r\n\r\n");
            } else {
                $connection->respond(200, \@more, $page);
            }
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - match: /page
    filters:
      - replace:
          types: [text/html, application/xhtml+xml]
          rules:
            - { from: "http://shop.internal", to: "https://{host}" }
            - { from: "http://shop" , to: "http://shop" }
    proxy: "@{[$backend->url]}"
  - match: /upload
    filters:
      - replace: { in: request, types: "text/*", ignore_case: yes, rules: [{ from: secret, to: "" }, { from: b, to: "{{b}}" }] }
    proxy: "@{[$backend->url]}"
  - match: /again
    compress: yes
    filters: [{ replace: { rules: [{ from: Shop, to: Store }] } }]
    proxy: "@{[$backend->url]}"
END

sub ask {
    my ($path, @headers) = @_;
    return request($flexilib, GET => $path, host => 'example.com', headers => \@headers);
}

my $plain = ask('/page/plain');
is($plain->body, $wanted, 'texts are replaced');
is($plain->header('etag'), 'W/"v1"', 'the entity tag is weak');
is($plain->header($_), undef, "$_ is gone") for qw(content-md5 accept-ranges content-length);
is(ask('/page/bytes')->body, $wanted, 'also where each byte comes by itself');
is(ask('/page/weak')->header('etag'), 'W/"v1"', 'a weak tag stays as it is');

my $gzip = ask('/page/gzip', 'Accept-Encoding' => 'gzip, br');
is($gzip->body, $wanted, 'a compressed body is decoded first');
is($gzip->header('content-encoding'), undef, 'and goes out so');

my $again = ask('/again/gzip', 'Accept-Encoding' => 'gzip');
is($again->header('content-encoding'), 'gzip', 'or is compressed again, where the route says so');
is(Compress::Zlib::memGunzip($again->body), $page =~ s/Shop/Store/gr, 'after it was changed');

my $image = ask('/page/image');
is($image->body, $page, 'another type stays as it is');
is($image->header('content-length'), length $page, 'with its length');
is($image->header('etag'), '"i1"', 'and its tag');
is(ask('/page/part', Range => 'bytes=0-3')->body, 'http', 'a part stays as it is');
is(ask('/page/strange')->body, $page, 'so does what cannot be decoded');
unlike($backend->received, qr/^range:/mi, 'servers are not asked for parts');
my $head = request($flexilib, HEAD => '/page/head');
is($head->body, '', 'HEAD has no body');

my $upload = request($flexilib, POST => '/upload/echo', headers => ['Content-Type' => 'text/plain'], body => 'a SECRET SecretB secre');
is($upload->body, 'a  {b} secre', 'bodies of requests too, in any case, and braces are doubled to stand for themselves');
my $chunked = request($flexilib, POST => '/upload/echo', headers => ['Content-Type' => 'text/plain'], chunks => [map { $_ } split //, 'xsecretx']);
is($chunked->body, 'xx', 'in pieces');
my $binary = request($flexilib, POST => '/upload/echo', headers => ['Content-Type' => 'application/x'], body => 'secret');
is($binary->body, 'secret', 'another type stays as it is');
is($binary->header('x-framing'), 'length', 'with its length');

for my $case (
    ['rules: []', qr/:4:\d+: .*1 to 256 rules are needed/],
    ['rules: [{ to: a }]', qr/:4:\d+: .*from/],
    ['rules: [{ from: "" }]', qr/:4:44: .*a text of 1 to 4096 bytes is needed/],
    ['rules: [{ from: a, to: "{hots}" }]', qr/did you mean.*host/],
    ['in: both, rules: [{ from: a }]', qr/response/],
) {
    my ($options, $expected) = @$case;
    my $result = run_flexilib(['check'], config => "listen: 127.0.0.1:0\nroutes:\n  - match: /\n"
            . "    filters: [{ replace: { $options } }]\n    handler: hello\n");
    like($result->{err}, $expected, "refused: $options");
}
done_testing;
