# What every test relies on: a server that misbehaves makes its test fail, though the test itself has no complaint. A
# stand-in for flexilib misbehaves in one way at a time.

use lib 't/lib';
use FlexiLib::Test;

my $root   = root_folder();
my $folder = make_folder();
write_file("$folder/flexilib", <<'END');
#!/usr/bin/perl
my $way = $ENV{WAY};
$| = 1;
$SIG{TERM} = sub { $way eq 'signal' ? kill('KILL', $$) : exit($way eq 'status' ? 3 : 0) };
if ($way eq 'left behind' && !fork) {
    $SIG{TERM} = 'IGNORE';
    select undef, undef, undef, undef;
}
print STDERR "2026-01-01T00:00:00.000Z [1] info: listening on 127.0.0.1:1\n" if $way ne 'no address';
print STDERR "2026-01-01T00:00:00.000Z [1] alert: worker 2 was killed\n" if $way eq 'alert';
print STDERR "==2==ERROR: AddressSanitizer: heap-use-after-free\n" if $way eq 'address';
print STDERR "==2==ERROR: LeakSanitizer: detected memory leaks\n" if $way eq 'leak';
print STDERR "a.c:1:2: runtime error: signed integer overflow\n" if $way eq 'undefined';
print STDERR "2026-01-01T00:00:00.000Z [1] info: generation 1 is serving (1 worker)\n" if $way ne 'not ready';
exit 0 if $way eq 'not ready';
1 while select undef, undef, undef, undef;
END
chmod 0755, "$folder/flexilib";
write_file("$folder/content.t", <<'END');
use FlexiLib::Test;
my $flexilib = start_flexilib(config => '', expect_alerts => $ENV{EXPECTED} ? qr/killed/ : undef);
ok($flexilib->address, 'it is content');
done_testing;
END

sub run_with {
    my ($way, %more) = @_;
    return run_command(
        [$^X, "-I$root/t/lib", "$folder/content.t"],
        env => { FLEXILIB_BUILD => $folder, WAY => $way, FLEXILIB_TEST_TIMEOUT => $way eq 'left behind' ? 1 : undef, %more }
    );
}

my $calm = run_with('');
is($calm->{status}, 0, 'a server that behaves lets its test pass') or diag(@$calm{qw(out err)});

my %complaint = (
    'status'      => qr/status 3/,
    'signal'      => qr/killed by signal 9/,
    'left behind' => qr/not ok \d+ - flexilib leaves no process behind/,
    'alert'       => qr/not ok \d+ - flexilib logs no alert/,
    'address'     => qr/not ok \d+ - flexilib logs no alert/,
    'leak'        => qr/not ok \d+ - flexilib logs no alert/,
    'undefined'   => qr/not ok \d+ - flexilib logs no alert/,
    'not ready'   => qr/the stream has ended/,
    'no address'  => qr/there is no listener 0/,
);
for my $way (sort keys %complaint) {
    my $result = run_with($way);
    isnt($result->{status}, 0, "$way: the test fails");
    like($result->{out} . $result->{err}, $complaint{$way}, "$way: and says why");
}

my $expected = run_with('alert', EXPECTED => 1);
is($expected->{status}, 0, 'an alert that the test expects is fine') or diag(@$expected{qw(out err)});

done_testing;
