# The house's rules for sources, as far as a program can check them.

use lib 't/lib';
use FlexiLib::Test;

use File::Find;

my $root = root_folder();
my @files;
find({
        wanted => sub {
            $File::Find::prune = 1 if /^(?:\.git|build|build-.*)$/ && -d;
            push @files, $File::Find::name =~ s{^\Q$root\E/}{}r if -f;
        },
        no_chdir => 0
    },
    $root);
@files = sort @files;
my @sources  = grep { /\.[ch]$/ } @files;
my @programs = grep { m{^(?:src|filters)/} } @sources;
cmp_ok(scalar @programs, '>', 50, 'the sources are found');

my %content = map { $_ => read_file("$root/$_") } @files;

sub none {
    my ($claim, @offenders) = @_;
    is(join("\n", @offenders), '', $claim);
    return;
}

my $unfinished = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'X' . 'XX';
none('nothing is marked as unfinished', grep { $content{$_} =~ /\b(?:$unfinished)\b/ } @files);
none('no line ends in blanks', grep { $content{$_} =~ /[ \t]$/m } @files);
none('every file ends with a line break', grep { length $content{$_} && $content{$_} !~ /\n\z/ } @files);
none('no source has more than 600 lines', grep { ($content{$_} =~ tr/\n//) > 600 } @programs);
none('no code is commented out by the preprocessor', grep { $content{$_} =~ /^#\s*if\s+0\b/m } @sources);

my @long;
for my $path (@programs) {
    my ($name, $start);
    my $number = 0;
    for my $line (split /\n/, $content{$path}) {
        $number++;
        if ($line =~ /^\{$/) {
            $start = $number;
        } elsif ($line =~ /^\}/ && defined $start) {
            my $lines = $number - $start + 2;
            push @long, "$path:$start: $lines lines" if $lines > 60;
            undef $start;
        }
    }
}
none('no function has more than 60 lines', @long);

my @guards;
for my $path (grep { m{^src/.*\.h$} } @files) {
    my $guard = 'FLEXILIB_' . uc($path =~ s{^src/}{}r =~ s/\W/_/gr);
    push @guards, "$path: $guard" if $content{$path} !~ /\A#ifndef $guard\n#define $guard\n/;
}
none('every header has the guard that its path asks for', @guards);

none('every test is named by what it claims',
    grep { m{^t/[^/]*\.t$} && !m{^t/\d\d[a-z][a-z0-9]*(?:-[a-z0-9]+)*\.t$} } @files);
none('every unit test stands where it is built from',
    grep { m{^t/unit/} && !m{^t/unit/\w+/\w+(?:_test\.c|\.h|\.c)$} } @files);

SKIP: {
    my ($formatter) = grep { -x } map { "$_/clang-format" } split /:/, $ENV{PATH};
    skip 'clang-format is missing', 1 if !$formatter && !$ENV{CI};
    my $result = run_command([$formatter // 'clang-format', '--dry-run', '--Werror', map { "$root/$_" } grep { /\.[ch](?:pp)?$/ } @files], timeout => 120);
    ok($result->{status} == 0, 'every source has the form that clang-format gives it') or diag($result->{err});
}

done_testing;
