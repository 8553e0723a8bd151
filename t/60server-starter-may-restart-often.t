# start_server tells every supervisor that still drains to leave each time it starts another; that cuts no request.

use lib 't/lib';
use FlexiLib::Test;

my $starter = '/usr/share/h2o/start_server';
need('perl');
if (!-x $starter) {
    die "$starter is missing\n" if $ENV{CI};
    plan(skip_all => "$starter is missing");
}

my $pause  = test_library('pause');
my $folder = make_folder();
my $port   = free_port();
write_file("$folder/flexilib.yaml", <<"END");
listen: 127.0.0.1:$port
workers: 1
libraries: { pause: $pause }
routes:
  - { match: /, filters: [{ pause: { hold: yes, reply: yes } }], handler: hello }
END
my $server = FlexiLib::Test::Server->start(
    name    => 'start_server',
    dir     => $folder,
    command => [$starter, '--interval=0', "--port=127.0.0.1:$port", '--', build_folder() . '/flexilib', '-c', 'flexilib.yaml'],
);
$server->wait_serving;

# Half of a request is there already, so that it is not taken for an idle connection.
my $release = connect_to("127.0.0.1:$port");
my $waiting = connect_to("127.0.0.1:$port");
$waiting->send_request(GET => '/wait');
$server->wait_log(qr/pausing/);
$release->send("GET /release HTTP/1.1\r\nHost: x\r\n");
for my $round (1 .. 3) {
    $server->signal('HUP');
    # The new one and start_server work side by side, so their lines come in either order.
    my %left = (serving => qr/info: generation 1 is serving/, killing => qr/killing old workers/);
    while (%left) {
        my $any  = join '|', values %left;
        my $line = $server->wait_log(qr/$any/);
        delete @left{ grep { $line =~ $left{$_} } keys %left };
    }
}
$release->send("\r\n");
my $response = $waiting->read_response;
is($response && $response->body, "resumed: first\n", 'a request outlives three restarts');
$server->stop;

done_testing;
