# Libraries run from private copies, and so does what they need, wherever it is found: what happens to the installed files
# harms nobody, and names that several of them export do not meet.

use lib 't/lib';
use FlexiLib::Test;

need('cc');
my $folder = make_folder();
mkdir "$folder/$_" or die "mkdir: $!" for qw(app lib lib/deep far old env other runtime);
write_file("$folder/needy.c", <<'END');
#include <flexilib/filter.h>
#include <string.h>
const char *needed_answer(void);
static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core;
    return true;
}
static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), needed_answer(), strlen(needed_answer()));
    return FLEXILIB_REPLY;
}
static const struct flexilib_filter filters[] = {{.name = "needy", .create = create, .on_request_head = on_request_head}};
FLEXILIB_LIBRARY(filters);
END
write_file("$folder/answer.c", "const char *needed_answer(void) { return ANSWER; }\n");
write_file("$folder/through.c", "const char *deep_answer(void);\nconst char *needed_answer(void) { return deep_answer(); }\n");
write_file("$folder/deep.c", "const char *deep_answer(void) { return ANSWER; }\n");

sub build {
    my ($output, @arguments) = @_;
    my $result = run_command(['cc', '-shared', '-fPIC', '-I', root_folder() . '/filters/include', '-o', $output, @arguments], dir => $folder);
    is($result->{status}, 0, "$output is built") or diag($result->{err});
    return;
}
sub build_answer {
    my ($output, $name, $answer) = @_;
    return build($output, 'answer.c', "-Wl,-soname,$name", "-DANSWER=\"$answer\"");
}
build('lib/deep/libdeep.so.1', 'deep.c', '-Wl,-soname,libdeep.so.1', '-DANSWER="origin"');
build('lib/libthrough.so.1', 'through.c', 'lib/deep/libdeep.so.1', '-Wl,-soname,libthrough.so.1', '-Wl,-rpath,$ORIGIN/deep');
build_answer('far/libfar.so', 'libfar.so', 'far');
build_answer('old/libold.so', 'libold.so', 'old');
build_answer('env/libenv.so', 'libenv.so', 'env');
# All go by one name, too.
my @needy = ('needy.c', '-Wl,-soname,libneedy.so');
build('app/origin.so', @needy, 'lib/libthrough.so.1', '-Wl,-rpath,$ORIGIN/../lib');
build('app/far.so', @needy, 'far/libfar.so', "-Wl,-rpath,$folder/far");
build('app/old.so', @needy, 'old/libold.so', '-Wl,--disable-new-dtags', '-Wl,-rpath,$ORIGIN/../old');
build('app/env.so', @needy, 'env/libenv.so');

my @libraries = qw(origin far old env);
my $routes    = join '', map { "  - { match: /$_, handler: ./app/$_.so }\n" } @libraries;
my %option    = (
    dir => $folder,
    env => { LD_LIBRARY_PATH => "$folder/nothing:env", FLEXILIB_RUNTIME_DIR => "$folder/runtime" },
);
my $flexilib = start_flexilib(%option, expect_alerts => qr/was killed by signal 9 /, config => "listen: 127.0.0.1:0\nworkers: 2\nwatch: off\nroutes:\n$routes");
sub answers {
    my ($server) = @_;
    return join ' ', map { request($server, GET => "/$_")->body } @libraries;
}
is(answers($flexilib), 'origin far old env', 'each library gets what it needs, by the name that all export');

my ($pid) = $flexilib->worker_pids;
my %mapped = map { (split ' ', $_, 6)[5] // '' => 1 } split /\n/, read_file("/proc/$pid/maps");
my @mapped = sort grep { /^\Q$folder\E/ } keys %mapped;
is_deeply([map { s/.*\/root//r } @mapped], [map { "$folder/$_" } qw(app/env.so app/far.so app/old.so app/origin.so env/libenv.so far/libfar.so lib/deep/libdeep.so.1 lib/libthrough.so.1 old/libold.so)], 'all of it is mapped');
is_deeply([grep { !m{^\Q$folder\E/runtime/flexilib-\d+\.\w+/1/root/} || !-f } @mapped], [], 'from copies, which stand at the same places below the snapshot');

# In place, as cp does it; then empty; then gone.
my @files = map { "$folder/$_" } qw(lib/deep/libdeep.so.1 lib/libthrough.so.1 far/libfar.so old/libold.so env/libenv.so), map { "app/$_.so" } @libraries;
my %installed = map { $_ => read_file($_) } @files;
my $load = start_load($flexilib, path => '/origin', connections => 8, expect => qr/\Aorigin\z/);
$load->wait_running;
for my $file (@files) {
    open my $handle, '+<:raw', $file or die "$file: $!";
    print {$handle} 'x' x length $installed{$file};
    close $handle;
}
is(answers($flexilib), 'origin far old env', 'overwriting the files harms nothing');
truncate $_, 0 or die "truncate: $!" for @files;
is(answers($flexilib), 'origin far old env', 'nor does truncating them');
unlink $_ or die "unlink: $!" for @files;
is(answers($flexilib), 'origin far old env', 'nor removing them');
is_deeply($load->stop->{failures}, [], 'under load, too');
for my $worker ($flexilib->worker_pids) {
    kill 'KILL', $worker;
    $flexilib->wait_log(qr/alert: worker $worker /);
    is(answers($flexilib), 'origin far old env', 'and whoever replaces a worker has the same');
}
$flexilib->reload;
like($flexilib->wait_log(qr/generation 2/), qr/generation 2 failed/, 'without them, a reload takes no effect');
is(answers($flexilib), 'origin far old env', 'and harms nothing');
$flexilib->stop;
is_deeply([glob "$folder/runtime/*"], [], 'when it ends, the copies are gone');

# What libraries need is watched like them, and waited for.
write_file($_, $installed{$_}) for @files;
my $config   = "listen: 127.0.0.1:0\nworkers: 1\nwatch: all\nroutes:\n$routes";
$option{env}{FLEXILIB_STATE_DIR} = "$folder/state";
my $watching = start_flexilib(%option, args => ['--last-good'], config => $config);
is(answers($watching), 'origin far old env', 'all is there again');
my $deep = 'lib/deep/libdeep.so.1';
build("$deep.new", 'deep.c', '-Wl,-soname,libdeep.so.1', '-DANSWER="deeper"');
rename "$folder/$deep.new", "$folder/$deep" or die "rename: $!";
like($watching->wait_log(qr/reloading/), qr/: '\Q$folder\E\/app\/\.\.\/$deep' has changed$/, 'one that a library needs, and that needs another, is watched');
$watching->wait_serving(2);
is(answers($watching), 'deeper far old env', 'and taken up');
rename "$folder/$deep", "$folder/$deep.away" or die "rename: $!";
$watching->reload;
like($watching->wait_log(qr/generation 3/),
    qr/generation 3 failed: flexilib\.yaml:5:\d+: \Q$folder\E\/app\/origin\.so: needs 'libdeep\.so\.1', which cannot be found \('\Q$folder\E\/app\/\.\.\/lib\/libthrough\.so\.1' needs it; looked for in '\Q$folder\E\/nothing', '\Q$folder\E\/env', '\Q$folder\E\/lib\/deep', and the system's folders\)/,
    'one that is missing is named, with who needs it and where it was looked for');
write_file("$folder/$deep", substr $installed{"$folder/$deep"}, 0, 1000);
$watching->reload;
like($watching->wait_log(qr/generation 4/), qr/generation 4 failed: flexilib\.yaml:5:\d+: \Q$folder\E\/app\/\.\.\/lib\/libthrough\.so\.1: needs '\Q$folder\E\/app\/\.\.\/$deep': .*is cut short/, 'so is one that is cut short');
# As the first one, but not the same: where that was kept meanwhile, this would not be told to be.
write_file("$folder/$deep", $installed{"$folder/$deep"} . ' ');
$watching->wait_serving(5);
is(answers($watching), 'origin far old env', 'and the whole one is taken up by itself');

# What is kept on disk has all of it, too; and what has to be mended is watched.
$watching->wait_log(qr/what generation 5 serves is kept/);
$watching->stop;
unlink @files;
my $fallen = start_flexilib(%option, args => ['--last-good'], config => "listen: [\n", wait => 0);
$fallen->wait_serving(2);
is(answers($fallen), 'origin far old env', 'a start from what was kept has what libraries need');
write_file($_, $installed{$_}) for @files;
$fallen->write_file('flexilib.yaml', $config);
like($fallen->wait_log(qr/reloading/), qr/: '\Q$folder\E\/flexilib\.yaml' has changed$/, 'the file that was broken is watched');
$fallen->wait_serving(3);
is(answers($fallen), 'origin far old env', 'and read when it is mended');
$fallen->stop;

# A process cannot have two libraries of one name.
build_answer('other/libfar.so', 'libfar.so', 'other');
build('app/other.so', @needy, 'other/libfar.so', '-Wl,-rpath,$ORIGIN/../other');
my $alike = start_flexilib(%option, config => "listen: 127.0.0.1:0\nworkers: 1\nroutes:\n$routes  - { match: /other, handler: ./app/other.so }\n");
like($alike->log, qr{warning: library '\Q$folder\E/app/other\.so' needs '\Q$folder\E/app/\.\./other/libfar\.so', but gets '\Q$folder\E/far/libfar\.so', which was loaded before: a process has only one library of a name }, 'it is told who gets another than it needs');

done_testing;
