# The unit file for systemd says what systemd and FlexiLib understand.

use lib 't/lib';
use FlexiLib::Test;

my $path    = root_folder() . '/conf/flexilib.service';
my $unit    = read_file($path);
my $program = build_folder() . '/flexilib';
my %command = map { /^(Exec\w+)=(.*)/ ? ($1 => $2) : () } split /\n/, $unit;
is_deeply([sort keys %command], [qw(ExecReload ExecStart)], 'it starts and reloads');
is(($unit =~ /^OOMPolicy=(\S+)$/m)[0], 'continue', 'who is killed for want of memory takes nobody along');
my $folder = make_folder();
write_file("$folder/flexilib.yaml", "listen: \"unix:$folder/front\"\nroutes: []\n");
my $flexilib = start_flexilib(dir => $folder, env => { FLEXILIB_RUNTIME_DIR => $folder }, args => arguments('ExecStart'));
my $reload = run_command([$program, arguments('ExecReload')->@*], env => { FLEXILIB_RUNTIME_DIR => $folder });
is($reload->{status}, 0, 'both work as they stand') or diag($reload->{err});
$flexilib->stop;

sub arguments {
    my ($name) = @_;
    my ($first, @rest) = split ' ', $command{$name};
    is($first, '/usr/bin/flexilib', "$name runs the program where packages have it");
    return [map { s{^/etc/flexilib/}{$folder/}r } @rest];
}

SKIP: {
    my ($analyze) = grep { -x } map { "$_/systemd-analyze" } split /:/, $ENV{PATH};
    skip 'there is no systemd-analyze here', 1 if !$analyze;
    my $copy = write_file("$folder/flexilib.service", $unit =~ s{/usr/bin/flexilib}{$program}gr);
    my $result = run_command([$analyze, 'verify', '--man=no', $copy]);
    is("$result->{status} $result->{err}", '0 ', 'systemd finds nothing wrong with it');
}

done_testing;
