# `flexilib reload` waits for its reload, and tells what has changed, or what is wrong, with the exit status for scripts.

use lib 't/lib';
use FlexiLib::Test;
use IO::Socket::INET;
use JSON::PP qw(decode_json);

my $folder  = make_folder();
my %variant = map { $_ => read_file(test_library("answer_$_")) } qw(one two);

sub config {
    my ($routes, $more) = @_;
    return "listen: 127.0.0.1:0\nworkers: 1\nwatch: off\n" . ($more // '') . "routes:\n" . join '', map { "  - $_\n" } @$routes;
}
my @routes = ('{ name: one, match: /one, respond: 204 }', '{ match: { host: [a, b], path: /two }, handler: ./answer.so }',
    '{ match: /in, routes: [{ match: /deep, respond: 404 }] }');

write_file("$folder/answer.so", $variant{one});
my $flexilib = start_flexilib(dir => $folder, config => config(\@routes), crashing => 1, env => { FLEXILIB_START_TIMEOUT => is_sanitized() ? '4s' : '500ms' });
my $generation = 1;
my $reload     = 1;

sub run { return run_flexilib([@_, '-c', 'flexilib.yaml'], dir => $folder) }

sub write_config { return $flexilib->write_file('flexilib.yaml', config(@_)) }

sub succeeds {
    my ($claim, $summary, @lines) = @_;
    my $result = run('reload');
    ++$generation;
    ++$reload;
    is($result->{out}, "reload $reload: generation $generation serves: $summary\n" . join('', map { "  $_\n" } @lines), $claim);
    is("$result->{status} $result->{err}", '0 ', 'and all is well');
    $flexilib->wait_log(qr/generation @{[$generation - 1]} has drained/);
    return;
}

sub fails {
    my ($claim, $message) = @_;
    my ($worker) = $flexilib->worker_pids;
    my $result = run('reload');
    ++$generation;
    ++$reload;
    like($result->{err}, qr/\Aerror: $message\z/, $claim);
    is("$result->{status} $result->{out}", '78 ', 'the exit status says that the configuration is refused');
    is(scalar(grep { $_ == $worker } $flexilib->worker_pids), 1, 'the old generation goes on');
    like($flexilib->wait_log(qr/reload $reload /), qr/error: reload $reload \(command\): has failed$/, 'the log knows it by its number');
    return;
}

succeeds('nothing changes', 'nothing changed');
write_file("$folder/flexilib.yaml", "# a remark\n" . config(\@routes) =~ s/204 \}/ 204}/r);
succeeds('remarks and spaces are no change', 'nothing changed');
write_config([@routes, '{ match: /new, redirect: /one }']);
succeeds('a new route', '1 route added', '+ route /new (flexilib.yaml:8)');
write_config([$routes[0] =~ s/204/205/r, @routes[1, 2]]);
succeeds('a changed route and one less', '1 route changed, 1 route removed', '- route /new (flexilib.yaml:8)', '~ route one (flexilib.yaml:5)');
write_config([@routes[0, 1], $routes[2] =~ s/404/405/r], "head_limit: 20KB\n");
succeeds('what surrounds routes', '2 routes changed, 1 setting added', '~ route /in > /deep (flexilib.yaml:8, was flexilib.yaml:7)', '~ route one (flexilib.yaml:6, was flexilib.yaml:5)', '+ setting head_limit');
write_config([reverse @routes[0, 1], $routes[2] =~ s/404/405/r], "head_limit: 20KB\n");
succeeds('the order of routes', '1 setting changed', '~ setting routes');
write_file("$folder/answer.so", $variant{two});
my ($old, $new) = map { substr digest($_), 0, 12 } @variant{qw(one two)};
succeeds('a library', '1 library changed', "~ library $folder/answer.so ($new, was $old)");
is(request($flexilib, GET => '/two', host => 'a')->body, "two\n", 'which serves');

fails_in_the_file();
fails_in_processes();
shows_status();
done_testing;

sub digest {
    my ($content) = @_;
    require Digest::SHA;
    return Digest::SHA::sha256_hex($content);
}

sub fails_in_the_file {
    write_file("$folder/flexilib.yaml", "listen: 127.0.0.1:0\nrutes: []\n");
    fails('a typing error', qr/flexilib\.yaml:2:1: unknown key 'rutes'[^\n]*'routes'\?\)\n    rutes: \[\]\n    \^\n/);
    my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "cannot listen: $!";
    write_file("$folder/flexilib.yaml", config(\@routes) =~ s/127.0.0.1:0/'127.0.0.1:' . $busy->sockport/er);
    fails('a port in use', qr/flexilib\.yaml:1:9: cannot listen on 127\.0\.0\.1:\d+: [^\n]*in use(?s:.*)/);
    return;
}

sub fails_in_processes {
    my $fatal = test_library('fatal');
    my %how = (
        crash => qr/worker \d+ of generation \d+ was killed by signal 11 \(Segmentation fault\) after \d+\.\d{3} s, in filter 'fatal' \(create\)(?s:.*)/,
        end   => qr/worker \d+ of generation \d+ exited with status 0 after \d+\.\d{3} s, in filter 'fatal' \(create\)(?s:.*)/,
        hang  => qr/worker \d+ was not ready within \d\.\d{3} s, in filter 'fatal' \(create\)(?s:.*)/,
    );
    for my $how (sort keys %how) {
        write_config(["{ match: /, handler: { use: fatal, options: { how: $how } } }"], "libraries: { fatal: $fatal }\n");
        fails("a filter that does: $how", qr/$how{$how}/s);
    }
    return;
}

sub shows_status {
    my $served = $generation - 5;
    my $text   = run('status')->{out};
    like($text, qr/^generation $served: serving, \d+\.\d s; workers 1, requests 0, tunnels 0, connections \d$/m, 'status tells what serves');
    like($text, qr/^library \Q$folder\E\/answer\.so: sha256 $new, abi \d+\.\d+$/m, 'of which libraries');
    like($text, qr/^3 routes$/m, 'how many routes');
    like($text, qr/^reload $reload \(command\): failed, \d+\.\d s ago: worker \d+ was not ready/m, 'and how the last reload went');
    my $json = decode_json(run('status', '--json')->{out});
    is($json->{pid}, $flexilib->pid, 'all that is there as JSON too');
    is_deeply([map { "$_->{number} $_->{state} $_->{workers}" } @{ $json->{generations} }], ["$served serving 1"], 'generations');
    is($json->{libraries}[0]{sha256}, digest($variant{two}), 'libraries');
    is_deeply([map { "$_->{name} $_->{place}" } @{ $json->{routes} }],
        ['/in > /deep flexilib.yaml:6', '{host: [a, b], path: /two} flexilib.yaml:7', 'one flexilib.yaml:8'], 'routes');
    is($json->{reloads}[0]{result}, 'failed', 'the reload');
    return;
}
