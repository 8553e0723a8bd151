# A library that is replaced, in whichever way, is taken up by itself; the same bytes are no change, half a file waits, and
# a broken one is tried once.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my %library = map { $_ => read_file(test_library("answer_$_")) } qw(one two);
mkdir "$folder/$_" or die "mkdir: $!" for qw(..1 ..2 real);
write_file("$folder/answer.so", $library{one});
write_file("$folder/..$_/mounted.so", $library{ (qw(one two))[ $_ - 1 ] }) for 1, 2;
symlink '..1', "$folder/..data" or die "symlink: $!";
symlink '..data/mounted.so', "$folder/mounted.so" or die "symlink: $!";

my $config = <<'END';
listen: 127.0.0.1:0
workers: 2
routes:
  - { match: /mounted, handler: ./mounted.so }
  - { match: /, handler: ./answer.so }
END
my $flexilib   = start_flexilib(dir => $folder, config => $config);
my $generation = 1;
sub answer { return request($flexilib, GET => $_[0] // '/')->body }

# The next generation is the one that this file has caused.
sub follows {
    my ($name, $file, $expected, $path) = @_;
    ++$generation;
    like($flexilib->wait_log(qr/reloading|generation \d+ (?:is|failed)/), qr/info: reloading \(reload \d+\): '\Q$folder\E\/$file' has changed$/, "$name: a reload begins, and says why");
    $flexilib->wait_serving($generation);
    is(answer($path), $expected, 'and the new library answers');
    return;
}
sub place {
    my ($content) = @_;
    $flexilib->write_file('answer.so', $content);
    return;
}

# Waits for nothing: what happens is seen by the number of the next generation.
write_file("$folder/answer.so", $library{one});
utime undef, undef, "$folder/answer.so" or die "utime: $!";
place($library{one});
$flexilib->write_file('flexilib.yaml', "nonsense: 1\n");
$flexilib->write_file('flexilib.yaml', $config);

place($library{two});
follows('a rename', 'answer.so', "two\n");
write_file("$folder/answer.so", $library{one});
follows('a copy over it', 'answer.so', "one\n");
unlink "$folder/answer.so" or die "unlink: $!";
write_file("$folder/answer.so", $library{two});
follows('removed and made anew', 'answer.so', "two\n");
write_file("$folder/real/one.so", $library{one});
unlink "$folder/answer.so" or die "unlink: $!";
symlink 'real/one.so', "$folder/answer.so" or die "symlink: $!";
follows('a link', 'answer.so', "one\n");
write_file("$folder/real/one.so", $library{two});
follows('a copy over what the link leads to', 'answer.so', "two\n");
symlink '..2', "$folder/..new" or die "symlink: $!";
rename "$folder/..new", "$folder/..data" or die "rename: $!";
follows('a link on the way', 'mounted.so', "two\n", '/mounted');

# Half of it, closed: its writer was interrupted, or comes back.
write_file("$folder/real/one.so", substr $library{one}, 0, length($library{one}) / 2);
like($flexilib->wait_log(qr/is not whole/), qr{warning: '.*/answer\.so' is not whole yet: the rest of it is waited for$}, 'half a library is told of');
is(answer(), "two\n", 'and harms nothing');
write_file("$folder/real/one.so", '');
open my $handle, '>>:raw', "$folder/real/one.so" or die "one.so: $!";
print {$handle} $library{one};
close $handle;
follows('the rest of it', 'answer.so', "one\n");

write_file("$folder/real/one.so", read_file(test_library('nosymbol')));
++$generation;
like($flexilib->wait_log(qr/generation $generation/), qr/error: generation $generation failed: flexilib\.yaml:5:\d+: .*answer\.so.*goes on serving$/, 'a broken one is refused');
utime undef, undef, "$folder/real/one.so" or die "utime: $!";
is(answer(), "one\n", 'which harms nobody');
write_file("$folder/real/one.so", $library{two});
follows('and tried once', 'answer.so', "two\n");

done_testing;
