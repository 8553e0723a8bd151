# Started by root, FlexiLib wants to be told who serves; and whoever that is cannot change what root will read.

use lib 't/lib';
use FlexiLib::Test;

use File::Basename qw(dirname);

plan(skip_all => 'only root can become somebody else') if $> != 0;
my ($uid) = (getpwnam 'nobody')[2];
my ($other) = grep { getpwnam $_ } qw(daemon bin);
plan(skip_all => 'there are no users nobody and daemon') if !defined $uid || !defined $other;

my %strict = (env => { FLEXILIB_ALLOW_ROOT => undef });
my $rest   = "listen: 127.0.0.1:0\nworkers: 1\nroutes:\n  - { match: /, handler: hello }\n";

my $refused = run_flexilib([], config => $rest, %strict);
is($refused->{status}, 78, 'root alone does not serve');
like(
    $refused->{err},
    qr/error: root has started FlexiLib, and nothing says who is to serve: .*`user: nobody`.*`user: root`.*FLEXILIB_ALLOW_ROOT=1/,
    'and is told how he could'
);
is(run_flexilib([], config => $rest, env => { FLEXILIB_ALLOW_ROOT => $_ })->{status}, 78, "FLEXILIB_ALLOW_ROOT='$_' is no yes") for '', 0;
my $check = run_flexilib(['check', '-c', 'flexilib.yaml'], config => $rest, %strict);
is($check->{status}, 0, 'a check is none of serving');
like($check->{err}, qr/warning: no `user` is named: started by root, FlexiLib would not serve this\n/, 'but warns');
start_flexilib(config => "user: root\n$rest", %strict)->stop;
start_flexilib(config => $rest, env => { FLEXILIB_ALLOW_ROOT => 1 })->stop;

my $ini = start_flexilib(
    file   => 'proxy.ini',
    config => '/ = ' . build_folder() . "/filters/hello.so\n",
    env    => { FLEXILIB_ALLOW_ROOT => undef, ADDRESS => '127.0.0.1', PORT => 0, SERVER_THREAD_COUNT => 1 },
);
like($ini->log, qr/warning: workers run as root: in a YAML file `user: NAME` has them run as somebody else/, q{the original's file works as it did, with a warning});
$ini->stop;

my $folder  = make_folder();
my $runtime = make_folder();
chmod 0755, dirname($folder), $folder;
chmod 0711, dirname($runtime), $runtime;
# A copy, as the user may have no way to the folder in which the tests run.
write_file("$folder/hello.so", read_file(build_folder() . '/filters/hello.so'));
chmod 0755, "$folder/hello.so";
my $config = "user: nobody\n$rest" =~ s/handler: hello/handler: .\/hello.so/r;

sub as_user {
    my ($user, $code) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        require POSIX;
        my ($its_uid, $its_gid) = (getpwnam $user)[2, 3];
        $) = "$its_gid $its_gid";
        POSIX::setgid($its_gid);
        POSIX::setuid($its_uid);
        POSIX::_exit($code->() ? 0 : 1);
    }
    waitpid $pid, 0;
    return $? == 0;
}

my $server = start_flexilib(dir => $folder, config => $config, env => { FLEXILIB_ALLOW_ROOT => undef, FLEXILIB_RUNTIME_DIR => $runtime });
my ($snapshot) = glob "$runtime/flexilib-*/1";
my ($copy)     = "$snapshot/root$folder/flexilib.yaml";
ok(-e $copy, 'there is a snapshot');
ok(as_user(nobody => sub { open my $handle, '<', $copy }), 'its worker reads it');
ok(!as_user($other => sub { open my $handle, '<', $copy }), 'others do not');
ok(!as_user($other => sub { open my $handle, '>>', $copy }), 'nor do they write it');
ok(!as_user($other => sub { open my $handle, '>', "$snapshot/more" }), 'nor put something beside it');
ok(!as_user(nobody => sub { open my $handle, '>', dirname($snapshot) . '/more' }), 'and a worker has no other snapshot than its own');

sub refuses {
    my ($what, $prepare, $restore, $offender) = @_;
    $prepare->();
    $server->reload;
    my $line = $server->wait_log(qr/error: generation \d+ failed: /);
    like(
        $line,
        qr/flexilib\.yaml:1:7: user 'nobody' may change \Q$offender\E, and so what root reads as the configuration/,
        $what
    );
    $restore->();
    return;
}
my $file = "$folder/flexilib.yaml";
refuses('a file that the user owns is refused', sub { chown $uid, 0, $file }, sub { chown 0, 0, $file }, $file);
refuses('so is one that all may write',         sub { chmod 0666, $file },    sub { chmod 0600, $file }, $file);
refuses('and a folder that all may write',      sub { chmod 0777, $folder },  sub { chmod 0755, $folder }, $folder);
chmod 01777, $folder;
$server->reload;
$server->wait_log(qr/generation \d+ is serving/);
pass('but not one in which all keep to their own');
chmod 0755, $folder;

my $parts = make_folder();
chmod 0755, $parts;
write_file("$parts/more.yaml", "body_limit: 1MB\n");
chmod 0666, "$parts/more.yaml";
$server->write_file('flexilib.yaml', $config . "include: $parts/more.yaml\n");
$server->reload;
like($server->wait_log(qr/error: generation \d+ failed: /), qr/may change \Q$parts\E\/more\.yaml,/, 'a file that is included counts too');
is(request($server, GET => '/')->status, 200, 'the old generation serves on');

my $links = make_folder();
chmod 0755, $links;
chown $uid, 0, $links;
rename "$parts/more.yaml", "$parts/real.yaml" or die "cannot rename: $!";
chmod 0644, "$parts/real.yaml";
symlink "$parts/real.yaml", "$links/hop.yaml" or die "cannot link: $!";
symlink "$links/hop.yaml", "$parts/more.yaml" or die "cannot link: $!";
$server->reload;
like(
    $server->wait_log(qr/error: generation \d+ failed: /),
    qr/may change \Q$links\E, /,
    'so does the folder of a link in the midst of the way to a file'
);

my $hidden = make_folder();
chmod 0700, $hidden;
chown 0, 0, $links;
write_file("$links/own.yaml", "body_limit: 1MB\n");
chown $uid, 0, "$links/own.yaml";
unlink "$parts/more.yaml";
symlink "$links/own.yaml", "$hidden/more.yaml" or die "cannot link: $!";
$server->write_file('flexilib.yaml', $config . "include: $hidden/more.yaml\n");
$server->reload;
like(
    $server->wait_log(qr/error: generation \d+ failed: /),
    qr/may change \Q$links\E\/own\.yaml, /,
    'and a file that a folder for root alone leads to'
);

write_file("$hidden/secret.html", "secret\n");
chmod 0600, "$hidden/secret.html";
chown $uid, 0, $links;
symlink "$hidden/secret.html", "$links/404.html" or die "cannot link: $!";
$server->write_file('flexilib.yaml', $config . "error_pages: { 404: $links/404.html }\n");
$server->reload;
like(
    $server->wait_log(qr/error: generation \d+ failed: /),
    qr/may change \Q$links\E, /,
    'a page through which root could be led to its secrets is refused'
);

symlink "$hidden/secret.html", "$links/access.log" or die "cannot link: $!";
$server->write_file('flexilib.yaml', $config =~ s/^access_log:.*\n//mr . "access_log: $links/access.log\n");
$server->reload;
like($server->wait_log(qr/error: generation \d+ failed: /), qr/access\.log.*: Too many levels of symbolic links/, 'so is a log that is a link in a folder of his');
is(read_file("$hidden/secret.html"), "secret\n", 'and nothing is written to where it leads');
$server->stop;

done_testing;
