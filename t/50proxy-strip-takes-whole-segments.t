# `strip` takes a prefix off the path that the server sees: by whole segments, and nothing else of the request.

use lib 't/lib';
use FlexiLib::Test;

my $backend = start_backend(
    sub {
        my ($connection) = @_;
        while (my $request = $connection->read_request) {
            $connection->respond(200, [], $request->target);
        }
    }
);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /api, proxy: { to: "@{[$backend->url]}", strip: /api } }
  - { match: /deep/down, proxy: { to: "@{[$backend->url]}", strip: /deep } }
  - { match: /, proxy: { to: "@{[$backend->url]}", strip: /api } }
END

my %cases = (
    '/api'           => '/',
    '/api/'          => '/',
    '/api?a=/api'    => '/?a=/api',
    '/api/x'         => '/x',
    '/api/x/'        => '/x/',
    '/api/x?'        => '/x?',
    '/api/api/x'     => '/api/x',
    '/api/%2Fx'      => '/%2Fx',
    '/apix'          => '/apix',
    '/other/api'     => '/other/api',
    '/deep/down/x'   => '/down/x',
    '/x/../api/y'    => '/y',
    '/API/x'         => '/API/x',
);
is(request($flexilib, GET => $_)->body, $cases{$_}, "$_ becomes $cases{$_}") for sort keys %cases;

done_testing;
