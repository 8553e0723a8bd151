# The unit tests in C: every source under t/unit is built and passes.

use lib 't/lib';
use FlexiLib::Test;

my $root    = root_folder();
my %sources = map { m{/unit/(\w+)/(\w+)_test\.c$} ? ("$1-$2" => $_) : () } glob "$root/t/unit/*/*_test.c";
my %built   = map { m{/([^/]+)$} ? ($1 => $_) : () } grep { -x } glob build_folder() . '/unit/*';

ok(%sources > 0, 'there are unit tests');
for my $name (sort keys %sources) {
    if (!$built{$name}) {
        fail("$name is built");
        next;
    }
    my $result = run_command([$built{$name}], env => { CMOCKA_MESSAGE_OUTPUT => 'TAP' }, timeout => 120);
    my ($count) = $result->{out} =~ /^1\.\.(\d+)$/m;
    $count //= 0;
    my $is_passed = $result->{status} == 0 && $result->{signal} == 0 && $count > 0;
    ok($is_passed, "$name: $count tests") or diag("status $result->{status}, signal $result->{signal}\n", @$result{qw(out err)});
}

done_testing;
