# What is measured: the servers, how each is started, and the cases with what DESIGN's goals say about them.
#
# A case: name; title; how (which sub of Bench::Measure); path and length of the answer; contenders (names of servers
# below, with values that differ); compare: [A, B, METRIC, GOAL or nothing]: A's figure divided by B's should be GOAL at
# most. Further: scheme (http unless it says https) and version (1 unless it says 2), for which each server has its words
# in tls and http2; key (ecdsa unless it says rsa); load (arguments of load.lua); visit (version of TLS, full or resumed);
# rate (requests per second of all clients together).
package Bench::Cases;

use strict;
use warnings;

use Exporter 'import';
our @EXPORT = qw(all_cases all_peers);

my $is_root = $> == 0;

my $lua_answer   = q{content_by_lua_block { ngx.header.content_length = 14; ngx.print("Hello, world!\n") }};
my $mruby_answer = <<'END';
        mruby.handler: |
          Proc.new do |env|
            [200, {"content-type" => "text/plain"}, ["Hello, world!\n"]]
          end
END
my @lua_modules = map { "/usr/lib/nginx/modules/$_" } qw(ndk_http_module.so ngx_http_lua_module.so);

my %nginx = (
    program  => 'nginx',
    template => 'nginx.conf',
    command  => ['nginx', '-p', '@FOLDER@', '-c', 'nginx.conf', '-e', 'stderr'],
    tls      => ' ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate @CERTIFICATE@; ssl_certificate_key @KEY@',
    http2    => { http => ' http2', https => ' http2' },
    values   => {
        USER     => $is_root ? 'user root;' : '',
        MODULES  => '',
        COMPRESS => '',
        HELLO    => 'return 200 "Hello, world!\n";'
    },
);

my %h2o = (
    program  => 'h2o',
    template => 'h2o.conf',
    command  => ['h2o', '-m', 'worker', '-c', 'h2o.conf'],
    tls      => ', ssl: { certificate-file: "@CERTIFICATE@", key-file: "@KEY@" }',
    values   => { USER => $is_root ? 'user: root' : '', HELLO => $mruby_answer },
);

sub all_peers {
    return {
        flexilib => {
            program  => '@BUILD@/flexilib',
            template => 'flexilib.yaml',
            command  => ['@BUILD@/flexilib', '-c', 'flexilib.yaml'],
            tls      => ', tls: { certificate: "@CERTIFICATE@", key: "@KEY@" }',
            values   => { ROUTES => '', FILTERS => '', COMPRESS => '' },
        },
        nginx       => \%nginx,
        'nginx+lua' => {
            %nginx,
            files  => \@lua_modules,
            values => {
                %{ $nginx{values} },
                MODULES => join("\n", map { "load_module $_;" } @lua_modules),
                HELLO   => $lua_answer,
            },
        },
        haproxy => {
            program  => 'haproxy',
            template => 'haproxy.cfg',
            command  => ['haproxy', '-W', '-db', '-f', 'haproxy.cfg'],
            tls      => ' ssl crt @BOTH@',
            http2    => { http => ' proto h2', https => ' alpn h2' },
            values   => {},
        },
        h2o         => \%h2o,
        'h2o+mruby' => \%h2o,
    };
}

sub routes {
    my ($count) = @_;
    my @numbers = map { 1 + ($_ * 7919) % $count } 1 .. $count;
    return join "\n", map { "  - { match: /service-$_, proxy: backend }" } @numbers;
}

my @proxies = map { { peer => $_ } } qw(flexilib nginx haproxy h2o);

sub proxied {
    my ($name, $title, $length, $load, %goal) = @_;
    return {
        name       => $name,
        title      => $title,
        how        => 'fast',
        path       => "/bytes/$length",
        length     => $length,
        load       => $load,
        contenders => \@proxies,
        compare    => [map { ['flexilib', $_, 'cpu', $goal{$_}] } qw(nginx haproxy h2o)],
    };
}

sub function_case {
    my ($name, $title, @peers) = @_;
    return {
        name       => $name,
        title      => $title,
        how        => 'fast',
        path       => '/hello',
        length     => 14,
        contenders => [map { { peer => $_ } } @peers],
        compare    => [map { ['flexilib', $_, 'cpu'] } grep { $_ ne 'flexilib' } @peers],
    };
}

# Over HTTP/2, by TLS unless told otherwise.
sub http2 {
    my ($case, %other) = @_;
    return { %$case, how => 'streams', scheme => 'https', version => 2, %other };
}

# Both at level 5.
my @compressing = (
    { peer => 'flexilib', values => { COMPRESS => 'compress: { codings: gzip, level: { gzip: 5 } }' } },
    { peer => 'nginx', values => { COMPRESS => 'gzip on; gzip_comp_level 5; gzip_proxied any; gzip_vary on; gzip_types text/plain;' } },
);

sub handshakes {
    my ($name, $title, $key, @visit) = @_;
    return {
        name       => $name,
        title      => "$title, one GET of 100 bytes on each",
        how        => 'visits',
        scheme     => 'https',
        key        => $key,
        visit      => \@visit,
        path       => '/bytes/100',
        length     => 100,
        contenders => \@proxies,
        compare    => [map { ['flexilib', $_, 'cpu'] } qw(nginx haproxy h2o)],
    };
}

sub idle {
    my ($name, $what, %other) = @_;
    return {
        name       => $name,
        title      => "memory for idle connections that have had one answer, $what",
        how        => 'idle',
        path       => '/hello',
        length     => 14,
        contenders => \@proxies,
        compare    => [map { ['flexilib', $_, 'per_connection'] } qw(nginx haproxy h2o)],
        %other,
    };
}

# The same clients of the same server, alone and beside attackers (names of load/attack).
sub attacks {
    my (@attacks) = @_;
    return {
        name       => 'attacks',
        title      => 'GET of 100 bytes, proxied, by few clients at a fixed rate, beside attackers',
        how        => 'attacks',
        path       => '/bytes/100',
        length     => 100,
        rate       => 500,
        contenders => [{ peer => 'flexilib', name => 'quiet' }, map { { peer => 'flexilib', name => $_, attack => $_ } } @attacks],
        compare    => [map { [$_, 'quiet', 'p99', 3.00] } @attacks],
    };
}

# The same, beside as many requests as the pool has threads that sleep for a second each.
sub blocking {
    my $case = attacks('naps');
    return {
        %$case,
        name      => 'blocking',
        title     => 'GET of 100 bytes, proxied, by few clients at a fixed rate, beside 64 calls that block',
        attackers => 64,
        compare   => [['naps', 'quiet', 'p99', 2.00]],
    };
}

sub all_cases {
    return (
        proxied('small-get-proxied', 'GET of 100 bytes, proxied, keep-alive on both sides', 100, ['get', 0],
            nginx => 0.85, haproxy => 0.75, h2o => 0.70),
        proxied('large-get-proxied', 'GET of 100 KB, proxied', 102400, ['get', 0], nginx => 0.65, haproxy => 0.95),
        proxied('huge-get-proxied', 'GET of 1 MB, proxied', 1048576, ['get', 0]),
        proxied('post-10k-proxied',  'POST of 10 KB, proxied', 100,    ['post', 10240]),
        {
            %{ proxied('gzip-get-proxied', 'GET of 100 KB of text, proxied, compressed by gzip at level 5', 102400, ['gzip', 0]) },
            path       => '/text/102400',
            contenders => \@compressing,
            compare    => [['flexilib', 'nginx', 'cpu']],
        },
        { %{ proxied('tls-get-proxied', 'GET of 100 bytes by https, proxied to http', 100, ['get', 0]) }, scheme => 'https' },
        {
            %{
                function_case(
                    'function', 'a function answers: a C handler, return 200, Lua, http-request return, mruby',
                    'flexilib', 'nginx', 'nginx+lua', 'haproxy', 'h2o+mruby'
                )
            },
            compare => [
                ['flexilib', 'nginx',     'cpu', 0.95],
                ['flexilib', 'nginx+lua', 'cpu', 0.85],
                ['flexilib', 'haproxy',   'cpu'],
                ['flexilib', 'h2o+mruby', 'cpu', 0.55],
            ],
        },
        http2(proxied('http2-get-proxied', 'GET of 100 bytes by HTTP/2 over TLS, proxied to HTTP/1', 100)),
        http2(
            proxied('http2-clear-get-proxied', 'the same without TLS, by prior knowledge', 100),
            scheme => 'http'
        ),
        http2(proxied('http2-large-get-proxied', 'GET of 100 KB by HTTP/2 over TLS, proxied to HTTP/1', 102400)),
        http2(
            function_case(
                'http2-function', 'a function answers over HTTP/2 and TLS',
                'flexilib', 'nginx', 'nginx+lua', 'haproxy', 'h2o+mruby'
            )
        ),
        handshakes('tls-full-ecdsa', 'full handshakes of TLS 1.3, ECDSA P-256',    'ecdsa', '1.3', 'full'),
        handshakes('tls-full-rsa',   'full handshakes of TLS 1.3, RSA 2048',       'rsa',   '1.3', 'full'),
        handshakes('tls-resumed',    'handshakes of TLS 1.3, resumed by ticket',   'ecdsa', '1.3', 'resumed'),
        handshakes('tls12-full-ecdsa', 'full handshakes of TLS 1.2, ECDSA P-256',  'ecdsa', '1.2', 'full'),
        handshakes('tls12-full-rsa', 'full handshakes of TLS 1.2, RSA 2048',       'rsa',   '1.2', 'full'),
        handshakes('tls12-resumed',  'handshakes of TLS 1.2, resumed by ticket',   'ecdsa', '1.2', 'resumed'),
        {
            name       => 'chain',
            title      => 'GET of 100 bytes, proxied, through 0, 1 and 10 filters that do nothing',
            how        => 'fast',
            path       => '/bytes/100',
            length     => 100,
            contenders => [
                map { { peer => 'flexilib', name => "filters-$_", values => { FILTERS => join ', ', ('noop') x $_ } } }
                    (0, 1, 10)
            ],
            compare => [['filters-1', 'filters-0', 'cpu', 1.01], ['filters-10', 'filters-0', 'cpu', 1.10]],
        },
        {
            name       => 'routes',
            title      => 'GET of 100 bytes, proxied, over 10 and 10,000 routes, each asked for equally often',
            how        => 'fast',
            path       => '/bytes/100',
            length     => 100,
            load_of    => sub { ['routes', $_[0]{count}] },
            contenders => [
                map { { peer => 'flexilib', name => "routes-$_", count => $_, values => { ROUTES => routes($_) } } }
                    (10, 10000)
            ],
            compare => [['routes-10000', 'routes-10', 'cpu', 1.05]],
        },
        idle('idle-connections', 'HTTP/1',
            limits => [['flexilib', 'pss', 5 * 1024 * 1024], ['flexilib', 'per_connection', 2048]]),
        idle('idle-http2',     'HTTP/2', version => 2),
        idle('idle-tls',       'HTTP/1 over TLS 1.3', scheme => 'https'),
        idle('idle-http2-tls', 'HTTP/2 over TLS 1.3', scheme => 'https', version => 2),
        {
            name       => 'fixed-rate',
            title      => "GET of 100 bytes, proxied, at 70 % of nginx's peak",
            how        => 'rate',
            path       => '/bytes/100',
            length     => 100,
            peak_of    => 'nginx',
            contenders => \@proxies,
            compare    => [['flexilib', 'nginx', 'p99', 1.00], ['flexilib', 'haproxy', 'p99'], ['flexilib', 'h2o', 'p99']],
        },
        {
            name       => 'spread',
            title      => 'connections on each of four workers, the most divided by the fewest',
            how        => 'spread',
            path       => '/hello',
            length     => 14,
            workers    => 4,
            contenders => [map { { peer => $_ } } qw(flexilib nginx)],
            compare    => [],
            limits     => [['flexilib', 'spread', 1.5]],
        },
        attacks(qw(rapid-reset made-you-reset continuation settings ping empty-data slow-heads slow-readers pipelines connections)),
        blocking(),
    );
}

1;
