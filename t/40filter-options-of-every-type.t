# Options of all types reach a filter from a configuration, nested ones too, and what is wrong with one is told with its
# place.

use lib 't/lib';
use FlexiLib::Test;

my $library = test_library('options');

my $config = <<"END";
listen: 127.0.0.1:0
workers: 1
upstreams:
  shop: "http://127.0.0.1:1"
routes:
  - match: /
    handler:
      use: $library
      options:
        bool: on
        integer: 7
        size: 2KB
        list: [a, b]
        map: { x: y, "z": "\${NAME}" }
        secret: hush
        file: ./content
        number: -2.5e-1
        choice: green
        regex: '^/(\\w+)(?:/(\\d+))?(x)?'
        upstream: shop
        ranges: [10.0.0.0/8, private]
        directory: ./folder
        limit: { burst: 3 }
        keys:
          - id: one
            secret: s1
          - { id: two, paths: ["^/a", b] }
        weights: { stable: 0.9, next: 0.1e0 }
        any:
          list: [1, ~, []]
          deep: { a: { b: "c d" } }
END

my $flexilib = start_flexilib(
    config        => $config, env => { NAME => 'value' },
    expect_alerts => qr/was killed by signal 9/,
    files         => { content => "of the file", 'folder/x' => '' },
);
my $folder = $flexilib->dir;
my $told   = request($flexilib, GET => '/abc/42')->body;
is($told, <<"END", 'everything arrives');
bool 1
integer 7
duration 1500
size 2048
list 'a''b'
map 'x''y''z''value'
secret 'hush'
file 'of the file'
number -0.25
choice 1 'green'
regex regex
upstream 'shop'
ranges ranges
directory '$folder/folder'
limit (rate 2.5, burst 3)
keys ((id 'one', secret 's1', paths -), (id 'two', secret -, paths (regex, regex)))
weights (stable 0.9, next 0.1)
any {list: ['1'\@30, null\@30, []\@30]\@30, deep: {a: {b: 'c d'\@31}\@31}\@31}\@30
match 4 '/abc/42' 'abc' '42' none
peer inside
END
like(request($flexilib, GET => '/abc')->body, qr/^match 4 '\/abc' 'abc' none none$/m, 'groups that took no part are told apart');
like(request($flexilib, GET => '/%20')->body, qr/^match 0$/m, 'and what matches nothing');

# A folder that has gone since does not keep a crashed worker from being replaced.
unlink "$folder/folder/x";
rmdir "$folder/folder" or die "rmdir: $!";
my ($worker) = $flexilib->worker_pids;
kill 'KILL', $worker;
$flexilib->wait_log(qr/alert: worker $worker /);
is(request($flexilib, GET => '/abc/42')->body, $told, 'the next worker knows the same');
isnt(($flexilib->worker_pids)[0], $worker, 'being another process');

# Options, the text that the message points at, and the message.
my @wrong = (
    ['number: [1]',                 '[1]', q{'number' wants a number such as 0.5, 2 or 1e3, not a list}],
    ['integer: 0',                  '0',   q{'integer' must be at least 1, not 0}],
    ['duration: 2m',                '2m',  q{'duration' must be from 1ms to 1m, not 2m}],
    ['choice: blue',                'blue', q{'choice' must be 'red', 'green' or 'dark blue', not 'blue'}],
    ['regex: "a{2,1}"', '"a{2', q{'regex' wants a regular expression, not 'a{2,1}': numbers out of order in {} quantifier (behind its byte 5)}],
    ['upstream: shpo',              'shpo', q{'upstream': upstream 'shpo' is not defined (did you mean 'shop'?)}],
    ['ranges: [10.0.0.0/33]',       '10.',  q{'10.0.0.0/33' wants a number from 0 to 32 after its '/'}],
    ['directory: ./nowhere',        './no', q{'directory': there is no folder 'DIR/nowhere'}],
    ['limit: { burst: 3, rat: 1 }', 'rat:', q{unknown key 'rat' in 'limit' (did you mean 'rate'?)}],
    ['limit: { rate: 1 }',          '{ rate', q{'burst' is missing in 'limit'}],
    ['limit: { burst: 101 }',       '101', q{'burst' must be from 1 to 100, not 101}],
    ['keys: [{ id: x, paths: ["("] }]', '"("', q{an item of 'paths' wants a regular expression, not '(': missing closing parenthesis (behind its byte 1)}],
    ['weights: { a: 2 }',        '2', q{an entry of 'weights' must be from 0 to 1, not 2}],
    ['veto: number, number: 1', '1', q{filter 'options': option 'number': has fallen out of favour}],
    ['veto: limit.burst, limit: { burst: 5 }', '5', q{filter 'options': option 'burst' of 'limit': has fallen out of favour}],
    ['veto: limit.rate, limit: { burst: 5 }', '{ burst', q{filter 'options': option 'rate' of 'limit': has fallen out of favour}],
    ['veto: keys.1, keys: [{ id: a }, { id: b }]', '{ id: b', q{filter 'options': an item of option 'keys': has fallen out of favour}],
    ['veto: weights.0, weights: { a: 0.5 }', '0.5', q{filter 'options': an entry of option 'weights': has fallen out of favour}],
    ['veto: duration', undef, q{filter 'options': option 'duration': has fallen out of favour}],
);
for my $case (@wrong) {
    my ($options, $pointed, $message) = @$case;
    my $dir    = make_folder();
    my $line   = "    options: { $options }";
    my $result = run_flexilib(['check'], dir => $dir, config => <<"END");
listen: 127.0.0.1:0
upstreams: { shop: "http://127.0.0.1:1" }
libraries: { options: $library }
routes:
- match: /
  handler:
    use: options
$line
END
    $message =~ s/DIR/$dir/;
    is($result->{status}, 78, "$options: refused");
    my ($place, $told) = $result->{err} =~ /^flexilib\.yaml:(\d+:\d+): (.*)$/m;
    is($told, $message, "$options: what is wrong") or diag($result->{err});
    is($place, defined $pointed ? '8:' . (1 + rindex $line, $pointed) : '7:10', "$options: where");
}

done_testing;
