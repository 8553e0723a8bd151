# A library that a change has brought, and that crashes in its own process again and again, is rolled back as one in a
# worker is.

use lib 't/lib';
use FlexiLib::Test;
use File::Copy 'copy';

my $folder = make_folder();
copy(test_library('answer_one'), "$folder/own.so") or die "cannot copy: $!";
my $flexilib = start_flexilib(
    dir           => $folder,
    expect_alerts => qr/alert: (?:runner \d+ of library 'own', generation 2, |library '\S+own\.so' has crashed or hung 3 times within 30 s since)/,
    config        => <<'END');
listen: 127.0.0.1:0
workers: 1
watch: off
libraries: { own: { path: ./own.so, isolate: process } }
routes:
  - { match: /, handler: own }
END
is(request($flexilib, GET => '/')->body, "one\n", 'a library answers');

copy(test_library('isolated'), "$folder/own.so.new") or die "cannot copy: $!";
rename "$folder/own.so.new", "$folder/own.so" or die "cannot rename: $!";
$flexilib->reload;
$flexilib->wait_serving(2);
like(request($flexilib, GET => '/')->body, qr/^1 in \d+/, 'a change brings another one');
for (1 .. 3) {
    is(request($flexilib, GET => '/crash')->status, 502, 'which crashes');
}
$flexilib->wait_log(qr/alert: library '\S+own\.so' has crashed or hung 3 times within 30 s since a change has brought it/);
$flexilib->wait_serving(3);
is(request($flexilib, GET => '/')->body, "one\n", 'the first one is back');

done_testing;
