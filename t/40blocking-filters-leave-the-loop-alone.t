# Filters that block run on threads: as many at once as they may, while everything else goes on; one library that hangs
# leaves others their share; and nobody waits for what takes too long, or for whom nobody waits any more.

use lib 't/lib';
use FlexiLib::Test;
use File::Copy 'copy';

my $backend = start_backend(sub {
    my ($connection) = @_;
    while (my $request = $connection->read_request) {
        $connection->respond(200, ['X-Body' => $request->framing], 'from behind: ' . $request->body);
    }
});
my $folder = make_folder();
copy(test_library('blocking'), "$folder/$_.so") or die "cannot copy: $!" for qw(one other);
my $flexilib = start_flexilib(dir => $folder, config => <<"END");
listen: 127.0.0.1:0
workers: 1
pool: { threads: 64, queue: 8 }
libraries:
  one: { path: ./one.so, share: 100 }
  other: { path: ./other.so, share: 25 }
routes:
  - { match: /release/one, handler: { one.plain: { reply: yes, hook: request_head } } }
  - { match: /release/other, handler: { other.plain: { reply: yes } } }
  - { match: /meet, handler: { one.concurrent: { meet: 64, reply: yes } } }
  - { match: /turns, handler: { one.blocking: { reply: yes } } }
  - { match: /hang, handler: { other.concurrent: { hold: yes, reply: yes } } }
  - { match: /quick, handler: hello }
  - match: /body
    filters: [{ one.blocking: { hook: request_body } }, { one.concurrent: { hook: response_body } }]
    proxy: "@{[$backend->url]}"
  - match: /held
    filters: [{ one.concurrent: { hook: response_head, hold: yes } }]
    proxy: "@{[$backend->url]}"
  - match: /ending
    filters: [{ one.concurrent: { hook: end, hold: yes } }]
    handler: hello
END

sub ask {
    my ($path) = @_;
    my $connection = connect_to($flexilib);
    $connection->send_request(GET => $path);
    return $connection;
}

my @meeting = map { ask('/meet') } 1 .. 63;
$flexilib->wait_log(qr{blocks /meet});
is(request($flexilib, GET => '/quick')->status, 200, 'others are served while threads block');
push @meeting, ask('/meet');
is(scalar(grep { $_->read_response->body =~ /^pool \d+ for 127\.0\.0\.1/ } @meeting), 64, '64 requests block at once');

my @turns = map { ask('/turns') } 1 .. 8;
is(scalar(grep { $_->read_response->body =~ /, beside 0$/ } @turns), 8, 'one that is not concurrent has them one by one');

my $body     = join '', map { "line $_\n" } 1 .. 20000;
my $response = request($flexilib, POST => '/body', chunks => [unpack '(a10000)*', $body]);
is($response->body, "from behind: $body", 'bodies pass both ways');
is($response->header('X-Body'), 'length', 'a request is forwarded when all of its body has passed');

my @hanging = map { ask("/hang/$_") } 1 .. 16;
$flexilib->wait_log(qr{blocks /hang/\d+ }) for 1 .. 16;
is(request($flexilib, GET => '/turns')->status, 200, 'a library that hangs leaves others their share');
my @queued  = map { ask("/hang/queued/$_") } 1 .. 2;
my $refused = request($flexilib, GET => '/hang');
is($refused->status, 503, 'who finds no place in its own is refused');
is($refused->header('Retry-After'), 1, 'for a while');
$_->close for $hanging[0], $queued[0];
is(request($flexilib, GET => '/release/other')->status, 200, 'it is let go');
is(scalar(grep { $_->read_response->status == 200 } @hanging[1 .. 15]), 15, 'who has waited is answered');
$flexilib->wait_log(qr{blocks /hang/queued/2});
unlike($flexilib->log, qr{blocks /hang/queued/1}, 'nobody works for a client that has left before');
request($flexilib, GET => '/release/other');
is($queued[1]->read_response->status, 200, 'who has queued is too');

my $leaving = ask('/held');
$flexilib->wait_log(qr{blocks /held});
$leaving->close;
$flexilib->wait_access(qr{GET /held});
my ($id) = $flexilib->log =~ m{blocks /held \(request (\w+)\)};
unlike($flexilib->log, qr/end \(request $id\)/, 'the end waits for the hook');
request($flexilib, GET => '/release/one');
ok($flexilib->wait_log(qr/end \(request $id\)/), 'and comes');

my $ending = ask('/ending');
is($ending->read_response->status, 200, 'an end may block, too');
$flexilib->wait_log(qr{blocks /ending});
$ending->close;
request($flexilib, GET => '/release/one');
$flexilib->stop;
unlike($flexilib->log, qr/destroyed: [^0]/, 'no filter is destroyed while it is at work');
done_testing;
