# What bundled filters do to a response's head they do again where a filter behind them puts another response in its
# place, and not twice.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Conformance;

my $library = conformance_library('c');
my $auth    = start_static_backend(headers => ['Set-Cookie' => 'session=1'], body => 'yes');
my $backend = start_static_backend(headers => ['Content-Type' => 'text/plain', 'X-Own' => 'upstream'], body => 'plain');
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { conformance: "$library" }
upstreams:
  auth: { servers: ["@{[$auth->url]}"] }
  main: { servers: ["@{[$backend->url]}"] }
  gone: { servers: ["http://127.0.0.1:1"] }
routes:
@{[join "", map { route($_) } qw(gone main)]}
END

sub route {
    my ($upstream) = @_;
    return <<"END";
  - match: /$upstream
    filters:
      - canary: { choices: [{ upstream: $upstream }], cookie: chosen }
      - rate-limit: { requests: 100, per: 1h }
      - forward-auth: { upstream: auth }
      - headers: { response_add: { x-seen: "{status}" } }
      - conformance
    proxy: $upstream
END
}

sub fields_of {
    my ($response) = @_;
    return join ' | ', $response->status, $response->body, map { join ', ', map { s/;.*//r } $response->headers($_) } qw(x-seen set-cookie ratelimit-policy x-own);
}
is(fields_of(request($flexilib, GET => '/main')), '200 | plain | 200 | session=1, chosen=main | "default" | upstream', 'a response is changed');
is(fields_of(request($flexilib, GET => '/main', headers => ['X-Do' => 'response-head reply 418 text/plain tea'])),
    '418 | tea | 418 | session=1, chosen=main | "default" | ', 'so is another in its place');
is(fields_of(request($flexilib, GET => '/gone', headers => ['X-Do' => 'response-body reply 418 text/plain tea'])),
    '418 | tea | 418 | session=1, chosen=gone | "default" | ', 'also where the head of the first had come by already');
done_testing;
