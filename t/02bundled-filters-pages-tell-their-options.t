# The page of each bundled filter lists the options that its library takes, as the library describes them; and the lists
# of bundled filters name them all.

use lib 't/lib';
use FlexiLib::Test;

use JSON::PP;

my $root  = root_folder();
my @names = sort map { m{([^/]+)\.so$} } glob build_folder() . '/filters/*.so';
cmp_ok(scalar @names, '>=', 9, 'there are bundled filters');

my %types = (list_of => 'list', map_of => 'map', table => 'table');
my %lists = map { ($_ => read_file("$root/$_")) } 'README.md', 'filters/README.md';
for my $name (@names) {
    my $result = run_command([build_folder() . '/flexilib', 'filter', 'info', $name, '--json'], timeout => 60);
    is($result->{status}, 0, "$name tells what it offers") or diag($result->{err});
    my ($filter) = @{ decode_json($result->{out})->{filters} };
    my $path = "$root/filters/$name/README.md";
    ok(-e $path, "$name has a page") or next;
    my @expected = map { rows_of($_, '') } @{ $filter->{options} };
    is_deeply([table_of(read_file($path))], \@expected, "filters/$name/README.md tells its options");
    ok(index($lists{'filters/README.md'}, "\n| [$name]($name/README.md) | $filter->{summary} |\n") >= 0, "filters/README.md lists $name");
    ok(index($lists{'README.md'}, "\n| [$name](filters/$name/README.md) | $filter->{summary} |\n") >= 0, "README.md lists $name");
}
done_testing;

# "list of tables", "map of templates", "choice: a, b".
sub type_of {
    my ($option) = @_;
    return $option->{type} . ': ' . join(', ', @{ $option->{choices} }) if $option->{choices};
    my $word = $types{ $option->{type} } // $option->{type};
    return $option->{items} ? "$word of " . type_of($option->{items}) . 's' : $word;
}

# An option's row, and those of what stands inside of it: [name, type, default, summary].
sub rows_of {
    my ($option, $outer) = @_;
    my $name    = "$outer$option->{name}";
    my $default = $option->{required} ? 'required' : !defined $option->{default} ? '' : $option->{default} eq '' ? '""' : "`$option->{default}`";
    my $inner   = $option->{items} // $option;
    return ["`$name`", type_of($option), $default, $option->{summary}], map { rows_of($_, "$name.") } @{ $inner->{options} // [] };
}

# The rows under "| option | type | default | what it says |".
sub table_of {
    my ($page) = @_;
    my ($table) = $page =~ /^\| option \| type \| default \| what it says \|\n\| --- \| --- \| --- \| --- \|\n((?:\|.*\|\n)*)/m or return;
    return map { [map { s/^ | $//gr } split /\|/, $_ =~ s/^\||\|$//gr] } split /\n/, $table;
}
