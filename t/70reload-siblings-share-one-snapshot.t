# What changes between the starts of a generation's workers, or while it serves, does not reach it before a reload.

use lib 't/lib';
use FlexiLib::Test;

my $edit   = test_library('edit');
my $folder = make_folder();
write_file("$folder/answer.so", read_file(test_library('answer_one')));
write_file("$folder/part.yaml", "routes:\n  - { match: /part, handler: hello }\n");
write_file("$folder/answer.so.next", "no library\n");
write_file("$folder/$_.next", "nothing: [valid\n") for qw(flexilib.yaml part.yaml);

# The first worker has read everything when it creates the last route's filter.
my $flexilib = start_flexilib(
    dir           => $folder,
    expect_alerts => qr/alert: worker \d+ of generation 1 was killed by signal 9 /,
    config        => <<"END");
listen: 127.0.0.1:0
workers: 4
watch: off
include: part.yaml
libraries: { edit: $edit }
routes:
  - { match: /, handler: ./answer.so }
  - { match: /never, filters: [{ edit: { files: [$folder/answer.so, $folder/part.yaml, $folder/flexilib.yaml] } }], handler: hello }
END
is_deeply([glob "$folder/*.next"], [], 'the files have been edited meanwhile');
like($flexilib->log, qr/generation 1 is serving \(4 workers\)/, 'the siblings did not read them');
is(request($flexilib, GET => '/')->body, "one\n", 'the library is the one that was there');
is(request($flexilib, GET => '/part')->status, 200, 'the included file too');

my @first = $flexilib->worker_pids;
for my $pid (@first) {
    kill 'KILL', $pid;
    $flexilib->wait_log(qr/alert: worker $pid /);
}
is(request($flexilib, GET => '/')->body, "one\n", 'a replacement starts from the same');

$flexilib->reload;
like($flexilib->wait_log(qr/generation 2/), qr/error: generation 2 failed: flexilib\.yaml:/, 'a reload reads what is there now');

done_testing;
