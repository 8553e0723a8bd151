# Parts of files, and files only if: RFC 9110 sections 13 and 14, asked by curl and by hand.

use lib 't/lib';
use FlexiLib::Test;

my $folder  = make_folder();
my $content = join '', map { sprintf "%09d\n", $_ } 0 .. 19_999;
write_file("$folder/public/large.txt", $content);
write_file("$folder/public/small.txt", '0123456789');
write_file("$folder/public/empty.txt", '');
write_file("$folder/public/future.txt", 'later');
utime 784111777, 784111777, map { "$folder/public/$_" } qw(large.txt small.txt empty.txt) or die "utime: $!";
utime time + 86400, time + 86400, "$folder/public/future.txt" or die "utime: $!";
my $date = 'Sun, 06 Nov 1994 08:49:37 GMT';

my $flexilib = start_flexilib(dir => $folder, config => "listen: 127.0.0.1:0\nworkers: 1\nroutes: [{ files: public }]\n");

sub get { my ($path, @headers) = @_; return request($flexilib, GET => $path, headers => \@headers) }

my $whole = get('/small.txt');
my $tag   = $whole->header('etag');
is($whole->header('last-modified'), $date, 'the date is that of the file');
is($tag, get('/small.txt')->header('etag'), 'the tag stays');
isnt($tag, get('/large.txt')->header('etag'), 'another file has another one');

my @parts = (
    ['bytes=0-0',  '0',          'bytes 0-0/10'],
    ['bytes=2-5',  '2345',       'bytes 2-5/10'],
    ['bytes=7-',   '789',        'bytes 7-9/10'],
    ['bytes=7-99', '789',        'bytes 7-9/10'],
    ['bytes=-3',   '789',        'bytes 7-9/10'],
    ['bytes=-99',  '0123456789', 'bytes 0-9/10'],
);
for my $case (@parts) {
    my ($range, $body, $where) = @$case;
    my $response = get('/small.txt', Range => $range);
    is($response->status, 206, "$range is a part");
    is($response->body, $body, 'these bytes');
    is($response->header('content-range'), $where, 'from there');
    is($response->header('content-length'), length $body, 'so many');
    is($response->header('etag'), $tag, 'of that file');
    my $head = request($flexilib, HEAD => '/small.txt', headers => [Range => $range]);
    is($head->status . ' ' . $head->header('content-length'), '200 10', 'HEAD knows no ranges');
}
for my $range ('bytes=0-1,4-5', 'bytes=5-2', 'bytes=x', 'bytes=', 'items=0-1') {
    my $response = get('/small.txt', Range => $range);
    is($response->status . ' ' . $response->body, '200 0123456789', "$range gives everything");
}
for my $range ('bytes=10-', 'bytes=10-20', 'bytes=-0') {
    my $response = get('/small.txt', Range => $range);
    is($response->status, 416, "$range is not there");
    is($response->header('content-range'), 'bytes */10', 'with how much there is');
}
is(get('/empty.txt', Range => 'bytes=0-')->status, 416, 'nothing of nothing');

my @if_range = (
    ['its tag',            $tag,      206],
    ['a weak tag',         "W/$tag",  200],
    ['another tag',        '"x"',     200],
    ['its date',           $date,     206],
    ['another date',       'Sun, 06 Nov 1994 08:49:38 GMT', 200],
    ['nonsense',           'x',       200],
);
for my $case (@if_range) {
    my ($claim, $value, $status) = @$case;
    is(get('/small.txt', Range => 'bytes=0-1', 'If-Range' => $value)->status, $status, "If-Range with $claim: $status");
}
is(get('/small.txt', Range => 'bytes=20-', 'If-Range' => '"x"')->status, 200, 'what If-Range forbids is not even looked at');

my ($before, $after) = ('Sun, 06 Nov 1994 08:49:36 GMT', 'Sun, 06 Nov 1994 08:49:38 GMT');
my @conditions = (
    [304, 'If-None-Match' => $tag],
    [304, 'If-None-Match' => "W/$tag"],
    [304, 'If-None-Match' => '*'],
    [304, 'If-None-Match' => "\"x\", $tag"],
    [200, 'If-None-Match' => '"x"'],
    [304, 'If-Modified-Since' => $date],
    [304, 'If-Modified-Since' => $after],
    [304, 'If-Modified-Since' => 'Sunday, 06-Nov-94 08:49:37 GMT'],
    [304, 'If-Modified-Since' => 'Sun Nov  6 08:49:37 1994'],
    [200, 'If-Modified-Since' => $before],
    [200, 'If-Modified-Since' => 'x'],
    [200, 'If-None-Match' => '"x"', 'If-Modified-Since' => $date],
    [200, 'If-Match' => $tag],
    [200, 'If-Match' => '*'],
    [412, 'If-Match' => '"x"'],
    [412, 'If-Match' => "W/$tag"],
    [200, 'If-Unmodified-Since' => $date],
    [412, 'If-Unmodified-Since' => $before],
    [200, 'If-Unmodified-Since' => 'x'],
    [200, 'If-Match' => $tag, 'If-Unmodified-Since' => $before],
    [412, 'If-Match' => '"x"', 'If-None-Match' => $tag],
    [304, 'If-None-Match' => $tag, 'Range' => 'bytes=0-1'],
    [206, 'If-Match' => $tag, 'Range' => 'bytes=0-1'],
    [412, 'If-Match' => '"x"', 'Range' => 'bytes=20-'],
);
for my $case (@conditions) {
    my ($status, @headers) = @$case;
    my $response = get('/small.txt', @headers);
    is($response->status, $status, "@headers: $status");
    is(request($flexilib, HEAD => '/small.txt', headers => \@headers)->status, $status == 206 ? 200 : $status, 'HEAD likewise');
    next if $status != 304;
    is($response->header('etag'), $tag, 'with the tag');
    is($response->header('last-modified'), $date, 'and the date');
    is($response->body . ($response->header('content-type') // ''), '', 'and no more');
}
is(get('/none.txt', 'If-None-Match' => '*', 'If-Match' => '*')->status, 404, 'what is not there has no conditions');

my $now = get('/future.txt');
is($now->header('last-modified'), $now->header('date'), 'a date to come is the present');

my $out = make_folder() . '/out.txt';
write_file($out, substr $content, 0, 123_457);
my $resumed = curl('--continue-at', '-', '--output', $out, '--write-out', '%{http_code} %{size_download}', $flexilib->url('/large.txt'));
is($resumed->{out}, '206 ' . (length($content) - 123_457), 'curl resumes a transfer');
ok(read_file($out) eq $content, 'and has it all');
my $etags = make_folder() . '/etag';
curl('--etag-save', $etags, '--output', $out, $flexilib->url('/large.txt'));
my $again = curl('--etag-compare', $etags, '--output', $out, '--write-out', '%{http_code}', $flexilib->url('/large.txt'));
is($again->{out}, '304', 'curl asks whether it has changed');
my $dated = curl('--time-cond', $out, '--output', "$out.2", '--write-out', '%{http_code}', $flexilib->url('/large.txt'));
is($dated->{out}, '304', 'by its date too');

done_testing;
