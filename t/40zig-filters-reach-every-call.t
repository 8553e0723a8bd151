# The file for Zig reaches what its examples have no use for.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;
use File::Copy 'copy';

need_sdk('zig');
my $folder = make_folder();
copy(root_folder() . "/$_", $folder) or die "cannot copy: $!" for 'filters/sdk/zig/flexilib.zig', 't/lib/zig/calls.zig';
$ENV{ZIG_GLOBAL_CACHE_DIR} = $ENV{ZIG_LOCAL_CACHE_DIR} = build_folder() . '/t/sdk/zig-cache';
my $built = run_command([sdk_compiler('zig'), 'build-lib', '-dynamic', '-lc', '-I' . root_folder() . '/filters/include', "-femit-bin=$folder/calls.so", "$folder/calls.zig"], timeout => 300);
is($built->{status}, 0, 'it builds') or BAIL_OUT($built->{err});

sub start_with {
    my ($options) = @_;
    return (dir => $folder, config => "listen: 127.0.0.1:0\nworkers: 1\nlibraries: { calls: { path: ./calls.so } }\nroutes: [{ match: /, handler: { calls: { $options } } }]\n");
}

my $flexilib = start_flexilib(start_with('pattern: "^/(\\\\d+)$", near: 127.0.0.0/8'));
is(request($flexilib, GET => '/42')->body, "42 true true\n", 'a pattern, ranges and the port');
is(request($flexilib, GET => '/x')->body, "nothing true true\n", 'where nothing matches');
my $far = start_flexilib(start_with('pattern: x, near: 10.0.0.0/8'));
is(request($far, GET => '/x')->body, "nothing false true\n", 'where nobody is near');

for my $case (['failure: "no keys"', qr/filter 'calls': no keys/], ['refusal: "not so"', qr/filter 'calls': option 'refusal': not so/]) {
    my ($option, $sentence) = @$case;
    my %start = start_with("pattern: x, near: 10.0.0.0/8, $option");
    write_file("$folder/bad.yaml", $start{config});
    like(run_flexilib(['check', '-c', "$folder/bad.yaml"])->{err}, $sentence, "it is refused: $option");
}
done_testing;
