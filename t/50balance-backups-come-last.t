# Backups get requests only while no other server can be had: not when one is merely at its limit, but for the rest of a
# request that the others have failed, and for all while the others are away.

use lib 't/lib';
use FlexiLib::Test;

sub start_named {
    my ($name) = @_;
    return start_backend(
        sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                if ($request->target =~ /hold/) {
                    $connection->tell('holds');
                    $connection->wait_go;
                }
                $connection->respond(200, [], $name);
            }
        });
}

my %backend  = map { $_ => start_named($_) } qw(a b spare);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
upstreams:
  shop:
    servers:
      - { url: "@{[$backend{spare}->url]}", backup: yes }
      - "@{[$backend{a}->url]}"
      - "@{[$backend{b}->url]}"
  narrow:
    servers:
      - { url: "@{[$backend{a}->url]}", max_requests: 1 }
      - { url: "@{[$backend{spare}->url]}", backup: yes }
    queue: { timeout: 5m }
routes:
  - { match: /narrow, proxy: narrow }
  - { match: /, proxy: shop }
END

sub ask {
    my %seen = map { request($flexilib, GET => '/')->body => 1 } 1 .. 12;
    return join ' ', sort keys %seen;
}

is(ask(), 'a b', 'the others serve');

my $first = connect_to($flexilib);
$first->send_request(GET => '/narrow/hold');
$backend{a}->wait_told(qr/holds/);
my $second = connect_to($flexilib);
$second->send_request(GET => '/narrow');
is(ask(), 'a b', 'time goes by');
$backend{a}->go;
is($first->read_response->body,  'a', 'one that is at its limit');
is($second->read_response->body, 'a', 'is waited for');

$backend{a}->end;
is(ask(), 'b', 'the others that are left serve');
$backend{b}->end;
is(ask(), 'spare', 'the backup serves when none is left');

done_testing;
