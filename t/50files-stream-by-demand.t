# A file's size costs no memory, a client that reads slowly or leaves harms nobody, and a file that shrinks ends the
# connection instead of being passed off as whole.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my $bytes  = 200 << 20;
mkdir "$folder/public" or die "mkdir: $!";
sub make_large {
    my ($name, $size) = @_;
    open my $file, '>:raw', "$folder/public/$name" or die "cannot write: $!";
    truncate $file, $size or die "truncate: $!";
    close $file;
    return;
}
make_large('large.bin', $bytes);
make_large('shrinking.bin', $bytes);
write_file("$folder/public/small.txt", 'small');
my $pattern = join '', map { chr($_ % 251) } 0 .. 300_000;
write_file("$folder/public/pattern.bin", $pattern);

my $flexilib = start_flexilib(dir => $folder, config => "listen: 127.0.0.1:0\nworkers: 1\nroutes: [{ files: public }]\n");
my ($worker) = $flexilib->worker_pids;

sub open_files {
    my @files = grep { defined && m{/public/} } map { readlink } glob "/proc/$worker/fd/*";
    return scalar @files;
}

ok(request($flexilib, GET => '/pattern.bin')->body eq $pattern, 'pieces come in their order');
my $start_kb = $flexilib->worker_memory_kb;
my @waiting  = map { connect_to($flexilib) } 1 .. 20;
for my $client (@waiting) {
    $client->send_request(GET => '/large.bin');
    $client->read_until(qr/\r\n\r\n/);
}
is(open_files(), 20, 'twenty clients have begun');
is(request($flexilib, GET => '/small.txt')->body, 'small', 'others are served meanwhile');
cmp_ok($flexilib->worker_memory_kb - $start_kb, '<', 20_000, 'clients that do not read cost little memory') if !is_sanitized();

my $curl = curl('--output', '/dev/null', '--write-out', '%{http_code} %{size_download}', $flexilib->url('/large.bin'));
is($curl->{out}, "200 $bytes", 'a large file comes whole');
cmp_ok($flexilib->worker_memory_kb - $start_kb, '<', 20_000, 'and costs little memory') if !is_sanitized();

$_->close for @waiting;
$flexilib->wait_access(qr{"GET /large\.bin HTTP/1\.1" 200 }) for 1 .. 21;
is(open_files(), 0, 'no file stays open when clients leave');
my $part = request($flexilib, GET => '/large.bin', headers => [Range => 'bytes=' . ($bytes - 5) . '-']);
is($part->body, "\0" x 5, 'the end of a large file');

my $client = connect_to($flexilib);
$client->send_request(GET => '/shrinking.bin');
$client->read_until(qr/\r\n\r\n/);
truncate "$folder/public/shrinking.bin", 1000 or die "truncate: $!";
cmp_ok(length $client->read_all, '<', $bytes, 'a file that shrinks is not made up');
$flexilib->wait_log(qr/error: files '\Q$folder\E\/public': a file has shrunk while it was sent \(request [0-9a-f]{16}\)$/);
is(open_files(), 0, 'and is closed');
is(request($flexilib, GET => '/small.txt')->body, 'small', 'the worker goes on');
is_deeply([$flexilib->worker_pids], [$worker], 'it is still the same one');

done_testing;
