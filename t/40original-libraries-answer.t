# Libraries of the original FlexiLib answer as they did: by handle_request, on threads, from proxy.ini and from YAML.

use lib 't/lib';
use FlexiLib::Test;
use File::Copy 'copy';

my $folder = make_folder();
copy(test_library('original'), "$folder/original.so") or die "cannot copy: $!";

my $ini = start_flexilib(
    dir    => $folder,
    file   => 'proxy.ini',
    config => "/ = original.so\n",
    env    => { PORT => 0, SERVER_THREAD_COUNT => 1 },
    expect_alerts => qr/killed by signal 6/,
);

my $shown = request($ini, POST => '/show?a=1&b', host => 'here', headers => ['X-One' => '1', 'x-two' => '2'], body => 'the body');
is($shown->status, 200, 'no status means 200');
is($shown->header('Content-Type'), 'text/plain', 'no type means plain text');
is($shown->body, <<"END" =~ s/\n\z//r, 'the request arrives whole');
POST /show?a=1&b
Host: here
X-One: 1
x-two: 2
Content-Length: 8

the body
END
is(request($ini, GET => '/', host => 'h')->body, "GET /\nHost: h\n\n", 'also where it has no body');
is(request($ini, HEAD => '/show')->body, '', 'HEAD is answered without a body');

my $fields = request($ini, GET => '/fields');
is($fields->header('X-Good'), 'yes', 'header fields are sent');
is($fields->header('Content-Type'), 'text/html', 'the type as well');
is($fields->header('X-Bad'), undef, 'what would break the response is left out');
like($ini->wait_log(qr/filter 'original\.so': add_header .*refused/), qr/control character/, 'and the library is blamed for it');
ok($fields->keeps_connection, 'what frames a message or belongs to a connection is not theirs to say');

is(request($ini, GET => "/status/$_")->status, $_, "status $_") for 201, 404, 599;
for my $case (
    ['/null',       qr/handle_request gave no response/],
    ['/status/100', qr/status is none from 200 to 599/],
    ['/status/600', qr/status is none from 200 to 599/],
    ['/wild',       qr/more than 10000 header fields/],
    ['/endless',    qr/more bytes than there are/],
) {
    my ($path, $sentence) = @$case;
    is(request($ini, GET => $path)->status, 500, "$path: 500");
    ok($ini->wait_log(qr/filter 'original\.so': .*$sentence.*\(request [0-9a-f]{16}\)/), "$path: the library is blamed");
}

my $crashing = connect_to($ini);
$crashing->send_request(GET => '/crash');
ok($ini->wait_log(qr/killed by signal 6.* in filter 'original\.so' \(handle_request\) for request [0-9a-f]{16}/),
    'a crash is put down to the library');
ok($crashing->is_closed, 'and takes its worker along');

copy(test_library('original'), "$folder/serial.so") or die "cannot copy: $!";
my $yaml = start_flexilib(dir => $folder, config => <<'END');
listen: 127.0.0.1:0
workers: 1
handler_timeout: 500ms
shutdown_timeout: 0
pool: { threads: 8, queue: 4, share: 50 }
libraries:
  serial: { path: ./serial.so, serialize: yes }
routes:
  - { match: { host: serial }, handler: serial }
  - match: /
    filters: [{ headers: { request_set: { x-seen: yes }, response_set: { x-out: yes } } }]
    handler: ./original.so
END

sub start_requests {
    my ($host, @paths) = @_;
    return map { my $connection = connect_to($yaml); $connection->send_request(GET => $_, host => $host); $connection } @paths;
}

my $passed = request($yaml, GET => '/show', host => 'h');
like($passed->body, qr/^x-seen: yes$/m, 'filters in front of it change requests');
is($passed->header('X-Out'), 'yes', 'and responses');

my @serial = start_requests(serial => ('/show') x 5);
like($_->read_response->body, qr{^GET /show}, 'serialized requests are answered') for @serial;
is(request($yaml, GET => '/most', host => 'serial')->body, "1\n", 'one at a time');
my @meeting = start_requests(any => ('/meet/4') x 4);
is($_->read_response->status, 200, 'others run beside each other') for @meeting;

my @hanging = start_requests(any => ('/meet/5') x 4);
my ($late) = map { $_->read_response } $hanging[0];
is($late->status, 504, 'a call that takes too long is answered 504');
ok($yaml->wait_log(qr{filter '\./original\.so': paused in on_request_body for too long}), 'the library is blamed');
my @queued = start_requests(any => ('/show') x 2);
my $refused = request($yaml, GET => '/show', host => 'any');
is($refused->status, 503, 'while it hangs, requests that find no place are refused');
is($refused->header('Retry-After'), 1, 'for now');
ok($yaml->wait_log(qr{filter '\./original\.so': has no thread left, nor a place to wait for one}), 'which is told');
like(request($yaml, GET => '/show', host => 'serial')->body, qr{^GET /show}, 'other libraries go on');
$yaml->signal('INT');
$yaml->check_exit(0);

my $info = run_command([build_folder() . '/flexilib', 'filter', 'info', "$folder/original.so"]);
like($info->{out}, qr/original\.so: 1 filter, for the original FlexiLib\n\noriginal: answers by/, 'info tells what it is');
my $check = run_command([build_folder() . '/flexilib', 'filter', 'check', "$folder/original.so"]);
is($check->{status}, 0, 'and check finds nothing wrong with it');
done_testing;
