# Each bundled filter does what its scenario file says, whatever pieces bodies come in.

use lib 't/lib';
use FlexiLib::Test;

my $root  = root_folder();
my @files = map { s{^\Q$root\E/}{}r } glob "$root/filters/*/*.test.yaml";

cmp_ok(scalar @files, '>=', 3, 'there are scenario files');
for my $file (@files) {
    my ($written) = run_scenarios($file, 0);
    for my $bytes (1, 7) {
        my ($cut) = run_scenarios($file, $bytes);
        is($cut, $written, "$file: as many scenarios with pieces of $bytes bytes");
    }
}

sub run_scenarios {
    my ($file, $bytes) = @_;
    my $result = run_command([build_folder() . '/flexilib', 'filter', 'test', '--chunk', $bytes, "$root/$file"], timeout => 120);
    my $count = () = $result->{out} =~ /^ok \d+ - /mg;
    ok($result->{status} == 0 && $count > 0 && $result->{err} eq '', "$file holds, with --chunk $bytes")
        or diag($result->{out}, $result->{err});
    return $count;
}

done_testing;
