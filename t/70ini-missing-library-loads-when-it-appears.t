# In proxy.ini a library may be missing: its routes answer 500 until it is there, and then work by themselves.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my $one = test_library('answer_one');
my $two = read_file(test_library('answer_two'));
my $flexilib = start_flexilib(
    dir    => $folder,
    file   => 'proxy.ini',
    env    => { PORT => 0, ADDRESS => '127.0.0.1', SERVER_THREAD_COUNT => 2 },
    config => "/late = late.so\n/deep = some/folder/deep.so\n/ = $one\n",
);
is(scalar(() = $flexilib->log =~ /warning: .*late\.so/g), 1, 'the missing library is warned of, once for all workers');
is(request($flexilib, GET => '/late')->status, 500, 'its route answers 500');
is(request($flexilib, GET => '/')->body, "one\n", 'others work');

# As cp does it: created empty, filled bit by bit, closed.
open my $file, '>:raw', "$folder/late.so" or die "late.so: $!";
$file->autoflush(1);
print {$file} substr $two, 0, length($two) / 2;
is(request($flexilib, GET => '/late')->status, 500, 'half a file changes nothing');
unlike($flexilib->log, qr/generation 2/, 'and is not even tried');
print {$file} substr $two, length($two) / 2;
close $file;
$flexilib->wait_serving(2);
is(request($flexilib, GET => '/late')->body, "two\n", 'the whole file is loaded');
is(request($flexilib, GET => '/deep')->status, 500, 'the other is still missing');

mkdir "$folder/some" or die "mkdir: $!";
mkdir "$folder/prepared" or die "mkdir: $!";
write_file("$folder/prepared/deep.so", "garbage\n");
rename "$folder/prepared", "$folder/some/folder" or die "rename: $!";
like($flexilib->wait_log(qr/generation 3/), qr/generation 3 failed: .*deep\.so.*; generation 2 goes on serving/, 'a bad one is refused');
is(request($flexilib, GET => '/late')->body, "two\n", 'which harms nobody');
write_file("$folder/some/folder/deep.so", $two);
$flexilib->wait_serving(4);
is(request($flexilib, GET => '/deep')->body, "two\n", 'and its replacement is loaded');

write_file("$folder/late.so", read_file($one));
$flexilib->wait_serving(5);
is(request($flexilib, GET => '/late')->body, "one\n", 'one that is replaced is loaded, too');

done_testing;
