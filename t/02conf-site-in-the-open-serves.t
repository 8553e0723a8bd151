# conf/site-in-the-open.yaml does what it says: http leads to https and answers challenges, https is told to be kept to,
# and what is meant for this machine is no part of the site.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('site', 'DNS:site.example');
my $server = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        my ($type, $more) = $request->target eq '/style.css' ? ('text/css', 5000) : $request->target eq '/page' ? ('text/html', 5000) : ('text/plain', 0);
        $connection->respond(200, ['Content-Type' => $type], $request->header('X-Forwarded-Proto') . ' ' . length($request->body) . ' ' x $more);
    }
});

# Without the user: whom root runs workers as may not be able to reach a folder in which the tests run.
my $conf   = root_folder() . '/conf';
my $config = read_file("$conf/site-in-the-open.yaml") =~ s/^user: nobody.*\n//mr;
my $folder = make_folder();
symlink "$conf/pages", "$folder/pages" or die "cannot link the pages: $!";
my $flexilib = start_flexilib(
    dir    => $folder,
    config => $config,
    files  => { 'acme/.well-known/acme-challenge/abc' => 'abc.def' },
    env    => {
        HTTP_PORT   => 0,
        HTTPS_PORT  => 0,
        INSIDE_PORT => 0,
        ACME_FOLDER => "$folder/acme",
        CERTIFICATE => $authority->path('site.pem'),
        KEY         => $authority->path('site.key'),
        SERVER      => $server->url,
    }
);
my $port   = $flexilib->port('secure');
my $site   = "https://site.example:$port";
my @client = ('--include', '--cacert', $authority->path, '--resolve', "site.example:$port:127.0.0.1");

my $response = request($flexilib, GET => '/a?b', host => 'site.example', listener => 'plain');
is($response->status . ' ' . $response->header('Location'), "308 $site/a?b", 'http leads to https');
$response = request($flexilib, GET => '/.well-known/acme-challenge/abc', host => 'site.example', listener => 'plain');
is($response->status . ' ' . $response->body, '200 abc.def', 'but for challenges');

my $page = curl(@client, "$site/")->{out};
like($page, qr{^HTTP/2 200 .*\r\n\r\nhttps 0$}s, 'https is answered by the server');
like($page, qr{^strict-transport-security: max-age=31536000\r$}m, 'browsers are told to keep to it');
like($page, qr{^x-content-type-options: nosniff\r$}m, 'and not to guess');
like(curl(@client, '--compressed', "$site/style.css")->{out}, qr{^content-encoding: \w+\r\n.*\r\n\r\nhttps 0 {5000}\z}ms, 'styles come compressed');
unlike(curl(@client, '--compressed', "$site/page")->{out}, qr{^content-encoding:}m, 'pages, which may hold secrets, do not');
write_file("$folder/large", 'x' x 2_000_000);
like(curl(@client, '--http1.1', '--data-binary', "\@$folder/large", "$site/")->{out}, qr{^HTTP/1\.1 413 }m, 'large bodies are refused');
like(curl(@client, '--data-binary', "\@$folder/large", "$site/upload")->{out}, qr{^HTTP/2 200 .*https 2000000$}ms, 'but for where they belong');

is(request($flexilib, GET => '/healthz', listener => 'inside')->body, "ok\n", 'who watches is answered on this machine');
is(request($flexilib, GET => '/', listener => 'inside')->status, 404, 'and sees no more');
like(curl(@client, "$site/healthz")->{out}, qr{https 0$}, 'which is no part of the site');

$server->end;
like(curl(@client, "$site/")->{out}, qr{^HTTP/2 502 .*We are back in a minute}s, 'a page of our own tells that the server is gone');
done_testing;
