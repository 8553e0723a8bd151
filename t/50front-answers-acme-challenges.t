# acme_challenges: what an ACME client has put into its webroot is answered on every listener, ahead of routes, filters and
# the way to https; nothing else is, whatever the name says and wherever links lead.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

use POSIX ();

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example');
my $folder   = make_folder();
my $at       = '/.well-known/acme-challenge';
my $token    = 'LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0';
my $answer   = "$token.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI";
my $flexilib = start_flexilib(
    dir   => $folder,
    files => {
        'shop.pem' => read_file($authority->path('shop.pem')), 'shop.key' => read_file($authority->path('shop.key')),
        "web$at/$token" => $answer, "web$at/a-B_9" => 'short', "web$at/with.dot" => 'secret', "web$at/.hidden" => 'secret',
        "web$at/" . 'x' x 129 => 'long', "web$at/folder/token" => 'secret', "web$at/empty" => '',
        'web/index.html' => 'secret', 'web/.well-known/other' => 'secret', 'secret' => 'secret',
    },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: plain }
  - "unix:$folder/front.sock"
  - { address: "127.0.0.1:0", name: secure, tls: { certificate: shop.pem, key: shop.key } }
workers: 1
acme_challenges: web
https_only: yes
filters: [{ headers: { response_set: { x-filter: seen } } }]
routes:
  - { match: /, respond: { body: route } }
END
symlink '../../../secret', "$folder/web$at/outside" or die "symlink: $!";
symlink "$folder/secret", "$folder/web$at/absolute" or die "symlink: $!";
symlink $token, "$folder/web$at/inside" or die "symlink: $!";
POSIX::mkfifo("$folder/web$at/pipe", 0644) or die "mkfifo: $!";

my $response = request($flexilib, GET => "$at/$token", host => 'shop.example');
is($response->status . ' ' . $response->body, "200 $answer", 'a challenge is answered by http');
is($response->header('Content-Type'), 'text/plain', 'as text');
is($response->header('X-Filter'), undef, 'no filter sees it');
is(request($flexilib, HEAD => "$at/$token", host => 'shop.example')->header('Content-Length'), length $answer, 'HEAD tells its length');
is(request($flexilib, GET => "$at/$token?x=y", host => 'shop.example')->body, $answer, 'with a query');
is(request($flexilib, GET => "$at/a-B_9", host => 'any.example')->body, 'short', 'for any host, with every kind of character');
is(request($flexilib, GET => "$at/empty", host => 'any.example')->status, 200, 'also where it is empty');
is(request($flexilib, GET => "$at/inside", host => 'any.example')->body, $answer, 'a link within the folder is fine');
is(request("unix:$folder/front.sock", GET => "$at/$token")->body, $answer, 'on a unix socket');
my $port = $flexilib->port('secure');
my @client = ('--cacert', $authority->path, '--resolve', "shop.example:$port:127.0.0.1", "https://shop.example:$port$at/$token");
is(curl($_, @client)->{out}, $answer, "over TLS ($_)") for qw(--http1.1 --http2);
$flexilib->wait_access(qr{"GET $at/$token HTTP/1\.1" 200 });
pass('the access log has it');

for my $name ('', '/', '/missing', '/with.dot', '/.hidden', '/' . 'x' x 129, '/folder/token', '/folder/', '/outside', '/absolute', '/pipe',
    "/$token/", "/%2e%2e%2fother", '/..%2f..%2findex.html', "/$token%20", '/folder', '/a%2Fb', '/%C3%BC') {
    my $refused = request($flexilib, GET => "$at$name", host => 'shop.example');
    is($refused->status, 404, "'$name' is not there");
    unlike($refused->body, qr/secret|route/, 'and nothing is told');
}
$response = request($flexilib, POST => "$at/$token", host => 'shop.example', body => 'x');
is($response->status . ' ' . $response->header('Allow'), '405 GET, HEAD', 'nobody can put anything there');
for my $path ("$at/../other", '/.well-known/other', '/.well-known/acme-challengeX', '/.well-known', '/index.html') {
    is(request($flexilib, GET => $path, host => 'shop.example')->status, 308, "$path is none of its business");
}

my $fresh = "$folder/web$at/later";
is(request($flexilib, GET => "$at/later", host => 'shop.example')->status, 404, 'what is not there yet');
write_file($fresh, 'now');
is(request($flexilib, GET => "$at/later", host => 'shop.example')->body, 'now', 'is there as soon as it is');
unlink $fresh;
is(request($flexilib, GET => "$at/later", host => 'shop.example')->status, 404, 'and gone when it is');

my $bare = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
acme_challenges: no-such-folder
routes: [{ match: /, respond: { body: route } }]
END
is(request($bare, GET => "$at/$token")->status, 404, 'a folder that is not there yet holds nothing');
is(request($bare, GET => '/')->body, 'route', 'and all else goes on');

my $none = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
routes: [{ match: /, respond: { body: route } }]
END
is(request($none, GET => "$at/$token")->body, 'route', 'without the setting, the path is one like any other');

done_testing;
