# Whatever way a library takes its worker down, the log says which filter it was, in which hook, for which request, and
# where; and the next request is served.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;

need_sdk($_) for qw(cpp rust go);
my $die  = test_library('die');
my %path = (
    cpp  => sdk_library('cpp',  't/crashes/die.cpp'),
    rust => sdk_library('rust', 't/crashes/die.rs'),
    go   => sdk_library('go',   't/conformance/go/trouble'),
);
my $flexilib = start_flexilib(
    expect_alerts => qr/alert: (?:worker \d+ of generation 1 (?:was killed by signal|exited with status) \d+|library .* has crashed or hung)/,
    config        => <<"END");
listen: 127.0.0.1:0
workers: 6
libraries:
  die: $die
  slow: { path: $die, blocking: yes }
  cpp: $path{cpp}
  rust: $path{rust}
  go: $path{go}
routes:
  - { match: { path: /die, headers: { x-blocking: =yes } }, filters: [slow.die], handler: hello }
  - { match: /die, filters: [die], handler: hello }
  - { match: /cpp, filters: [cpp], handler: hello }
  - { match: /rust, filters: [rust], handler: hello }
  - { match: /go, filters: [go.trouble], handler: hello }
  - { match: /, handler: hello }
END

my $hook = '\(on_request_head\)';
my $segv = 'was killed by signal 11 \(Segmentation fault\)';
my $abrt = 'was killed by signal 6 \(Aborted\)';

# What the sentence says beside the filter, the request and its id; a frame of the backtrace, which follows.
my @cases = (
    ['/die/null',     $segv,                                          qr/, at die\.so\+0x[0-9a-f]+ \(die_null at lib\/die\.c:\d+\), touching address 0x0$/, qr/#0 die_null\+0x[0-9a-f]+ at lib\/die\.c:\d+ \(die\.so\+0x[0-9a-f]+\)/],
    ['/die/jump',     $segv,                                          qr/, at die\.so\+0x[0-9a-f]+ \(die_jump at .*, touching address 0x0$/, qr/#0 0x0, where no code is/, qr/#1 die_jump/],
    ['/die/overflow', $segv,                                          qr/, at die\.so\+0x[0-9a-f]+ \(die_overflow at /, qr/#0 die_overflow/, qr/   and \d+ more like this/],
    ['/die/abort',    $abrt,                                          qr/, at die\.so\+0x[0-9a-f]+ \(die_abort at [^,]*\)$/, qr/#\d+ die_abort/],
    ['/die/fpe',      'was killed by signal 8 \(Floating point exception\)', qr/, at die\.so\+0x[0-9a-f]+ \(die_fpe at /, qr/#0 die_fpe/],
    ['/die/double-free', $abrt,                                       qr/, at die\.so\+0x[0-9a-f]+ \(die_double_free at /, qr/#\d+ die_double_free/],
    ['/die/exit',     'exited with status 3',                         qr/, at die\.so\+0x[0-9a-f]+ \(die_exit at .*, by a call of exit$/, qr/#\d+ die_exit/],
    ['/die/exit-well', 'exited with status 0',                        qr/ \(die_exit_well at .*, by a call of exit$/, qr/#\d+ die_exit_well/],
    ['/die/exit-at-once', 'exited with status 4',                     qr/ \(die_exit_at_once at .*, by a call of exit$/, qr/#\d+ die_exit_at_once/],
    ['/die/exit-hanging', 'exited with status 6',                     qr/ \(die_exit_hanging at .*, by a call of exit$/, qr/#\d+ die_exit_hanging/],
    ['/die/system-call', 'exited with status 5',                      qr/\)$/],
    ['/die/killed',   'was killed by signal 9 \(Killed\)',            qr/\)$/],
    ['/die/reset',    $segv,                                          qr/\)$/],
    ['/die/without-descriptors', $segv,                               qr/, at die\.so\+0x[0-9a-f]+ \(die_null at lib\/die\.c:\d+\), touching address 0x0$/, qr/#1 die_without_descriptors/],
    ['/die/core',     $segv,                                          qr/, at die\.so\+0x[0-9a-f]+ \(die_core at /, qr/#0 core_path/, qr/#\d+ die_core/],
    ['/cpp/null',     $segv,                                          qr/, at cpp-die\.so\+0x[0-9a-f]+ \(trouble::write_nowhere\(\) at crashes\/die\.cpp:\d+\)/, qr/#0 trouble::write_nowhere\(\)\+/],
    ['/cpp/throw',    $abrt,                                          qr/, at cpp-die\.so\+0x[0-9a-f]+ \(trouble::fail\(\) at /, qr/#\d+ trouble::throw_through\(\)\+/],
    ['/rust/null',    $segv,                                          qr/, at rust-die\.so\+0x[0-9a-f]+ \(.*, touching address 0x0$/, qr/#\d+ die::write_nowhere\+/],
    ['/rust/abort',   $abrt,                                          qr/, at rust-die\.so\+/, qr/#\d+ <die::Die as flexilib::filter::Filter>::on_request_head\+/],
    ['/rust/exit',    'exited with status 7',                         qr/, at rust-die\.so\+.*, by a call of exit$/, qr/#\d+ <die::Die as flexilib::filter::Filter>::on_request_head\+/],
    ['/go/segv',      $segv,                                          qr/, at go-trouble\.so\+0x[0-9a-f]+ \(write_nowhere at /, qr/#0 write_nowhere/],
);

# A sanitizer sees that first, and ends the process itself.
@cases = grep { $_->[0] ne '/die/double-free' } @cases if is_sanitized();

sub send_to {
    my ($path, @headers) = @_;
    my $connection = $flexilib->connect;
    $connection->send_request(GET => $path, headers => ['x-trouble' => $path =~ s{.*/}{}r, @headers]);
    my $response = $connection->read_response;
    my $line     = $flexilib->wait_log(qr/alert: worker /);
    return ($line, defined $response);
}

sub check_frames {
    my ($name, @frames) = @_;
    like($flexilib->wait_log($_), qr/^\S+Z \[\d+\]     (?:#\d+ |   and)/, "$name: the backtrace has $_") for @frames;
    return;
}

for my $case (@cases) {
    my ($path, $end, $rest, @frames) = @$case;
    my ($kind) = $path =~ m{^/(\w+)};
    my $filter = $kind eq 'go' ? 'go.trouble' : $kind;
    my ($line, $is_answered) = send_to($path);
    like($line, qr/ alert: worker \d+ of generation 1 $end after \d+\.\d{3} s, in filter '\Q$filter\E' $hook for request [0-9a-f]{16} \(GET \Q$path\E\)/,
        "$path: filter, hook and request are named");
    like($line, $rest, "$path: and the place");
    check_frames($path, @frames);
    ok(!$is_answered, "$path: the request is lost");
    is(request($flexilib, GET => '/')->status, 200, "$path: and others are not");
}

my ($line) = send_to('/die/null', 'x-blocking' => 'yes');
like($line, qr/$segv.* in filter 'slow\.die' $hook for request [0-9a-f]{16} \(GET \/die\/null\), at die\.so\+0x[0-9a-f]+ \(die_null /, 'on a thread of the pool');
($line) = send_to('/die/overflow', 'x-blocking' => 'yes');
like($line, qr/$segv.* in filter 'slow\.die' $hook for request [0-9a-f]{16} \(GET \/die\/overflow\), at die\.so\+0x[0-9a-f]+ \(die_overflow /, 'whose stack runs over, too');
($line) = send_to('/die/thread', 'x-blocking' => 'yes');
like($line, qr/$abrt.* in filter 'slow\.die' $hook for request [0-9a-f]{16} \(GET \/die\/thread\), at /, 'or that a library has ended');
like($flexilib->log, qr/ error: code of a library has ended a thread that is not its own; the process cannot go on$/m, 'which is told');
my @overflow = qr/   and \d+ more like this/;
for my $case (
    ['/die/own',           $segv, 'die',      'die_null',             qr/#\d+ run_own/],
    ['/die/own-abort',     $abrt, 'die',      'die_abort',            qr/#\d+ run_own_abort/],
    ['/die/own-overflow',  $segv, 'die',      'die_overflow',         @overflow],
    ['/cpp/own-overflow',  $segv, 'cpp-die',  'trouble::overflow\(\)', @overflow],
    ['/rust/own-overflow', $segv, 'rust-die', 'die::overflow',        @overflow],
) {
    my ($path, $end, $library, $function, @frames) = @$case;
    ($line) = send_to($path);
    like($line, qr/$end after \d+\.\d{3} s, in a thread of library '$library\.so', at $library\.so\+0x[0-9a-f]+ \($function /, "$path: on a thread of the library's own it is the library");
    check_frames($path, @frames);
}

is(request($flexilib, GET => '/die/children')->status, 200, 'children that a library has forked die as they like');
for my $filter (['die'], ['slow.die', 'x-blocking' => 'yes']) {
    my ($name, @headers) = @$filter;
    my $connection = $flexilib->connect;
    $connection->send_request(GET => '/die/fork', headers => \@headers);
    is($connection->read_response->status, 200, "$name: a request whose filter forks is answered");
    like($flexilib->wait_log(qr/ came back from /),
        qr/error: filter '\Q$name\E': a child that it has forked came back from on_request_head, and is ended; .* \(request [0-9a-f]{16}\)$/, "$name: by one process alone");
}
my ($parent) = $flexilib->worker_pids;
kill 'KILL', $parent;
like($flexilib->wait_log(qr/alert: worker /), qr/worker $parent of generation 1 was killed by signal 9 \(Killed\) after \d+\.\d{3} s$/, 'and leave nothing that the worker would be told of');
$flexilib->stop;

# Before a generation serves, and after.
my $fatal  = test_library('fatal');
my $config = sub { "listen: 127.0.0.1:0\nworkers: 1\nlibraries: { fatal: $fatal }\nroutes:\n  - { match: /, filters: [{ fatal: { how: $_[0] } }], handler: hello }\n" };
my $reloading = start_flexilib(
    expect_alerts => qr/alert: worker \d+ of generation \d was killed by signal 11 .*(?:in filter 'fatal' \(destroy\)|sent by process)/,
    config        => $config->('late'));
my ($first) = $reloading->worker_pids;
$reloading->write_file('flexilib.yaml', $config->('crash'));
$reloading->reload;
like($reloading->wait_log(qr/generation 2 failed/), qr/: worker (\d+) of generation 2 $segv after \d+\.\d{3} s, in filter 'fatal' \(create\), at fatal\.so\+0x[0-9a-f]+; generation 1 goes on serving$/,
    'a crash in create fails the reload, and is the reason');
like($reloading->wait_log(qr/of generation 2 died/), qr/error: worker \d+ of generation 2 died, at fatal\.so\+0x[0-9a-f]+ \(create at lib\/fatal\.c:\d+\)$/, 'then comes the backtrace');
$reloading->wait_log(qr/#\d+ create\+0x[0-9a-f]+ at lib\/fatal\.c/);
$reloading->write_file('flexilib.yaml', $config->('well'));
$reloading->reload;
like($reloading->wait_log(qr/alert: worker /), qr/worker $first of generation 1 $segv after \d+\.\d{3} s, in filter 'fatal' \(destroy\), at (?:fatal\.so|libc\.so\.6)\+0x/, 'a crash in destroy is told');
$reloading->wait_log(qr/generation 1 has drained/);
is(request($reloading, GET => '/')->status, 200, 'and harms nobody');
# Nobody but who sent it is to blame for a signal.
my ($worker) = $reloading->worker_pids;
kill 'SEGV', $worker;
like($reloading->wait_log(qr/alert: worker /), qr/worker $worker of generation 3 $segv after \d+\.\d{3} s, at \S+, sent by process @{[$$]}$/, 'a signal from outside is told as such');
is(request($reloading, GET => '/')->status, 200, 'it serves on');
$reloading->stop;
done_testing;
