package FlexiLib::Test;

use strict;
use warnings;

use FlexiLib::Test::Backend;
use FlexiLib::Test::Connection;
use FlexiLib::Test::Metrics;
use FlexiLib::Test::NameServer;
use FlexiLib::Test::Process;
use FlexiLib::Test::Server;
use FlexiLib::Test::Wait qw(build_folder deadline is_sanitized);

use Exporter ();
use Fcntl qw(F_SETFD);
use File::Path ();
use File::Temp ();
use Socket;
use Test::More import => ['!done_testing'];

our @ISA    = ('Exporter');
our @EXPORT = (
    (grep { $_ ne 'done_testing' } @Test::More::EXPORT),
    qw(done_testing start_flexilib run_flexilib request raw connect_to curl run_command need
        start_backend start_static_backend start_name_server response_bytes start_nginx start_load free_port
        make_folder write_file read_file build_folder is_sanitized test_library root_folder)
);

my ($root) = __FILE__ =~ m{^(.*)/t/lib/FlexiLib/Test\.pm$};
require Cwd;
$root = Cwd::abs_path($root // '.');

my $temporary;
my $folder_count = 0;
my @servers;
my @load_ends;

sub import {
    strict->import;
    warnings->import;
    $SIG{$_} = sub { die "stopped by a signal\n" }
        for qw(INT TERM HUP);
    $SIG{ALRM} = sub { die "the whole test took too long\n" };
    alarm(20 * ($ENV{FLEXILIB_TEST_TIMEOUT} // 20) * (is_sanitized() ? 2 : 1));
    goto &Exporter::import;
}

# Where the tree is, and a library that is built from t/lib/NAME.c.
sub root_folder  { return $root }
sub test_library { return build_folder() . "/t/lib/$_[0].so" }

# A new empty folder, which lives as long as the test (longer with FLEXILIB_TEST_KEEP=1).
sub make_folder {
    $temporary //= File::Temp::tempdir('flexilib-test-XXXXXX', TMPDIR => 1);
    my $folder = "$temporary/" . ++$folder_count;
    mkdir $folder or die "cannot make $folder: $!";
    return $folder;
}

sub write_file {
    my ($path, $content) = @_;
    my ($folder) = $path =~ m{^(.*)/[^/]*$};
    File::Path::make_path($folder) if defined $folder && !-d $folder;
    open my $file, '>:raw', $path or die "cannot write $path: $!";
    print {$file} $content;
    close $file or die "cannot write $path: $!";
    return $path;
}

sub read_file {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "cannot read $path: $!";
    local $/;
    return scalar <$file>;
}

# Skips the test where a program is missing; in CI that is a failure.
sub need {
    for my $program (@_) {
        next if grep { -x "$_/$program" } split(/:/, $ENV{PATH}), '/usr/sbin', '/sbin';
        die "$program is missing\n" if $ENV{CI};
        Test::More::plan(skip_all => "$program is missing");
    }
    return;
}

sub fill_folder {
    my (%option) = @_;
    my $folder = $option{dir} // make_folder();
    my $name   = $option{file} // 'flexilib.yaml';
    write_file("$folder/$name", $option{config}) if defined $option{config};
    write_file("$folder/$_", $option{files}{$_}) for keys %{ $option{files} // {} };
    return ($folder, $name);
}

sub start_flexilib {
    my (%option) = @_;
    my ($folder, $name) = fill_folder(%option);
    my $server = FlexiLib::Test::Server->start(
        name => 'flexilib',
        %option,
        dir     => $folder,
        command => [build_folder() . '/flexilib', defined $option{config} ? ('-c', $name) : (), @{ $option{args} // [] }],
    );
    push @servers, $server;
    $server->wait_serving if $option{wait} // 1;
    return $server;
}

sub run_flexilib {
    my ($arguments, %option) = @_;
    my ($folder) = fill_folder(%option);
    return run_command([build_folder() . '/flexilib', @$arguments], %option, dir => $folder);
}

# Runs a program to its end: { status, signal, out, err }.
sub run_command {
    my ($command, %option) = @_;
    my $process = FlexiLib::Test::Process->start(dir => make_folder(), %option, command => $command);
    my $status  = $process->wait_status;
    die "@$command does not end; its errors:\n" . $process->text('stderr') if !defined $status;
    $process->wait_streams;
    return {
        status => $status >> 8,
        signal => $status & 127,
        out    => $process->text('stdout'),
        err    => $process->text('stderr'),
        dir    => $process->dir,
    };
}

sub curl {
    my (@arguments) = @_;
    return run_command(['curl', '--silent', '--show-error', '--noproxy', '*', @arguments]);
}

sub address_of {
    my ($target, $listener) = @_;
    return ref $target ? $target->address($listener) : $target;
}

sub connect_to {
    my ($target, $listener) = @_;
    return FlexiLib::Test::Connection->open(address_of($target, $listener));
}

sub request {
    my ($target, $method, $path, %option) = @_;
    my $connection = connect_to($target, $option{listener});
    $connection->send_request($method, $path, %option);
    my $response = $connection->read_response($method) // die "no response to $method $path: the connection was closed\n";
    $connection->close;
    return $response;
}

sub raw {
    my ($target, $bytes, %option) = @_;
    my $connection = connect_to($target, $option{listener});
    my $sent       = $connection->send($bytes);
    my %result     = (sent => $sent, responses => [], is_closed => 0);
    my $count      = $option{responses} // 1;
    while (@{ $result{responses} } < $count) {
        my $response = $connection->read_response($option{method}) // last;
        push @{ $result{responses} }, $response;
        last if !$response->keeps_connection;
    }
    my $last = $result{responses}[-1];
    if (@{ $result{responses} } < $count || !$last || !$last->keeps_connection) {
        $result{rest}      = $connection->read_all;
        $result{is_closed} = 1;
        $result{is_reset}  = $connection->is_reset;
    }
    $result{response} = $result{responses}[0];
    $result{status}   = $result{response} ? $result{response}->status : undef;
    return \%result;
}

sub response_bytes {
    my ($status, $headers, $body) = @_;
    my @headers = @{ $headers // [] };
    my $head    = "HTTP/1.1 $status Scripted\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $head .= "$name: $value\r\n";
    }
    $head .= 'Content-Length: ' . length($body) . "\r\n" if defined $body;
    return "$head\r\n" . ($body // '');
}

sub start_backend {
    my ($run, %option) = @_;
    return FlexiLib::Test::Backend->start(dir => make_folder(), %option, run => $run);
}

sub start_static_backend {
    my (%option) = @_;
    my $answer = response_bytes($option{status} // 200, $option{headers}, $option{body} // "hello from the backend\n");
    return start_backend(
        sub {
            my ($connection) = @_;
            while (my $request = $connection->read_request) {
                $connection->send($answer);
            }
        },
        unix => $option{unix}
    );
}

sub start_name_server {
    my (%names) = @_;
    my $server = FlexiLib::Test::NameServer->start(dir => make_folder());
    $server->set(%names);
    return $server;
}

sub free_port {
    socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
    bind($socket, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
    my ($port) = unpack_sockaddr_in(getsockname $socket);
    return $port;
}

# nginx inherits a socket that is listening already (its way of upgrading itself), so no port has to be guessed. With
# stream, which is the file of that module, it passes connections on as they are.
sub start_nginx {
    my ($server_block, %option) = @_;
    need('nginx');
    my $folder = make_folder();
    mkdir "$folder/$_" for qw(html tmp);
    chmod 0755, $folder, "$folder/html", $temporary;
    write_file("$folder/html/$_", $option{files}{$_}) for keys %{ $option{files} // {} };
    socket(my $socket, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
    bind($socket, pack_sockaddr_in(0, INADDR_LOOPBACK)) or die "bind: $!";
    listen($socket, 511) or die "listen: $!";
    my ($port) = unpack_sockaddr_in(getsockname $socket);
    my $user = $> == 0 ? 'user root;' : '';
    my $listen = $option{listen} // '';
    my $temp = join '', map { "${_}_temp_path tmp/$_; " } qw(client_body proxy fastcgi uwsgi scgi);
    my $http = "http { access_log off; $temp\n  server { listen 127.0.0.1:$port $listen; root $folder/html; $server_block }\n}";
    my $stream = "stream { server { listen 127.0.0.1:$port; $server_block } }";
    my ($load, $serve) = $option{stream} ? ("load_module $option{stream};", $stream) : ('', $http);
    write_file("$folder/nginx.conf", <<"END");
$load daemon off; $user worker_processes 1; pid nginx.pid; error_log stderr notice;
events { worker_connections 1024; }
$serve
END
    fcntl $socket, F_SETFD, 0;
    my $nginx = FlexiLib::Test::Process->start(
        name    => 'nginx',
        dir     => $folder,
        command => [(grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin')[0],
            '-p', "$folder/", '-c', 'nginx.conf', '-e', 'stderr'],
        env => { NGINX => fileno($socket) . ';', ASAN_OPTIONS => undef, UBSAN_OPTIONS => undef },
    );
    $nginx->wait_line(stderr => qr/start worker process \d+/);
    $nginx->{address} = "127.0.0.1:$port";
    return bless $nginx, 'FlexiLib::Test::Nginx';
}

# Sends requests over keep-alive connections, one after the other on each, in a process of its own until stopped.
sub start_load {
    my ($target, %option) = @_;
    my $address = address_of($target, $option{listener});
    pipe(my $read,  my $write) or die "pipe: $!";
    pipe(my $check, my $quit)  or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        # An earlier load's end would be held open too.
        close $_ for $read, $quit, @load_ends;
        $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP);
        run_load($address, $check, $write, %option);
        require POSIX;
        POSIX::_exit(0);
    }
    close $_ for $write, $check;
    push @load_ends, $quit;
    return bless { pid => $pid, read => $read, quit => $quit, owner => $$ }, 'FlexiLib::Test::Load';
}

sub run_load {
    my ($address, $check, $write, %option) = @_;
    my ($requests, $closes, @failures, @connections, @owners) = (0, 0);
    my $path = $option{path} // '/';
    while (1) {
        my $bits = '';
        vec($bits, fileno($check), 1) = 1;
        last if select($bits, undef, undef, 0);
        my $slot = $requests++ % ($option{connections} // 4);
        my $failure;
        my $response = eval {
            $connections[$slot] //= FlexiLib::Test::Connection->open($address);
            $connections[$slot]->send_request('GET', $path, %option);
            $connections[$slot]->read_response;
        };
        if (!$response) {
            $failure = $@ || 'closed without an answer';
        } elsif ($response->status != ($option{status} // 200) || !$response->is_complete) {
            $failure = 'status ' . $response->status . ($response->is_complete ? '' : ', incomplete');
        } elsif ($option{expect} && $response->body !~ $option{expect}) {
            $failure = 'body ' . $response->body;
        }
        my $owner = $option{owner} ? ', worker ' . ($owners[$slot] // 'unknown') : '';
        push @failures, "request $requests$owner: $failure" if defined $failure;
        ($owners[$slot]) = $response->body =~ $option{owner} if $response && $option{owner};
        if (!$response || !$response->keeps_connection) {
            $closes++;
            undef $connections[$slot];
            undef $owners[$slot];
        }
        syswrite $write, "$requests\n" if $requests == 1;
        last if @failures > ($option{most_failures} // 20);
    }
    syswrite $write, join "\n", "total $requests $closes", @failures, '';
    return;
}

# Ends every server that still runs, with its checks, then the test.
sub done_testing {
    for my $server (@servers) {
        $server->stop;
    }
    alarm 0;
    return Test::More::done_testing(@_);
}

END {
    local $?;
    FlexiLib::Test::Backend::end_all();
    FlexiLib::Test::NameServer::end_all();
    FlexiLib::Test::Process::end_all();
    if (defined $temporary) {
        my $is_passing = Test::More->builder->is_passing;
        if ($ENV{FLEXILIB_TEST_KEEP}) {
            diag("Everything is kept in $temporary");
        } else {
            diag("The folder $temporary is gone; FLEXILIB_TEST_KEEP=1 keeps it") if !$is_passing;
            File::Path::remove_tree($temporary) if !$ENV{FLEXILIB_TEST_KEEP};
        }
    }
}

package FlexiLib::Test::Nginx;

our @ISA = ('FlexiLib::Test::Process');

sub address { return $_[0]{address} }
sub url     { return "http://$_[0]{address}" }

package FlexiLib::Test::Load;

# Waits until the first request has been answered, so that what follows happens under load.
sub wait_running {
    my ($self) = @_;
    return if $self->{is_running}++;
    FlexiLib::Test::Wait::wait_readable($self->{read}, FlexiLib::Test::Wait::deadline()) or die "the load does not start\n";
    sysread $self->{read}, $self->{text}, 100;
    return;
}

# Ends the load: { requests, closes, failures => [...] }.
sub stop {
    my ($self) = @_;
    close $self->{quit};
    my $deadline = FlexiLib::Test::Wait::deadline();
    $self->{text} //= '';
    while (FlexiLib::Test::Wait::wait_readable($self->{read}, $deadline)) {
        sysread $self->{read}, $self->{text}, 65536, length $self->{text} or last;
    }
    $self->end;
    my ($requests, $closes, $failures) = $self->{text} =~ /^total (\d+) (\d+)\n(.*)/ms or die "the load has died\n";
    return { requests => $requests, closes => $closes, failures => [split /\n/, $failures] };
}

sub end {
    my ($self) = @_;
    return if $self->{owner} != $$ || $self->{is_ended}++;
    local $?;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

sub DESTROY { $_[0]->end }

1;

__END__

=head1 NAME

FlexiLib::Test - what every test of FlexiLib needs

=head1 SYNOPSIS

    use lib 't/lib';
    use FlexiLib::Test;    # strict, warnings and Test::More come with it

    my $backend = start_backend(sub {
        my ($connection) = @_;
        my $request = $connection->read_request;
        $connection->respond(200, ['X-Seen' => $request->target], "hello\n");
    });
    my $flexilib = start_flexilib(config => <<"END");
    listen: 127.0.0.1:0
    workers: 1
    routes:
      - { match: /, proxy: "@{[$backend->url]}" }
    END
    my $response = request($flexilib, GET => '/x', headers => [Accept => '*/*']);
    is($response->status, 200, 'the request is forwarded');
    like($backend->received, qr{^GET /x HTTP/1.1\r\n}, 'with its path');
    done_testing;

=head1 RULES

Ports are 0 in configurations; the real ones come from the log. Nothing sleeps: wait for a line, for bytes, or for a
close. Each wait ends after FLEXILIB_TEST_TIMEOUT seconds (20; four times that with sanitizers) and then the test dies.
C<done_testing> stops every server that still runs and checks each: exit status 0, no process left, no alert and no
sanitizer report on the console.

=head1 SERVERS

=over

=item start_flexilib(config => TEXT, ...)

Writes the configuration into a new folder, starts FlexiLib there, and waits until generation 1 serves. Options: C<file>
(its name, flexilib.yaml), C<files> ({ NAME => CONTENT } beside it), C<dir> (a folder made before with make_folder),
C<env> ({ NAME => VALUE, or undef to remove it }), C<args>, C<wait> (0: do not wait), C<expect_alerts> (a pattern of alert
lines that are fine, beside those that a library which was there before goes on crashing; crashes are then left to the kernel even with sanitizers), C<crashing> (just the latter).

Without C<config>, no C<-c> is given and C<args> and C<dir> say what runs.

Methods: C<address>, C<port>, C<url(PATH)>, C<connect>, each with a listener's number or name as (last) argument; C<pid>,
C<dir>, C<signal(NAME)>, C<reload> (HUP), C<worker_pids>, C<runner_pids>, C<worker_memory_kb> (of the first), C<write_file(NAME, CONTENT)>
(replaces by rename), C<wait_log(PATTERN)>, C<log>, C<wait_access(PATTERN)>, C<access_log> (list of lines),
C<admin_url(PATH)>, C<metrics> (what the admin listener tells: C<values> by series, C<types> by name, C<sum(NAME, PATTERN)>), C<wait_serving(GENERATION)>, C<is_running>, C<wait_status>, C<stop(signal =E<gt> 'QUIT', status =E<gt> 0)> (closes the
test's connections first), C<check_exit(STATUS)> (for one that leaves by itself, or after C<signal> while connections are open), C<show_log>.

=item run_flexilib([ARGUMENTS], config => TEXT, files => ..., env => ...)

Runs FlexiLib to its end in such a folder: { status, signal, out, err, dir }. C<run_command([PROGRAM, ...])> does so with
any program.

=item start_backend(sub { my ($connection) = @_; ... }, unix => 0, everywhere => 0)

Serves every connection in a process of its own. Methods: C<address>, C<port>, C<url>, C<received(NUMBER)>,
C<connections>, C<wait_told(PATTERN)>, C<go>, C<end>. The callback's connection has all methods below, and C<number>
(from 1), C<tell(LINE)>, C<wait_go>, C<respond(STATUS, [HEADERS], BODY)>.

=item start_static_backend(status =>, headers => [...], body =>, unix =>)

One that always answers the same. C<response_bytes(STATUS, [HEADERS], BODY)> are the bytes of such an answer.

=item start_name_server(NAME => { A => [...], AAAA => [...], CNAME => NAME, ttl => 60, code => 3, ... }, ...)

A DNS server that knows just these names; C<is_silent> and C<is_truncated> (over UDP) are told of them too. Methods:
C<address>, C<set(NAME =E<gt> { ... }, ...)> (a name of undef is forgotten), C<questions> (list of C<udp A NAME>), C<pause>,
C<resume>.

=item start_nginx('location / { ... }', files => { 'a.txt' => CONTENT })

Debian's nginx on a free port; files stand in its root. C<listen> is what else its listen directive says (ssl).
With C<stream>, the file of that module, the text is a server's of streams. Methods: C<address>, C<url>, C<dir>, C<log> by text('stderr').

=back

=head1 CLIENTS

A target is a server, a backend, or an address such as 127.0.0.1:80, [::1]:80, unix:/path.

=over

=item request(TARGET, METHOD, PATH, headers => [NAME => VALUE, ...], body =>, chunks => [...], host =>, version =>, listener =>)

One request on a connection of its own; returns the message. A Host of undef is left out.

=item raw(TARGET, BYTES, responses => 1, method => 'GET', listener =>)

Sends bytes as they are, reads so many responses; where the last one says that the connection closes (or fewer come), waits
for the close. Returns { status, response, responses, is_closed, is_reset, rest, sent }.

=item connect_to(TARGET)

A connection: C<send>, C<send_request(METHOD, PATH, ...)>, C<read_response(METHOD)> (undef at the end), C<read_request>,
C<read_bytes(COUNT)>, C<read_until(PATTERN)>, C<read_all>, C<is_closed> (waits for the peer's close), C<is_reset>,
C<finish> (FIN), C<close>, C<reset>, C<local_address>, C<limit_buffer(BYTES)>.

A message: C<status>, C<reason>, C<method>, C<target>, C<header(NAME)>, C<headers(NAME)>, C<body>, C<head>, C<framing>
(length, chunked, close, none), C<is_complete>, C<keeps_connection>, and {interim}, {chunks}, {trailer}, {fields}.

=item curl(ARGUMENTS)

Runs the real curl: { status, out, err }.

=item start_load(TARGET, path =>, connections => 4, expect => PATTERN, status => 200)

Keeps requesting over keep-alive connections until C<stop>, which returns { requests, closes, failures };
C<wait_running> returns after the first answer. A connection that closes instead of answering is a failure; after 20 of
them (C<most_failures>) it ends. With C<owner>, a pattern that takes a worker's id out of a body, failures tell which worker
had answered on the connection before (C<unknown> where none had).

=back

=cut
