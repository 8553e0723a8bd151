# A library that does not load, refuses, crashes, exits or hangs never takes effect.

use lib 't/lib';
use FlexiLib::Test;

my $folder = make_folder();
my $config = <<'END';
listen: 127.0.0.1:0
workers: 2
routes:
  - { match: /, handler: ./answer.so }
END
sub put {
    my ($content) = @_;
    write_file("$folder/answer.so.new", $content);
    rename "$folder/answer.so.new", "$folder/answer.so" or die "rename: $!";
}
my $one = read_file(test_library('answer_one'));
put($one);
my $flexilib = start_flexilib(
    dir      => $folder,
    config   => $config,
    env      => { FLEXILIB_START_TIMEOUT => '2s' },
    crashing => 1,
);
my @workers = $flexilib->worker_pids;
my $load = start_load($flexilib, connections => 8, expect => qr/\Aone\n\z/);
$load->wait_running;

my $fatal = test_library('fatal');
my @cases = (
    ['garbage',          "this is no library\n",              undef, qr/flexilib\.yaml:4:\d+: .*answer\.so.*/],
    ['a truncated file', substr($one, 0, length($one) / 2), undef, qr/flexilib\.yaml:4:\d+: .*answer\.so.*/],
    ['an empty file',    '',                                  undef, qr/flexilib\.yaml:4:\d+: .*answer\.so.*/],
    ['a library that offers no filter', read_file(test_library('nosymbol')), undef, qr/flexilib\.yaml:4:\d+: .*/],
    ['a library of another contract', read_file(test_library('version_new')), undef, qr/flexilib\.yaml:4:\d+: .*/],
    ['a filter that refuses', undef, '{ use: ' . test_library('refuse') . ' }', qr/flexilib\.yaml:4:\d+: .*it is not in the mood.*/],
    ['a library that crashes', undef, '{ use: ' . test_library('early') . ' }', qr/worker \d+ of generation \d+ was killed by signal 11 \(Segmentation fault\) after \d+\.\d{3} s, in library 'early' \(loading\)/],
    ['a library that lies to the supervisor', undef, '{ use: ' . test_library('liar') . ' }', qr/worker \d+ of generation \d+ was killed by signal 9 \(Killed\) after \d+\.\d{3} s(?:, in library 'liar' \(loading\))?/],
    ['a filter that crashes', undef, "{ use: $fatal, options: { how: crash } }", qr/worker \d+ of generation \d+ was killed by signal 11 \(Segmentation fault\) after \d+\.\d{3} s, in filter '[^']*fatal\.so' \(create\)/],
    ['a filter that exits',   undef, "{ use: $fatal, options: { how: exit } }",  qr/worker \d+ of generation \d+ exited with status 3 after \d+\.\d{3} s, in filter '[^']*fatal\.so' \(create\)/],
    ['a filter that hangs',   undef, "{ use: $fatal, options: { how: hang } }",  qr/worker \d+ was not ready within 2\.000 s, in filter '[^']*fatal\.so' \(create\)/],
);
my $generation = 1;
for my $case (@cases) {
    my ($name, $library, $handler, $message) = @$case;
    put($library) if defined $library;
    $flexilib->write_file('flexilib.yaml', defined $handler ? $config =~ s/\.\/answer\.so/$handler/r : $config);
    ++$generation;
    $flexilib->reload;
    like($flexilib->wait_log(qr/generation $generation failed|generation $generation is/),
        qr/error: generation $generation failed: $message; generation 1 goes on serving$/, "$name: the old generation goes on");
}
like($flexilib->log, qr/error: worker \d+ said READY, which makes no sense here/, 'a lie is named');
my %alive = map { $_ => 1 } $flexilib->worker_pids;
is_deeply([grep { !$alive{$_} } @workers], [], 'no worker was touched');
is_deeply($load->stop->{failures}, [], 'and no request failed');

put(read_file(test_library('answer_two')));
$flexilib->write_file('flexilib.yaml', $config);
$flexilib->reload;
++$generation;
$flexilib->wait_serving($generation);
is(request($flexilib, GET => '/')->body, "two\n", 'a good library is taken up');

done_testing;
