# Where the kernel's limits keep files from being watched, that is said once, and everything else goes on.

use lib 't/lib';
use FlexiLib::Test;

need('unshare');
plan(skip_all => 'no user namespace can be made here') if run_command(['unshare', '-Ur', 'true'])->{status} != 0;

my %said = (
    max_inotify_watches   => qr/warning: cannot watch \S+: No space left on device \(the limit fs\.inotify\.max_user_watches is reached\); what changes there is taken up by a reload by hand only$/,
    max_inotify_instances => qr/warning: cannot watch files: Too many open files \(the limit fs\.inotify\.max_user_instances is reached\); what changes there is taken up by a reload by hand only$/,
);
for my $limit (sort keys %said) {
    my $folder = make_folder();
    write_file("$folder/flexilib.yaml", "listen: 127.0.0.1:0\nworkers: 1\nroutes:\n  - { match: /, handler: ./answer.so }\n");
    write_file("$folder/answer.so",     read_file(test_library('answer_one')));
    my $server = FlexiLib::Test::Server->start(
        name    => 'flexilib',
        dir     => $folder,
        command => ['unshare', '-Ur', 'sh', '-c', "echo 0 >/proc/sys/user/$limit && exec \"\$@\"", 'sh', build_folder() . '/flexilib', '-c', 'flexilib.yaml'],
        env     => { FLEXILIB_RUNTIME_DIR => $folder },
    );
    like($server->wait_log($said{$limit}), $said{$limit}, "$limit: it says so");
    $server->wait_serving(1);
    is(request($server, GET => '/')->body, "one\n", 'and serves');
    $server->write_file('answer.so', read_file(test_library('answer_two')));
    $server->reload;
    $server->wait_serving(2);
    is(request($server, GET => '/')->body, "two\n", 'and reloads by hand');
    $server->stop;
    is(scalar(() = $server->log =~ /cannot watch/g), 2, 'it says so once for each reload') or $server->show_log;
}

done_testing;
