# The layers: a folder of src includes only itself and those below it, what belongs behind a seam stays there, and the
# supervisor's code knows neither configuration nor HTTP.

use lib 't/lib';
use FlexiLib::Test;

my $root = root_folder();

my @serving = qw(base config filter plan net http coding tls upstream files dispatch listen front proxy);
my %below = (
    (map { $serving[$_] => [ @serving[ 0 .. $_ - 1 ] ] } 0 .. $#serving),
    process => [qw(base)],
    runner  => [qw(base config filter plan net http coding)],
    worker  => [ @serving, 'runner', 'process' ],
    autopsy => [qw(base process)],
    command => [ @serving, 'process', 'scenario' ],
    scenario => [qw(base config filter plan http coding)],
);
my @knows_contract = grep { !/^(?:base|config|process|autopsy)$/ } keys %below;

# The code of a C file, with comments and the content of texts taken out.
sub code_of {
    my ($path) = @_;
    my $text = read_file($path);
    $text =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:\\.|[^"\\\n])*")|('(?:\\.|[^'\\\n])*')}
              { defined $3 ? '""' : defined $4 ? "''" : ' ' . ($1 // '') =~ tr/\n//cdr }gse;
    return $text;
}

my (@upward, @misplaced);
my $include_count = 0;
for my $path (sort glob "$root/src/*/*.[ch]") {
    my ($layer, $name) = $path =~ m{/src/(\w+)/([^/]+)$};
    my $may_include = join '|', $layer, @{ $below{$layer} // [] };
    if (!$below{$layer}) {
        push @upward, "src/$layer is not a layer";
        next;
    }
    for my $include (read_file($path) =~ /^\s*#\s*include\s+("[^"]+"|<[^>]+>)/mg) {
        $include_count++;
        my ($kind, $target) = $include =~ /^(.)(.*).$/;
        if ($target =~ m{^h2o(?:\.h|/)}) {
            push @misplaced, "$layer/$name includes $include" if "$layer/$name" !~ m{^(?:net/(?:loop|socket)|http/head_parser)\.c$};
        } elsif ($target =~ m{^openssl/}) {
            push @misplaced, "$layer/$name includes $include" if "$layer/$name" !~ m{^(?:tls/\w+|listen/tls_\w+|http/websocket|worker/digest)\.c$};
        } elsif ($target =~ m{^(?:zlib\.h$|brotli/|zstd\.h$)}) {
            my $seam = $target =~ /^zlib/ ? 'gzip' : $target =~ /^brotli/ ? 'brotli' : 'zstd';
            push @misplaced, "$layer/$name includes $include" if "$layer/$name" !~ m{^coding/(?:de)?coder_$seam\.c$};
        } elsif ($target =~ m{^nghttp2/}) {
            push @misplaced, "$layer/$name includes $include" if "$layer/$name" !~ m{^front/http2_\w+\.c$};
        } elsif ($target =~ m{^ares\w*\.h$}) {
            push @misplaced, "$layer/$name includes $include" if "$layer/$name" ne 'net/dns.c';
        } elsif ($target eq 'yaml.h') {
            push @misplaced, "$layer/$name includes $include" if $layer ne 'config';
        } elsif ($target eq 'pcre2.h') {
            push @misplaced, "$layer/$name includes $include" if "$layer/$name" ne 'filter/regex.c';
        } elsif ($target eq 'jansson.h') {
            push @misplaced, "$layer/$name includes $include" if "$layer/$name" !~ m{^command/(?:\w+_json\.c|json_text\.[ch])$};
        } elsif ($target eq 'dlfcn.h') {
            push @misplaced, "$layer/$name includes $include" if $layer ne 'filter' && "$layer/$name" !~ m{^(?:worker/(?:exit|thread)_guard|autopsy/libdw)\.c$};
        } elsif ($target =~ m{^(?:elfutils/|dwarf\.h$)}) {
            push @misplaced, "$layer/$name includes $include" if $layer ne 'autopsy';
        } elsif ($target =~ m{^flexilib/}) {
            push @upward, "$layer/$name includes $include" if !grep { $_ eq $layer } @knows_contract;
        } elsif ($kind eq '"') {
            push @upward, "$layer/$name includes $include" if $target !~ m{^(?:$may_include)/};
        }
    }
    next if "$layer/$name" eq 'base/spawn.c';
    my $code = code_of($path);
    while ($code =~ /\b(v?fork|clone3?|exec(?:l|lp|le|v|vp|ve|vpe)|fexecve|execveat|posix_spawnp?|system|popen)\s*\(/g) {
        push @misplaced, "$layer/$name calls $1";
    }
}

cmp_ok($include_count, '>', 100, 'the include lines are found');
is(join("\n", @upward),    '', 'no folder includes one that stands above it');
is(join("\n", @misplaced), '', 'libh2o, libnghttp2, c-ares, OpenSSL, libyaml, PCRE2, jansson, zlib, libbrotli, libzstd, libdw, dlopen and new processes each stay behind their seam');

# Symbols that a layer's static library defines, or needs from elsewhere.
sub symbols {
    my ($layer, $option) = @_;
    my $library = build_folder() . "/src/libflexilib_$layer.a";
    my $result  = run_command(['nm', $option, '--format=posix', $library]);
    is($result->{status}, 0, "nm reads $layer") or diag($result->{err});
    return map { /^(\S+) [A-Zuvw]\b/ ? ($1 => 1) : () } split /\n/, $result->{out};
}

need('nm');
my %base = symbols('base', '--defined-only');
my %above;
for my $layer (grep { $_ ne 'base' } @serving) {
    my %defined = symbols($layer, '--extern-only');
    my %own     = symbols($layer, '--defined-only');
    $above{$_} = $layer for grep { !$base{$_} } keys %own;
}
for my $layer (qw(base process)) {
    my %needed = symbols($layer, '--undefined-only');
    my @wrong  = map { $above{$_} ? "$_ of $above{$_}" : $_ } sort grep { $above{$_} || /^(?:h2o|phr|nghttp2|yaml|ares|SSL|X509)_|^dlopen$/ } keys %needed;
    is(join("\n", @wrong), '', "$layer refers to nothing of what serves requests and its libraries");
    cmp_ok(scalar(keys %needed), '>', 10, "$layer refers to something at all");
}

done_testing;
