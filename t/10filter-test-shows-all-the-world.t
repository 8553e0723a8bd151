# A scenario can tell everything that may happen around filters: time, threads, upstreams of their own, start-up work,
# clients that leave or read slowly, several of them, and where they come from.

use lib 't/lib';
use FlexiLib::Test;

my $libraries = build_folder() . '/t/lib';
my $file = "libraries:\n" . join('', map { "  $_: $libraries/$_.so\n" } qw(fetch timers ready offload pause tls_facts values rewrite dictionary)) . <<'END';
upstreams: [shop, keys]

scenarios:
  timers come when time passes:
    filters: [timers]
    events:
      - log says: "timers': count 1"
      - client sends: GET /wait
      - time passes: 19ms
      - client sees: nothing
      - time passes: 1ms
      - client sees: 200
        body: "waited\n"
  all that come meanwhile:
    handler: { timers: { forever: yes } }
    events:
      - time passes: 5s
      - log says: "timers': count 1000"
  threads are waited for:
    handler: timers
    events:
      - client sends: GET /early
      - client sees: 200
  a pause may take too long:
    handler: timers
    handler_timeout: 5s
    events:
      - client sends: GET /other
      - time passes: 4999ms
      - client sees: nothing
      - time passes: 1ms
      - client sees: 504
      - log says: paused in on_request_head for too long

  what is kept gets old:
    handler: dictionary
    events:
      - client sends: GET /keep-briefly?something
      - client sees: 200
      - client sends: GET /kept
      - client sees: 200
        body: something
      - time passes: 1ms
      - client sends: GET /kept
      - client sees: 200
        body: nothing

  jobs of the pool are done:
    handler: offload
    events:
      - client sends: GET /work
      - client sees: 200
        body: { like: "/work on *" }
  also when they wait for another request:
    handler: offload
    events:
      - client sends: GET /hold
      - log says: "offload begun: /hold"
      - client bob sends: GET /release
      - client bob sees: 200
      - client sees: 200
  and those of the filter itself:
    handler: { offload: { prepare: yes } }
    events:
      - log says: "offload begun: /prepare"
      - client sends: GET /counts
      - client sees: 200

  a fetch is seen, and answered:
    handler: fetch
    events:
      - client sends: POST /
        headers: { x-upstream: shop, x-method: PUT, x-path: "/a?b", x-host: shop.example }
        body: question
      - shop sees: PUT /a?b
        only_headers: { x-more: "yes", host: shop.example, content-length: "8" }
        body: question
      - shop answers: 201
        headers: { x-a: [b, c] }
        body: [hel, lo]
      - client sees: 200
        body: "201\nx-a: b\nx-a: c\n\nhello"
  its body may be streamed:
    handler: fetch
    events:
      - shop stops reading
      - client sends: POST /
        headers: { x-upstream: shop, x-method: PUT, x-path: /a, x-do: stream }
        body: [{ repeat: "0123456789", times: 100000 }]
      - shop sees: PUT /a
        body: ""
        unfinished: yes
      - shop reads on
      - shop sees more: { repeat: "0123456789", times: 100000 }
      - log says: there is room
      - shop answers: 200
      - client sees: 200
  it may have a limit of time:
    handler: fetch
    events:
      - client sends: GET /
        headers: { x-upstream: shop, x-path: /a, x-timeout: "1500" }
      - shop sees: GET /a
      - time passes: 1500ms
      - shop is left
      - client sees: 200
        body: "failure 504\n"
  it may fail:
    handler: fetch
    events:
      - client sends: GET /
        headers: { x-upstream: shop, x-path: /a }
      - shop breaks off
      - client sees: 200
        body: "failure 502\n"
      - client sends: GET /
        headers: { x-upstream: shop, x-path: /a }
      - shop answers: 200
        body: half
        unfinished: yes
      - shop times out
      - client sees: 200
        body: "failure 504\n"
  it is taken as the filter likes:
    handler: fetch
    events:
      - client sends: GET /
        headers: { x-upstream: shop, x-path: /a, x-do: hold }
      - shop answers: 200
        body: [one, two]
      - log says: holding
      - client sees: nothing
      - client bob sends: GET /release
      - client sees: 200
        body: "200\n\nonetwo"
  also where that comes with its last piece:
    handler: fetch
    events:
      - client sends: GET /
        headers: { x-upstream: shop, x-path: /a, x-do: hold }
      - shop answers: 200
        body: one
      - client sees: nothing
      - client bob sends: GET /release
      - client sees: 200
        body: "200\n\none"
  it is cancelled by who has made it:
    handler: fetch
    events:
      - client sends: GET /
        headers: { x-upstream: shop, x-path: /a, x-do: piece }
      - shop answers: 200
        body: [one, two]
      - shop is left
      - client sees: 200
        body: "failure -1\n"
  and with its client:
    handler: fetch
    events:
      - client sends: GET /
        headers: { x-upstream: shop, x-path: /a }
      - shop sees: GET /a
      - client leaves
      - shop is left
  there has to be such an upstream:
    handler: fetch
    events:
      - client sends: GET /
        headers: { x-upstream: nowhere, x-path: /a }
      - client sees: 200
        body: { like: "*" }
      - log says: there is no upstream of that name

  what a filter asks for at its start:
    handler: { fetch: { upstream: keys, path: /keys } }
    events:
      - keys sees: GET /keys
      - keys answers: 200
        body: secret
      - client sends: GET /ready
      - client sees: 200
        body: { like: "*secret" }
  and does not get:
    handler: { fetch: { upstream: keys, path: /keys } }
    events:
      - keys sees: GET /keys
      - keys breaks off
    refused: "filter 'fetch': the first fetch failed: 502"
  nor soon enough:
    handler: { fetch: { upstream: keys, path: /keys } }
    create_timeout: 3s
    events:
      - keys sees: GET /keys
      - time passes: 3s
    refused: "filter 'fetch' is not ready after 3000 ms (create_timeout)"
  or cannot even ask for:
    handler: { fetch: { upstream: nowhere, path: /keys } }
    refused: "filter 'fetch': option 'upstream': it cannot be asked"

  clients that leave in a pause:
    filters: [{ pause: { hold: yes } }]
    events:
      - client sends: GET /
      - client leaves
      - client sends: GET /release
      - upstream answers: 204
      - client sees: 204
      - log says: "pause dropped: first"
  clients that read slowly:
    filters: [rewrite]
    events:
      - client stops reading
      - client sends: GET /
      - upstream answers: 200
        body: [one, two]
      - client sees: 200
        body: ONE
        unfinished: yes
      - client reads on
      - client sees more: TWO
  clients by TLS:
    handler: tls_facts.tell
    events:
      - client sends: GET /
        tls: { version: TLSv1.3, client_verified: "yes", client_subject: CN=alice }
      - client sees: 200
        body: "1=TLSv1.3\n6=yes\n7=CN=alice\n"
      - log says: { like: "*" }
  clients from somewhere:
    filters: [{ values: { attribute: a.seen, value: "{client.address} {scheme} {host}", request: "{a.seen}" } }]
    events:
      - client sends: GET /
        from: 2001:db8::1
        scheme: https
        headers: { host: shop.example }
      - upstream sees: GET /
        headers: { x-said: "2001:db8::1 https shop.example" }
        attributes: { a.seen: "2001:db8::1 https shop.example", other: ~ }
  upstreams that are chosen:
    filters: [{ values: { upstream: "{header.x-to}" } }]
    events:
      - client sends: GET /
        headers: { x-to: shop }
      - upstream sees: nothing
      - shop sees: GET /
      - shop answers: 204
      - client sees: 204

  bodies that are too large:
    filters: [headers]
    body_limit: 10
    events:
      - client sends: POST /
        body: eleven bytes
      - client sees: 413
  responses that are too short:
    filters: [headers]
    events:
      - client sends: GET /
      - upstream answers: 200
        headers: { content-length: "10" }
        body: short
      - client sees: 200
        headers: { content-length: "10" }
        broken: yes
      - log says: shorter than its head says
  lengths that are not known beforehand:
    filters: [headers]
    events:
      - client sends: POST /
        headers: { transfer-encoding: chunked }
        body: question
      - upstream sees: POST /
        headers: { content-length: ~ }
        body: question
      - upstream answers: 200
        headers: { transfer-encoding: chunked }
        body: answer
      - client sees: 200
        headers: { content-length: ~ }
        body: answer
END

my @names = $file =~ /^  (\w.*):$/mg;
shift @names while $names[0] =~ /^(?:fetch|timers)$/;
for my $chunk (0, 1, 4) {
    my $result = run_flexilib(['filter', 'test', '--chunk', $chunk, 'x.test.yaml'], file => 'x.test.yaml', config => $file, timeout => 120);
    my %held = reverse $result->{out} =~ /^(ok|not ok) \d+ - (.*)$/mg;
    for my $name (@names) {
        my $says_pieces = $chunk == 1 && $name eq 'clients that read slowly';
        is($held{$name}, $says_pieces ? 'not ok' : 'ok', "$name, with --chunk $chunk");
    }
    diag($result->{err}) if $chunk != 1 && $result->{err} ne '';
    is(scalar(keys %held), scalar(@names), 'all of them were played') or diag(explain($result));
}

done_testing;
