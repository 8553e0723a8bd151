# Every ready-made configuration passes the check as it stands.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

my $root  = root_folder();
my @files = sort grep { -f } glob "$root/conf/*.{yaml,ini}";

# Where a file wants a certificate, it says that these variables name it.
need('openssl');
my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('site', 'DNS:site.example');
my %certificate = (CERTIFICATE => $authority->path('site.pem'), KEY => $authority->path('site.key'));

ok(scalar @files, 'there are configurations');
for my $path (@files) {
    my ($name) = $path =~ m{([^/]+)$};
    my $result = run_flexilib(['check', '-c', $path], dir => work_folder(), env => \%certificate);
    is($result->{status}, 0, "conf/$name passes") or diag(@$result{qw(out err)});
}

done_testing;

# The files name libraries by their place in the tree.
sub work_folder {
    my $folder = make_folder();
    symlink build_folder(), "$folder/build" or die "symlink: $!";
    return $folder;
}
