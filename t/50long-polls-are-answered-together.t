# Two hundred requests that wait for the service to say something cost nothing while they wait, keep nobody else waiting,
# and are all answered when it does, by HTTP/1.1 and by HTTP/2, also in a generation that drains.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Http2;

my $count   = 200;
my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        if ($request->target =~ m{^/poll/(\d+)$}) {
            $connection->tell('waiting');
            $connection->wait_go;
            $connection->respond(200, [], "news for $1");
        } else {
            $connection->respond(200, [], 'at once');
        }
    }
});
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
body_timeout: 1s
keep_alive_timeout: 1s
write_timeout: 1s
routes: [{ proxy: "@{[$backend->url]}" }]
END

for my $round ('a service that waits', 'a generation that drains') {
    my @clients = map {
        my $client = connect_to($flexilib);
        $client->send_request(GET => "/poll/$_");
        $client;
    } 1 .. $count / 2;
    my $http2 = FlexiLib::Test::Http2->open($flexilib);
    $http2->request(2 * $_ - 1, GET => "/poll/$_") for 1 .. $count / 2;
    $backend->wait_told(qr/^waiting$/) for 1 .. $count;
    # limits of one second are over for others meanwhile
    my $idle = connect_to($flexilib);
    $idle->send_request(GET => '/other');
    $idle->read_response;
    ok($idle->is_closed, "$round: an idle connection ends");
    is(request($flexilib, GET => '/other')->body, 'at once', 'others are served');
    if ($round =~ /drains/) {
        $flexilib->reload;
        $flexilib->wait_serving(2);
        is(request($flexilib, GET => '/other')->body, 'at once', 'by the next generation too');
    }
    $backend->go for 1 .. $count;
    my $by1 = grep { $clients[$_ - 1]->read_response->body eq "news for $_" } 1 .. $count / 2;
    my $by2 = grep { $http2->wait_stream(2 * $_ - 1)->{body} eq "news for $_" } 1 .. $count / 2;
    is($by1, $count / 2, 'all are answered by HTTP/1.1');
    is($by2, $count / 2, 'and by HTTP/2');
}
$flexilib->wait_log(qr/info: generation 1 has drained/);

done_testing;
