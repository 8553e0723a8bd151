# The program is looked for where it was started from, by the path that was named then: a link in it may lead to another
# version by now, whatever folder the one that runs stands in.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Program;

my $folder = make_folder();
mkdir "$folder/$_" or die "mkdir: $!" for qw(one two);
my $one = FlexiLib::Test::Program->install("$folder/one/flexilib");
my $two = FlexiLib::Test::Program->install("$folder/two/flexilib");
my $old = $one->version;
my $new = $two->next_version;
$two->replace(version => $new);

sub lead_to {
    my ($target) = @_;
    symlink $target, "$folder/link" or die "symlink: $!";
    rename "$folder/link", "$folder/current" or die "rename: $!";
    return;
}
lead_to('one');
write_file("$folder/flexilib.yaml", "listen: 127.0.0.1:0\nworkers: 1\nroutes:\n  - { match: /, respond: { body: hello } }\n");
my $server = FlexiLib::Test::Server->start(name => 'flexilib', dir => $folder, command => ['current/flexilib', '-c', 'flexilib.yaml']);
$server->wait_serving;

lead_to('two');
$server->signal('USR2');
$server->wait_log(qr{info: upgrading from \Q$folder\E/current/flexilib$});
$server->wait_log(qr/info: flexilib \Q$new\E has taken over from flexilib \Q$old\E$/);
$server->wait_serving(2);
is(readlink('/proc/' . $server->pid . '/exe'), "$folder/two/flexilib", 'the program that the link leads to by now runs');
$server->wait_log(qr/generation 1 has drained/);
is(readlink("/proc/$_/exe"), "$folder/two/flexilib", 'workers run it too') for $server->worker_pids;

lead_to('one');
$server->signal('USR2');
$server->wait_log(qr/info: flexilib \Q$old\E has taken over from flexilib \Q$new\E$/);
$server->wait_serving(3);
is(readlink('/proc/' . $server->pid . '/exe'), "$folder/one/flexilib", 'the way back is the same');
is(request($server, GET => '/')->body, 'hello', 'it serves');
$server->stop;

done_testing;
