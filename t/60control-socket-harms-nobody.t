# The control socket: only its owner and root get in, clients that hang or babble harm nobody, a dead supervisor's
# socket is replaced, a living one's is not.

use lib 't/lib';
use FlexiLib::Test;
use IO::Socket::UNIX;
use POSIX ();

my $backend = start_static_backend(body => 'hello');
my $config  = <<"END";
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END

sub start {
    my ($path, %option) = @_;
    return start_flexilib(config => $config, env => { FLEXILIB_CONTROL => $path }, %option);
}

sub server {
    my ($path, @arguments) = @_;
    return run_command([build_folder() . '/flexilib', 'server', @arguments], env => { FLEXILIB_CONTROL => $path });
}

sub ask {
    my ($path, $bytes) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $path) or die "cannot connect to $path: $!";
    syswrite $socket, $bytes;
    local $/;
    my $answer = <$socket>;
    return $answer;
}

my $folder   = make_folder();
my $path     = "$folder/control";
my $flexilib = start($path);
ok(-S $path, 'the socket is where $FLEXILIB_CONTROL says');
is((stat $path)[2] & 07777, 0600, 'for its owner alone');
like(server($path)->{out}, qr/ ready\n\z/, 'a command finds it');

SKIP: {
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    skip 'only root can become somebody else', 1 if $> != 0 || !defined $uid;
    chmod 0755, $folder, $folder =~ s{/[^/]+\z}{}r;
    chmod 0666, $path;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        $SIG{PIPE} = 'IGNORE';
        POSIX::setgid($gid);
        POSIX::setuid($uid);
        my $answer = eval { ask($path, "flexilib\t1\tservers\n") } // '';
        POSIX::_exit($answer eq '' ? 0 : 1);
    }
    waitpid $pid, 0;
    is($?, 0, 'another user gets no answer, even where the file would let him in');
    chmod 0600, $path;
}

for my $case (
    ["\n",                                   'that was no request'],
    ["GET / HTTP/1.1\r\n\r\n",               'that was no request'],
    ["flexilib\t1\n",                        'that was no request'],
    ["flexilib\tone\tservers\n",             'that was no request'],
    ["flexilib\t2\tservers\n",               'the command is of another version than the FlexiLib that runs'],
    ["flexilib\t1\tfrobnicate\n",            q{the FlexiLib that runs does not know 'frobnicate'}],
    ["flexilib\t1\tservers\tmore\n",         q{the FlexiLib that runs does not know 'servers'}],
    ["flexilib\t1\tdrain\tshop\n",           q{the FlexiLib that runs does not know 'drain'}],
    ["flexilib\t1\tdrain\tshop\thttp://x\n", q{upstream 'shop' has no server 'http://x'}],
    ["flexilib\t1\tdrain\tsh\eop\thttp://x\n", 'that was no request'],
    ["flexilib\t1" . "\tx" x 20 . "\n",      'that was no request'],
    ['x' x 8193,                             'that was no request'],
) {
    my ($bytes, $sentence) = @$case;
    my $name = length $bytes > 60 ? length($bytes) . ' bytes' : $bytes =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
    is(ask($path, $bytes), "end\t1\t$sentence\n", "$name is refused");
}
srand 1;
for (1 .. 100) {
    my $babble = join '', map { chr int rand 256 } 1 .. int rand 200;
    my $socket = IO::Socket::UNIX->new(Peer => $path) or die "cannot connect: $!";
    syswrite $socket, $_ % 2 ? "flexilib\t1\t$babble\n" : $babble;
}
like(server($path)->{out}, qr/ ready\n\z/, 'after a hundred that babbled it answers');

my @silent = map { IO::Socket::UNIX->new(Peer => $path) // die "cannot connect: $!" } 1 .. 10;
syswrite $silent[0], 'flexi';
is(request($flexilib, GET => '/')->body, 'hello', 'while clients hang, requests are served');
like(server($path)->{out}, qr/ ready\n\z/, 'and a command gets its turn');
$flexilib->reload;
$flexilib->wait_serving(2);
is(request($flexilib, GET => '/')->body, 'hello', 'a reload too');
@silent = ();

my $second = start($path);
like($second->log, qr/warning: another FlexiLib has the control socket \Q$path\E: /, 'a second one warns');
is(request($second, GET => '/')->body, 'hello', 'and serves');
$flexilib->stop;
$second->wait_log(qr/info: the control socket \Q$path\E is this one's now$/);
like(server($path)->{out}, qr/ ready\n\z/, 'once the first has gone, commands reach the second');

$second->signal('KILL');
is($second->wait_status & 127, 9, 'it is killed');
$second->{is_stopped} = 1;
ok(-S $path, 'one that was killed leaves its socket');
like(server($path)->{err}, qr/\Aerror: no FlexiLib has the control socket \Q$path\E \(FLEXILIB_CONTROL names it\)\n\z/, 'which nobody answers');
my $third = start($path);
like(server($path)->{out}, qr/ ready\n\z/, 'but the next one replaces it');
$third->stop;
my @left = glob "$folder/*";
is_deeply(\@left, [], 'one that stops leaves nothing');

write_file($path, 'precious');
my $fourth = start($path);
like($fourth->log, qr/warning: no control socket, so commands cannot reach this FlexiLib: \Q$path\E: Address already in use$/m,
    'a file that is no socket is left alone');
$fourth->stop;
is(read_file($path), 'precious', 'to the end');

my %runtime = (env => { FLEXILIB_RUNTIME_DIR => "$folder/run" });
mkdir "$folder/run", 0700;
my @both = map { start_flexilib(config => $config, %runtime) } 1 .. 2;
unlike($_->log, qr/control socket/, 'two configurations get along side by side') for @both;
for my $one (@both) {
    my $result = run_command([build_folder() . '/flexilib', 'server', '-c', $one->dir . '/../' . ($one->dir =~ s{.*/}{}r) . '/flexilib.yaml'], %runtime);
    like($result->{out}, qr/ ready\n\z/, 'each is found by its file, from wherever');
}

chmod 0777, "$folder/run";
my $careful = start_flexilib(config => $config, %runtime);
my $result  = run_command([build_folder() . '/flexilib', 'server', '-c', $careful->dir . '/flexilib.yaml'], %runtime);
like($result->{out}, qr/ ready\n\z/, 'a folder that anybody may write to is passed over');
my @sockets = grep { -S } glob "$folder/run/*";
is(@sockets, 2, 'there is nothing of it there');

done_testing;
