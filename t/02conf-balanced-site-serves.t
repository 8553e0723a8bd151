# conf/balanced-site.yaml does what it says: https, clients that keep their server, WebSocket, and pages of its own.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('site', 'DNS:site.example');

sub start_named {
    my ($name) = @_;
    return start_backend(sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            if ($request->header('Upgrade')) {
                $connection->send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nopen");
                return;
            }
            $connection->respond($request->target eq '/none' ? 404 : 200, [], $request->target eq '/healthz' ? 'ok' : $name);
        }
    });
}
my @servers = map { start_named($_) } qw(one two);
my $spare   = start_named('spare');

# Without the user: whom root runs workers as may not be able to reach a folder in which the tests run.
my $conf   = root_folder() . '/conf';
my $config = read_file("$conf/balanced-site.yaml") =~ s/^user: nobody.*\n//mr;
my $folder = make_folder();
symlink "$conf/pages", "$folder/pages" or die "cannot link the pages: $!";
my $flexilib = start_flexilib(
    dir    => $folder,
    config => $config,
    env    => {
        HTTP_PORT   => 0,
        HTTPS_PORT  => 0,
        CERTIFICATE => $authority->path('site.pem'),
        KEY         => $authority->path('site.key'),
        SERVER_1    => $servers[0]->url,
        SERVER_2    => $servers[1]->url,
        SPARE       => $spare->url,
    }
);
my $port   = $flexilib->port(1);
my $site   = "https://site.example:$port";
my @client = ('--include', '--cacert', $authority->path, '--resolve', "site.example:$port:127.0.0.1");

my $response = request($flexilib, GET => '/a?b', host => 'site.example', listener => 'plain');
is($response->status . ' ' . $response->header('Location'), "308 $site/a?b", 'http is led to https');

my $first = curl(@client, "$site/");
like($first->{out}, qr{^HTTP/2 200 .*\r\n\r\n(?:one|two)$}s, 'https is answered by one of the servers') or diag($first->{err});
my ($cookie) = $first->{out} =~ /^set-cookie: (site_server=[^;]+); .*Secure/mi;
ok(defined $cookie, 'with a cookie for it');
my ($name) = $first->{out} =~ /(\w+)\z/;
my @others = grep { $_ !~ /\b\Q$name\E$/ } map { curl(@client, '--header', "Cookie: $cookie", "$site/")->{out} } 1 .. 6;
is_deeply(\@others, [], 'by which the client keeps it');
like(
    curl(@client, qw(--http1.1 --header Connection:Upgrade --header Upgrade:websocket), "$site/socket")->{out},
    qr{^HTTP/1\.1 101 .*\r\n\r\nopen$}s, 'WebSocket passes'
);
like(curl(@client, "$site/none")->{out}, qr{^HTTP/2 404 .*\r\n\r\n(?:one|two)$}s, "a server's own page for what is not there stays");

$_->end for @servers;
like(curl(@client, "$site/")->{out}, qr{^HTTP/2 200 .*\r\n\r\nspare$}s, 'the spare server answers once all others are gone');
$spare->end;
like(curl(@client, "$site/")->{out}, qr{^HTTP/2 50[23] .*We are back in a minute}s, 'then a page of our own does');

done_testing;
