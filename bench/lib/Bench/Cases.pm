# What is measured: the servers, how each is started, and the cases with what DESIGN's goals say about them.
#
# A case: name; title; scheme (http unless it says https, for which each server has its words in tls); how (which sub of Bench::Measure); path and length of the answer; load (arguments of load.lua);
# contenders (names of servers below, with values that differ); compare: [A, B, METRIC, GOAL or nothing]: A's figure
# divided by B's should be GOAL at most.
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
    tls      => ' ssl; ssl_certificate @CERTIFICATE@; ssl_certificate_key @KEY@',
    values   => {
        USER    => $is_root ? 'user root;' : '',
        MODULES => '',
        HELLO   => 'return 200 "Hello, world!\n";'
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
            values   => { ROUTES => '', FILTERS => '' },
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
            tls      => ' ssl crt @BOTH@ alpn http/1.1',
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

sub all_cases {
    return (
        proxied('small-get-proxied', 'GET of 100 bytes, proxied, keep-alive on both sides', 100, ['get', 0],
            nginx => 0.85, haproxy => 0.75, h2o => 0.70),
        proxied('large-get-proxied', 'GET of 100 KB, proxied', 102400, ['get', 0], nginx => 0.65, haproxy => 0.95),
        proxied('huge-get-proxied', 'GET of 1 MB, proxied', 1048576, ['get', 0]),
        proxied('post-10k-proxied',  'POST of 10 KB, proxied', 100,    ['post', 10240]),
        { %{ proxied('tls-get-proxied', 'GET of 100 bytes by https, proxied to http', 100, ['get', 0]) }, scheme => 'https' },
        {
            name       => 'function',
            title      => 'a function answers: a C handler, return 200, Lua, http-request return, mruby',
            how        => 'fast',
            path       => '/hello',
            length     => 14,
            contenders => [map { { peer => $_ } } 'flexilib', 'nginx', 'nginx+lua', 'haproxy', 'h2o+mruby'],
            compare    => [
                ['flexilib', 'nginx',     'cpu', 0.95],
                ['flexilib', 'nginx+lua', 'cpu', 0.85],
                ['flexilib', 'haproxy',   'cpu'],
                ['flexilib', 'h2o+mruby', 'cpu', 0.55],
            ],
        },
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
        {
            name       => 'idle-connections',
            title      => 'memory for idle keep-alive connections that have had one answer',
            how        => 'idle',
            path       => '/hello',
            length     => 14,
            contenders => \@proxies,
            compare    => [map { ['flexilib', $_, 'per_connection'] } qw(nginx haproxy h2o)],
            limits     => [['flexilib', 'pss', 5 * 1024 * 1024], ['flexilib', 'per_connection', 2048]],
        },
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
    );
}

1;
