# The path that a route is chosen by is, byte for byte, the path that the upstream gets: no spelling slips past the rule
# for /admin and means /admin behind us.

use lib 't/lib';
use FlexiLib::Test;

# The upstream is the echo handler: the first line of its answer is the request line that it got.
my $folder   = make_folder();
my $flexilib = start_flexilib(config => <<"END");
listen: [127.0.0.1:0, { address: "unix:$folder/upstream.sock", name: upstream }]
workers: 1
routes:
  - { match: { listener: upstream }, handler: echo }
  - { match: /admin, filters: [{ headers: { response_set: { x-route: admin } } }], proxy: "http+unix:$folder/upstream.sock" }
  - { match: /, filters: [{ headers: { response_set: { x-route: public } } }], proxy: "http+unix:$folder/upstream.sock" }
END

sub ask {
    my ($target) = @_;
    my $result = raw($flexilib, "GET $target HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return $result->{status} if $result->{status} != 200;
    my ($path) = $result->{response}->body =~ /^GET (.*)$/m;
    return $result->{response}->header('x-route') . " $path";
}

my @cases = (
    ['/'                              => 'public /'],
    ['/x'                             => 'public /x'],
    ['/x/'                            => 'public /x/'],
    ['/x?a=%2e%2e/admin&b=//'         => 'public /x?a=%2e%2e/admin&b=//'],
    ['/admin'                         => 'admin /admin'],
    ['/admin/'                        => 'admin /admin/'],
    ['/administrator'                 => 'public /administrator'],
    # slashes
    ['//admin'                        => 'admin /admin'],
    ['///admin//x'                    => 'admin /admin/x'],
    ['/x//admin'                      => 'public /x/admin'],
    ['/%2fadmin'                      => 'public /%2Fadmin'],
    ['/%2Fadmin'                      => 'public /%2Fadmin'],
    ['/admin%2fx'                     => 'public /admin%2Fx'],
    ['/x%2f..%2fadmin'                => 'public /x%2F..%2Fadmin'],
    # dots
    ['/./admin'                       => 'admin /admin'],
    ['/../admin'                      => 'admin /admin'],
    ['/x/../admin'                    => 'admin /admin'],
    ['/x/..//admin'                   => 'admin /admin'],
    ['/x/%2e%2e/admin'                => 'admin /admin'],
    ['/x/%2E./admin'                  => 'admin /admin'],
    ['/x/.%2e/admin'                  => 'admin /admin'],
    ['/x/%2e/../admin'                => 'admin /admin'],
    ['/admin/../x'                    => 'public /x'],
    ['/admin/%2e%2e/x'                => 'public /x'],
    ['/admin/..'                      => 'public /'],
    ['/admin/x/..'                    => 'admin /admin/'],
    ['/x/%252e%252e/admin'            => 'public /x/%252e%252e/admin'],
    ['/..%2fadmin'                    => 'public /..%2Fadmin'],
    ['/.../admin'                     => 'public /.../admin'],
    # escapes
    ['/%61dmin'                       => 'admin /admin'],
    ['/adm%69n/%7euser'               => 'admin /admin/~user'],
    ['/%2561dmin'                     => 'public /%2561dmin'],
    ['/caf%c3%a9'                     => 'public /caf%C3%A9'],
    ['/a%5cb'                         => 'public /a%5Cb'],
    ['/..%5cadmin'                    => 'public /..%5Cadmin'],
    ['/a|b'                           => 'public /a%7Cb'],
    ['/a%7Cb'                         => 'public /a%7Cb'],
    ['/%0d%0aX-Evil:%201'             => 'public /%0D%0AX-Evil:%201'],
    # parameters
    ['/x/..;/admin'                   => 'public /x/..;/admin'],
    ['/x/%2e%2e;/admin'               => 'public /x/..;/admin'],
    ['/admin;x=1'                     => 'public /admin;x=1'],
    ['/admin%3bx'                     => 'public /admin%3Bx'],
    # case
    ['/Admin'                         => 'public /Admin'],
    # the absolute form says the same
    ['http://localhost/x/../admin'    => 'admin /admin'],
    ['http://localhost'               => 'public /'],
    # refused
    ['/admin%00'                      => 400],
    ['/%00/../admin'                  => 400],
    ["/admin\0"                       => 400],
    ['/%'                             => 400],
    ['/%2'                            => 400],
    ['/%zz'                           => 400],
    ['/x/%2/../admin'                 => 400],
    ['/\\admin'                       => 400],
    ['/x/..\\admin'                   => 400],
    ["/caf\xc3\xa9"                   => 400],
    ["/x\xff"                         => 400],
    ["/x\x7f"                         => 400],
    ["/x\x01"                         => 400],
    ["/x\ty"                          => 400],
    ['/x#/../admin'                   => 400],
    ['admin'                          => 400],
    ['../admin'                       => 400],
    ['%2fadmin'                       => 400],
);

for my $case (@cases) {
    my ($target, $expected) = @$case;
    my $shown = $target =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
    is(ask($target), $expected, "$shown: $expected");
}

done_testing;
