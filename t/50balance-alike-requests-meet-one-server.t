# Consistent hashing: the same key meets the same server in every worker, after a reload, in any order of the servers, and
# only the keys of a server that is missing move.

use lib 't/lib';
use FlexiLib::Test;

my %backend = map { $_ => start_static_backend(body => $_) } qw(a b c d e);

sub config {
    my @servers = @_;
    my $list    = join ', ', map { '"' . $backend{$_}->url . '"' } @servers;
    my $key     = sub { return "{ servers: [$list], balance: { hash: $_[0] } }" };
    return <<"END";
listen: 127.0.0.1:0
workers: 2
upstreams:
  path: @{[$key->('path')]}
  header: @{[$key->('{ header: X-User }')]}
  host: @{[$key->('{ header: host }')]}
  cookie: @{[$key->('{ cookie: sid }')]}
  address: @{[$key->('address')]}
routes:
  - { match: /header, proxy: header }
  - { match: /host, proxy: host }
  - { match: /cookie, proxy: cookie }
  - { match: /address, proxy: address }
  - { match: /, proxy: path }
END
}

my $flexilib = start_flexilib(config => config(qw(a b c d)));

sub ask {
    my ($path, %option) = @_;
    return request($flexilib, GET => $path, %option)->body;
}

my @kinds = (
    [path   => sub { return ask("/item/$_[0]?$_[1]") }],
    [header => sub { return ask('/header', headers => ['x-user' => "user $_[0]"]) }],
    [host   => sub { return ask('/host', host => "host$_[0].test") }],
    [cookie => sub { return ask('/cookie', headers => [Cookie => "a=$_[1]; sid=\"$_[0]\""]) }],
);

# The server of every key, each asked several times: as a text of names, and the keys that met more than one.
sub map_keys {
    my ($ask, $count) = @_;
    my (@servers, @torn);
    for my $key (1 .. 24) {
        my %met = map { $ask->($key, $_) => 1 } 1 .. $count;
        push @servers, (sort keys %met)[0];
        push @torn,    $key if keys %met != 1;
    }
    return (join('', @servers), "@torn");
}

my %before;
for my $kind (@kinds) {
    my ($name, $ask) = @$kind;
    my ($servers, $torn) = map_keys($ask, 4);
    is($torn, '', "$name: both workers send a key to the same server");
    my %seen = map { $_ => 1 } split //, $servers;
    cmp_ok(scalar keys %seen, '>', 1, "$name: keys are spread");
    $before{$name} = $servers;
}
my %address = map { ask('/address') => 1 } 1 .. 8;
is(scalar keys %address, 1, 'a client by its address');
my %turns = map { ask('/cookie') => 1 } 1 .. 16;
is(join('', sort keys %turns), 'abcd', 'without a key they take turns');

$flexilib->write_file('flexilib.yaml', config(qw(d b e c a)));
$flexilib->reload;
$flexilib->wait_serving(2);
for my $kind (@kinds) {
    my ($name, $ask) = @$kind;
    my ($servers) = map_keys($ask, 1);
    (my $back = $servers) =~ s/e/substr $before{$name}, $-[0], 1/ge;
    is($back, $before{$name}, "$name: only the keys of a new server move, whatever the order");
}

$backend{a}->end;
for my $kind (@kinds) {
    my ($name, $ask) = @$kind;
    my ($servers, $torn) = map_keys($ask, 2);
    is($torn, '', "$name: keys of a server that is down agree on another one");
    unlike($servers, qr/a/, "$name: none is lost");
    my $stayed = join '', map { substr($before{$name}, $_, 1) =~ /a/ || substr($servers, $_, 1) =~ /e/ ? '' : substr $servers, $_, 1 } 0 .. 23;
    my $owned  = join '', map { substr($before{$name}, $_, 1) =~ /a/ || substr($servers, $_, 1) =~ /e/ ? '' : substr $before{$name}, $_, 1 } 0 .. 23;
    is($stayed, $owned, "$name: all others stay");
}

done_testing;
