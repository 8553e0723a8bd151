package FlexiLib::Test::Sdk;

# Builds libraries in the languages that have an SDK, by the commands that the SDK's manual shows, when a test needs them
# and something they are made of has changed. They stay in build/t/sdk. Debian's compilers are taken where others stand
# before them in the path.

use strict;
use warnings;

use FlexiLib::Test;
use FlexiLib::Test::Wait qw(is_sanitized sanitizer);

use Exporter qw(import);
use Fcntl qw(LOCK_EX);
use File::Find ();
use File::Path ();

our @EXPORT = qw(sdk_crate sdk_go_cache sdk_languages sdk_library sdk_example sdk_compiler need_sdk);

my $root = root_folder();
my $sdk  = "$root/filters/sdk";

my %languages = (
    c    => { compilers => ['cc'],  build => \&build_c },
    cpp  => { compilers => ['c++'], build => \&build_cpp },
    rust => { compilers => ['/usr/bin/rustc', 'rustc'], build => \&build_rust },
    go   => { compilers => ['/usr/bin/go', 'go'], build => \&build_go },
    zig  => { compilers => [$ENV{ZIG} // (), "$root/build/zig/node_modules/.bin/zig", 'zig'], build => \&build_zig },
);

# The languages that an SDK is there for.
sub sdk_languages { return sort grep { -d "$sdk/$_" } keys %languages }

# Where a language's compiler is, or undef.
sub sdk_compiler {
    my ($language) = @_;
    for my $compiler (@{ $languages{$language}{compilers} }) {
        my ($found) = grep { -x } $compiler =~ m{/} ? $compiler : map { "$_/$compiler" } split /:/, $ENV{PATH};
        return $found if $found;
    }
    return;
}

# Skips the test where a language's compiler is missing; in CI that is a failure, but for Zig, which Debian has not.
sub need_sdk {
    my ($language) = @_;
    return if sdk_compiler($language);
    return need($languages{$language}{compilers}[-1]) if $language ne 'zig';
    Test::More::plan(skip_all => 'zig is missing');
}

# The library that is built from a source file, or for Go from a folder, of the tree.
sub sdk_library {
    my ($language, $source) = @_;
    my $name    = "$language-" . ($source =~ s{^.*/([^/.]+)[^/]*$}{$1}r);
    my $library = build_folder() . "/t/sdk/$name.so";
    my $lock    = lock_for($language);
    my $folder  = $language eq 'go' ? $source : $source =~ s{/[^/]*$}{}r;
    if (!is_newer($library, "$root/filters/include", "$sdk/$language", "$root/$folder")) {
        $languages{$language}{build}->("$root/$source", $library);
    }
    return $library;
}

# Two tests that want the same library build it once.
sub lock_for {
    my ($language) = @_;
    my $folder = build_folder() . '/t/sdk';
    File::Path::make_path($folder);
    open my $lock, '>', "$folder/$language.lock" or die "cannot lock $folder: $!";
    flock $lock, LOCK_EX or die "flock: $!";
    return $lock;
}

# One of the three examples that each SDK has.
sub sdk_example {
    my ($language, $name) = @_;
    my %path = (
        cpp  => "examples/$name.cpp",
        rust => "examples/$name.rs",
        go   => "examples/$name",
        zig  => "$name.zig",
    );
    return sdk_library($language, "filters/sdk/$language/$path{$language}");
}

sub is_newer {
    my ($library, @folders) = @_;
    my $made = (stat $library)[9] // return 0;
    my $newest = 0;
    File::Find::find(sub { my $time = (stat)[9]; $newest = $time if -f && $time > $newest }, grep { -d } @folders);
    return $made > $newest;
}

# Runs a command that makes "$library.new". It may take longer than what tests wait for.
sub compile {
    my ($library, $environment, $folder, @command) = @_;
    local %ENV = (%ENV, %$environment);
    my $pid = open(my $output, '-|') // die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        chdir $folder and exec { $command[0] } @command;
        print "cannot run $command[0]: $!\n";
        require POSIX;
        POSIX::_exit(127);
    }
    my $said = do { local $/; <$output> };
    close $output;
    die "@command\n$said" if $? != 0 || $said =~ /warning/i;
    rename "$library.new", $library or die "rename: $!";
    return;
}

sub sanitizers {
    return '-fsanitize=thread' if sanitizer() eq 'thread';
    return is_sanitized() ? ('-fsanitize=address,undefined', '-fno-sanitize-recover=undefined') : ();
}

sub build_c {
    my ($source, $library) = @_;
    my @sources = glob($source =~ s{/[^/]*$}{/*.c}r);
    return compile($library, {}, $root, sdk_compiler('c'), qw(-std=gnu11 -g -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -shared -fPIC), sanitizers(),
        "-I$root/filters/include", '-o', "$library.new", @sources, '-pthread');
}

sub build_cpp {
    my ($source, $library) = @_;
    return compile($library, {}, $root, sdk_compiler('cpp'), qw(-std=c++17 -g -Wall -Wextra -Wno-unused-parameter -shared -fPIC), sanitizers(),
        "-I$root/filters/include", "-I$sdk/cpp", '-o', "$library.new", $source, '-pthread');
}

sub build_rust {
    my ($source, $library) = @_;
    return compile($library, {}, $root, sdk_compiler('rust'), qw(--edition 2021 -g --crate-type cdylib --extern), 'flexilib=' . make_crate(),
        '-o', "$library.new", $source);
}

# The SDK for Rust, as what is built with it wants it. The lock is held.
sub make_crate {
    my $crate = build_folder() . '/t/sdk/libflexilib.rlib';
    return $crate if is_newer($crate, "$sdk/rust/src");
    compile($crate, {}, $root, sdk_compiler('rust'), qw(--edition 2021 -g --crate-type rlib --crate-name flexilib -o), "$crate.new",
        "$sdk/rust/src/lib.rs");
    return $crate;
}

sub sdk_crate {
    my $lock = lock_for('rust');
    return make_crate();
}

# Where Go keeps what it has built.
sub sdk_go_cache { return build_folder() . '/t/sdk/go-cache' }

sub build_go {
    my ($source, $library) = @_;
    my %environment = (GOCACHE => sdk_go_cache(), GOFLAGS => '-mod=mod', GOPROXY => 'off', CC => 'gcc');
    return compile($library, \%environment, $source, sdk_compiler('go'), 'build', '-buildmode=c-shared', '-o', "$library.new", '.');
}

sub build_zig {
    my ($source, $library) = @_;
    my %environment = (ZIG_GLOBAL_CACHE_DIR => build_folder() . '/t/sdk/zig-cache', ZIG_LOCAL_CACHE_DIR => build_folder() . '/t/sdk/zig-cache');
    return compile($library, \%environment, $root, sdk_compiler('zig'), 'build-lib', '-dynamic', '-lc', "-I$root/filters/include",
        "-femit-bin=$library.new", $source);
}

1;
