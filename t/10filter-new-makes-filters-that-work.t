# `flexilib filter new` makes a filter in each language that builds as it is, and does what its scenario file says.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;

my $dir  = make_folder();
my %made = (
    c    => ['word-c.c', 'Makefile'],
    cpp  => ['word-cpp.cpp', 'Makefile'],
    rust => ['word-rust.rs', 'Makefile'],
    go   => ['word-go.go', 'go.mod', 'Makefile'],
);

need('make');
for my $language (sort keys %made) {
    my $name   = "word-$language";
    my @choice = $language eq 'c' ? () : ('--language', $language);
    my $result = run_flexilib(['filter', 'new', @choice, $name], dir => $dir);
    my @files  = map { "made $name/$_\n" } @{ $made{$language} }, "$name.test.yaml";
    is($result->{out}, join('', @files, "build it, and play its scenarios: make -C $name test\n"), "$language: the files are made");
    is($result->{status}, 0, "$language: status 0");
    my $left = run_command(['grep', '-r', 'my-filter', '.'], dir => "$dir/$name");
    is($left->{out}, '', "$language: by the filter's own name");
  SKIP: {
        my $compiler = sdk_compiler($language);
        skip "the compiler for $language is missing", 2 if !$compiler && !$ENV{CI};
        local $ENV{GOCACHE} = sdk_go_cache();
        my $built = run_command(['make', '-s', "RUSTC=$compiler", "GO=$compiler", 'test'], dir => "$dir/$name", timeout => 300);
        my $once = "# $name.test.yaml\nok 1 - it gives responses its field\nok 2 - also where the upstream cannot answer\n"
            . "ok 3 - it says hello where it is not told otherwise\n1..3\n";
        is($built->{out}, "$once$once", "$language: it does what its scenarios say") or diag($built->{err});
        unlike($built->{err}, qr/warning/i, "$language: without a warning");
    }
}

# Go finds the header by the SDK's place, which is another where FlexiLib is installed.
SKIP: {
    my $compiler = sdk_compiler('go');
    skip 'the compiler for go is missing', 2 if !$compiler && !$ENV{CI};
    my $installed = run_command(['cmake', '--install', build_folder(), '--prefix', "$dir/installed"]);
    is($installed->{status}, 0, 'it is installed in a folder of its own') or diag($installed->{err});
    run_command(["$dir/installed/bin/flexilib", 'filter', 'new', '--language', 'go', 'word-far'], dir => $dir);
    local $ENV{GOCACHE} = sdk_go_cache();
    my $built = run_command(['make', '-s', "GO=$compiler", 'test'], dir => "$dir/word-far", timeout => 300);
    is($built->{status}, 0, 'go: a filter works there as well') or diag($built->{err});
}

sub is_refused {
    my ($arguments, $status, $err, $claim) = @_;
    my $result = run_flexilib(['filter', 'new', @$arguments], dir => $dir);
    my $is_right = $result->{status} == $status && $result->{out} eq '' && $result->{err} eq $err;
    ok($is_right, $claim) or diag(explain($result));
    return;
}

my $usage = "usage: flexilib filter new NAME [--language c|cpp|rust|go]\n";
is_refused(['word-c'], 1, "flexilib: cannot make a folder 'word-c': File exists\n", 'what is there stays');
is_refused([], 2, "flexilib: filter new wants the filter's name\n$usage", 'no name');
is_refused(['a', 'b'], 2, "flexilib: 'b' is one too many\n$usage", 'two names');
for my $name ('My', '1a', 'a_b', 'a/b', 'a-', '', 'a' x 64) {
    is_refused([$name], 2, "flexilib: '$name' cannot be the name of a filter: it is made of a-z, 0-9 and '-'\n$usage", "a name that cannot be one: '$name'");
}
is_refused(['--language', 'rst', 'a'], 2, "flexilib: there is no SDK for 'rst' (did you mean 'rust'?)\n$usage", 'a language that is none');
is_refused(['a', '--language'], 2, "flexilib: '--language' wants a value\n$usage", 'a language that is missing');
is_refused(['--lang=c', '--langage', 'c', 'a'], 2, "flexilib: unknown option '--langage'\n$usage", 'an unknown option');
ok(!-e "$dir/a", 'nothing is made then');

done_testing;
