# Every header compiles by itself, and twice; the public ones as strict C11 and as C++17 too.

use lib 't/lib';
use FlexiLib::Test;

need('cc', 'c++');
my $root = root_folder();
my @warnings = qw(-Wall -Wextra -Werror -fsyntax-only);

sub compiles {
    my ($command, $header, $suffix, $claim) = @_;
    my $folder = make_folder();
    write_file("$folder/alone.$suffix", "#include \"$header\"\n#include \"$header\"\n");
    my $result = run_command([@$command, "alone.$suffix"], dir => $folder);
    ok($result->{status} == 0, "$header $claim") or diag($result->{err});
    return;
}

my @inner = map { m{^\Q$root\E/src/(.*)$} } sort glob "$root/src/*/*.h";
cmp_ok(scalar @inner, '>', 20, 'the headers of src are found');
for my $header (@inner) {
    compiles(['cc', '-std=c11', '-D_GNU_SOURCE', @warnings, "-I$root/src", "-I$root/filters/include"],
        $header, 'c', 'compiles alone');
}

my @public = map { m{^\Q$root\E/filters/include/(.*)$} } sort glob("$root/filters/include/flexilib/*.h"), glob("$root/filters/include/flexilib/*/*.h");
ok(scalar @public, 'the public headers are found');
for my $header (@public) {
    compiles(['cc', '-std=c11', '-pedantic', @warnings, "-I$root/filters/include"], $header, 'c', 'is strict C11');
    compiles(['c++', '-std=c++17', '-pedantic', @warnings, "-I$root/filters/include"], $header, 'cc', 'is strict C++17');
}

my @cpp = map { m{^\Q$root\E/filters/sdk/cpp/(.*)$} } glob("$root/filters/sdk/cpp/*.hpp"), sort glob("$root/filters/sdk/cpp/flexilib/*.hpp");
ok(scalar @cpp, 'the headers of the SDK for C++ are found');
for my $header (@cpp) {
    compiles(['c++', '-std=c++17', '-pedantic', @warnings, "-I$root/filters/include", "-I$root/filters/sdk/cpp"],
        $header, 'cc', 'compiles alone');
}

done_testing;
