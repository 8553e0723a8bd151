# The manual has a row for every key that the program knows, with its default.

use lib 't/lib';
use FlexiLib::Test;

my $root   = root_folder();
my $manual = join '', map { read_file("$root/doc/$_.md") } qw(configuration routes upstreams);
my @rows   = map { [map { s/^\s+|\s+$//gr } split /\|/] } grep { /^\| `/ } split /\n/, $manual;

my $count = 0;
for my $path (sort glob "$root/src/config/settings*.c") {
    my ($file)  = $path =~ m{([^/]+)$};
    my $content = read_file($path);
    while ($content =~ /^    \[\w+\] = (.*?),\n(?=    \[|\};)/msg) {
        my $entry = $1;
        my ($key, $default) = $entry =~ /_TIME\("(\w+)", \w+, "([^"]*)"/ ? ($1, $2) : $entry =~ /\.name = "(\w+)"/;
        next if !defined $key;
        $default //= $1 if $entry =~ /\.fallback = "([^"]*)"/;
        my @found = grep { $_->[1] =~ /`$key`/ } @rows;
        ok(scalar @found, "$file: '$key' has a row");
        my $pattern = quotemeta($default // '');
        ok(scalar(grep { "@$_[2 .. $#$_]" =~ /(?<![\w.])$pattern(?!\w)/ } @found), "$file: '$key' is $default by default")
            if defined $default;
        $count++;
    }
}
cmp_ok($count, '>', 40, 'the tables are found');
done_testing;
