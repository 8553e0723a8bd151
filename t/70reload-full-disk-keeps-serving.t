# Where there is no room for the copies, the reload fails and says so, the old generation serves, and what was begun is gone.

use lib 't/lib';
use FlexiLib::Test;

need('unshare', 'mount');
my $folder = make_folder();
mkdir "$folder/small" or die "mkdir: $!";
my @inside = ('unshare', '-Urm', 'sh', '-c', "mount -t tmpfs -o size=2m none '$folder/small' && exec \"\$@\"", 'sh');
plan(skip_all => 'no file system can be mounted here') if run_command([@inside, 'true'])->{status} != 0;

my %library = map { $_ => read_file(test_library("answer_$_")) } qw(one two);
write_file("$folder/flexilib.yaml", "listen: 127.0.0.1:0\nworkers: 1\nroutes:\n  - { match: /, handler: ./answer.so }\n");
write_file("$folder/answer.so",     $library{one});
my $server = FlexiLib::Test::Server->start(
    name    => 'flexilib',
    dir     => $folder,
    command => [@inside, build_folder() . '/flexilib', '-c', 'flexilib.yaml'],
    env     => { FLEXILIB_RUNTIME_DIR => "$folder/small" },
);
$server->wait_serving(1);

# Bytes behind the end are nothing to the dynamic linker.
for my $generation (2 .. 4) {
    $server->write_file('answer.so', $library{two} . $generation x 2_500_000);
    like($server->wait_log(qr/generation $generation/),
        qr/error: generation $generation failed: flexilib\.yaml:4:\d+: \Q$folder\E\/answer\.so: cannot be copied: No space left on device; generation 1 goes on serving$/, 'a library that is too large is refused');
    is(request($server, GET => '/')->body, "one\n", 'the old one answers');
}
$server->write_file('answer.so', $library{two});
$server->wait_serving(5);
is(request($server, GET => '/')->body, "two\n", 'one that fits is taken up');
$server->stop;

# A service manager gives up where a configuration is wrong; room on a disk comes back.
my $start = run_command([@inside, 'sh', '-c', 'dd if=/dev/zero of="$FLEXILIB_RUNTIME_DIR/fill" bs=4k 2>/dev/null; exec "$@"', 'sh',
        build_folder() . '/flexilib', '-c', "$folder/flexilib.yaml"], env => { FLEXILIB_RUNTIME_DIR => "$folder/small" });
is($start->{status}, 1, 'a start without any room is not the fault of the configuration');
like($start->{err}, qr/error: the snapshot in '.*' cannot be written: No space left on device/, 'and says so');

done_testing;
