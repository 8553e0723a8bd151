# What was mounted over a library, which nobody tells of, is followed from the next reload on.

use lib 't/lib';
use FlexiLib::Test;

need($_) for qw(unshare mount nsenter);
my $folder = make_folder();
write_file("$folder/flexilib.yaml", "listen: 127.0.0.1:0\nworkers: 1\nroutes:\n  - { match: /, handler: ./answer.so }\n");
my %library = map { $_ => read_file(test_library("answer_$_")) } qw(one two);
write_file("$folder/$_", $library{one}) for qw(answer.so mounted.so);

my @mount = ('mount', '--bind', "$folder/mounted.so", "$folder/answer.so");
plan(skip_all => 'nothing can be mounted here') if run_command(['unshare', '-Urm', @mount])->{status} != 0;
my $server = FlexiLib::Test::Server->start(
    name    => 'flexilib',
    dir     => $folder,
    command => ['unshare', '-Urm', build_folder() . '/flexilib', '-c', 'flexilib.yaml'],
);
$server->wait_serving(1);

write_file("$folder/mounted.so", $library{two});
my $mounted = run_command(['nsenter', '-U', '-m', '--preserve-credentials', '--target', $server->pid, @mount]);
is($mounted->{status}, 0, 'another library is mounted there') or diag($mounted->{err});
$server->reload;
$server->wait_serving(2);
is(request($server, GET => '/')->body, "two\n", 'a reload takes it up');
write_file("$folder/mounted.so", $library{one});
$server->wait_serving(3);
is(request($server, GET => '/')->body, "one\n", 'and it is followed');

done_testing;
