# Several servers of an upstream: they take turns by weight, and one that is down costs no request.

use lib 't/lib';
use FlexiLib::Test;

my ($a, $b) = map { start_static_backend(body => $_) } qw(a b);
my $nobody = free_port();
my $names  = start_name_server('shop.test' => { A => ['127.0.0.1'] });
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
resolver: { servers: "@{[$names->address]}", timeout: 20s }
upstreams:
  even: { servers: ["@{[$a->url]}", "@{[$b->url]}"] }
  weighted:
    servers:
      - { url: "@{[$a->url]}", weight: 3 }
      - "@{[$b->url]}"
  limping: { servers: ["http://127.0.0.1:$nobody", "@{[$b->url]}"] }
  down: { servers: ["http://127.0.0.1:$nobody", "http://127.0.0.1:$nobody"] }
  named: { servers: "http://shop.test:@{[$a->port]}" }
  unknown: { servers: "http://no-such-name.test" }
routes:
  - { match: /even, proxy: even }
  - { match: /weighted, proxy: weighted }
  - { match: /limping, proxy: limping }
  - { match: /down, proxy: down }
  - { match: /named, proxy: named }
  - { match: /unknown, proxy: unknown }
END

sub ask { return join '', map { request($flexilib, $_[1] // 'GET', $_[0])->body } 1 .. $_[2] // 8 }

is(ask('/even'),     'abababab', 'evenly');
is(ask('/weighted'), 'aabaaaba', 'by weight');
is(ask('/limping'),  'bbbbbbbb', 'one that is down is passed over');
is(ask('/limping', 'POST'), 'bbbbbbbb', 'for any method: nothing was sent to it');
is(ask('/named', 'GET', 3), 'aaa', 'a name is looked up');

is(request($flexilib, GET => '/down')->status, 502, 'none is left');
$flexilib->wait_log(qr/upstream 'down' .*: connection refused/) for 1 .. 2;
is(request($flexilib, GET => '/unknown')->status, 502, 'a name that nobody knows');
$flexilib->wait_log(qr/upstream 'unknown' .*: its name was not resolved: no such name /);

done_testing;
