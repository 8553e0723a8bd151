# A program that takes over watches what the old one did, although the generation that it starts fails.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Program;

my $folder  = make_folder();
my $program = FlexiLib::Test::Program->install("$folder/flexilib");
my $config  = "listen: 127.0.0.1:0\nworkers: 1\nroutes:\n  - { match: /, handler: ./answer.so }\n";
write_file("$folder/flexilib.yaml", $config);
write_file("$folder/answer.so",     read_file(test_library('answer_one')));
my $server = FlexiLib::Test::Server->start(
    name    => 'flexilib',
    dir     => $folder,
    command => [$program->path, '-c', 'flexilib.yaml'],
    env     => { FLEXILIB_RUNTIME_DIR => $folder },
);
$server->wait_serving;

$server->write_file('flexilib.yaml', "nonsense: 1\n");
$program->replace(version => $program->next_version);
$server->signal('USR2');
$server->wait_log(qr/has taken over/);
$server->wait_log(qr/generation 2 failed/);
$server->write_file('flexilib.yaml', $config);
$server->write_file('answer.so',     read_file(test_library('answer_two')));
like($server->wait_log(qr/reloading/), qr/: '\Q$folder\E\/answer\.so' has changed$/, 'a library that changes causes a reload');
$server->wait_serving(3);
is(request($server, GET => '/')->body, "two\n", 'and is taken up');

$server->stop;
done_testing;
