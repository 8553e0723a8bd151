# `flexilib filter check` loads a library, creates its filters and destroys them, and says in a sentence what went wrong.

use lib 't/lib';
use FlexiLib::Test;

sub check {
    my ($library, $options, @more) = @_;
    my @options = defined $options ? ('--options', $options) : ();
    return run_flexilib(['filter', 'check', $library, @options, @more], crashing => 1);
}

sub is_fine {
    my ($claim, $out, @arguments) = @_;
    my $result = check(@arguments);
    ok($result->{status} == 0 && $result->{out} eq $out && $result->{err} eq '', $claim) or diag(explain($result));
    return;
}

my ($many, $options, $fatal, $refuse) = map { test_library($_) } qw(many options fatal refuse);
is_fine('all filters are created', "filter 'one': created and destroyed\nfilter 'two': created and destroyed\n$many: ok\n", $many);
is_fine('or one', "filter 'two': created and destroyed\n$many: ok\n", $many, undef, '--filter', 'two');
is_fine('or one with options', "filter 'two': created and destroyed\n$many: ok\n", $many, '{}', '--filter=two');
is_fine('where one is missing that is required, the filter is not created',
    "filter 'fatal': not created, as its option 'how' is required: give it by --options\n$fatal: ok\n", $fatal);
my $bundled = build_folder() . '/filters/headers.so';
is_fine('bundled filters have names', "filter 'headers': created and destroyed\n$bundled: ok\n", 'headers', '{ response_set: { x-a: b } }');

my $file = run_flexilib(['filter', 'check', $options, '--options', '{ file: ./content, directory: . }'], files => { content => 'x' });
is($file->{status}, 0, 'paths are relative to the current folder') or diag($file->{err});

my $good = read_file(test_library('order'));
my %made = (
    'empty.so'   => '',
    'text.so'    => "this is no library\n",
    'cut.so'     => substr($good, 0, int(length($good) / 2)),
    'machine.so' => substr($good, 0, 18) . "\xb7\x00" . substr($good, 20),
    'class.so'   => substr($good, 0, 4) . "\x01" . substr($good, 5),
);

my @cases = (
    ['a crash', $fatal, '{ how: crash }', qr/\A\Q$fatal\E: the check was ended by signal 11 \(Segmentation fault\), in filter 'fatal' \(create\)\n\z/],
    ['a crash at the end', $fatal, '{ how: late }', qr/\A\Q$fatal\E: the check was ended by signal 11 \(Segmentation fault\), in filter 'fatal' \(destroy\)\n\z/],
    ['an exit', $fatal, '{ how: exit }',  qr/\A\Q$fatal\E: a library ended the check with status 3, in filter 'fatal' \(create\)\n\z/],
    ['a hang', $fatal, '{ how: hang }', qr/\A\Q$fatal\E: the check did not end: nothing has moved for 5 s, in filter 'fatal' \(create\)\n\z/],
    ['who closes everything', $fatal, '{ how: close }', qr/\A\Q$fatal\E: has closed what the check writes to: a library closes what it has opened itself\n\z/],
    ['a crash while it is loaded', test_library('early'), undef, qr/: the check was ended by signal 11 \(Segmentation fault\), in library 'early' \(loading\)\n\z/],
    ['no symbol', test_library('nosymbol'), undef, qr/nosymbol\.so: does not export the symbol 'flexilib_library': end it with FLEXILIB_LIBRARY\(filters\);\n\z/],
    ['a symbol that is missing', test_library('undefined'), undef, qr/undefined\.so: needs the symbol 'function_that_nobody_wrote', which nothing provides/],
    ['a later contract', test_library('version_new'), undef, qr/version_new\.so: built for filter contract 0\.99, this FlexiLib has 0\.9: rebuild it/],
    ['another machine', './machine.so', undef, qr/\A\.\/machine\.so: is built for 64-bit ARM \(ELF machine 183\), this machine is /],
    ['another class', './class.so', undef, qr/\A\.\/class\.so: is a 32-bit library, this FlexiLib needs 64-bit ones\n\z/],
    ['an empty file', 'empty.so', undef, qr/\Aempty\.so: is empty, a shared library is needed\n\z/],
    ['a text', 'text.so', undef, qr/\Atext\.so: is no shared library \(it does not start with the ELF mark\)/],
    ['a half', 'cut.so',  undef, qr/\Acut\.so: is cut short /],
    ['no file', 'none.so', undef, qr/\Anone\.so: there is no such file\n\z/],
    ['a misspelt name', 'helo', undef, qr/\Ano filter 'helo' comes with FlexiLib \(did you mean 'hello'\?\): there is none in '.*' \(a path has a '\/', or '\.so' at its end\)\n\z/],
    ['a refusal', $refuse, undef, qr/\A\Q$refuse\E: filter 'refuse': it is not in the mood\n\z/],
    ['a silent one', $refuse, '{ quiet: yes }', qr/\A\Q$refuse\E: filter 'refuse' refused to start without saying why\n\z/],
    ['an option that is refused', $refuse, '{ color: blue }', qr/\A--options:1:10: filter 'refuse': option 'color': this color does not suit anybody\n    \{ color: blue \}\n             \^\n\z/],
    ['one without a word', $refuse, '{ color: blue, quiet: yes }', qr/\A--options:1:10: filter 'refuse': option 'color': it was refused without saying why\n/],
    ['a nested one', $options, '{ limit: { burst: 0 } }', qr/\A--options:1:19: 'burst' must be from 1 to 100, not 0\n\z/],
    ['an unknown option', $refuse, '{ colour: blue }', qr/\A--options:1:3: unknown key 'colour' in the options of filter 'refuse' \(did you mean 'color'\?\)\n/],
    ['a list for options', $refuse, '[a]', qr/\A--options:1:1: options are a mapping such as '\{ key: value \}', not a list\n/],
    ['no YAML', $refuse, '{ a: ', qr/\A--options:1:6: a value is missing here\n/],
    ['options for nobody', $many, '{ a: b }', qr/\A\Q$many\E: offers 2 filters: say with --filter whose options these are\n\z/],
    ['a filter that is not there', $many, undef, qr/\Alibrary '\Q$many\E' has no filter 'tow' \(did you mean 'two'\?\): it offers 'one', 'two'\n\z/, '--filter', 'tow'],
    ['a required option of a chosen filter', $fatal, undef, qr/\A\Q$fatal\E: 'how' is missing in the options of filter 'fatal'\n\z/, '--filter', 'fatal'],
);
for my $case (@cases) {
    my ($claim, $library, $given, $sentence, @more) = @$case;
    my @given  = defined $given ? ('--options', $given) : ();
    my $result = run_flexilib(['filter', 'check', $library, @given, @more], files => \%made, crashing => 1);
    ok($result->{status} == 1 && $result->{out} eq '' && $result->{err} =~ $sentence, "$claim is told") or diag(explain($result));
}

# A library that was built where the system's libraries are newer: the version of one symbol is changed to a later one.
SKIP: {
    my ($version) = $good =~ /\0(GLIBC_2\.\d\.\d)\0/;
    skip 'the library needs no version of the shape that is changed here', 1 if !$version;
    my $later = $version =~ tr/0-9/9/r;
    my $newer = $good =~ s/\0\Q$version\E\0/\0$later\0/r;
    my ($old_hash, $new_hash) = map { pack 'L', elf_hash($_) } $version, $later;
    $newer =~ s/\Q$old_hash\E/$new_hash/g;
    my $result = run_flexilib(['filter', 'check', './newer.so'], files => { 'newer.so' => $newer });
    is("$result->{status} $result->{err}", "1 ./newer.so: needs $later of a system library, which is older here: build it on this system\n",
        'a newer system is told');
}

my $forking = check($fatal, '{ how: fork }');
is($forking->{out}, "filter 'fatal': created and destroyed\n$fatal: ok\n", 'of two processes that come back only one answers');
is($forking->{err}, "error: a child that a library has forked came back, and is ended; a child has to end by itself\n", 'which is told');

my $printing = check(test_library('early_print'));
is($printing->{err}, "early_print: loaded\nearly_print: created\nearly_print: destroyed\n", 'what a library prints is kept apart');

sub elf_hash {
    my ($name) = @_;
    my $hash = 0;
    for my $byte (unpack 'C*', $name) {
        $hash = ($hash << 4) + $byte;
        my $top = $hash & 0xf0000000;
        $hash = ($hash ^ $top >> 24) & ~$top & 0xffffffff;
    }
    return $hash;
}

my $usage = qr/usage: flexilib filter check LIBRARY \[--filter NAME\] \[--options '\{ KEY: VALUE \}'\]\n\z/;
for my $case (
    [['check'],                          qr/\Aflexilib: a library is missing\n$usage/],
    [['check', 'a', 'b'],                qr/\Aflexilib: 'b' is one too many: one library at a time\n$usage/],
    [['check', 'a', '--filter'],         qr/\Aflexilib: --filter needs a value\n$usage/],
    [['check', 'a', '--filter=b', '--filter', 'c'], qr/\Aflexilib: --filter stands there twice\n$usage/],
    [['check', 'a', '--optoins', '{}'],  qr/\Aflexilib: unknown option '--optoins' \(did you mean '--options'\?\)\n$usage/],
    [['check', 'a', '--json'],           qr/\Aflexilib: unknown option '--json'\n$usage/],
    [['info', 'a', '--json=x'],          qr/\Aflexilib: --json takes no value\nusage: flexilib filter info /],
    [['chekc', 'a'],                     qr/\Aflexilib: unknown command 'filter chekc' \(did you mean 'check'\?\)\nusage: flexilib filter COMMAND/],
    [[],                                 qr/\Ausage: flexilib filter COMMAND \.\.\.\n/],
) {
    my ($arguments, $words) = @$case;
    my $result = run_flexilib(['filter', @$arguments]);
    ok($result->{status} == 2 && $result->{err} =~ $words, "filter @$arguments: usage") or diag(explain($result));
}
for my $arguments (['help'], ['--help'], ['check', '-h']) {
    my $result = run_flexilib(['filter', @$arguments]);
    ok($result->{status} == 0 && $result->{out} =~ /^  flexilib filter info LIBRARY/m, "filter @$arguments: the page") or diag(explain($result));
}

done_testing;
