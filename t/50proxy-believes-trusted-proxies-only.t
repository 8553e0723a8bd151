# Who the client is, and how it asked, is taken from what proxies in front say, where they are trusted.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(200, [], $request->head);
        }
    }
);
my $folder = make_folder();

sub start {
    my ($name, $trusted) = @_;
    return start_flexilib(config => <<"END");
listen: [127.0.0.1:0, "unix:$folder/$name.sock"]
workers: 1
$trusted
routes:
  - { match: =/redirect, redirect: "{scheme}://{host}/there" }
  - { match: /standard, proxy: { to: "@{[$backend->url]}", forwarded: standard } }
  - { match: /both, proxy: { to: "@{[$backend->url]}", forwarded: both } }
  - { match: /none, proxy: { to: "@{[$backend->url]}", forwarded: none } }
  - { match: { host: secret.example }, respond: { body: secret } }
  - { match: /, proxy: "@{[$backend->url]}" }
END
}

sub fields {
    my ($response) = @_;
    return join '', grep { /^(?:X-|Forwarded)/i } map { "$_\n" } split /\r\n/, $response->body;
}

my @said = (
    'X-Forwarded-For' => '6.6.6.6, 203.0.113.9:4711, 127.0.0.3', 'X-Forwarded-Proto' => 'https',
    'X-Forwarded-Host' => 'www.example', 'X-Real-IP' => '203.0.113.9',
);

my $trusting = start('trusting', 'trusted_proxies: [127.0.0.0/8, unix]');
my $response = request($trusting, GET => '/all', host => 'inner.example', headers => \@said);
is(fields($response), <<'END', 'what a trusted proxy says goes on, and is continued');
X-Real-IP: 203.0.113.9
X-Forwarded-For: 6.6.6.6, 203.0.113.9:4711, 127.0.0.3, 127.0.0.1
X-Forwarded-Proto: https
X-Forwarded-Host: www.example
END
like($response->body, qr/^Host: inner\.example\r$/m, 'Host stays what the proxy has made of it');
$trusting->wait_access(qr{ 203\.0\.113\.9:4711 - - "GET /all });
pass('the access log shows the client');

$response = request($trusting, GET => '/redirect', host => 'inner.example', headers => \@said);
is($response->header('location'), 'https://www.example/there', 'redirects lead where the client has asked');
is(request($trusting, GET => '/', host => 'inner.example', headers => ['X-Forwarded-Host' => 'secret.example'])->status, 200, 'a route');
unlike(request($trusting, GET => '/', host => 'inner.example', headers => ['X-Forwarded-Host' => 'secret.example'])->body, qr/^secret$/, 'is found by Host alone');

is(fields(request($trusting, GET => '/standard', host => 'a.example', headers => ['Forwarded' => 'for=203.0.113.9;proto=https', 'X-Forwarded-Port' => 1])), <<'END', 'Forwarded is continued');
X-Forwarded-Port: 1
Forwarded: for=203.0.113.9;proto=https, for=127.0.0.1;host=a.example;proto=https
END
$trusting->wait_access(qr{ 203\.0\.113\.9 - - "GET /standard });
pass('and gives the client its address');
is(fields(request($trusting, GET => '/both', host => 'a.example', headers => ['Forwarded' => 'for="[2001:db8::1]"'])), <<'END', 'both');
X-Forwarded-For: 2001:db8::1, 127.0.0.1
X-Forwarded-Proto: http
X-Forwarded-Host: a.example
Forwarded: for="[2001:db8::1]", for=127.0.0.1;host=a.example;proto=http
END
is(fields(request($trusting, GET => '/none', headers => ['X-Forwarded-For' => '203.0.113.9'])), "X-Forwarded-For: 203.0.113.9\n", 'nothing is added');

my $unix = connect_to("unix:$folder/trusting.sock");
$unix->send_request(GET => '/unix', host => 'a.example', headers => ['X-Forwarded-For' => '203.0.113.9']);
is(fields($unix->read_response), <<'END', 'a trusted proxy on a unix socket has no address to add');
X-Forwarded-For: 203.0.113.9
X-Forwarded-Proto: http
X-Forwarded-Host: a.example
END
$trusting->wait_access(qr{ 203\.0\.113\.9 - - "GET /unix });

my $doubting = start('doubting', 'trusted_proxies: [10.0.0.0/8]');
is(fields(request($doubting, GET => '/all', host => 'a.example', headers => \@said)), <<'END', 'nobody else is believed');
X-Forwarded-For: 127.0.0.1
X-Forwarded-Proto: http
X-Forwarded-Host: a.example
END
$doubting->wait_access(qr{ 127\.0\.0\.1:\d+ - - "GET /all });
is(fields(request($doubting, GET => '/none', headers => \@said)), '', 'also where we say nothing ourselves');
is(request($doubting, GET => '/redirect', host => 'a.example', headers => \@said)->header('location'), 'http://a.example/there', 'nor in redirects');
$unix = connect_to("unix:$folder/doubting.sock");
$unix->send_request(GET => '/unix', host => 'a.example', headers => \@said);
is(fields($unix->read_response), "X-Forwarded-Proto: http\nX-Forwarded-Host: a.example\n", 'nor by a unix socket');

done_testing;
