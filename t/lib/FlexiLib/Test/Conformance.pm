package FlexiLib::Test::Conformance;

# What filters may rely on, as one table for all languages: what is done to a request, what the upstream sees of it, and
# what the client gets. t/conformance has a library for each language; its filter `conformance` follows the script that
# it finds in a field of the request, x-do unless its option `script` says otherwise:
#
#     HOOK VERB WORD...; HOOK VERB WORD...
#
# HOOK is request-head, request-body, response-head, response-body, reply-body, resume or end; the commands of a hook are
# followed each time it is called. Words are separated by single spaces, %XX in them stands for a byte. A body hook
# without commands passes what it is given. Verbs (HALF is request or response):
#
#     set HALF NAME VALUE, add HALF NAME VALUE, remove HALF NAME        change fields
#     tell HALF NAME GETTER [WORD...]                                   sets a field to what a getter says
#     set-method, set-scheme, set-authority, set-path, set-query, set-status, set-upstream VALUE; set-attribute NAME VALUE
#     collect HALF LIMIT, hold HALF, decode HALF, skip HALF             what becomes of a body
#     pass, write TEXT, upper, tail TEXT (in the last call only), drop  in body hooks
#     reply STATUS TYPE TEXT, lend STATUS TYPE TEXT, stream STATUS TYPE, chunks COUNT TEXT (in reply-body)
#     pause TEXT, timer MS, offload TEXT, fetch UPSTREAM PATH           a thread, a timer, the pool, a fetch end a pause
#     tick COUNT, upload UPSTREAM PATH TEXT, cancel UPSTREAM PATH       so do a timer that repeats, a fetch with a body (TEXT
#                                                                       twice), and one that is cancelled
#     increment KEY NUMBER, put KEY TEXT, put-new KEY TEXT, put-over KEY WAS TEXT, take-away KEY, get KEY      the dictionary
#     put-briefly KEY TEXT                                              the same by a time of less than a millisecond, or past
#     count LABEL NUMBER, level NUMBER, observe NUMBER                  metrics
#     fail, answer NUMBER, throw TEXT, log TEXT
#
# Getters: method, scheme, authority, path, query, address, has-port, route, request-id, trace-id, status, header HALF
# NAME, headers HALF, attribute NAME, tls FACT, expansion, match TEXT, in-ranges ADDRESS, result (of the last pause, or
# dictionary call), count (how often it was asked in this exchange). A call that refuses adds its verb to the field
# x-refused of the half that is under way.
#
# Its filter `blocking` does the same on threads of the pool; `options` is a handler that takes an option of each type and replies with them; `observer` is marked
# FLEXILIB_OBSERVES, and logs how many bytes the bodies had; `ticker` is a handler that streams, and pauses without an on_resume.

use strict;
use warnings;

use FlexiLib::Test;
use FlexiLib::Test::ConformanceTable;
use FlexiLib::Test::Sdk;

use Exporter qw(import);
use IO::Compress::Gzip qw(gzip);

our @EXPORT = qw(conforms conformance_library);

# Runs the table with the library of a language: on the worker's loop, and on threads of the pool.
sub conforms {
    my ($language) = @_;
    my $library  = conformance_library($language);
    my $backend  = start_backend(sub { answer($_[0], 'upstream') });
    my $other    = start_backend(sub { answer($_[0], 'other') });
    my $config   = configuration($library, $backend, $other);
    my $flexilib = start_flexilib(config => $config);
    try_rows($language, $flexilib, @conformance_table);
    my $metrics = run_command([build_folder() . '/flexilib', 'metrics', '-c', 'flexilib.yaml'], dir => $flexilib->dir)->{out};
    like($metrics, qr/^conformance_total\{label="red"\} 5\n/m,   "$language: what was counted is told");
    like($metrics, qr/^conformance_total\{label="green"\} 1\n/m, "$language: for each label");
    like($metrics, qr/^conformance_level 3\n/m,                   "$language: and what was set");
    like($metrics, qr/^conformance_size_bucket\{le="1"\} 1\n.*\{le="10"\} 2\n.*\{le="\+Inf"\} 3\nconformance_size_sum 56\nconformance_size_count 3\n/m,
        "$language: and observed");
    $flexilib->stop;

    my $blocking = start_flexilib(config => blocking($config));
    try_rows("$language, blocking", $blocking, grep { my (undef, undef, %row) = @$_; ($row{path} // '') !~ m{^/(?:with|watched)$} } @conformance_table);
    $blocking->stop;
    isolated_conform($language, $library, $config);
    return options_conform($language, $library);
}

# The same in a process of its own, where only requests of filters' own are not to be had.
sub isolated_conform {
    my ($language, $library, $config) = @_;
    $config =~ s/^libraries: .*$/libraries: { conformance: { path: $library, isolate: process } }/m;
    $config =~ s/offload, fetch, dictionary/offload, dictionary/;
    my $isolated = start_flexilib(config => $config);
    try_rows("$language, isolated", $isolated, grep { $_->[1] !~ /\b(?:fetch|upload|cancel) / } @conformance_table);
    $isolated->stop;
    return;
}

# The same with the filter that may block.
sub blocking {
    my ($config) = @_;
    $config =~ s/\[conformance, \{ conformance:/[conformance.blocking, { conformance.blocking:/;
    $config =~ s/(handler: |use: |- )conformance(?=[ ,:}])/$1conformance.blocking/g;
    return $config;
}

sub try_rows {
    my ($title, $flexilib, @rows) = @_;
    my ($language) = $title =~ /^(\w+)/;
    for my $row (@rows) {
        my ($claim, $script, %row) = @$row;
      SKIP: {
            skip "$title: $claim: $row{but}{$language}", 1 if $row{but}{$language};
            my $response = ask($flexilib, $script, %row);
            my @wrong    = (compare_response($response, %row), compare_seen($response, %row));
            is(join("\n", @wrong), '', "$title: $claim");
            ok($flexilib->wait_log($row{log}), "$title: $claim, in the log") if $row{log};
        }
    }
    my $ends = () = $flexilib->log =~ /filter 'conformance(?:\.blocking)?': over \(request/g;
    is($ends, 1, "$title: the end comes once");
    return;
}

my %given = (
    'bool'      => ['on',                                       'yes'],
    'integer'   => ['-5',                                       '-5'],
    'duration'  => ['1.5s',                                     '1500'],
    'size'      => ['64KB',                                     '65536'],
    'text'      => ['"some: text"',                             'some: text'],
    'list'      => ['[a, "b c"]',                               'a,b c'],
    'map'       => ['{ b: 1, a: two }',                         'b:1,a:two'],
    'secret'    => ['hidden',                                   'hidden'],
    'file'      => ['./note.txt',                               'what is noted'],
    'number'    => ['0.25',                                     '0.25'],
    'choice'    => ['green',                                    '1 green'],
    'regex'     => ['"([0-9]+)"',                               '123'],
    'template'  => ['"{method} of {path}"',                     'GET of /options'],
    'upstream'  => ['main',                                     'main'],
    'ranges'    => ['[10.0.0.0/8]',                             'in'],
    'directory' => ['./folder',                                 '/folder'],
    'table'     => ['{ rate: 2.5, label: fast }',               '2.5/fast'],
    'list-of'   => ['[{ rate: 1 }, { rate: 2, label: two }]',   '1/none,2/two'],
    'map-of'    => ['{ x: 1, y: -2 }',                          'x:1,y:-2'],
    'any'       => ['{ a: [1, { b: c }], d: null }',            '{a:[1,{b:c}],d:null}'],
);
my @given = qw(bool integer duration size text list map secret file number choice regex template upstream ranges directory table
    list-of map-of any);

sub options_configuration {
    my ($library, %value) = @_;
    my $options = join ', ', map { "$_: $value{$_}" } grep { defined $value{$_} } @given;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
libraries: { conformance: $library }
upstreams: { main: "http://127.0.0.1:1" }
routes:
  - { match: /, handler: { conformance.options: { $options } } }
END
}

# Options of every type arrive as they were written, and are refused at their places.
sub options_conform {
    my ($language, $library) = @_;
    my %files    = ('note.txt' => 'what is noted', 'folder/file' => '');
    my %written  = map { $_ => $given{$_}[0] } @given;
    my $flexilib = start_flexilib(config => options_configuration($library, %written), files => \%files);
    is(request($flexilib, GET => '/options')->body, join('', map { "$_=$given{$_}[1]\n" } @given), "$language: options of every type arrive");
    $flexilib->stop;
    $flexilib = start_flexilib(config => options_configuration($library));
    is(request($flexilib, GET => '/options')->body, join('', map { "$_=" . ($_ eq 'duration' ? 1000 : '') . "\n" } @given),
        "$language: those that were not written are not there");
    $flexilib->stop;
    my %refused = (
        'text'    => ['evil',                 qr/^\S* ?flexilib\.yaml:6:\d+: filter 'conformance\.options': option 'text': it is evil/m],
        'list-of' => ['[{ rate: 1 }, { rate: 1001 }]', qr/flexilib\.yaml:6:\d+: filter 'conformance\.options': .*1000 is the most/],
        'integer' => ['100',                  qr/flexilib\.yaml:6:\d+: .*'integer'.*99/],
        'choice'  => ['grey',                 qr/flexilib\.yaml:6:\d+: .*green/],
        'table'   => ['{ label: x }',         qr/flexilib\.yaml:6:\d+: .*rate/],
    );
    for my $name (sort keys %refused) {
        my ($value, $sentence) = @{ $refused{$name} };
        my $result = run_flexilib(['check', '-c', 'flexilib.yaml'], config => options_configuration($library, $name => $value));
        like($result->{err}, $sentence, "$language: a bad '$name' is refused at its place");
    }
    my $late = start_flexilib(config => options_configuration($library, text => 'late'));
    like(request($late, GET => '/')->body, qr/^text=late$/m, "$language: a filter may be ready later");
    $late->stop;
    my $hopeless = run_flexilib(['-c', 'flexilib.yaml'], config => options_configuration($library, text => '"late it is hopeless"'));
    like($hopeless->{err}, qr/flexilib\.yaml:6:\d+: filter 'conformance\.options': it is hopeless/, "$language: or never");
    my $thrown = run_flexilib(['check', '-c', 'flexilib.yaml'], config => options_configuration($library, text => 'throw'));
    like($thrown->{err}, qr/flexilib\.yaml:6:\d+: filter 'conformance\.options': .*has thrown: mischief/, "$language: what is thrown in create refuses");
    return;
}

sub conformance_library {
    my ($language) = @_;
    my %source = (
        c    => 'c/conformance.c',
        cpp  => 'cpp/conformance.cpp',
        rust => 'rust/conformance.rs',
        go   => 'go',
        zig  => 'zig/conformance.zig',
    );
    need_sdk($language);
    return sdk_library($language, "t/conformance/$source{$language}");
}

sub configuration {
    my ($library, $backend, $other) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: 1
trusted_proxies: [127.0.0.1]
libraries: { conformance: $library }
upstreams:
  main: "@{[$backend->url]}"
  other: "@{[$other->url]}"
routes:
  - { match: /handler, handler: conformance }
  - { match: /ticks, handler: conformance.ticker }
  - match: /two
    filters: [conformance, { conformance: { script: x-do-2 } }]
    proxy: main
  - match: /open
    filters: [{ use: conformance, on_error: open }]
    proxy: main
  - match: /watched
    filters: [conformance.observer]
    proxy: main
  - match: /with
    filters: [{ conformance: { extensions: [timer, offload, fetch, dictionary, metrics] } }]
    proxy: main
  - match: /
    name: rest
    filters:
      - conformance:
          expansion: "{method} {path} {query.q} {a.b}"
          pattern: "([a-z]+)([0-9]+)"
          ranges: [127.0.0.0/8, "::1"]
    proxy: main
END
}

# An upstream: shows in x-saw, in hexadecimal digits, all that it was asked, and answers as x-answer says.
sub answer {
    my ($connection, $name) = @_;
    while (my $request = $connection->read_request) {
        my $saw  = unpack 'H*', $request->head . $request->body;
        my $how  = $request->header('x-answer') // '';
        my $head = "X-From: $name\r\nX-Saw: $saw\r\n";
        my $body = $request->target eq '/uploaded' ? $request->method . ' ' . $request->body : $request->target eq '/fetched' ? 'fetched' : $how eq 'large' ? 'some text and ' x 20_000 : "Hello from $name\n";
        if ($how eq 'chunked') {
            $connection->send("HTTP/1.1 200 OK\r\n${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
        } elsif ($how eq 'none') {
            $connection->send("HTTP/1.1 204 No Content\r\n$head\r\n");
        } else {
            if ($how =~ /^(?:gzip|odd)$/) {
                $head .= "Content-Encoding: $how\r\nETag: \"packed\"\r\n";
                $body = 'packed text';
                gzip(\'packed text', \$body) if $how eq 'gzip';
            }
            $head .= 'Content-Length: ' . length($body) . "\r\n";
            $connection->send("HTTP/1.1 200 OK\r\n$head\r\n" . ($request->method eq 'HEAD' ? '' : $body));
        }
    }
    return;
}

sub ask {
    my ($flexilib, $script, %row) = @_;
    my @headers = ('x-do' => $script, defined $row{do2} ? ('x-do-2' => $row{do2}) : (), @{ $row{headers} // [] });
    return request(
        $flexilib,
        $row{method} // 'GET',
        $row{path}   // '/',
        headers => \@headers,
        defined $row{host}      ? (host   => $row{host})      : (),
        defined $row{body_sent} ? (body   => $row{body_sent}) : (),
        defined $row{chunks}    ? (chunks => $row{chunks})    : (),
    );
}

sub differs {
    my ($what, $got, $expected) = @_;
    my $is_alike = !defined $expected ? !defined $got : ref $expected ? defined $got && $got =~ $expected : defined $got && $got eq $expected;
    return if $is_alike;
    return "$what is " . short($got) . ' and not ' . short($expected);
}

sub short {
    my ($text) = @_;
    return 'missing' if !defined $text;
    return length $text > 200 ? "'" . substr($text, 0, 200) . "...' (" . length($text) . ' bytes)' : "'$text'";
}

sub fields_of {
    my ($message, $name) = @_;
    my @values = $message->headers($name);
    return @values ? join '|', @values : undef;
}

sub compare_response {
    my ($response, %row) = @_;
    my $body = exists $row{body} ? $row{body} : ($row{method} // '') eq 'HEAD' ? '' : "Hello from upstream\n";
    return (
        differs('the status', $response->status, $row{status} // 200),
        differs('the body',   $response->body,   $body),
        $response->is_complete ? () : 'the response is cut',
        map { differs("the response's $_", fields_of($response, $_), $row{header}{$_}) } sort keys %{ $row{header} // {} });
}

sub compare_seen {
    my ($response, %row) = @_;
    my $saw = $response->header('x-saw');
    return if !exists $row{saw};
    return differs('what the upstream saw', defined $saw ? pack 'H*', $saw : undef, undef) if !defined $row{saw};
    return 'the upstream was not asked' if !defined $saw;
    my $message = parse(pack 'H*', $saw);
    return map { differs("the upstream's $_", $message->{$_}, $row{saw}{$_}) } sort keys %{ $row{saw} };
}

# A request as the upstream saw it, as a hash of fields and method, target and body.
sub parse {
    my ($bytes) = @_;
    my ($head, $body) = $bytes =~ /^(.*?\r\n)\r\n(.*)$/s;
    my ($line, @fields) = split /\r\n/, $head;
    my %message = (body => $body);
    @message{qw(method target)} = split / /, $line;
    for my $field (@fields) {
        my ($name, $value) = $field =~ /^([^:]+): *(.*)$/s;
        $name = lc $name;
        $message{$name} = defined $message{$name} ? "$message{$name}|$value" : $value;
    }
    return \%message;
}

1;
