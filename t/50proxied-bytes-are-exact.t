# Forwarding, byte by byte: each t/vtc/NAME.vtc scripts a client and a server around FlexiLib for varnishtest. A path
# /NAME is forwarded to the unix socket that its server listens on.

use lib 't/lib';
use FlexiLib::Test;

need('varnishtest');
my @cases = map { m{/([^/]+)\.vtc$} } sort glob root_folder() . '/t/vtc/*.vtc';
ok(scalar @cases, 'there are cases');

my $folder = make_folder();
my $upstreams = join '', map { "  $_: { servers: \"http+unix:$folder/$_.sock\", retry: no }\n" } @cases;
my $routes    = join '', map { "  - { match: /$_, proxy: $_ }\n" } @cases;
my $flexilib = start_flexilib(dir => $folder, config => <<"END");
listen: 127.0.0.1:0
workers: 1
upstreams:
$upstreams
routes:
$routes
END

for my $case (@cases) {
    my $result = run_command(
        [
            'varnishtest', '-D', 'front=' . $flexilib->address, '-D', "socket=$folder/$case.sock",
            root_folder() . "/t/vtc/$case.vtc"
        ]
    );
    my $claim = (read_file(root_folder() . "/t/vtc/$case.vtc") =~ /^varnishtest "(.*)"/)[0];
    ok($result->{status} == 0, "$case: $claim") or diag(@$result{qw(out err)});
}

done_testing;
