# The manual's table of placeholders, and the program's, name the same.

use lib 't/lib';
use FlexiLib::Test;

my $root  = root_folder();
my %known = map { (/\.$/ ? "${_}NAME" : $_) => 1 } read_file("$root/src/config/placeholder.c") =~ /^    \{"([\w.]+)", PLACEHOLDER_/mg;
my ($section) = read_file("$root/doc/configuration.md") =~ /^## Templates\n(.*?)^## /ms;
my %told = map { $_ => 1 } $section =~ /^\| `([\w.]+)` \|/mg;
cmp_ok(scalar keys %known, '>', 40, "the program's table is found");
ok(delete $told{'FILTER.NAME'}, 'attributes are told of');
is_deeply([sort keys %told], [sort keys %known], 'all others are those of the program');

my @all    = map { s/\.NAME$/.x/r } sort keys %known;
my $format = join ' ', map { "{$_|-}" } @all;
my $result = run_flexilib(['check'], config => "access_log: { path: off, format: \"$format\" }\nroutes: [{ handler: hello }]\n");
is($result->{status}, 0, 'each of them can be used') or diag($result->{err});

done_testing;
