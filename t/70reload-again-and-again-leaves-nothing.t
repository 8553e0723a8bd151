# Reloads under load, one after the other, with libraries, listeners, upstreams and logs that come and go, and bad changes in
# between: no request fails, and afterwards there are as many processes, descriptors and files as before, and as much memory.

use lib 't/lib';
use FlexiLib::Test;

my $reloads = $ENV{FLEXILIB_RELOADS} // 20;
my $folder  = make_folder();
my $runtime = make_folder();
my $temp    = make_folder();
my %library = map { $_ => read_file(test_library("answer_$_")) } qw(one two);
my $backend = start_static_backend(body => "backend\n");

# What a generation has, by its number: every fourth is as the first one.
sub content {
    my ($number) = @_;
    my @more = (
        '', "access_log: access.log\n",
        "upstreams: { other: @{[$backend->url]} }\nerror_pages: { 404: page.html }\n",
        "body_limit: 1MB\n"
    );
    my @listeners = ('127.0.0.1:0', ("{ address: 'unix:$folder/more.sock', name: more }") x ($number % 4 == 3));
    my $routes = join '', map { "  - { match: =/route-$_, handler: hello }\n" } 1 .. $number % 4 * 10;
    return "listen: [@{[join ', ', @listeners]}]\nworkers: 2\nwatch: off\n$more[$number % 4]routes:\n$routes"
        . "  - { match: =/backend, proxy: \"@{[$backend->url]}\" }\n  - { match: /, handler: ./answer.so }\n";
}

write_file("$folder/page.html", "nothing\n");
write_file("$folder/answer.so", $library{one});
my $flexilib = start_flexilib(
    dir    => $folder,
    config => content(0),
    env    => { FLEXILIB_RUNTIME_DIR => $runtime, TMPDIR => $temp },
);
my @loads = (
    start_load($flexilib, connections => 6, expect => qr/\A(?:one|two)\n\z/),
    start_load($flexilib, connections => 2, path => '/backend', expect => qr/\Abackend\n\z/),
);
$_->wait_running for @loads;

my $generation = 1;
# The program has made all that it makes once by then.
reload_times(8);
my $before = settled_state();
reload_times($reloads);
reload_times(4);
my $after = awaited_state($before);
for my $load (@loads) {
    my $result = $load->stop;
    is_deeply($result->{failures}, [], "no request has failed, of $result->{requests}");
}
is($after->{$_}, $before->{$_}, "there are as many $_ as before") for qw(processes descriptors files);
diag("$reloads reloads, supervisor $before->{memory} kB before, $after->{memory} kB then; "
        . "workers $before->{worker_memory} kB, $after->{worker_memory} kB")
    if $ENV{FLEXILIB_RELOADS};
SKIP: {
    skip 'sanitizers keep memory', 2 if is_sanitized();
    cmp_ok($after->{memory}, '<=', $before->{memory} + 200, 'the supervisor has as much memory as before');
    cmp_ok($after->{worker_memory}, '<=', $before->{worker_memory} + 1000, 'and so have new workers');
}
done_testing;

sub reload_times {
    my ($count) = @_;
    for my $number (1 .. $count) {
        if ($number % 5 == 0) {
            $flexilib->write_file('flexilib.yaml', content(0) . "  - { handler: not-there }\n");
            $flexilib->reload;
            $generation++;
            $flexilib->wait_log(qr/generation $generation failed/);
        }
        $flexilib->write_file('flexilib.yaml', content($number));
        $flexilib->write_file('answer.so', $library{ $number % 2 ? 'two' : 'one' });
        $flexilib->reload;
        $generation++;
        $flexilib->wait_serving($generation);
    }
    return;
}

# What is counted, once old generations have gone: that which is the same ten times running.
sub settled_state {
    my $deadline = FlexiLib::Test::Wait::deadline();
    my ($state, $count) = ('', 0);
    while ($count < 10) {
        die "old generations do not leave\n" if time > $deadline;
        my $next = state();
        $count = counts_of($next) eq $state && $next->{processes} == 2 ? $count + 1 : 0;
        $state = counts_of($next);
    }
    return state();
}

# The same again, for which there is time.
sub awaited_state {
    my ($before) = @_;
    my $deadline = FlexiLib::Test::Wait::deadline();
    my $state = state();
    $state = state() while counts_of($state) ne counts_of($before) && time < $deadline;
    return $state;
}

sub counts_of { return join ' ', @{ $_[0] }{qw(processes descriptors files)} }

sub files_in {
    my ($folder) = @_;
    my $count = 0;
    require File::Find;
    File::Find::find({ wanted => sub { $count++ }, no_chdir => 1 }, $folder);
    return $count;
}

# Its own, whoever else has the program and its libraries mapped by then.
sub memory_of {
    my ($pid) = @_;
    return (read_file("/proc/$pid/smaps_rollup") =~ /^Anonymous:\s+(\d+) kB/m)[0];
}

sub state {
    my $supervisor = $flexilib->pid;
    my @workers    = $flexilib->worker_pids;
    my @open       = glob "/proc/$supervisor/fd/*";
    return {
        processes     => scalar @workers,
        descriptors   => scalar @open,
        files         => files_in($runtime) + files_in($temp),
        memory        => memory_of($supervisor),
        worker_memory => memory_of($workers[-1]),
    };
}
