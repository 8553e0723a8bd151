# A place at which nothing may be executed is noticed before anything is put there, and named.

use lib 't/lib';
use FlexiLib::Test;

need('unshare', 'mount');
my $folder = make_folder();
mkdir "$folder/mounted" or die "mkdir: $!";
my @inside = ('unshare', '-Urm', 'sh', '-c', "mount -t tmpfs -o noexec none '$folder/mounted' && exec \"\$@\"", 'sh');
plan(skip_all => 'no file system can be mounted here') if run_command([@inside, 'true'])->{status} != 0;
write_file("$folder/flexilib.yaml", "listen: 127.0.0.1:0\nroutes:\n  - { match: /, handler: hello }\n");
my $result = run_command([@inside, build_folder() . '/flexilib', '-c', "$folder/flexilib.yaml"], env => { FLEXILIB_RUNTIME_DIR => "$folder/mounted" });
is($result->{status}, 1, 'it does not start');
like(
    $result->{err},
    qr{error: no folder for snapshots: \Q$folder\E/mounted: nothing may be executed there \(noexec\) \(FLEXILIB_RUNTIME_DIR can name another\)$}m,
    'and says what is wrong with the place'
);

done_testing;
