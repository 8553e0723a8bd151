# Whatever a change brings that cannot work, in the configuration or in a library: it is named, the generation before
# goes on untouched, no request fails, and the next good change takes effect.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;

use IO::Socket::INET;
use File::Path qw(remove_tree);

need('openssl');
my $folder    = make_folder();
my $authority = FlexiLib::Test::Certificates->new($folder);
$authority->issue($_, "DNS:$_.example") for qw(a b);
my $busy = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "cannot listen: $!";

my %good = (
    'a.key'         => read_file("$folder/a.key"),
    'routes.yaml'   => "- { match: /, handler: ./answer.so }\n",
    'flexilib.yaml' => <<'END');
listen:
  - 127.0.0.1:0
  - { address: 127.0.0.1:0, name: tls, tls: { certificate: a.pem, key: a.key } }
workers: 2
watch: off
routes:
  - include: routes.yaml
END
my %variant = map { $_ => read_file(test_library("answer_$_")) } qw(one two);

my $flexilib;
my $answer = 'two';
my $generation;
my $good_generation;
my $load;

start();
for my $row (libraries(), processes(), configurations()) {
    my ($claim, $message, $change) = @$row;
    my @workers = $flexilib->worker_pids;
    $change->();
    $flexilib->reload;
    $generation++;
    like($flexilib->wait_log(qr/generation $generation (?:failed|is serving)/),
        qr/ error: generation $generation failed: $message; generation $good_generation goes on serving$/, $claim);
    my %alive = map { $_ => 1 } $flexilib->worker_pids;
    is(join(' ', grep { !$alive{$_} } @workers), '', "$claim: no worker is touched");
    take_good_change($claim);
}
my $result = $load->stop;
is_deeply($result->{failures}, [], "none of $result->{requests} requests has failed");
ok(outlives_its_files(), 'a crash is healed though all files are gone');
done_testing;

sub start {
    put('answer.so', $variant{$answer});
    put('routes.yaml', $good{'routes.yaml'});
    $flexilib = start_flexilib(
        dir      => $folder,
        config   => $good{'flexilib.yaml'},
        env      => { FLEXILIB_START_TIMEOUT => is_sanitized() ? '4s' : '1s' },
        expect_alerts => qr/alert: worker \d+ of generation \d+ was killed by signal 9 /,
    );
    $generation = $good_generation = 1;
    $load = start_load($flexilib, connections => 4, expect => qr/\A(?:one|two)\n\z/);
    $load->wait_running;
    return;
}

# Sees to it that the workers are those of one generation only.
sub take_good_change {
    my ($claim) = @_;
    $answer = $answer eq 'one' ? 'two' : 'one';
    put('answer.so', $variant{$answer});
    put($_, $good{$_}) for keys %good;
    $flexilib->reload;
    $generation++;
    like($flexilib->wait_log(qr/generation $generation (?:failed|is serving)/), qr/is serving/, "$claim: is mended by a good change");
    is(request($flexilib, GET => '/')->body, "$answer\n", 'which is what serves');
    $flexilib->wait_log(qr/generation $good_generation has drained/);
    $good_generation = $generation;
    return;
}

# What a generation is made from is its own.
sub outlives_its_files {
    unlink map { "$folder/$_" } 'answer.so', keys %good;
    my %old = map { $_ => 1 } $flexilib->worker_pids;
    kill 'KILL', keys %old;
    $flexilib->wait_log(qr/alert: /) for keys %old;
    return request($flexilib, GET => '/')->body eq "$answer\n";
}

# By rename, as is good practice; whatever stands there goes.
sub put {
    my ($name, $content) = @_;
    my $path = "$folder/$name";
    remove_tree($path) if -d $path && !-l $path;
    write_file("$path.new", $content);
    rename "$path.new", $path or die "rename: $!";
    return;
}

sub changed {
    my ($name, $content) = @_;
    return sub { put($name, $content) };
}

# What can be wrong with any file, at the place where it is read.
sub files {
    my ($name, $claim, $message) = @_;
    my $path = "$folder/$name";
    my ($no_file, $is_folder, $is_loop, $is_secret) = map { ref $message eq 'CODE' ? $message->($_) : qr/$message: $_/ }
        'No such file or directory', 'Is a directory', 'Too many levels of symbolic links', 'Permission denied';
    my @rows = (
        ["$claim that is deleted",       $no_file,   sub { unlink $path or die "unlink: $!" }],
        ["$claim that is a folder",      $is_folder, sub { unlink $path and mkdir $path or die "mkdir: $!" }],
        ["$claim that leads nowhere",    $no_file,   sub { unlink $path and symlink 'not-there', $path or die "symlink: $!" }],
        ["$claim that leads to itself",  $is_loop,   sub { unlink $path and symlink $name, $path or die "symlink: $!" }],
        ["$claim that may not be read",  $is_secret, sub { chmod 0, $path or die "chmod: $!" }],
    );
    pop @rows if $> == 0;
    return @rows;
}

sub libraries {
    my $at  = qr/routes\.yaml:1:24: \S+\/answer\.so: /;
    my $one = $variant{one};
    my $library = sub { my ($claim, $message, $content) = @_; return ["a library $claim", qr/$at$message/, changed('answer.so', $content)] };
    return (
        files('answer.so', 'a library', \&absence),
        $library->('that is empty',                qr/is empty, a shared library is needed/, ''),
        $library->('that is text',                 qr/is no shared library \(it does not start with the ELF mark\).*/, "this is no library\n"),
        $library->('that is cut within its mark',  qr/is no shared library \(it does not start with the ELF mark\).*/, substr($one, 0, 2)),
        $library->('that is cut within its header', qr/is cut short \(40 bytes are there, its tables name more\).*/, substr($one, 0, 40)),
        $library->('that is cut behind its header', qr/is cut short \(64 bytes are there, its tables name more\).*/, substr($one, 0, 64)),
        $library->('that is cut in half',          qr/is cut short \(\d+ bytes are there, its tables name more\).*/, substr($one, 0, length($one) / 2)),
        $library->('that lacks its last byte',     qr/is cut short .*/, substr($one, 0, -1)),
        $library->('for another machine',          qr/is built for another machine \(ELF machine 43\), this machine is .*/, patched(18, "\x2b\x00")),
        $library->('for machines of 32 bits',      qr/is a 32-bit library, this FlexiLib needs 64-bit ones/, patched(4, "\1")),
        $library->('for the other byte order',     qr/is built for a machine with the other byte order, .*/, patched(5, chr(3 - ord(substr $one, 5, 1)))),
        $library->('for a later glibc',            qr/needs GLIBC_2\.99 of a system library, which is older here: build it on this system/, built('fatal') =~ s/(GLIBC_2[.\d]+)\0/pack 'a' . (1 + length $1), 'GLIBC_2.99'/egr),
        $library->('with an undefined reference',  qr/needs the symbol 'function_that_nobody_wrote', which nothing provides: .*/, built('undefined')),
        $library->('without an entry',             qr/does not export the symbol 'flexilib_library': .*/, built('nosymbol')),
        $library->('of a later contract',          qr/built for filter contract \d+\.99, this FlexiLib has .*/, built('version_new')),
        $library->('of another contract',          qr/built for filter contract 1\.0, this FlexiLib has .*/, built('major_wrong')),
        $library->('with a table that is too small', qr/its flexilib_library measures \d+ bytes where the filter contract asks for at least \d+/, built('size_small')),
        $library->('without filters',              qr/offers no filter: .*/, built('empty')),
    );
}

sub absence {
    my ($reason) = @_;
    return qr/routes\.yaml:1:24: '\S+\/answer\.so' is a folder, a shared library is needed/ if $reason =~ /^Is a/;
    return qr/routes\.yaml:1:24: library '\S+\/answer\.so' cannot be read: $reason/ if $reason =~ /denied/;
    return qr/routes\.yaml:1:24: there is no file '\S+\/answer\.so'/;
}

sub patched {
    my ($at, $bytes) = @_;
    my $content = $variant{one};
    substr $content, $at, length $bytes, $bytes;
    return $content;
}

sub built { return read_file(test_library($_[0])) }

# What takes its process along, or would.
sub processes {
    my $fatal = sub {
        my ($how) = @_;
        return sub {
            put('answer.so',   built('fatal'));
            put('routes.yaml', "- { match: /, handler: { use: ./answer.so, options: { how: $how } } }\n");
        };
    };
    my $worker = qr/worker \d+ of generation \d+ /;
    my $at     = qr/, at (?:answer\.so|libc\.so\.6)\+0x[0-9a-f]+(?:, (?:touching address 0x0|by a call of exit))?/;
    my $create = qr/ after \d+\.\d{3} s, in filter '\.\/answer\.so' \(create\)$at/;
    return (
        ['a library that refuses', qr/routes\.yaml:1:24: filter '\.\/answer\.so': it is not in the mood/, changed('answer.so', built('refuse'))],
        ['a library that crashes while it is loaded', qr/${worker}was killed by signal 11 \(Segmentation fault\) after \d+\.\d{3} s, in library 'answer' \(loading\)$at/, changed('answer.so', built('early'))],
        ['a library that lies to the supervisor', qr/${worker}was killed by signal 9 \(Killed\) after \d+\.\d{3} s(?:, in library 'answer' \(loading\))?/, changed('answer.so', built('liar'))],
        ['a filter that crashes', qr/${worker}was killed by signal 11 \(Segmentation fault\)$create/, $fatal->('crash')],
        ['a filter that aborts', qr/${worker}was killed by signal 6 \(Aborted\)$create/, $fatal->('abort')],
        ['a filter that calls exit', qr/${worker}exited with status 0$create/, $fatal->('end')],
        ['a filter that calls _exit', qr/${worker}exited with status 1$create/, $fatal->('quit')],
        ['a filter that hangs', qr/worker \d+ was not ready within [14]\.000 s, in filter '\.\/answer\.so' \(create\)/, $fatal->('hang')],
    );
}

sub configurations {
    my $file = sub {
        my ($claim, $message, $from, $to) = @_;
        my $content = $good{'flexilib.yaml'};
        index($content, $from) >= 0 or die "'$from' is not in the file";
        substr $content, index($content, $from), length $from, $to;
        return ["a file $claim", $message, changed('flexilib.yaml', $content)];
    };
    my $whole = sub { my ($claim, $message, $content) = @_; return ["a file $claim", $message, changed('flexilib.yaml', $content)] };
    my $port = $busy->sockport;
    return (
        files('flexilib.yaml', 'a file', qr/cannot read 'flexilib\.yaml'/),
        files('routes.yaml', 'an included file', qr/flexilib\.yaml:7:14: cannot read 'routes\.yaml'/),
        files('a.key', 'a key', qr/flexilib\.yaml:3:72: 'key': cannot read '\S+\/a\.key'/),
        $whole->('that is empty', qr/flexilib\.yaml:1:1: there is nothing here \(write 'routes: \[\]' to serve nothing\)/, ''),
        $whole->('that is a library', qr/flexilib\.yaml:1:1: a control character \(0x7f\) cannot stand in a configuration/, $variant{one}),
        $whole->('that is cut in half', qr/flexilib\.yaml:3:\d+: a ',' or the closing '}' is missing here/, substr($good{'flexilib.yaml'}, 0, length($good{'flexilib.yaml'}) / 2)),
        $file->('with an unknown key', qr/flexilib\.yaml:4:1: unknown key 'worker' in the configuration \(did you mean 'workers'\?\)/, 'workers', 'worker'),
        $file->('with a value of the wrong type', qr/flexilib\.yaml:4:10: 'workers' wants a text, not a list/, 'workers: 2', 'workers: [2]'),
        $file->('with a value out of range', qr/flexilib\.yaml:4:10: 'workers' must be 'auto' or a number from 1 to 256, not '-2'/, 'workers: 2', 'workers: -2'),
        $file->('with a key that stands twice', qr/flexilib\.yaml:5:1: duplicate key 'workers' \(first in line 4\)/, 'workers: 2', "workers: 2\nworkers: 2"),
        $file->('with a bracket that is not closed', qr/flexilib\.yaml:5:6: a ',' or the closing '\]' is missing here/, 'workers: 2', 'workers: [2'),
        $file->('with tabs', qr/flexilib\.yaml:7:1: a tab stands where only spaces may: .*/, '  - include', "\t- include"),
        $file->('with a missing include', qr/flexilib\.yaml:7:14: cannot read 'rotues\.yaml': No such file or directory/, 'routes.yaml', 'rotues.yaml'),
        $file->('with a variable that is not set', qr/flexilib\.yaml:4:\d+: the environment variable 'FLEXILIB_TEST_NOTHING' is not set: .*/, 'workers: 2', 'workers: ${FLEXILIB_TEST_NOTHING}'),
        $file->('with an unknown upstream', qr/flexilib\.yaml:7:12: upstream 'shop' is not defined/, '- include: routes.yaml', '- proxy: shop'),
        $file->('with an unknown filter', qr/flexilib\.yaml:7:14: there is no library 'helo': .*/, '- include: routes.yaml', '- handler: helo'),
        $file->('with a port in use', qr/flexilib\.yaml:2:5: cannot listen on 127\.0\.0\.1:$port: address already in use .*/, '127.0.0.1:0', "127.0.0.1:$port"),
        $file->('with an address of others', qr/flexilib\.yaml:2:5: cannot listen on 192\.0\.2\.1:0: cannot assign requested address .*/, '127.0.0.1:0', '192.0.2.1:0'),
        $file->('with an address that is none', qr/flexilib\.yaml:2:5: '127\.0\.0\.256:0' is not a numeric address: .*/, '127.0.0.1:0', '127.0.0.256:0'),
        $file->('with an unknown user', qr/flexilib\.yaml:5:7: user 'nobody-of-that-name' does not exist here/, 'workers: 2', "workers: 2\nuser: nobody-of-that-name"),
        $file->('with a missing certificate', qr/flexilib\.yaml:3:60: 'certificate': cannot read '\S+\/c\.pem': No such file or directory/, 'a.pem', 'c.pem'),
        $file->('with a key of another certificate', qr/flexilib\.yaml:3:72: the key in '\S+\/b\.key' does not belong to the certificate in '\S+\/a\.pem'/, 'a.key', 'b.key'),
    );
}
