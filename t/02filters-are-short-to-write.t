# What an author has to write for a handler and for a filter that rewrites bodies stays short: the examples of the guide.

use lib 't/lib';
use FlexiLib::Test;

my $guide = read_file(root_folder() . '/filters/README.md');
for my $case (['hi.c', 15], ['shout.c', 40]) {
    my ($name, $most) = @$case;
    my ($code) = $guide =~ /^<!-- test: file \Q$name\E -->\n```c\n(.*?)^```$/ms;
    like($code // '', qr/^FLEXILIB_LIBRARY\(filters\);$/m, "$name is a whole library");
    my @lines = grep { /\S/ } split /\n/, $code // '';
    cmp_ok(scalar @lines, '<=', $most, "of $most lines at most");
    is(scalar(grep { length > 120 } @lines), 0, 'none of them long');
}
done_testing;
