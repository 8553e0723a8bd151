# A filter that blocks for too long, leaves with its client, or takes its worker along harms nobody else: it is named, its
# client is answered, and what it does comes to nothing.

use lib 't/lib';
use FlexiLib::Test;

my $library  = test_library('blocking');
my $backend  = start_static_backend(status => 200, body => 'x' x 10000);
my $flexilib = start_flexilib(expect_alerts => qr/killed by signal/, config => <<"END");
listen: 127.0.0.1:0
workers: 1
handler_timeout: 200ms
shutdown_timeout: 0
libraries:
  blocking: { path: "$library", share: 100 }
  crash: { path: "@{[test_library('crash')]}", blocking: yes }
routes:
  - { match: /release, handler: { blocking.plain: { reply: yes } } }
  - { match: /head, handler: { blocking.concurrent: { hold: yes, reply: yes } } }
  - { match: /body, handler: { blocking.concurrent: { hook: request_body, hold: yes, reply: yes } } }
  - match: /response
    filters: [{ blocking.concurrent: { hook: response_body, hold: yes } }]
    proxy: "@{[$backend->url]}"
  - match: /end
    filters: [{ blocking.concurrent: { hook: end, hold: yes } }]
    handler: hello
  - { match: /serial, handler: { blocking: { hold: yes, reply: yes } } }
  - { match: /crash, filters: [crash], handler: hello }
  - { handler: hello }
END

sub release { return request($flexilib, GET => '/release') }

sub id_of {
    my ($path) = @_;
    $flexilib->wait_log(qr{blocks \Q$path\E \(request});
    return $flexilib->log =~ m{blocks \Q$path\E \(request (\w+)\)} ? $1 : '';
}

my $connection = connect_to($flexilib);
$connection->send_request(GET => '/head');
is($connection->read_response->status, 504, 'what takes too long is answered 504');
my $id = id_of('/head');
ok($flexilib->wait_log(qr/'blocking\.concurrent': has been at work in on_request_head for too long \(request $id\)/), 'and named');
$connection->send_request(GET => '/');
is($connection->read_response->status, 200, 'the connection goes on');
$connection->close;
unlike($flexilib->log, qr/end \(request $id\)/, 'the filter is still at work');
like($flexilib->wait_access(qr{GET /head }), qr{$id .*GET /head HTTP/1\.1" 504}, 'the request is in the access log');
release();
ok($flexilib->wait_log(qr/end \(request $id\)/), 'when it has returned its end comes');

$connection = connect_to($flexilib);
$connection->send_request(POST => '/body', body => 'some');
is($connection->read_response->status, 504, 'so it is with a body at hand');
$connection->close;
$id = id_of('/body');
release();
$flexilib->wait_log(qr/end \(request $id\)/);

$connection = connect_to($flexilib);
$connection->send_request(GET => '/response');
$connection->read_until(qr/\r\n\r\n/);
ok($connection->is_closed, 'a response that is under way is cut');
$id = id_of('/response');
release();
$flexilib->wait_log(qr/end \(request $id\)/);

$connection = connect_to($flexilib);
$connection->send_request(GET => '/end');
is($connection->read_response->status, 200, 'an end that hangs');
$id = id_of('/end');
$connection->send_request(GET => '/');
is($connection->read_response->status, 200, 'holds up its connection no longer than that');
release();
$flexilib->wait_log(qr/end \(request $id\)/);

$connection = connect_to($flexilib);
$connection->send_request(GET => '/serial/1');
id_of('/serial/1');
my $other = connect_to($flexilib);
$other->send_request(GET => '/serial/2');
is($_->read_response->status, 504, 'who waits for one that hangs is answered too') for $connection, $other;
unlike($flexilib->log, qr{blocks /serial/2}, 'and not worked for');
ok($flexilib->wait_log(qr/'blocking': could not begin with on_request_head for too long, as others were at work/), 'which is told');
release();

my $two = curl('--http2-prior-knowledge', '-sS', '-o', '/dev/null', '-w', '%{http_version} %{http_code}', $flexilib->url('/head/two'));
is($two->{out}, '2 504', 'over HTTP/2 as well');
$id = id_of('/head/two');
release();
$flexilib->wait_log(qr/end \(request $id\)/);

my $left = connect_to($flexilib);
$left->send_request(GET => '/head/three');
$id = id_of('/head/three');
$flexilib->reload;
$flexilib->wait_serving(2);
is(request($flexilib, GET => '/')->status, 200, 'a reload does not wait for it');
is($left->read_response->status, 504, 'nor the client');
$left->close;
my $crashing = connect_to($flexilib);
$crashing->send_request(GET => '/crash');
ok($flexilib->wait_log(qr/generation 2 was killed by signal.*, in filter 'crash' \(on_request_head\) for request [0-9a-f]{16}/),
    'a crash on a thread is put down to the filter and the request');
$flexilib->signal('INT');
$flexilib->check_exit(0);
done_testing;
