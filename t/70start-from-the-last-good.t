# What has served well is kept on disk, and a start with --last-good falls back to it where the file is broken, and says
# so. Nothing that is wrong with the disk harms more than that.

use lib 't/lib';
use FlexiLib::Test;

my $folder  = make_folder();
my $state   = "$folder/state";
my %env     = (FLEXILIB_STATE_DIR => $state);
my %variant = map { $_ => read_file(test_library("answer_$_")) } qw(one two);

sub config {
    my ($number) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
watch: off
routes:
  - { match: /number, respond: { status: 200, body: "$number" } }
  - { match: /, handler: ./answer.so }
END
}

sub start { return start_flexilib(dir => $folder, config => $_[0], env => \%env, args => ['--last-good'], @_[1 .. $#_]) }

write_file("$folder/answer.so", $variant{one});
my $none = run_flexilib(['-c', 'broken.yaml', '--last-good'], dir => $folder, env => \%env, files => { 'broken.yaml' => "rutes: []\n" });
is($none->{status}, 78, 'without anything kept, a broken file is refused as ever');
like($none->{err}, qr/error: broken\.yaml:1:1: unknown key 'rutes'.*\n.*error: --last-good: nothing is kept in \Q$state\E\/broken\.yaml-[0-9a-f]{16}$/ms,
    'and the log says that there is nothing else');

my $flexilib = start(config(1));
my ($kept) = $flexilib->wait_log(qr/what generation 1 serves is kept/) =~ m{info: what generation 1 serves is kept for --last-good in (\Q$state\E/flexilib\.yaml-[0-9a-f]{16})$};
ok(defined $kept, 'what serves is kept, and where');
is((stat $kept)[2] & 07777, 0700, 'for its owner alone');
is(readable_by_others($kept), 0, 'with all that is in it');
is(request($flexilib, GET => '/number')->body, '1', 'with --last-good a file that is fine is what is served');
$flexilib->write_file('flexilib.yaml', config(2));
$flexilib->write_file('answer.so',     $variant{two});
$flexilib->reload;
$flexilib->wait_serving(2);
$flexilib->wait_log(qr/what generation 2 serves is kept/);
is(scalar(my @sets = glob "$kept/set.*"), 1, 'a newer one takes its place');
$flexilib->stop;

unlink "$folder/answer.so";
$flexilib = start("listen: [\n", wait => 0);
like($flexilib->wait_log(qr/error: /), qr/error: flexilib\.yaml:\d+:\d+: /, 'why the file is not served');
like($flexilib->wait_log(qr/--last-good: /),
    qr/warning: --last-good: 'flexilib\.yaml' is not served, .*; served is what was kept at \d{4}-\S+Z, when it was generation 2, until a reload finds the file in order$/, 'and what is');
$flexilib->wait_serving(2);
is(request($flexilib, GET => '/number')->body . request($flexilib, GET => '/')->body, "2two\n", 'configuration and libraries');
my $reload = run_flexilib(['reload', '-c', 'flexilib.yaml'], dir => $folder);
is($reload->{status}, 78, 'a reload reads the file, which is still broken');
$flexilib->write_file('flexilib.yaml', config(3) =~ s/ {2}- \{ match: \/,.*//r);
$reload = run_flexilib(['reload', '-c', 'flexilib.yaml'], dir => $folder);
is($reload->{status}, 0, 'until it is mended');
is(request($flexilib, GET => '/number')->body, '3', 'and serves');
$flexilib->stop;

my $before = join ' ', glob "$kept/*";
chmod 0777, $kept;
$flexilib = start(config(3) =~ s/ {2}- \{ match: \/,.*//r);
like($flexilib->wait_log(qr/cannot be kept/), qr/warning: what serves cannot be kept for --last-good: \Q$kept\E is no folder that is ours alone$/,
    'a folder that others can write to is not used');
is(request($flexilib, GET => '/number')->body, '3', 'which harms nobody');
chmod 0700, $kept;
my $full = "$folder/full";
symlink '/proc/self/fdinfo', $full;
$flexilib->stop;
is(join(' ', glob "$kept/*"), $before, 'what was kept is still there');

drops_its_user();
outlives_an_emergency();

$env{FLEXILIB_STATE_DIR} = "$full/state";
$flexilib = start(config(3) =~ s/ {2}- \{ match: \/,.*//r);
like($flexilib->wait_log(qr/cannot be kept/), qr/warning: what serves cannot be kept for --last-good: \S+ cannot be made: /, 'a disk that takes nothing');
is(request($flexilib, GET => '/number')->body, '3', 'harms nobody either');
$flexilib->stop;
done_testing;

# What was kept of workers that run as somebody else is run as the same one again; so is what is gone back to.
sub drops_its_user {
  SKIP: {
        skip 'only root can become somebody else', 11 if $> != 0 || !defined getpwnam 'nobody';
        chmod 0755, $folder, $folder =~ s{/[^/]+\z}{}r;
        write_file("$folder/answer.so", $variant{one});
        my $server = start(config(4) =~ s/^watch:/user: nobody\nwatch:/mr);
        $server->wait_log(qr/what generation 1 serves is kept/);
        $server->write_file('flexilib.yaml', config(5) =~ s/^watch:/user: nobody\nwatch:/mr);
        is(run_flexilib(['reload',   '-c', 'flexilib.yaml'], dir => $folder)->{status}, 0, 'a reload');
        is(run_flexilib(['rollback', '-c', 'flexilib.yaml'], dir => $folder)->{status}, 0, 'a rollback of workers that are somebody else');
        is(request($server, GET => '/number')->body, '4', 'which serve');
        $server->stop;
        $server = start("rutes: []\n", wait => 0);
        $server->wait_serving(2);
        is(request($server, GET => '/number')->body . request($server, GET => '/')->body, "4one\n", 'and so do those of what was kept');
        my ($worker) = $server->worker_pids;
        is((stat "/proc/$worker")[4], scalar getpwnam('nobody'), 'as the same user');
        $server->stop;
    }
    return;
}

# What serves without filters has none of the libraries, so it leaves alone what was kept with them.
sub outlives_an_emergency {
    write_file("$folder/answer.so", $variant{one});
    my $server = start(config(6));
    $server->wait_log(qr/what generation 1 serves is kept/);
    $server->stop;
    $server = start(config(7), args => ['--no-filters']);
    is(request($server, GET => '/number')->body, '7', 'without filters');
    my $later = start_flexilib(config => config(8) =~ s/ {2}- \{ match: \/,.*//r, env => { FLEXILIB_STATE_DIR => "$folder/later" });
    $later->wait_log(qr/what generation 1 serves is kept/);
    unlike($server->log, qr/is kept for --last-good/, 'nothing is kept, for as long as it takes another one');
    $_->stop for $server, $later;
    unlink "$folder/answer.so";
    $server = start("rutes: []\n", wait => 0);
    $server->wait_serving(2);
    is(request($server, GET => '/number')->body . request($server, GET => '/')->body, "6one\n", 'and what was kept before serves again');
    $server->stop;
    return;
}

sub readable_by_others {
    my ($path) = @_;
    my $count = 0;
    require File::Find;
    File::Find::find({ no_chdir => 1, wanted => sub { $count++ if !-l $_ && (stat $_)[2] & 077 } }, $path);
    return $count;
}
