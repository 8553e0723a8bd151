# Where nobody has chosen the admin listener's address and another program has it, FlexiLib warns and serves; an address
# that was chosen has to be free.

use lib 't/lib';
use FlexiLib::Test;

use IO::Socket::INET;

# Where somebody else is there already, that is just as good.
my $other = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 9069, Listen => 8, ReuseAddr => 1);

my $config = "listen: 127.0.0.1:0\nworkers: 2\nroutes:\n  - { match: /, respond: 200 }\n";
my $usual  = start_flexilib(config => $config, env => { FLEXILIB_ADMIN => undef });
my @lines  = $usual->log =~ /warning: (there is no admin listener: .*)/g;
is_deeply(\@lines,
    ["there is no admin listener: cannot listen on 127.0.0.1:9069: address already in use (another program listens there: "
            . "`ss -ltnp` tells which); 'admin' says where it shall be, or 'admin: off'"],
    'the usual address may be taken, which is told once');
is(request($usual, GET => '/')->status, 200, 'and all is served');
$usual->stop;

my $off = start_flexilib(config => $config);
unlike($off->log, qr/admin/, 'a variable can switch it off');
my $chosen = run_flexilib([], config => $config =~ s/^/admin: 127.0.0.1:9069\n/r);
like($chosen->{err}, qr/error: flexilib\.yaml:1:8: cannot listen on 127\.0\.0\.1:9069: address already in use/, 'one that was chosen must be free');
is($chosen->{status}, 78, 'with status 78');
my $by_variable = run_flexilib([], config => $config, env => { FLEXILIB_ADMIN => '127.0.0.1:9069' });
like($by_variable->{err}, qr/error: cannot listen on 127\.0\.0\.1:9069: address already in use/, 'also by the variable');
my $placed = start_flexilib(config => $config, env => { FLEXILIB_ADMIN => '127.0.0.1:0' });
is(curl('-s', $placed->admin_url('/healthz'))->{out}, "ok\n", 'which can say where it is');
$placed->write_file('flexilib.yaml', $config =~ s/^/admin: unix:admin.sock\n/r);
$placed->reload;
$placed->wait_serving(2);
is(curl('-s', '--unix-socket', $placed->dir . '/admin.sock', 'http://x/readyz')->{out}, "ready\n", 'or it is a file');
$placed->stop;
ok(!-e $placed->dir . '/admin.sock', 'which goes with the program');

# The original's format has no place for it, so there the variable alone tells.
my $ini = start_flexilib(file => 'proxy.ini', config => '', env => { FLEXILIB_ADMIN => '127.0.0.1:0', PORT => 0 });
is(curl('-s', $ini->admin_url('/healthz'))->{out}, "ok\n", 'proxy.ini has one too');
done_testing;
