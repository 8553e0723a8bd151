# The reference of the filter contract is what filters/reference makes of the headers, names all that is in them, and its
# links lead somewhere. After a change of a header:
#
#   filters/reference >filters/REFERENCE.md

use lib 't/lib';
use FlexiLib::Test;

my $root = root_folder();
my $made = run_command(["$root/filters/reference"]);
is($made->{status}, 0, 'the reference is made') or diag($made->{err});
is($made->{err}, '', 'without a complaint');
my $page = read_file("$root/filters/REFERENCE.md");
is($page, $made->{out}, 'and is the one in the tree') or diag('run: filters/reference >filters/REFERENCE.md');

my ($count, @missing) = (0);
for my $path ("$root/filters/include/flexilib/filter.h", glob "$root/filters/include/flexilib/ext/*.h") {
    my $code  = read_file($path) =~ s{/\*.*?\*/}{}gsr;
    my @names = $code =~ /^#define (FLEXILIB_\w+(?<!_H))\b/mg;
    push @names, $code =~ /^struct (\w+)(?: \{|;)/mg, $code =~ /\(\*(\w+)\)\(/g;
    for my $name (@names) {
        $count++;
        push @missing, $name if $page !~ /\b\Q$name\E\b/;
    }
}
cmp_ok($count, '>', 150, 'the names in the headers are found');
is("@missing", '', 'the reference has them all');

my %anchors = map { lc(s/[^\w -]//gr) =~ tr/ /-/r => 1 } $page =~ /^#+ (.*)$/mg;
my @links   = $page =~ /\]\(#([^)]*)\)/g;
cmp_ok(scalar @links, '>', 50, 'it has links');
is(join(' ', grep { !$anchors{$_} } @links), '', 'which lead to its headings');
is(join(' ', grep { !-e "$root/filters/$_" } $page =~ /\]\(([^#)][^)]*)\)/g), '', 'and to files');

my @headings = $page =~ /^#+ (.*)$/mg;
my %seen;
is(join(' ', grep { $seen{$_}++ } @headings), '', 'no heading stands there twice');

done_testing;
