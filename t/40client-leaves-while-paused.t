# A client that leaves while a filter pauses harms nothing: the filter hears of the end at once, and what a thread
# brings afterwards is dropped, even at the very end.

use lib 't/lib';
use FlexiLib::Test;

my $pause   = test_library('pause');
my $backend = start_static_backend();
my @hooks   = qw(request_head request_body response_head response_body);

for my $hook (@hooks) {
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { pause: $pause }
routes:
  - match: /
    filters: [{ pause: { hook: $hook, hold: yes } }]
    proxy: "@{[$backend->url]}"
END
    for my $way (qw(close reset)) {
        my $connection = $flexilib->connect;
        $connection->send_request(POST => '/paused', body => 'question');
        my ($id) = $flexilib->wait_log(qr/filter 'pause': pausing/) =~ /\(request (\w+)\)/;
        $connection->$way;
        like($flexilib->wait_log(qr/filter 'pause': end/), qr/\(request $id\)$/, "$hook, $way: the end comes at once");
    }
    my $stayed = $flexilib->connect;
    $stayed->send_request(POST => '/paused', body => 'question');
    $flexilib->wait_log(qr/filter 'pause': pausing/);
    is(request($flexilib, GET => '/release')->status, 200, "$hook: all tickets are used now");
    my $response = $stayed->read_response;
    is($response->body, "hello from the backend\n", "$hook: who stayed is served");
    $flexilib->wait_log(qr/pause dropped: first/) for 1, 2;
    my $resumed = () = $flexilib->log =~ /filter 'pause': resumed: first/g;
    is($resumed, 1, "$hook: the two that left are not resumed");
    my $last = $flexilib->connect;
    $last->send_request(POST => '/paused', body => 'question');
    $flexilib->wait_log(qr/filter 'pause': pausing/);
    $last->close;
    $flexilib->wait_log(qr/filter 'pause': end/);
    $flexilib->stop;
    my $dropped = () = $flexilib->log =~ /pause dropped: first/g;
    is($dropped, 3, "$hook: what a thread brings while the filter is destroyed is dropped too");
}

done_testing;
