# What the SDK for Rust says of the contract's structs and numbers is what the C headers say.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;

need('cc');
need_sdk('rust');
my $root   = root_folder();
my $folder = make_folder();
my (@structs, %members, %numbers);
for my $path ("$root/filters/include/flexilib/filter.h", sort glob "$root/filters/include/flexilib/ext/*.h") {
    my $header = read_file($path) =~ s{/\*.*?\*/}{}gsr;
    while ($header =~ /^struct (\w+) \{\n(.*?)^\};/msg) {
        my ($struct, $body) = ($1, $2);
        push @structs, $struct;
        for my $member (split /;/, $body =~ s/^\s*#.*$//mgr) {
            next if $member !~ /\S/;
            push @{ $members{$struct} }, $member =~ /\(\*(\w+)\)/ ? ($1) : map { /(\w+)\s*$/ } split /,/, $member;
        }
    }
    $numbers{$2} = $1 while $header =~ /^#define (FLEXILIB_OPTION_(\w+))/mg;
}
cmp_ok(scalar @structs, '>=', 15, 'the structs are found');

my @c    = map { my $struct = $_; ("$struct %zu", "sizeof(struct $struct)", map { ("$struct.$_ %zu", "offsetof(struct $struct, $_)") } @{ $members{$struct} }) } @structs;
my @rust = map { my $struct = $_; ("$struct {}", "std::mem::size_of::<$struct>()", map { ("$struct.$_ {}", "offset!($struct, $_)") } @{ $members{$struct} }) } @structs;
push @c,    map { ("$_ %zu", "(size_t)$numbers{$_}") } sort keys %numbers;
push @rust, map { ("$_ {}", 'OptionSpec::' . lc) } sort keys %numbers;

my $c = layout(['cc', '-std=c11', "-I$root/filters/include", '-o', "$folder/c", "$folder/layout.c"], 'layout.c', <<'END' . "int main(void)\n{\n" . calls('printf("%s\n", %s);', @c) . "}\n");
#include <flexilib/ext/dictionary.h>
#include <flexilib/ext/fetch.h>
#include <flexilib/ext/metrics.h>
#include <flexilib/ext/offload.h>
#include <flexilib/ext/timer.h>
#include <stdio.h>
END
my $rust = layout([sdk_compiler('rust'), '--edition', '2021', '--extern', 'flexilib=' . sdk_crate(), '-o', "$folder/rs", "$folder/layout.rs"], 'layout.rs', <<'END' . "fn main() {\n" . calls('println!("%s", %s);', map { s/\b(match|type)\b(?!\w| \{)/r#$1/r } @rust) . "}\n");
#![allow(unused_unsafe)]
use flexilib::raw::{ext::*, *};
use flexilib::OptionSpec;
macro_rules! offset {
    ($struct:ty, $member:ident) => {{
        let value = std::mem::MaybeUninit::<$struct>::uninit();
        let start = value.as_ptr();
        unsafe { std::ptr::addr_of!((*start).$member) as usize - start as usize }
    }};
}
END
like($c, qr/^flexilib_core\.resume 248$/m, 'the layout is found');
is($rust, $c, 'sizes, offsets and numbers are the same');
done_testing;

sub calls {
    my ($form, @pairs) = @_;
    my $calls = '';
    while (my ($text, $value) = splice @pairs, 0, 2) {
        $calls .= '    ' . sprintf($form, $text, $value) . "\n";
    }
    return $calls;
}

sub layout {
    my ($command, $name, $program) = @_;
    write_file("$folder/$name", $program);
    my $compiled = run_command($command);
    is($compiled->{status}, 0, "$name compiles") or diag($compiled->{err});
    return run_command([$command->[-2]])->{out};
}
