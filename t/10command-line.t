# The command line: what each command prints and exits with.

use lib 't/lib';
use FlexiLib::Test;

my $config = <<'END';
listen: 127.0.0.1:0
routes:
  - { match: /, handler: hello }
END

sub is_run {
    my ($arguments, $status, $out, $err, $name, %option) = @_;
    my $result = run_flexilib($arguments, env => { FLEXILIB_CONFIG => undef }, %option);
    my $is_right = $result->{status} == $status && $result->{out} =~ $out && $result->{err} =~ $err;
    ok($is_right, $name) or diag(explain($result));
    return $result;
}

my $nothing = qr/\A\z/;
my $usage   = qr/usage: flexilib .*\n\z/;

is_run(['--version'], 0, qr/\Aflexilib \d+\.\d+\.\d+\n\z/, $nothing, '--version tells the version');
is_run(['-v'],        0, qr/\Aflexilib \d+\.\d+\.\d+\n\z/, $nothing, '-v too');
is_run(['-V'], 0, qr/\Aflexilib \S+\nfilter contract \d+\.\d+\nlibh2o \d\S*\nlibyaml \d\S*\nlibpcre2 \d\S*\njansson \d\S*\nc-ares \d\S*\nlibnghttp2 \d\S*\nzlib \d\S*\nlibbrotli \d\S*\nlibzstd \d\S*\n\z/,
    $nothing, '-V tells what it was built with');
is_run(['--help'], 0, qr/flexilib check/, $nothing, '--help explains');
my $help  = is_run(['help'], 0, qr/flexilib check/, $nothing, 'help too')->{out};
my $short = run_flexilib(['--frobnicate'])->{err};
my @words   = $help =~ /^  flexilib (\w+)/mg;
my @options = $help =~ /^  flexilib \[.*?(--[\w-]+).*?(--[\w-]+)/m;
is_deeply([grep { $short !~ /(?<![\w-])\Q$_\E\b/ } @words, @options], [], 'the usage line names all of it');
is_run(['server', 'shop', '-h'], 0, qr/flexilib check/, $nothing, 'and -h behind a command');

is_run(['--frobnicate'], 2, $nothing, qr/\Aflexilib: unknown option '--frobnicate'\n$usage/, 'an unknown option');
is_run(['--verson'], 2, $nothing, qr/\Aflexilib: unknown option '--verson' \(did you mean '--version'\?\)\n$usage/,
    'a misspelt option');
is_run(['chekc'], 2, $nothing, qr/\Aflexilib: unknown command 'chekc' \(did you mean 'check'\?\)\n$usage/,
    'a misspelt command');
is_run(['flexilib.yaml'], 2, $nothing, qr/\Aflexilib: unknown command 'flexilib\.yaml' \(a configuration is named with -c\)\n$usage/,
    'a file without -c');
is_run(['-c'], 2, $nothing, qr/\Aflexilib: -c needs the name of a file\n$usage/, '-c without a file');
is_run(['-c', 'a', '-c', 'b'], 2, $nothing, qr/\Aflexilib: -c stands there twice\n$usage/, '-c twice');
is_run(['check', 'help'], 2, $nothing, qr/\Aflexilib: 'help' does not go with another command\n$usage/, 'two commands');
is_run(['server', 'shop', 'http://a'], 2, $nothing, qr/\Aflexilib: server shop http:\/\/a lacks what to do: drain or ready\n$usage/, 'a server without a verb');
is_run(['server', 'shop', 'http://a', 'drian'], 2, $nothing, qr/\Aflexilib: 'drian' cannot be done to a server: drain and ready can\n$usage/, 'a verb that is none');
is_run(['server', 'shop', 'http://a', 'drain', 'x'], 2, $nothing, qr/\Aflexilib: 'x' is one too many: server takes UPSTREAM URL drain\|ready\n$usage/, 'an operand too many');
is_run(['server', '--jsn'], 2, $nothing, qr/\Aflexilib: unknown option '--jsn' \(did you mean '--json'\?\)\n$usage/, 'a misspelt option of server');
is_run(['check', '--json'], 2, $nothing, qr/\Aflexilib: --json goes with server and status only\n$usage/, '--json without server');
is_run(['filter'], 2, $nothing, qr/\Ausage: flexilib filter COMMAND \.\.\.\n/, 'filter alone');
is_run(['filter', 'tset'], 2, $nothing, qr/\Aflexilib: unknown command 'filter tset' \(did you mean 'test'\?\)\nusage: flexilib filter COMMAND/, 'a misspelt tool for filters');
is_run(['-c', 'x', 'filter', 'info'], 2, $nothing, qr/\Aflexilib: 'filter' comes first: its tools take other arguments\n$usage/, 'filter behind options');
is_run(['check', 'filter'], 2, $nothing, qr/\Aflexilib: 'filter' does not go with another command\n$usage/, 'filter behind another command');
is_run(['--worker'], 2, $nothing, qr/supervisor starts its workers/, 'the worker role is not for people');
is_run(['--worker', ('1') x 10], 2, $nothing, qr/supervisor starts its workers/, 'not with arguments either');

my %file = (config => $config);
is_run(['check', '-c', 'flexilib.yaml'],        0, qr/\Aflexilib\.yaml: ok\n\z/, $nothing, 'check says ok',          %file);
is_run(['-t', '-c', 'flexilib.yaml'],           0, qr/\Aflexilib\.yaml: ok\n\z/, $nothing, '-t is check',            %file);
is_run(['-cflexilib.yaml', 'check'],            0, qr/\Aflexilib\.yaml: ok\n\z/, $nothing, 'in any order',           %file);
is_run(['check', '--config=flexilib.yaml'],     0, qr/\Aflexilib\.yaml: ok\n\z/, $nothing, '--config=FILE is -c',    %file);
is_run(['check', '--config', './flexilib.yaml'], 0, qr{\A\./flexilib\.yaml: ok\n\z}, $nothing, 'files as they are named', %file);
is_run(['check'], 0, qr/\Aflexilib\.yaml: ok\n\z/, $nothing, './flexilib.yaml is found', %file);

(my $ini = <<"END") =~ s/LIBRARY/build_folder() . '\/filters\/hello.so'/e;
/ = LIBRARY
END
is_run(['check'], 0, qr/\Aproxy\.ini: ok\n\z/, $nothing, './proxy.ini is found', config => $ini, file => 'proxy.ini');
is_run(['check'], 0, qr/\Aflexilib\.yaml: ok\n\z/, $nothing, 'after flexilib.yaml', %file, files => { 'proxy.ini' => "wrong\n" });
is_run(['check'], 0, qr/\Aother\.yaml: ok\n\z/, $nothing, '$FLEXILIB_CONFIG comes first',
    config => "wrong: yes\n", files => { 'other.yaml' => $config }, env => { FLEXILIB_CONFIG => 'other.yaml' });
is_run(['check', '-c', 'flexilib.yaml'], 0, qr/\Aflexilib\.yaml: ok\n\z/, $nothing, '-c comes before that',
    %file, env => { FLEXILIB_CONFIG => 'other.yaml' });

is_run(['metrics'], 1, $nothing, qr/\Aerror: no FlexiLib of this user serves 'flexilib\.yaml'\n\z/, 'metrics where none runs', %file);
is_run([$_], 1, $nothing, qr/\Aerror: no FlexiLib of this user serves 'flexilib\.yaml'\n\z/, "$_ where none runs", %file) for qw(reload rollback status);
is_run(['reload', '--json'], 2, $nothing, qr/\Aflexilib: --json goes with server and status only\n$usage/, 'reload as JSON');
is_run(['check', '--last-good'], 2, $nothing, qr/\Aflexilib: --last-good goes with serving only\n$usage/, '--last-good without serving');
is_run(['metrics', 'x'], 2, $nothing, qr/\Aflexilib: unknown command 'x'\n$usage/, 'metrics of what');
is_run(['server'], 1, $nothing, qr/\Aerror: no FlexiLib of this user serves 'flexilib\.yaml'\n\z/, 'server where none runs', %file);
is_run(['server', 'check', 'http://a', 'ready'], 1, $nothing, qr/\Aerror: no FlexiLib/, 'an upstream may be called as a command is', %file);

SKIP: {
    skip 'this machine has a configuration', 2 if -e '/etc/flexilib/flexilib.yaml';
    my $none = qr{\Aerror: no configuration: .*\$FLEXILIB_CONFIG.*\./flexilib\.yaml.*\./proxy\.ini.*/etc/flexilib/flexilib\.yaml};
    is_run(['check'], 78, $nothing, $none, 'no configuration: all places are named');
    is_run([],        78, $nothing, $none, 'for serving too');
}

is_run(['check'], 78, $nothing, qr/\Aflexilib\.yaml:1:1: .*'lisen'.*did you mean 'listen'.*\n    lisen: 80\n    \^\n\z/,
    'check shows a mistake', config => "lisen: 80\n");
is_run(['check', '-c', 'nowhere.yaml'], 78, $nothing, qr/nowhere\.yaml/, 'a file that is not there');

my $mistake = is_run([], 78, $nothing, qr/error: flexilib\.yaml:1:1: .*'lisen'/, 'serving refuses a mistake', config => "lisen: 80\n");
like($mistake->{err}, qr/\] error: .*\n\S+ \[\d+\]     lisen: 80\n\S+ \[\d+\]     \^\n/, 'and shows the line');

# What a worker would refuse, the check refuses in the same words.
for my $case (
    ["user: nobody-of-that-name\n",     q{flexilib.yaml:1:7: user 'nobody-of-that-name' does not exist here}],
    ["access_log: no-folder/x.log\n",   q{flexilib.yaml:1:13: cannot open the access log 'DIR/no-folder/x.log': No such file or directory}],
    ["access_log: .\n",                 q{flexilib.yaml:1:13: cannot open the access log 'DIR': Is a directory}],
    ["access_log: no\n", q{flexilib.yaml:1:13: 'access_log' wants a path, 'stdout' or 'off', not 'no' (a file of that name is './no')}],
) {
    my ($text, $sentence) = @$case;
    for my $arguments (['check'], []) {
        my $folder = make_folder();
        my $wanted = quotemeta($sentence =~ s/DIR/$folder/r);
        is_run($arguments, 78, $nothing, qr/(?:\A| error: )$wanted\n/, "@$arguments: $text" =~ s/\n//r, config => $text . $config, dir => $folder);
    }
}

for my $closed (['0<&-', 'input'], ['1>&-', 'output'], ['2>&-', 'error'], ['0<&- 1>&- 2>&-', 'anything']) {
    my ($redirections, $what) = @$closed;
    my $folder = make_folder();
    write_file("$folder/$_->[0]", $_->[1]) for ['good.yaml', $config], ['bad.yaml', "lisen: 80\n"];
    for my $file (['good.yaml', 0], ['bad.yaml', 78]) {
        my $result = run_command(['sh', '-c', "exec \"\$0\" check -c \"\$1\" $redirections", build_folder() . '/flexilib', "$folder/$file->[0]"]);
        is($result->{status}, $file->[1], "check of $file->[0] without standard $what") or diag(explain($result));
    }
}

for my $arguments ('--version', '-V', 'help', 'check -c flexilib.yaml') {
    my $folder = make_folder();
    write_file("$folder/flexilib.yaml", $config);
    my $result = run_command(['sh', '-c', "cd \"\$1\" && exec \"\$0\" $arguments >/dev/full", build_folder() . '/flexilib', $folder]);
    is($result->{status}, 1, "$arguments fails where its answer cannot be written");
    is($result->{err}, "flexilib: cannot write to standard output: No space left on device\n", "$arguments says so");
}

sub fatal {
    my ($how) = @_;
    my $library = test_library('fatal');
    return (
        config   => "listen: 127.0.0.1:0\nlibraries: { fatal: $library }\nroutes:\n"
            . "  - { match: /, filters: [{ fatal: { how: $how } }], handler: hello }\n",
        crashing => 1,
    );
}
my $where = qr/, in filter 'fatal' \(create\)/;
is_run(['check'], 78, $nothing, qr/\Aflexilib\.yaml: the check was ended by signal 11 \(Segmentation fault\)$where\n\z/,
    'a library that crashes while it is created is named', fatal('crash'));
is_run(['check'], 78, $nothing, qr/\Aflexilib\.yaml: a library ended the check with status 3$where\n\z/,
    'one that exits too', fatal('exit'));
is_run(['check'], 78, $nothing,
    qr/\Aflexilib\.yaml: the check was ended by signal 11 \(Segmentation fault\), in library 'early' \(loading\)\n\z/,
    'and one that crashes while it is loaded', crashing => 1,
    config => "listen: 127.0.0.1:0\nroutes:\n  - { match: /, handler: @{[test_library('early')]} }\n");
is_run(['check'], 78, $nothing, qr/\Aflexilib\.yaml: the check did not end: nothing has moved for 1 s$where\n\z/,
    'one that hangs ends the check too', fatal('hang'), env => { FLEXILIB_CONFIG => undef, FLEXILIB_START_TIMEOUT => '1s' });
is_run([], 1, $nothing, qr/error: worker \d+ of generation 1 was killed by signal 11 \(Segmentation fault\) after \d+\.\d{3} s$where, at fatal\.so\+.*\n/,
    'both end the first start', fatal('crash'));
is_run([], 1, $nothing, qr/error: worker \d+ of generation 1 exited with status 3 after \d+\.\d{3} s$where, at fatal\.so\+.*\n/,
    'with status 1', fatal('exit'));
is_run([], 1, $nothing, qr/error: worker \d+ was not ready within 2\.000 s$where\n/, 'one that hangs too',
    fatal('hang'), env => { FLEXILIB_START_TIMEOUT => '2s' });

my $flexilib = start_flexilib(config => $config);
my $address  = $flexilib->address;
is_run(['healthcheck', $address], 0, qr/\A200\n\z/, $nothing, 'healthcheck asks an address');
is_run(['healthcheck', "http://$address/x"], 0, qr/\A200\n\z/, $nothing, 'or a URL');
my $port = $flexilib->port;
is_run(['healthcheck'], 0, qr/\A200\n\z/, $nothing, 'or the first listener', config => "listen: 0.0.0.0:$port\n");
my $watched = start_flexilib(config => "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nroutes:\n  - { match: /, respond: 503 }\n");
my ($admin) = $watched->admin_url('') =~ m{^http://(.*)};
my $both = 'listen: ' . $watched->address . "\n";
is_run(['healthcheck'], 0, qr/\A200\n\z/, $nothing, 'the admin listener comes first', config => "${both}admin: $admin\n");
is_run(['healthcheck'], 1, qr/\A503\n\z/, $nothing, 'unless it is off', config => "${both}admin: off\n");
is_run(['healthcheck', "http://$admin/readyz"], 0, qr/\A200\n\z/, $nothing, 'which can be asked whether it is ready');
$watched->stop;
is_run(['healthcheck'], 1, $nothing, qr/\Acannot connect to 127\.0\.0\.1: Connection refused\n\z/, 'and fails with it', config => "${both}admin: $admin\n");
$flexilib->stop;
is_run(['healthcheck', $address], 1, $nothing, qr/\Acannot connect to 127\.0\.0\.1: Connection refused\n\z/, 'and fails when nobody listens');
is_run(['healthcheck', "unix:$address"], 1, $nothing, qr/\Acannot connect to \Q$address\E: No such file or directory\n\z/, 'or the socket is missing');
is_run(['healthcheck', '127.0.0.1:http!'], 1, $nothing, qr/\Acannot connect to 127\.0\.0\.1: Servname not supported/, 'or the port is none');
is_run(['healthcheck', $_], 1, $nothing, qr{\Acannot ask '\Q$_\E': HOST:PORT, http://HOST:PORT/PATH and unix:/PATH are possible\n\z}, "'$_' cannot be asked")
    for '', 'https://127.0.0.1:443';
my $failing = start_static_backend(status => 503);
is_run(['healthcheck', $failing->address], 1, qr/\A503\n\z/, $nothing, 'or for an answer that is an error');

my $taken = start_flexilib(config => $config);
is_run([], 78, $nothing,
    qr/error: flexilib\.yaml:1:9: cannot listen on 127\.0\.0\.1:\d+: address already in use \(another program listens there/,
    'an address that is taken', config => $config =~ s/:0\n/':' . $taken->port . "\n"/er);

done_testing;
