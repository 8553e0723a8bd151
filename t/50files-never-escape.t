# No path, link or kind of file leads out of the folder, or to what begins with a dot.

use lib 't/lib';
use FlexiLib::Test;

use POSIX ();
use Socket;

my $folder = make_folder();
write_file("$folder/secret.txt",             'secret');
write_file("$folder/publicity/secret.txt",   'secret');
write_file("$folder/public/$_", 'secret') for qw(.env .git/config docs/.htaccess docs/.well-known/x .well-known/.x ...);
write_file("$folder/public/$_", 'open') for qw(docs/a.txt real/a.txt .well-known/a.txt), 'back\\slash', 'a%2Fb';
my %links = (
    up          => '..',
    root        => '/',
    secret      => '../secret.txt',
    'docs/deep' => '../../secret.txt',
    absolute    => "$folder/public/docs/a.txt",
    loop        => 'loop',
    self        => '/proc/self/cwd/secret.txt',
    inside      => 'real',
    'inside.txt' => 'docs/../real/a.txt',
);
symlink $links{$_}, "$folder/public/$_" or die "symlink: $!" for keys %links;
mkdir "$folder/public/indexed" or die "mkdir: $!";
symlink '../../secret.txt', "$folder/public/indexed/index.html" or die "symlink: $!";
write_file("$folder/public/packed.txt", 'open');
symlink '../secret.txt', "$folder/public/packed.txt.gz" or die "symlink: $!";
POSIX::mkfifo("$folder/public/pipe", 0644) or die "mkfifo: $!";
socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
bind($socket, pack_sockaddr_un("$folder/public/socket")) or die "bind: $!";
symlink "$folder/public", "$folder/current" or die "symlink: $!";

my $flexilib = start_flexilib(dir => $folder, config => <<'END');
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: { host: linked.example }, files: current }
  - files: { root: public, precompressed: yes }
END

# the target as it is sent, and the status: 404 unless the path is no path at all
my @refused = (
    ['/../secret.txt'], ['/docs/../../secret.txt'], ['/%2e%2e/secret.txt'], ['/.%2E/secret.txt'], ['/docs/%2e%2e/%2e%2e/secret.txt'],
    ['/..%2Fsecret.txt'], ['/..%2fsecret.txt'], ['/%2e%2e%2fsecret.txt'], ['/docs%2F..%2F..%2Fsecret.txt'], ['/docs%2Fa.txt'],
    ['/docs/a.txt%2F'], ['/%2Fetc/passwd'], ['/%2Fetc%2Fpasswd'], ['//etc/passwd'], ['///etc/passwd'], ['/etc/passwd'],
    ['/%252e%252e/secret.txt'], ['/%252e%252e%252fsecret.txt'], ['/..%5Csecret.txt'], ['/..%c0%afsecret.txt'], ['/%c0%ae%c0%ae/secret.txt'],
    ['/..;/secret.txt'], ['/docs/..;/..;/secret.txt'], ['/../publicity/secret.txt'], ['/..icity/secret.txt'], ['/docs/a.txt/../../../secret.txt'],
    ['/docs/a.txt%00', 400], ['/docs/a.txt%00.html', 400], ['/..\\secret.txt', 400], ['/%', 400], ['/%zz', 400],
    ['/.env'], ['/%2eenv'], ['/%2Eenv'], ['/.git/config'], ['/.git/'], ['/docs/.htaccess'], ['/docs/%2ehtaccess'], ['/docs/.well-known/x'],
    ['/.well-known/.x'], ['/...'], ['/.'. 'a' x 200],
    (map { [$_] } qw(/up/secret.txt /up/public/docs/a.txt /up /up/ /root/etc/passwd /root/ /secret /docs/deep /absolute /loop /self /indexed/)),
    ['/pipe'], ['/socket'], ['/pipe/'],
);
for my $case (@refused) {
    my ($target, $status) = @$case;
    for my $method (qw(GET HEAD)) {
        my $raw = raw($flexilib, "$method $target HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method => $method);
        is($raw->{status}, $status // 404, "$method $target");
        unlike($raw->{response}->body, qr/secret|root:|\Q$folder\E/, 'tells nothing');
    }
}
$flexilib->wait_log(qr/error: files '\Q$folder\E\/public': cannot open 'up\/secret\.txt': a link leads out of the folder \(request [0-9a-f]{16}\)$/);

my %open = (
    '/docs/a.txt'          => 'a file',
    '/docs/../docs/a.txt'  => 'dots that stay within',
    '/inside/a.txt'        => 'a link to a folder within',
    '/inside.txt'          => 'a link to a file within, by way of ..',
    '/.well-known/a.txt'   => 'the one folder with a dot',
    '/back%5Cslash'        => 'a backslash in a name',
    '/a%252Fb'             => 'an escape in a name',
    '/packed.txt'          => 'a file whose compressed form is a link out',
);
for my $path (sort keys %open) {
    is(request($flexilib, GET => $path, headers => ['Accept-Encoding' => 'gzip'])->body, 'open', "$open{$path} is served");
}
is(request($flexilib, GET => '/docs/a.txt', headers => [Host => 'linked.example'])->body, 'open', 'the folder itself may be a link');

done_testing;
