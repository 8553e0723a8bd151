# Every ready-made configuration passes the check as it stands.

use lib 't/lib';
use FlexiLib::Test;

my $root  = root_folder();
my @files = sort glob "$root/conf/*";
ok(scalar @files, 'there are configurations');
for my $path (@files) {
    my ($name) = $path =~ m{([^/]+)$};
    my $result = run_flexilib(['check', '-c', $path], dir => work_folder());
    is($result->{status}, 0, "conf/$name passes") or diag(@$result{qw(out err)});
}

done_testing;

# The files name libraries by their place in the tree.
sub work_folder {
    my $folder = make_folder();
    symlink build_folder(), "$folder/build" or die "symlink: $!";
    return $folder;
}
