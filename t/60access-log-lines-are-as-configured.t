# Lines of the access log by templates: as text, and as JSON, whatever clients send.

use lib 't/lib';
use FlexiLib::Test;
use JSON::PP ();

my $values  = test_library('values');
my $backend = start_static_backend(status => 203, headers => ['X-Kind' => 'static'], body => 'hello');

{
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
access_log:
  format: '{client.address} - {client.name} [{time.common}] "{request.line}" {status} {response.bytes} "{header.referer}" "{header.user-agent}"'
routes:
  - { match: /, proxy: "@{[$backend->url]}" }
END
    my $start = qr{^127\.0\.0\.1 - - \[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d \+0000\]};
    request($flexilib, GET => '/a?b=1', headers => ['User-Agent' => 'x "y" \\ z', Referer => "http://a.example/\xe4"]);
    like($flexilib->wait_access(qr{/a}), qr{$start "GET /a\?b=1 HTTP/1\.1" 203 5 "http://a\.example/\\xE4" "x \\x22y\\x22 \\x5C z"$}, 'a line as other servers write it');
    request($flexilib, POST => '/b', body => 'x');
    like($flexilib->wait_access(qr{/b}), qr{$start "POST /b HTTP/1\.1" 203 5 "-" "-"$}, 'what is not there is a dash');
    raw($flexilib, "GET /c HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n");
    like($flexilib->wait_access(qr{ 400 }), qr{$start ".* 400 \d+ "-" "-"$}, 'a request that is refused has its line');
}

{
    my $dead     = 'http://127.0.0.1:' . free_port();
    my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { values: $values }
access_log:
  format:
    time: "{time}"
    id: "{request.id}"
    trace: "{trace.id}"
    client: "{client.address}:{client.port}"
    method: "{method}"
    uri: "{uri}"
    status: "{status}"
    sent: "{response.bytes}"
    received: "{request.bytes}"
    ms: "{time.last_byte}"
    user: "{jwt.sub}"
    who: "{jwt.sub|{header.x-user|nobody}}"
    agent: "{header.user-agent}"
    upstream: "{upstream}"
    server: "{server}"
    tries: "{tries}"
    answered: "{time.answered}"
    route: "{route}"
    kind: "{response.header.x-kind}"
    "a \\"key\\"": constant
upstreams:
  back: "@{[$backend->url]}"
  dead: "$dead"
routes:
  - { match: /dead, proxy: dead }
  - match: /
    name: all
    filters: [{ values: { attribute: jwt.sub, value: "{query.user}" } }]
    proxy: back
END
    my $number = 0;
    my $line_of = sub {
        my ($word) = @_;
        return JSON::PP->new->utf8->decode($flexilib->wait_access(qr/$word/));
    };
    my $trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    request($flexilib, POST => '/first?user=al%22ice', body => 'abc', headers => ['User-Agent' => "k\xc3\xb6", Traceparent => "00-$trace-00f067aa0ba902b7-01"]);
    my $said = $line_of->('first');
    like(delete $said->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'the time');
    like(delete $said->{id}, qr/^[0-9a-f]{16}$/, 'the id');
    like(delete $said->{client}, qr/^127\.0\.0\.1:\d+$/, 'the client');
    like(delete $said->{ms}, qr/^\d+\.\d{1,3}$/, 'how long it took');
    like(delete $said->{answered}, qr/^\d+\.\d{1,3}$/, 'how long the server took');
    is_deeply($said, {
        trace => $trace, method => 'POST', uri => '/first?user=al%22ice', status => 203, sent => 5, received => 3, user => 'al"ice', who => 'al"ice',
        agent => "k\x{f6}", upstream => 'back', server => $backend->url, tries => 1, route => 'all', kind => 'static', 'a "key"' => 'constant',
    }, 'and all the rest');
    like(($flexilib->access_log)[0], qr/"status":203,"sent":5,"received":3,"ms":\d+\.\d{3},/, 'numbers are numbers');

    request($flexilib, GET => '/dead');
    $said = $line_of->('/dead');
    is_deeply([@$said{qw(status upstream server tries answered user who kind agent)}],
        [502, 'dead', $dead, 1, undef, undef, 'nobody', undef, undef], 'what is not there is null');

    # Bytes of all kinds, and more of them than a line holds.
    my @wild = ("\x80\xff\xc3", "\xe2\x82", "\xf0\x9f\x98\x80", '"\\', "a\tb", "\xc2\x85\xe2\x80\xae", map { pack 'C*', map { 0x20 + ($_ * 7919) % 0xdf } 1 .. $_ * 300 } 1 .. 20);
    for my $wild (@wild) {
        my $word = 'wild' . ++$number . 'x';
        my $value = $wild =~ s/\x7f//gr =~ s/^\s+|\s+$//gr;
        request($flexilib, GET => "/$word", headers => ['User-Agent' => $value, 'X-User' => $value]);
        my $read = $line_of->($word);
        is(ref $read, 'HASH', 'a line with wild bytes is JSON');
        is($read->{'a "key"'}, 'constant', 'and whole');
    }
    my @lines = $flexilib->access_log;
    is(scalar @lines, 2 + @wild, 'each request has one line');
    is(scalar(grep { length() >= 4095 } @lines), 0, 'shorter than 4,095 bytes');
    cmp_ok(scalar(grep { length() > 3000 } @lines), '>', 3, 'which some came near');
}

{
    my $flexilib = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
trusted_proxies: [127.0.0.1]
access_log: { format: "{uri} {client.address} {client.network} {client.port} {proxy.address} {scheme} {host} {port} {header.host}" }
routes:
  - handler: hello
END
    my @said = ('X-Forwarded-For' => '2001:db8:1:2:3::4', 'X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'Shop.Example');
    request($flexilib, GET => '/', headers => \@said, host => 'inner:81');
    is($flexilib->wait_access(qr{^/}), '/ 2001:db8:1:2:3::4 2001:db8:1:2::/64 - 127.0.0.1 https shop.example 443 inner:81',
        'what a trusted proxy says of the client');
}

{
    my $flexilib = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
access_log: { path: some.log, format: "{method} {uri}" }
routes:
  - handler: hello
END
    request($flexilib, GET => "/$_") for 1 .. 3;
    $flexilib->stop;
    is(read_file($flexilib->dir . '/some.log'), "GET /1\nGET /2\nGET /3\n", 'the lines of a file too');
}

{
    my $flexilib = start_flexilib(config => <<'END');
listen: 127.0.0.1:0
workers: 1
access_log: { path: plain.log }
routes:
  - handler: hello
END
    request($flexilib, GET => '/plain');
    $flexilib->stop;
    like(read_file($flexilib->dir . '/plain.log'), qr{^\S+Z [0-9a-f]{16} 127\.0\.0\.1:\d+ - - "GET /plain HTTP/1\.1" 200 ttfb .*\)\n\z}, 'without a format they are as usual');
}

done_testing;
