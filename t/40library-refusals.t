# Libraries that cannot be used are named at the place in the file, with what was found and what is needed.

use lib 't/lib';
use FlexiLib::Test;

my $good = read_file(test_library('order'));
my %made = (
    'empty-file.so' => '',
    'text.so'       => "this is no library\n",
    'cut.so'        => substr($good, 0, int(length($good) / 2)),
    'machine.so'    => substr($good, 0, 18) . "\x2b\x00" . substr($good, 20),
);

my @cases = (
    [built('nosymbol'), qr/nosymbol\.so: does not export the symbol 'flexilib_library': end it with FLEXILIB_LIBRARY\(filters\);/],
    [built('version_new'), qr/version_new\.so: built for filter contract \d+\.99, this FlexiLib has \d+\.\d+: rebuild it against its flexilib\/filter\.h/],
    [built('major_wrong'), qr/major_wrong\.so: built for filter contract \d+\.0, this FlexiLib has \d+\.\d+: rebuild it/],
    [built('empty'), qr/empty\.so: offers no filter: its flexilib_library needs at least one/],
    [built('undefined'), qr/undefined\.so: needs the symbol 'function_that_nobody_wrote', which nothing provides/],
    ['./empty-file.so', qr/empty-file\.so: is empty, a shared library is needed/],
    ['./text.so',       qr/text\.so: is no shared library \(it does not start with the ELF mark\): build one with -shared/],
    ['./cut.so',        qr/cut\.so: is cut short \(\d+ bytes are there, its tables name more\): copy or build it again/],
    ['./machine.so',    qr/machine\.so: is built for another machine \(ELF machine 43\), this machine is /],
    [built('many'), qr/offers several filters \('one', 'two'\): name one as LIBRARY\.FILTER/],
    [built('refuse'), qr/filter 'bad': it is not in the mood/],
);

for my $case (@cases) {
    my ($path, $sentence) = @$case;
    my $result = check("libraries: { bad: { path: $path } }\nroutes:\n  - { match: /, filters: [bad], handler: hello }\n");
    is($result->{status}, 78, "$path: refused");
    like($result->{err}, qr/^flexilib\.yaml:\d+:\d+: .*$sentence/m, "$path: with place and sentence");
}

my $color = check(<<"END");
libraries: { refuse: { path: @{[built('refuse')]} } }
routes:
  - match: /
    filters:
      - refuse:
          color: blue
    handler: hello
END
is($color->{status}, 78, 'a filter can refuse an option');
like($color->{err}, qr/^flexilib\.yaml:7:18: filter 'refuse': option 'color': this color does not suit anybody$/m,
    'and the message stands at its place');
like($color->{err}, qr/^ +color: blue\n +\^$/m, 'with a caret');

my $quiet = check("libraries: { refuse: { path: @{[built('refuse')]} } }\nroutes:\n"
        . "  - { match: /, filters: [{ refuse: { quiet: yes } }], handler: hello }\n");
like($quiet->{err}, qr/filter 'refuse' refused to start without saying why/, 'one that says nothing is told of too');

my $named = check("libraries: { many: { path: @{[built('many')]} } }\nroutes:\n"
        . "  - { match: /, filters: [many.two, many.one], handler: hello }\n");
is($named->{status}, 0, 'filters of one library are told apart by name') or diag($named->{err});

my $unknown = check("libraries: { many: { path: @{[built('many')]} } }\nroutes:\n"
        . "  - { match: /, filters: [many.tow], handler: hello }\n");
like($unknown->{err}, qr/has no filter 'tow' \(did you mean 'two'\?\): it offers 'one', 'two'/, 'a misspelt one is shown');

my $field = check("routes:\n  - match: /\n    filters: [{ headers: { request_set: { 'x y': 1 } } }]\n    handler: hello\n");
like($field->{err}, qr/filter 'headers': option 'request_set': a field's name is made of /, 'headers checks names');
my $reserved = check("routes:\n  - match: /\n    filters: [{ headers: { response_remove: [Connection] } }]\n    handler: hello\n");
like($reserved->{err}, qr/filter 'headers': option 'response_remove': fields that frame a message, and the host, are not for filters/,
    'and keeps its hands off the framing');

done_testing;

sub built { return test_library($_[0]) }

sub check {
    my ($config) = @_;
    return run_flexilib(['check'], config => "listen: 127.0.0.1:0\n$config", files => \%made);
}
