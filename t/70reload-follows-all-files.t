# With `watch: all`, whatever was read is followed: the configuration, included files, new ones that match, and files that
# options name; with `watch: off` nothing is, until HUP.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
mkdir "$folder/conf.d" or die "mkdir: $!";
write_file("$folder/page.html", "first page\n");
write_file("$folder/conf.d/a.yaml", "routes:\n  - { match: /a, respond: { body: a1 } }\n");
my $config = <<'END';
listen: 127.0.0.1:0
workers: 1
watch: all
include: conf.d/*.yaml
error_pages: { 404: page.html }
routes:
  - { match: /answer, handler: ./answer.so }
  - { match: =/, respond: { body: root1 } }
END
write_file("$folder/answer.so", read_file(test_library('answer_one')));
my $flexilib   = start_flexilib(dir => $folder, config => $config);
my $generation = 1;

sub follows {
    my ($name, $file, $path, $expected) = @_;
    ++$generation;
    like($flexilib->wait_log(qr/reloading|generation \d+ (?:is|failed)/), qr/info: reloading \(reload \d+\): $file$/, "$name: a reload begins, and says why");
    $flexilib->wait_serving($generation);
    is(request($flexilib, GET => $path)->body, $expected, 'and is what is served');
    return;
}
sub changed { return "'\Q$folder/$_[0]\E' has changed" }
sub write_config {
    $config =~ s/$_[0]/$_[1]/ or die;
    $flexilib->write_file('flexilib.yaml', $config);
    return;
}

write_config('root1', 'root2');
follows('the configuration', changed('flexilib.yaml'), '/', 'root2');
write_file("$folder/page.html", "second page\n");
follows('a file that it names', changed('page.html'), '/page', "second page\n");
write_file("$folder/conf.d/a.yaml", "routes:\n  - { match: /a, respond: { body: a2 } }\n");
follows('an included file', changed('conf.d/a.yaml'), '/a', 'a2');
$flexilib->write_file('conf.d/b.yaml', "routes:\n  - { match: /b, respond: { body: b1 } }\n");
follows('one more', "other files match '\Q$folder\E/conf\\.d/\\*\\.yaml'", '/b', 'b1');
$flexilib->write_file('answer.so', read_file(test_library('answer_two')));
follows('a library', changed('answer.so'), '/answer', "two\n");

# A slip is in a file that no generation serving has read.
$flexilib->write_file('conf.d/c.yaml', "routes:\n  - { match: /c, respond: { body: c1\n");
++$generation;
like($flexilib->wait_log(qr/generation \d+ (?:is|failed)/), qr/generation $generation failed: conf\.d\/c\.yaml:/, 'a slip is told');
$flexilib->write_file('conf.d/c.yaml', "routes:\n  - { match: /c, respond: { body: c1 } }\n");
follows('once it is put right', changed('conf.d/c.yaml'), '/c', 'c1');
unlink "$folder/conf.d/c.yaml" or die "unlink: $!";
follows('a file less', "other files match '\Q$folder\E/conf\\.d/\\*\\.yaml'", '/c', "second page\n");

write_config('watch: all', 'watch: off');
follows('the end of it', changed('flexilib.yaml'), '/', 'root2');
write_config('root2', 'root3');
$flexilib->write_file('answer.so', read_file(test_library('answer_one')));
is(request($flexilib, GET => '/answer')->body, "two\n", 'nothing is followed then');
$flexilib->reload;
++$generation;
like($flexilib->wait_log(qr/reloading|generation \d+ (?:is|failed)/), qr/reloading \(reload \d+\): signal HUP$/, 'until HUP');
$flexilib->wait_serving($generation);
is(request($flexilib, GET => '/')->body, 'root3', 'which reads everything');
is(request($flexilib, GET => '/answer')->body, "one\n", 'libraries too');

done_testing;
