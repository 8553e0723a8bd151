# `flexilib filter info` tells what a library offers, to people and to programs.

use lib 't/lib';
use FlexiLib::Test;

use JSON::PP ();

sub info {
    my (@arguments) = @_;
    return run_flexilib(['filter', 'info', @arguments], crashing => 1);
}

my $library = test_library('options');
my $page    = info($library);
is($page->{status}, 0, 'a library is described') or diag($page->{err});
is($page->{out}, <<"END", 'for people, nested options and all');
$library: 1 filter, for filter contract 0.9

options 2.1: tells what it was given
  has on_request_head
  takes these options:
    bool       yes or no
    integer    a whole number, at least 1
    duration   a duration from 1ms to 1m; by default 1.5s
    size       a size from 1KB to 1MB; by default 64KB
    list       a list of texts; by default one
    map        a mapping of texts; by default {}
    secret     a secret text
    file       the path of a file
    number     a number; by default 0.5
    choice     one of red, green, dark blue; by default "dark blue"
               the colour of it all
    regex      a regular expression
    upstream   the name of an upstream
    ranges     addresses and networks
    directory  the path of a folder
    limit      a mapping
               how much is too much
               rate   a number from 0 to 1000; by default 2.5
                      requests a second
               burst  a whole number from 1 to 100, required
    keys       a list; each item: a mapping
               id      a text, required
                       what tokens call it
               secret  a secret text
               paths   a list; each item: a regular expression
                       where it is good
    weights    a mapping of names; each value: a number from 0 to 1
               names to shares
    any        anything
    veto       a text
END

my $flags = test_library('flags');
is(info($flags)->{out}, <<"END", 'marks and hooks of filters; what a terminal might obey is left out');
$flags: 3 filters, for filter contract 0.9

plain
  takes no options

busy
  is blocking, concurrent, observing
  has on_request_head, on_request_body, on_response_head, on_response_body, on_reply_body, on_resume, on_end
  takes no options

lonely
  is exclusive
  takes these options:
    odd  a text; by default ""
         a ?[31mred?[0m ? "word"
END

sub read_json {
    my ($path) = @_;
    my $result = info($path, '--json');
    is($result->{status}, 0, "$path as JSON") or diag($result->{err});
    return JSON::PP->new->utf8->decode($result->{out});
}

my $json = read_json($library);
is($json->{library},  $library, 'JSON names the library');
is($json->{contract}, '0.9',    'and what it needs');
my ($filter) = @{ $json->{filters} };
is("@$filter{qw(name version summary)}", 'options 2.1 tells what it was given', 'and its filter');
is_deeply([$filter->{hooks}, $filter->{flags}], [['on_request_head'], []], 'with hooks and flags');
my %options = map { $_->{name} => $_ } @{ $filter->{options} };
is(scalar keys %options, 19, 'and all options');
is_deeply(
    $options{size},
    { name => 'size', type => 'size', required => JSON::PP::false, minimum => 1024, maximum => 1048576, default => '64KB', summary => '' },
    'bounds are numbers, defaults are as YAML has them'
);
is_deeply($options{choice}{choices}, ['red', 'green', 'dark blue'], 'choices are listed');
ok(!exists $options{integer}{maximum}, 'what has no bound has none');
is($options{bool}{default}, undef, 'what has no default has none');
is_deeply([map { $_->{name} } @{ $options{limit}{options} }], ['rate', 'burst'], 'tables have options');
ok($options{limit}{options}[1]{required}, 'some are required');
is($options{keys}{items}{options}[2]{items}{type}, 'regex', 'lists have items, however deep');
is_deeply($options{weights}{items}, { type => 'number', minimum => 0, maximum => 1 }, 'so do mappings');

my $marked = read_json($flags);
is_deeply($marked->{filters}[1]{flags}, ['blocking', 'concurrent', 'observing'], 'flags have names');
is($marked->{filters}[2]{options}[0]{summary}, "a \e[31mred\e[0m \x{fffd} \"word\"", 'texts are as they are, but for what is no UTF-8');

for my $bundled (qw(hello echo headers)) {
    my $result = info($bundled);
    is($result->{status}, 0, "$bundled is found by its name");
    like($result->{out}, qr{^/.*/$bundled\.so: 1 filter, .*\n\n$bundled \S+: \w}, 'and described');
}

my $printing = info(test_library('early_print'), '--json');
like($printing->{err}, qr/^early_print: loaded\n/, 'what a library prints goes elsewhere');
is(JSON::PP->new->decode($printing->{out})->{filters}[0]{name}, 'early-print', 'so what comes out is JSON all the same');

my $early = info(test_library('early'));
is($early->{status}, 1, 'a library that crashes while it is loaded');
is($early->{out}, '', 'is not described');
like($early->{err}, qr/\A\S+: reading it was ended by signal 11 \(Segmentation fault\), in library 'early' \(loading\)\n\z/, 'but told of');

my $full = run_command(['sh', '-c', 'exec "$0" filter info hello >/dev/full', build_folder() . '/flexilib']);
is($full->{status}, 1, 'an answer that cannot be written is a failure');
is($full->{err}, "flexilib: cannot write to standard output: No space left on device\n", 'and told');

done_testing;
