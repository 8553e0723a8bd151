# The fuzzers of t/fuzz, each for some thousand inputs made from its seeds, always the same ones.

use lib 't/lib';
use FlexiLib::Test;
use MIME::Base64 'encode_base64';

need('clang', 'cmake', 'ninja');
my $root   = root_folder();
my $folder = build_folder() . "/fuzzers";

# Debian's clang comes without what fuzzers are linked with unless recommended packages are installed too.
my $probe = make_folder();
write_file("$probe/probe.c", "int LLVMFuzzerTestOneInput(void);\nint LLVMFuzzerTestOneInput(void) { return 0; }\n");
my $linked = run_command(['clang', '-fsanitize=fuzzer,address,undefined', "$probe/probe.c", '-o', "$probe/probe"]);
if ($linked->{status} != 0) {
    die "clang cannot link fuzzers: $linked->{err}" if $ENV{CI};
    plan(skip_all => 'clang cannot link fuzzers (libclang-rt-14-dev is missing)');
}

my %runs = (
    chunked => 20_000, elf => 5_000, forwarding => 20_000, front_http1 => 3_000, front_http2 => 2_000,
    head => 10_000, http2 => 20_000, ini => 2_000, isolated => 20_000, options => 3_000, path => 20_000, proxy_header => 20_000, response => 5_000,
    scenario => 2_000, settings => 2_000, template => 20_000,
);

sub build {
    my @configure = ('cmake', '-G', 'Ninja', '-S', $root, '-B', $folder, '-DFUZZ=ON', '-DBUILD_TESTS=OFF');
    my @compiler = ('-DCMAKE_C_COMPILER=clang', '-DCMAKE_BUILD_TYPE=Debug');
    for my $command ([@configure, @compiler], ['cmake', '--build', $folder, '--target', 'fuzzers']) {
        my $result = run_command($command, timeout => 300);
        return $result if $result->{status} != 0;
    }
    return;
}

my $failure = build();
ok(!$failure, 'the fuzzers are built') or diag(@$failure{qw(out err)});

my %sources = map { m{/fuzz_(\w+)\.c$} ? ($1 => 1) : () } glob "$root/t/fuzz/fuzz_*.c";
is_deeply([sort keys %sources], [sort keys %runs], 'every fuzzer has its number of runs here');

# What a fuzzer says of its finding, and the input that led to it.
sub finding {
    my ($text, $artifacts) = @_;
    my ($input) = glob "$artifacts/*-*";
    my $shown = $input ? 'the input, for base64 -d: ' . encode_base64(read_file($input), '') : 'no input was kept';
    return (grep({ !/^(?:INFO|stat):/ } split /^/, $text), $shown);
}

for my $name (sort keys %runs) {
    my $new        = make_folder();
    my $seeds      = $name eq 'elf' ? "$folder/fuzz/corpus/elf" : "$root/t/fuzz/corpus/$name";
    my $dictionary = "$root/t/fuzz/dictionaries/$name";
    my $result     = run_command([
            "$folder/fuzz/fuzz_$name", '-seed=1', "-runs=$runs{$name}", '-timeout=20', '-verbosity=0', '-print_final_stats=1', "-artifact_prefix=$new/",
            (-f $dictionary ? "-dict=$dictionary" : ()), $new, $seeds,
        ],
        timeout => 120);
    my ($count) = $result->{err} =~ /^stat::number_of_executed_units: (\d+)$/m;
    ok($result->{status} == 0 && $result->{signal} == 0 && ($count // 0) >= $runs{$name}, "$name: nothing in $runs{$name} inputs") or diag(finding($result->{err}, $new));
}

done_testing;
