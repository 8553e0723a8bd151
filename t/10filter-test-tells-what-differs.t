# `flexilib filter test` says of each scenario whether it holds, and otherwise where and why not, in these very words.
#
# A case is [claim, the scenario, what standard error says]: the place of the message is that of the line that ends in
# `# here`, and for all without one that of the scenario's name. Where nothing is said, the scenario holds.

use lib 't/lib';
use FlexiLib::Test;

my $libraries = build_folder() . '/t/lib';
my @names     = qw(crash failing fatal pause print);
my $head      = "libraries: { " . join(', ', map { "$_: $libraries/$_.so" } @names) . " }\n" . <<'END';
filters: [{ headers: { response_set: { x-set: new }, response_add: { x-add: b } } }]
scenarios:
END

my @cases = (
    ['what is as it should be', <<'END', ''],
    - client sends: GET /
    - upstream answers: 200
      headers: { X-Kept: "yes" }
      body: [one, two]
    - client sees: 200
      headers: { x-kept: "yes", x-set: new, x-other: ~, content-length: 6 }
      body: onetwo
END
    ['another status, other fields and another body', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 404
      headers: { x-kept: "yes", x-add: a }
      body: "one\ntwo\nthree"
    - client sees: 200 # here
      headers: { x-set: old, x-missing: here, x-kept: ~, x-add: [a, b] }
      body: "one\nzwei\nthree\n"
END
'client' sees something else
- 200
+ 404
+ x-kept: yes
  x-add: a
- x-set: old
+ x-set: new
  x-add: b
  content-length: 13
- x-missing: here

  one
- zwei
+ two
  three
+ (no line break at the end)
MESSAGE
    ['fields that should not be there', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 200
      headers: { x-kept: "yes" }
    - client sees: 200 # here
      only_headers: { x-set: new, x-add: b }
END
'client' sees something else
  200
+ x-kept: yes
  x-set: new
  x-add: b
  content-length: 0
MESSAGE
    ['patterns', <<'END', ''],
    - client sends: GET /
    - upstream answers: 200
      body: one two three
    - client sees: 200
      headers: { x-set: { like: "n*w" }, x-add: { like: "*" } }
      body: { like: "one*three" }
END
    ['a pattern that does not hold', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 200
    - client sees: 200 # here
      headers: { x-set: { like: "*o*" } }
END
'client' sees something else
  200
- x-set: *o*   (like this)
+ x-set: new
  x-add: b
  content-length: 0
MESSAGE
    ['bytes that are no text', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 200
      body: { hex: 00ff410a1b42 }
    - client sees: 200 # here
      body: { hex: 00fe410a1b42 }
END
'client' sees something else
  200
  ...
  x-add: b
  content-length: 6

- \x00\xfeA
+ \x00\xffA
  \x1bB
MESSAGE
    ['a line among many', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 200
      body: [{ repeat: "line\n", times: 50 }, "odd\n", { repeat: "line\n", times: 50 }]
    - client sees: 200 # here
      body: { repeat: "line\n", times: 101 }
END
'client' sees something else
  200
  ...
  line
  line
  line
- line
+ odd
  line
  line
  line
  ...
MESSAGE
    ['the end of a long line', <<'END', <<"MESSAGE"],
    - client sends: GET /
    - upstream answers: 200
      body: { repeat: x, times: 1000 }
    - client sees: 200 # here
      body: { repeat: x, times: 999 }
END
'client' sees something else
  200
  ...
  x-add: b
  content-length: 1000

- @{['x' x 158]}... (841 bytes more)
+ @{['x' x 158]}... (842 bytes more)
  (the bodies differ from byte 1000 on)
MESSAGE
    ['an answer that never comes', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - client sees: 200 # here
END
'client' sees nothing: the request waits for 'upstream' to answer
- 200
+ nothing
MESSAGE
    ['a request that was never sent', <<'END', <<'MESSAGE'],
    - client sees: 200 # here
END
'client' sees nothing: it has sent no request
- 200
+ nothing
MESSAGE
    ['a body that is unfinished', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 200
      body: one
      unfinished: yes
    - client sees: 200 # here
      body: one two
END
'client' sees this much only: the answer of 'upstream' is unfinished
  200
  x-set: new
  x-add: b

- one two
+ one
+ (unfinished)
MESSAGE
    ['a body that is finished too soon', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 200
      body: one
    - client sees: 200 # here
      body: one
      unfinished: yes
END
'client' sees something else
  200
  ...
  content-length: 3

  one
- (unfinished)
MESSAGE
    ['a response that is cut', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 200
      body: one
      unfinished: yes
    - upstream breaks off
    - client sees: 200 # here
      body: one
END
'client' sees something else
  200
  ...
  x-add: b

  one
+ (cut off)
MESSAGE
    ['a response that is cut, which nobody says', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream answers: 200
      body: one
      unfinished: yes
    - upstream breaks off
    - client sees: 200
END
no event tells that the response to 'client' is broken
MESSAGE
    ['a response that is cut as it should be', <<'END', ''],
    - client sends: GET /
    - upstream answers: 200
      body: one
      unfinished: yes
    - upstream breaks off
    - client sees: 200
      body: one
      broken: yes
END
    ['a request that nobody tells of', <<'END', <<'MESSAGE'],
    - client sends: GET /
END
no event tells that 'upstream' sees GET /
MESSAGE
    ['another request', <<'END', <<'MESSAGE'],
    - client sends: GET /a
    - upstream sees: POST /a # here
END
'upstream' sees something else
- POST /a
+ GET /a
  host: example.com
MESSAGE
    ['a body that goes on otherwise', <<'END', <<'MESSAGE'],
    - client sends: POST /a
      body: one
      unfinished: yes
    - upstream sees: POST /a
      body: one
      unfinished: yes
    - client sends more: two
    - upstream sees more: three # here
END
'upstream' sees something else
- three
+ two
MESSAGE
    ['a request of a client that waits', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - client sends: GET / # here
END
'client' cannot do this: its earlier request is still under way
MESSAGE
    ['an answer to nobody', <<'END', <<'MESSAGE'],
    - upstream answers: 200 # here
END
'upstream' cannot do this: no request waits there for an answer
MESSAGE
    ['an answer where a filter has answered', <<'END', <<'MESSAGE'],
    filters: [hello]
    events:
    - client sends: GET /
    - upstream answers: 200 # here
END
'upstream' cannot do this: no request waits there for an answer: client has been answered with 200
MESSAGE
    ['more of what is complete', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - client sends more: x # here
END
'client' cannot do this: it has no request under way that is unfinished
MESSAGE
    ['an upstream that is not left', <<'END', <<'MESSAGE'],
    - client sends: GET /
    - upstream is left # here
END
'upstream' cannot do this: whoever asked it still waits for the answer, or nobody has asked
MESSAGE
    ['leaving what was not begun', <<'END', <<'MESSAGE'],
    - client leaves # here
END
'client' cannot do this: it has no request under way
MESSAGE
    ['a line that the log does not have', <<'END', <<'MESSAGE'],
    filters: [print]
    events:
    - client sends: GET /
    - log says: something # here
END
the log has no such line
- something
+ print: created
+ print: request for /
MESSAGE
    ['lines that the log has', <<'END', ''],
    filters: [print]
    events:
    - log says: created
    - client sends: GET /
    - log says: { like: "print: *for /" }
    - upstream answers: 204
    - log says: "print: status 204"
    - client sees: 204
END
    ['a filter that is blamed', <<'END', <<'MESSAGE'],
    filters: [{ failing: { answer: 42 } }]
    events:
    - client sends: GET /
    - client sees: 503
END
no event tells that the log says
+ error: filter 'failing': answered 42 in on_request_head, which is no answer (request 0000000000000001)
MESSAGE
    ['a filter that is blamed as it should be', <<'END', ''],
    filters: [{ failing: { answer: 42 } }]
    events:
    - client sends: GET /
    - client sees: 503
    - log says: answered 42 in on_request_head, which is no answer
END
    ['a pause that nothing ends', <<'END', <<'MESSAGE'],
    filters: [{ pause: { never: yes } }]
    events:
    - client sends: GET /
    - client sees: 200 # here
END
'client' sees nothing: a filter pauses, and nothing ends the pause
- 200
+ nothing
MESSAGE
    ['a chain that cannot be made', <<'END', <<'MESSAGE'],
    filters: [{ headers: { request_set: { "a b": c } } }] # here:41
    events: [client sends: GET /]
END
filter 'headers': option 'request_set': a field's name is made of letters, digits and '-', without blanks
        filters: [{ headers: { request_set: { "a b": c } } }] # here:41
                                            ^
MESSAGE
    ['a chain that is refused with other words', <<'END', <<'MESSAGE'],
    filters: [{ headers: { request_set: { "a b": c } } }]
    refused: something else # here:14
END
the chain is refused with other words
- something else
+ x.test.yaml:LINE:41: filter 'headers': option 'request_set': a field's name is made of letters, digits and '-', without blanks
MESSAGE
    ['a chain that is not refused', <<'END', <<'MESSAGE'],
    filters: [headers]
    refused: something else # here:14
END
the chain is not refused
MESSAGE
    ['a library that crashes', <<'END', <<'MESSAGE'],
    filters: [{ crash: { hook: response_head } }]
    events:
    - client sends: GET /crash
    - upstream answers: 200
    - client sees: 200
END
the scenario was ended by signal 11 (Segmentation fault), in filter 'crash' (on_response_head) for request 0000000000000001 (GET /crash)
MESSAGE
    ['a library that leaves', <<'END', <<'MESSAGE'],
    filters: [{ fatal: { how: exit } }]
    events:
    - client sends: GET /
END
a library ended the scenario with status 3, in filter 'fatal' (create)
MESSAGE
    ['a library that hangs', <<'END', <<'MESSAGE'],
    filters: [{ fatal: { how: hang } }]
    events:
    - client sends: GET /
END
the scenario did not end: nothing has moved for 5 s, in filter 'fatal' (create)
MESSAGE
    ['what comes after all of that', <<'END', ''],
    - client sends: GET /
    - upstream answers: 200
    - client sees: 200
END
);

my $file   = $head;
my $number = $head =~ tr/\n//;
my (@results, $messages);
for my $case (@cases) {
    my ($claim, $scenario, $message) = @$case;
    $file .= "  $claim:\n$scenario";
    my $place = $number + 1 . ':3';
    my @lines = split /\n/, $scenario;
    for my $i (0 .. $#lines) {
        next if $lines[$i] !~ /# here(?::(\d+))?$/;
        $place = $number + 2 + $i . ':' . ($1 // 7);
    }
    my $first = $number + 2;
    $number += 1 + @lines;
    push @results, ($message eq '' ? 'ok ' : 'not ok ') . (@results + 1) . " - $claim\n";
    $message =~ s/LINE/$first/g;
    $messages .= "x.test.yaml:$place: $message" if $message ne '';
}

my $result = run_flexilib(['filter', 'test', 'x.test.yaml'], file => 'x.test.yaml', config => $file, timeout => 60);
my @seen   = split /^(?=# x\.test\.yaml:\d+:\d+: )/m, $result->{err};
my @wanted = split /^(?=# x\.test\.yaml:\d+:\d+: )/m, $messages =~ s/^/# /mgr;
is($result->{status}, 1, 'a scenario that does not hold makes it a failure');
is($result->{out}, join('', "# x.test.yaml\n", @results, '1..' . @results . "\n"), 'TAP says which scenarios hold');
for my $i (0 .. $#wanted) {
    is(without_blanks($seen[$i]), without_blanks($wanted[$i]), "message $i");
}
is(scalar @seen, scalar @wanted, 'no message more');

# What a crash leaves behind with sanitizers, and blanks at the ends of lines, are no matter here.
sub without_blanks {
    my ($text) = @_;
    $text = $text // '';
    $text =~ s/^# (?:=|AddressSanitizer|UndefinedBehavior).*//ms;
    return $text =~ s/[ \t]+$//mgr;
}

done_testing;
