# The admin listener says whether the program lives and is ready: also while limits keep clients waiting, and while
# generations change; and once the program is told to stop, that it is not ready any more, for as long as clients may still
# come and longer. It is no part of what is served.

use lib 't/lib';
use FlexiLib::Test;

my $config = <<'END';
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
max_connections: 2
trusted_proxies: 127.0.0.1
filters:
  - headers: { response_set: { x-filter: ran } }
error_pages: { 404: page.html }
routes:
  - { match: { path: /, methods: GET }, respond: { status: 200, body: "served\n" } }
END

sub ask {
    my ($flexilib, $path, @arguments) = @_;
    my $result = curl('-s', '-w', '%{http_code}', @arguments, $flexilib->admin_url($path));
    my ($body, $status) = $result->{out} =~ /\A(.*)(\d{3})\z/s or return $result->{err};
    return "$status $body";
}

my $flexilib = start_flexilib(config => $config, files => { 'page.html' => 'ours' });
is(ask($flexilib, '/healthz'), "200 ok\n", 'it lives');
is(ask($flexilib, '/readyz'), "200 ready\n", 'it is ready');
is(ask($flexilib, '/metrics?x=y') =~ s/ .*//sr, '200', 'it counts');
is(ask($flexilib, '/nowhere'), "404 /healthz, /readyz and /metrics are here\n", 'all else is not there');
is(ask($flexilib, '/healthz/'), "404 /healthz, /readyz and /metrics are here\n", 'nor is what comes close');
is(ask($flexilib, '/%68ealthz'), "200 ok\n", 'a name may be escaped');
like(ask($flexilib, '/readyz', '-I'), qr{\A200 HTTP/1.1 200 OK\r\n(?!.*x-filter).*content-length: 6\r\n\r\n\z}si, 'HEAD has no body, and no filter runs');
is(ask($flexilib, '/readyz', '-d', 'x'), "405 GET and HEAD are allowed here\n", 'nothing can be sent');
like(ask($flexilib, '/readyz', '-i', '-X', 'DELETE'), qr/^allow: GET, HEAD\r$/mi, 'what can be is told');
is(request($flexilib, GET => '/readyz')->body, "served\n", 'clients of other listeners do not reach it');
$flexilib->wait_access(qr{GET /readyz HTTP/1\.1" 200});
is(scalar($flexilib->access_log), 1, 'the access log knows clients only');

my @clients = map { connect_to($flexilib) } 1 .. 2;
$_->send("GET / HTTP/1.1\r\n") for @clients;
my $waiting = connect_to($flexilib);
$waiting->send_request(GET => '/');
$flexilib->wait_log(qr/max_connections is reached/);
is(ask($flexilib, '/healthz'), "200 ok\n", 'it answers while clients wait');
$_->close for @clients, $waiting;

my $kept = FlexiLib::Test::Connection->open($flexilib->admin_url('') =~ s{^http://}{}r);
$kept->send_request(GET => '/readyz');
is($kept->read_response->body, "ready\n", 'a connection may be kept');
my @states;
for my $generation (2 .. 4) {
    $flexilib->reload;
    push @states, ask($flexilib, '/readyz') for 1 .. 5;
    $flexilib->wait_serving($generation);
}
is_deeply([grep { $_ ne "200 ready\n" } @states], [], 'while generations change it is ready');
ok($kept->is_closed, 'and what is idle then is closed');
my @urls = $flexilib->log =~ /listening on \S+ \(admin\)/g;
is(scalar @urls, 1, 'on the very same socket');
$flexilib->write_file('flexilib.yaml', $config =~ s/^admin: .*/admin: off/mr);
$flexilib->reload;
$flexilib->wait_serving(5);
like(ask($flexilib, '/readyz'), qr/000/, 'off is off');
$flexilib->stop;

my $leaving = start_flexilib(config => $config =~ s/^admin: (\S+)/admin: { address: $1, access_log: yes }\nshutdown_delay: 1m/mr, files => { 'page.html' => 'ours' });
my $held = connect_to($leaving);
$held->send("GET / HTTP/1.1\r\n");
$leaving->signal('TERM');
$leaving->wait_log(qr/not ready any more; stopping in 60\.000 s/);
is(ask($leaving, '/readyz'), "503 stopping\n", 'told to stop, it is not ready');
is(ask($leaving, '/healthz'), "200 ok\n", 'but lives');
is(request($leaving, GET => '/')->body, "served\n", 'and still serves who comes');
$leaving->wait_access(qr{GET /readyz HTTP/1\.1" 503});
$leaving->reload;
$leaving->wait_serving(2);
is(ask($leaving, '/readyz'), "503 stopping\n", 'a reload changes nothing of that');
$held->close;
$leaving->signal('TERM');
$leaving->check_exit(0);

# Without descriptors it has those that are kept.
my $folder = make_folder();
write_file("$folder/flexilib.yaml", "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 1\nroutes: [{ match: /, respond: 200 }]\n");
my $short = FlexiLib::Test::Server->start(
    name    => 'flexilib',
    dir     => $folder,
    command => ['/bin/sh', '-c', 'ulimit -n 64; exec "$0" "$@"', build_folder() . '/flexilib', '-c', 'flexilib.yaml']);
$short->wait_serving;
my @busy = map { connect_to($short) } 1 .. 80;
$_->send("GET / HTTP/1.1\r\n") for @busy;
$short->wait_log(qr/descriptors are running short/);
is(ask($short, '/healthz'), "200 ok\n", 'it answers where descriptors are short');
$_->close for @busy;
$short->stop;

my $draining = start_flexilib(config => $config, files => { 'page.html' => 'ours' });
my $slow     = connect_to($draining);
$slow->send("GET / HTTP/1.1\r\n");
request($draining, GET => '/');
$draining->signal('TERM');
$draining->wait_log(qr/no more connections are accepted/);
is(ask($draining, '/readyz'), "503 stopping\n", 'whoever waits for the last request is told so too');
$slow->send("Host: x\r\n\r\n");
is($slow->read_response->body, "served\n", 'which is answered');
$draining->check_exit(0);
done_testing;
