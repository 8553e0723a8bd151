# A request that is sent in circles, or has come as far as its Max-Forwards allows, ends here.

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
my $folder   = make_folder();
my $flexilib = start_flexilib(config => <<"END");
listen: [127.0.0.1:0, "unix:$folder/front.sock"]
workers: 1
routes:
  - { match: /circle, name: circle, proxy: "http+unix:$folder/front.sock" }
  - { match: /, proxy: "@{[$backend->url]}" }
END

for my $method ('GET', 'POST') {
    my $response = request($flexilib, $method => '/circle');
    is($response->status, 508, "$method in circles is noticed");
    like($response->header('via'), qr/^(?:1\.1 flexilib(?:, |$)){10}$/, 'after ten rounds');
}
like($flexilib->wait_log(qr/warning: route 'circle': the request has come by ten times/), qr/in circles \(request [0-9a-f]{16}\)/, 'and the log tells');

my $via = join ', ', ('1.1 flexilib') x 9;
is(request($flexilib, GET => '/', headers => [Via => $via])->status, 200, 'nine FlexiLibs in a row are nothing strange');

my $response = request($flexilib, OPTIONS => '/x', headers => ['Max-Forwards' => 0]);
is($response->status, 200, 'OPTIONS that may go no further is answered');
like($response->header('allow'), qr/\bGET\b/, 'by what FlexiLib allows');
is($response->body, '', 'without content');
like(request($flexilib, OPTIONS => '/x', headers => ['Max-Forwards' => 5])->body, qr/^Max-Forwards: 4\r$/m, 'else there is one hop less to go');
like(request($flexilib, OPTIONS => '/x', headers => ['Max-Forwards' => 'many'])->body, qr/^Max-Forwards: many\r$/m, 'what is no number is none of ours');
like(request($flexilib, GET => '/x', headers => ['Max-Forwards' => 0])->body, qr/^Max-Forwards: 0\r$/m, 'nor is it with GET');

done_testing;
