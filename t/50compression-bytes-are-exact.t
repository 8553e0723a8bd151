# Compressed responses come out as they went in: of every coding, from every source, by both fronts, plain and by TLS, of
# any length and kind, and through filters.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:localhost');
my $rewrite = test_library('rewrite');
my $number  = 1;
my $noise   = join '', map { $number = ($number * 1103515245 + 12345) % 2**31; pack 'N', $number * 3 } 1 .. 60_000;
my %bodies  = (
    empty  => '',
    byte   => 'x',
    short  => 'y' x 1023,
    least  => 'z' x 1024,
    page   => join('', map { "<p>paragraph $_ of many</p>\n" } 1 .. 3000),
    long   => join('', map { sprintf "%09d\n", $_ * $_ } 1 .. 500_000),
    zeros  => "\0" x 1_000_000,
    noise  => $noise,
);
my @names      = sort keys %bodies;
my %compressed = map { $_ => 1 } qw(least page long zeros noise);

sub answer {
    my ($path) = @_;
    my ($way, $name) = $path =~ m{^/(\w+)/(\w+)\.txt$};
    my $body = $bodies{$name};
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    return "${head}Content-Length: " . length($body) . "\r\n\r\n$body" if $way eq 'length';
    return "${head}Connection: close\r\n\r\n$body" if $way eq 'close';
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack '(a50000)*', $body;
    return "${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n";
}

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        $connection->send(answer($request->target));
        last if $request->target =~ m{^/close/};
    }
});
my $flexilib = start_flexilib(
    files => {
        'shop.pem' => read_file($authority->path('shop.pem')),
        'shop.key' => read_file($authority->path('shop.key')),
        map { ("public/files/$_.txt" => $bodies{$_}, "public/filtered/$_.txt" => $bodies{$_}) } @names
    },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: plain }
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: shop.pem, key: shop.key } }
workers: 1
compress: yes
libraries: { rewrite: $rewrite }
routes:
  - { match: /files, files: public }
  - { match: /filtered, filters: [{ rewrite: { append: "!" } }], files: public }
  - { match: [/length, /chunked, /close], proxy: "@{[$backend->url]}" }
END

my $folder = make_folder();
my @trust  = ('--cacert', $authority->path);
my %front  = (
    'HTTP/1.1'          => ['http://localhost:' . $flexilib->port('plain'), '--http1.1'],
    'HTTP/2'            => ['http://localhost:' . $flexilib->port('plain'), '--http2-prior-knowledge'],
    'HTTP/1.1 over TLS' => ['https://localhost:' . $flexilib->port('secure'), '--http1.1', @trust],
    'HTTP/2 over TLS'   => ['https://localhost:' . $flexilib->port('secure'), '--http2', @trust],
);

# Debian 12's curl fails with its second request on a connection of HTTP/2 without TLS.
sub fetch {
    my ($front, $coding, $way) = @_;
    my ($url, @options) = @{ $front{$front} };
    my @groups = $front eq 'HTTP/2' ? map { [$_] } @names : [@names];
    my $told   = '';
    for my $group (@groups) {
        my $result = curl(@options, '--ipv4', '--compressed', '--header', "Accept-Encoding: $coding",
            '--write-out', "%{http_code}:%header{content-encoding}:%header{vary}\n",
            map { ('--output', "$folder/$_", "$url/$way/$_.txt") } @$group);
        is($result->{status}, 0, "$front, $coding, $way") or diag($result->{err});
        $told .= $result->{out};
    }
    return split /\n/, $told;
}

sub check {
    my ($front, $coding, $way) = @_;
    unlink glob "$folder/*";
    my @told = fetch($front, $coding, $way);
    my $is_known = $way eq 'length' || $way eq 'files';
    for my $i (0 .. $#names) {
        my $is_coded = !$is_known || $compressed{ $names[$i] };
        my $expected = $way eq 'filtered' ? uc($bodies{ $names[$i] }) . '!' : $bodies{ $names[$i] };
        is($told[$i], $is_coded ? "200:$coding:Accept-Encoding" : '200::', "$names[$i] says so");
        my $got = -e "$folder/$names[$i]" ? read_file("$folder/$names[$i]") : '';
        ok($got eq $expected, "$names[$i] is exact");
    }
    return;
}

for my $coding (qw(gzip br zstd)) {
    check('HTTP/1.1', $coding, $_) for qw(files filtered length chunked close);
    check('HTTP/2',            $coding, 'chunked');
    check('HTTP/1.1 over TLS', $coding, 'length');
    check('HTTP/2 over TLS',   $coding, $_) for qw(files length);
}
done_testing;
