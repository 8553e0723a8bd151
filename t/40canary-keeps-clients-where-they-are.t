# canary shares requests out by weight, sends a client to the same upstream again, and lets testers choose.

use lib 't/lib';
use FlexiLib::Test;

my %backend = map { ($_ => start_static_backend(body => $_)) } qw(stable next third);
my $upstreams = join '', map { "  $_: { servers: [\"@{[$backend{$_}->url]}\"] }\n" } sort keys %backend;

sub config {
    my ($weights) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 2
upstreams:
${upstreams}routes:
  - match: /by
    filters: [{ canary: { choices: $weights, by: "{header.x-user}", header: x-canary } }]
    proxy: { to: stable, strip: /by }
  - match: /cookie
    filters: [{ canary: { choices: $weights, cookie: chosen, cookie_age: 1h } }]
    proxy: stable
  - match: /chance
    filters: [{ canary: { choices: $weights } }]
    proxy: stable
  - match: /none
    filters: [{ canary: { choices: $weights } }]
    handler: hello
END
}

my $half     = '[{ upstream: stable, weight: 50 }, { upstream: next, weight: 50 }, { upstream: third, weight: 0 }]';
my $flexilib = start_flexilib(config => config($half));

sub ask { return request($flexilib, GET => @_) }

my %chosen = map { ($_ => ask('/by', headers => ['X-User' => "user$_"])->body) } 1 .. 200;
my %count;
$count{$_}++ for values %chosen;
cmp_ok($count{$_}, '>', 60, "by: $_ gets its part") for qw(stable next);
ok(!$count{third}, 'one without weight gets none');
my @moved = grep { ask('/by', headers => ['X-User' => "user$_"])->body ne $chosen{$_} } 1 .. 50;
is("@moved", '', 'the same client meets the same upstream, whichever worker it meets');
is(ask('/by', headers => ['X-User' => 'user1', 'X-Canary' => $_])->body, $_, "a tester chooses $_") for qw(stable next third);
is(ask('/by', headers => ['X-User' => 'user1', 'X-Canary' => 'unheard-of'])->body, $chosen{1}, 'and no other name');

my %by_chance;
$by_chance{ ask('/chance')->body }++ for 1 .. 100;
cmp_ok($by_chance{$_} // 0, '>', 20, "by chance: $_ gets its part") for qw(stable next);
cmp_ok(scalar(grep { ($_ // '') ne '' } map { ask('/chance')->header('set-cookie') } 1 .. 3), '==', 0, 'and nothing is remembered');

my $first  = ask('/cookie');
my $cookie = $first->header('set-cookie');
is($cookie, 'chosen=' . $first->body . '; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax', 'a cookie remembers the choice');
for my $name (qw(stable next)) {
    my @answers = map { ask('/cookie', headers => [Cookie => "a=b; chosen=$name"]) } 1 .. 10;
    is(join(' ', map { $_->body } @answers), join(' ', ($name) x 10), "the cookie keeps clients on $name");
    is(scalar(grep { defined $_->header('set-cookie') } @answers), 0, 'and is not set again');
}
for my $bad ('third', 'unheard-of', '') {
    my $answer = ask('/cookie', headers => [Cookie => "chosen=$bad"]);
    like($answer->body, qr/^(?:stable|next)$/, "a cookie with '$bad' does not count");
    like($answer->header('set-cookie'), qr/^chosen=(?:stable|next);/, 'and is replaced');
}

is(ask('/none')->status, 503, 'a route that forwards to nobody has no upstream to choose');
like($flexilib->wait_log(qr/filter 'canary'.*set_upstream/), qr/refused/, 'which the log says');

$flexilib->write_file('flexilib.yaml', config('[{ upstream: stable, weight: 50 }, { upstream: next, weight: 100 }]'));
$flexilib->reload;
$flexilib->wait_serving(2);
my %after = map { ($_ => ask('/by', headers => ['X-User' => "user$_"])->body) } keys %chosen;
is(join(' ', grep { $chosen{$_} eq 'next' && $after{$_} ne 'next' } sort keys %after), '', 'more weight takes nobody away from it');
cmp_ok(scalar(grep { $after{$_} eq 'next' } keys %after), '>', $count{next}, 'and brings others');

$flexilib->write_file('flexilib.yaml', config('[{ upstream: stable }, { upstream: next, weight: 0 }]'));
$flexilib->reload;
$flexilib->wait_serving(3);
is(ask('/cookie', headers => [Cookie => 'chosen=next'])->body, 'stable', 'a canary is called back, also from those whose cookie names it');

for my $case (
    ['choices: [{ upstream: stabel }]', qr/^flexilib\.yaml:5:49: .*'stabel'.*did you mean 'stable'/m],
    ['choices: [{ upstream: stable, weight: 0 }]', qr/at least one weight is above 0/],
    ['choices: [{ upstream: stable, weight: -1 }]', qr/:5:\d+: .*weight/],
    ['choices: []', qr/at least one weight is above 0/],
    ['choices: [{ upstream: stable }], cookie: "a b"', qr/a name is made of letters, digits, '-' and '_'/],
) {
    my ($options, $expected) = @$case;
    my $result = run_flexilib(['check'], config => <<"END");
listen: 127.0.0.1:0
upstreams: { stable: { servers: ["http://127.0.0.1:1"] } }
routes:
  - match: /
    filters: [{ canary: { $options } }]
    proxy: stable
END
    like($result->{err}, $expected, "refused: $options");
}
done_testing;
