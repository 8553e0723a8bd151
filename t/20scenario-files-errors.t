# Every mistake in a scenario file is told with its place and in these very words.
#
# A case is [claim, the file, the first line of the message]. Those that begin with two blanks are events of a scenario
# that stands from line 4 on; `events:` may precede them.

use lib 't/lib';
use FlexiLib::Test;

my @cases = (
    # the file
    ['no scenarios', "filters: [headers]\n", "1:1: 'scenarios' is missing in a scenario file"],
    ['scenarios that are a list', "filters: [headers]\nscenarios: [a]\n", "2:12: 'scenarios' wants a mapping of names to events, not a list"],
    ['no scenario at all', "filters: [headers]\nscenarios: {}\n", "2:12: 'scenarios' wants a mapping of names to events, not an empty one"],
    ['an unknown key', "filter: [headers]\nscenarios: { a: [] }\n", "1:1: unknown key 'filter' in a scenario file (did you mean 'filters'?)"],
    ['nothing to test', "scenarios: { a: [] }\n", "1:14: there is nothing to test: neither 'filters' nor a 'handler' is named"],
    ['two scenarios of a name', "filters: [headers]\nscenarios:\n  a: []\n  a: []\n", "4:3: duplicate key 'a' (first in line 3)"],
    ['a filter that is not there', "filters: [./nowhere.so]\nscenarios: { a: [] }\n", qr{^1:11: there is no file '.*/nowhere\.so'}],
    ['a library that is not there', "libraries: { a: ./nowhere.so }\nhandler: a\nscenarios: { a: [] }\n", qr{^1:17: library 'a': there is no file '.*/nowhere\.so'}],
    ['a handler that may fail open', "handler: { use: hello, on_error: open }\nscenarios: { a: [] }\n", "1:34: a handler cannot be skipped: 'on_error: open' is for filters"],
    ['a name for nobody else', "filters: [headers]\nupstreams: [upstream]\nscenarios: { a: [] }\n", "2:13: 'upstream' cannot be the name of one more upstream: events mean somebody else by it"],
    ['an upstream called client', "filters: [headers]\nupstreams: client two\nscenarios: { a: [] }\n", "2:12: 'client two' cannot be the name of one more upstream: events mean somebody else by it"],
    ['an upstream that is no name', "filters: [headers]\nupstreams: [{ a: b }]\nscenarios: { a: [] }\n", "2:13: 'upstreams' wants a name or a list of names, not a mapping"],
    ['an upstream with a strange name', "filters: [headers]\nupstreams: [a b]\nscenarios: { a: [] }\n", qr{^2:13: .*'a b'}],
    ['a body limit that is none', "filters: [headers]\nbody_limit: much\nscenarios: { a: [] }\n", "2:13: 'body_limit' wants a size such as 512, 64KB or 16MB, not 'much'"],

    # a scenario
    ['a scenario that is a text', "filters: [headers]\nscenarios: { a: b }\n", "2:17: a scenario is a mapping, not a text"],
    ['a scenario without events', "filters: [headers]\nscenarios: { a: { filters: [] } }\n", "2:14: a scenario wants 'events', or 'refused'"],
    ['an unknown key in a scenario', "filters: [headers]\nscenarios: { a: { event: [] } }\n", "2:19: unknown key 'event' in a scenario (did you mean 'events'?)"],
    ['events that are no list', "filters: [headers]\nscenarios: { a: { events: { a: b } } }\n", "2:27: events are a list, not a mapping"],
    ['what comes before that is no list', "filters: [headers]\nbefore: x\nscenarios: { a: [] }\n", "2:9: events are a list, not a text"],
    ['a mistake in what comes before', "filters: [headers]\nbefore: [client leves]\nscenarios: { a: [] }\n", "2:10: 'client leves' is no event: it begins with who does what, as 'client sends' (did you mean 'client leaves'?)"],

    # who does what
    ['an event that is a list', "  - [a]\n", "4:5: an event is a mapping that begins with who does what, as 'client sends: GET /', not a list"],
    ['an event that is nothing', "  - ~\n", "4:5: an event is a mapping that begins with who does what, as 'client sends: GET /', not nothing"],
    ['an event that is none', "  - hello: world\n", "4:5: 'hello' is no event: it begins with who does what, as 'client sends'"],
    ['a misspelt verb', "  - client send: GET /\n", "4:5: 'client send' is no event: it begins with who does what, as 'client sends' (did you mean 'client sends'?)"],
    ['a verb alone', "  - sends: GET /\n", "4:5: 'sends' is no event: it begins with who does what, as 'client sends'"],
    ['details first', "  - body: x\n    client sends: GET /\n", "4:5: 'body' is no event: it begins with who does what, as 'client sends'"],
    ['a misspelt upstream', "  - upstraem sees: GET /\n", "4:5: 'upstraem' is neither 'client', nor 'upstream', nor one of those under 'upstreams' (did you mean 'upstream'?)"],
    ['an upstream behind a handler', "    handler: hello\n    events:\n      - upstream sees: GET /\n", "6:9: nothing is forwarded where there is a 'handler'"],
    ['a client that answers', "  - client answers: 200\n", "4:5: 'answers' is what an upstream does, not a client"],
    ['an upstream that leaves', "  - upstream leaves\n", "4:5: 'leaves' is what a client does, not an upstream"],
    ['a value where there is none', "  - client leaves: now\n", "4:20: 'client leaves' takes no value"],

    # values
    ['no request', "  - client sends\n", "4:5: 'client sends' wants a method and a target, as GET /path?query"],
    ['a request without a method', "  - client sends: /\n", "4:19: 'client sends' wants a method and a target, as GET /path?query, not '/'"],
    ['a request without a target', "  - client sends: GET\n", "4:19: 'client sends' wants a method and a target, as GET /path?query, not 'GET'"],
    ['a target with a blank', "  - client sends: GET /a b\n", "4:19: 'client sends' wants a method and a target, as GET /path?query, not 'GET /a b'"],
    ['a path that is refused', "  - client sends: GET /%00\n", "4:19: FlexiLib itself answers this target with 400 (the path is malformed): no filter sees it"],
    ['a status that is none', "  - client sees: ok\n", "4:18: 'client sees' wants a status, or 'nothing', not 'ok'"],
    ['a status that is too large', "  - client sees: 600\n", "4:18: 'client sees' wants a status, or 'nothing', not '600'"],
    ['an interim answer', "  - upstream answers: 103\n", "4:23: 'upstream answers' wants a status from 200 to 599, not '103'"],
    ['an answer that is a list', "  - upstream answers: [200]\n", "4:23: 'upstream answers' wants a status from 200 to 599, not a list"],
    ['no time', "  - time passes\n", "4:5: 'time passes' wants a duration, as 250ms or 30s"],
    ['a time that is none', "  - time passes: long\n", "4:18: 'time passes' wants a duration such as 250ms, 30s or 5m, not 'long'"],
    ['a line that is a list', "  - log says: [a]\n", "4:15: 'log says' wants what stands in a line of the log, not a list"],
    ['nothing more', "  - client sends more\n", "4:5: 'client sends more' wants what comes next of the body"],

    # details
    ['a detail that is unknown', "  - client sends: GET /\n    bdy: x\n", "5:5: unknown key 'bdy' in 'client sends' (did you mean 'body'?)"],
    ['a detail of another event', "  - upstream answers: 200\n    broken: yes\n", "5:5: unknown key 'broken' in 'upstream answers' (possible: 'headers', 'body', 'unfinished')"],
    ['a detail of nothing', "  - client sees: nothing\n    body: x\n", "5:5: unknown key 'body' in 'client sees' (possible: 'broken')"],
    ['a request that is broken', "  - upstream sees: GET /\n    broken: yes\n", "5:13: 'broken' is for responses: of a request that is given up, say 'is left'"],
    ['unfinished and broken', "  - client sees: 200\n    unfinished: yes\n    broken: yes\n", "6:13: 'unfinished' and 'broken' exclude each other"],
    ['headers twice', "  - client sees: 200\n    headers: {}\n    only_headers: {}\n", "6:19: 'headers' and 'only_headers' exclude each other"],
    ['headers that are a list', "  - client sees: 200\n    headers: [a]\n", "5:14: 'headers' wants a mapping of names to values, not a list"],
    ['a field that cannot be one', "  - client sends: GET /\n    headers: { \"a b\": c }\n", "5:16: 'a b' cannot be the name of a field"],
    ['a field of the connection', "  - client sends: GET /\n    headers: { Connection: close }\n", "5:16: 'Connection' belongs to a connection: filters never see it, nor do scenarios"],
    ['a field without a value', "  - client sends: GET /\n    headers: { a: }\n", "5:19: 'a' has no value"],
    ['a value that cannot be one', "  - client sends: GET /\n    headers: { a: \"b\\nc\" }\n", "5:19: no field can have this value: it holds a control character, or a blank at an end"],
    ['a pattern that is sent', "  - client sends: GET /\n    headers: { a: { like: b* } }\n", "5:27: 'like' is for what is to be seen, not for what is sent"],
    ['an attribute without a name', "  - client sees: 200\n    attributes: [a]\n", "5:17: 'attributes' wants a mapping of names to values, not a list"],
    ['a fact that is none', "  - client sends: GET /\n    tls: { versoin: x }\n", "5:12: unknown key 'versoin' in 'tls' (did you mean 'version'?)"],
    ['a scheme that is none', "  - client sends: GET /\n    scheme: ftp\n", "5:13: 'scheme' must be 'http' or 'https', not 'ftp' (did you mean 'http'?)"],

    # bodies
    ['no body', "  - client sends: GET /\n    body:\n", "5:10: 'body' has no value (write \"\" for nothing at all)"],
    ['a list in a list', "  - client sends: GET /\n    body: [[a]]\n", "5:12: a piece of 'body' is a text or a mapping, not a list"],
    ['bytes of no kind', "  - client sends: GET /\n    body: {}\n", "5:11: 'body' wants one of 'like', 'hex', 'gzip', 'file' and 'repeat'"],
    ['bytes of two kinds', "  - client sends: GET /\n    body: { hex: 00, repeat: a, times: 2 }\n", "5:30: 'hex' and 'repeat' exclude each other"],
    ['digits that are none', "  - client sends: GET /\n    body: { hex: 0g }\n", "5:18: 'hex' wants hexadecimal digits, not 'g'"],
    ['half a byte', "  - client sends: GET /\n    body: { hex: 000 }\n", "5:18: 'hex' wants two digits for each byte"],
    ['a repetition without end', "  - client sends: GET /\n    body: { repeat: a }\n", "5:21: 'repeat' wants 'times' beside it"],
    ['a repetition of nothing', "  - client sends: GET /\n    body: { hex: 00, times: 3 }\n", "5:29: 'times' goes with 'repeat' only"],
    ['a repetition that is too long', "  - client sends: GET /\n    body: { repeat: abcd, times: 100000000 }\n", "5:34: that is more than 256MB"],
    ['a file that is not there', "  - client sends: GET /\n    body: { file: nowhere }\n", qr{^5:19: 'file': cannot read '.*/nowhere': No such file or directory}],
    ['a pattern in pieces', "  - client sees: 200\n    body: [{ like: a* }]\n", "5:12: 'like' is for a whole, not for a piece of it"],
);

for my $case (@cases) {
    my ($claim, $content, $message) = @$case;
    $content = "filters: [headers]\nscenarios:\n  x:\n" . $content if $content =~ /^  - /;
    $content = "filters: [headers]\nscenarios:\n  x:\n" . $content if $content =~ /^    /;
    my $result = run_flexilib(['filter', 'test', 'x.test.yaml'], file => 'x.test.yaml', config => $content);
    my ($first) = split /\n/, $result->{err};
    $first =~ s/^# x\.test\.yaml://;
    subtest $claim => sub {
        ref $message ? like($first, $message, 'the message') : is($first, $message, 'the message');
        is($result->{status}, 1, 'the status');
        is($result->{out}, "# x.test.yaml\nnot ok 1 - x.test.yaml can be read\n1..1\n", 'TAP');
    };
}

done_testing;
