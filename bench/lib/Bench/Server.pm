# One server under measurement, or the backend: started from a file in peers/, pinned to a core, ended by its pid.
package Bench::Server;

use strict;
use warnings;

use Bench::Machine;
use Fcntl qw(F_GETFD);
use IO::Socket::INET;
use POSIX    ();
use Time::HiRes qw(sleep time);

use constant START_SECONDS => 20;
use constant STOP_SECONDS  => 10;

my @running;

# name, scheme, command (list; @FOLDER@ and the like are filled in), file and template (its configuration), values, core.
sub start {
    my ($class, %option) = @_;
    my $self = bless { scheme => 'http', %option, port => free_port() }, $class;
    my %value = (%{ $option{values} // {} }, PORT => $self->{port}, FOLDER => $option{folder});
    mkdir $option{folder} or die "cannot make $option{folder}: $!\n";
    write_filled("$option{folder}/$option{file}", $option{template}, \%value) if $option{template};
    $self->run(map { fill($_, \%value) } @{ $option{command} });
    $self->wait_ready;
    return $self;
}

sub fill {
    my ($text, $value) = @_;
    $text =~ s{@([A-Z]+)@}{$value->{$1} // die "nothing is known about \@$1\@\n"}ge;
    return $text;
}

sub write_filled {
    my ($path, $template, $value) = @_;
    open my $from, '<', $template or die "cannot read $template: $!\n";
    open my $to,   '>', $path     or die "cannot write $path: $!\n";
    local $/;
    print {$to} fill(scalar(<$from>), $value);
    close $to or die "cannot write $path: $!\n";
    return;
}

# Should this program die, the server is told to end too.
sub run {
    my ($self, @command) = @_;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        chdir $self->{folder} or POSIX::_exit(127);
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', 'output';
        open STDERR, '>&', \*STDOUT;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
        $ENV{FLEXILIB_ALLOW_ROOT} = 1;
        $ENV{FLEXILIB_STATE_DIR} = 'off';
        $ENV{FLEXILIB_ADMIN} = 'off';    # one that runs before another must not be in its way
        exec 'setpriv', '--pdeathsig', 'TERM', 'taskset', '-c', $self->{core}, @command or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    push @running, $self;
    return;
}

sub wait_ready {
    my ($self) = @_;
    my $deadline = time + START_SECONDS;
    until ($self->connect) {
        die "$self->{name} does not start:\n" . $self->output if time > $deadline || waitpid($self->{pid}, POSIX::WNOHANG());
        sleep 0.01;
    }
    return;
}

sub connect { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0]{port}, Timeout => 5) }
sub name    { return $_[0]{name} }
sub port    { return $_[0]{port} }
sub url     { return "$_[0]{scheme}://127.0.0.1:$_[0]{port}$_[1]" }
sub pids    { return process_tree($_[0]{pid}) }

sub output {
    my ($self) = @_;
    open my $file, '<', "$self->{folder}/output" or return '';
    local $/;
    return scalar <$file>;
}

# Asks once, to see that what is measured is what is meant: every server must answer the same.
sub check_answer {
    my ($self, $path, $length, $version) = @_;
    my $protocol = $version == 1 ? '--http1.1' : $self->{scheme} eq 'https' ? '--http2' : '--http2-prior-knowledge';
    my @curl     = (qw(curl --silent --show-error --insecure --include --header Host:bench.example), $protocol);
    open my $curl, '-|', @curl, $self->url($path) or die "cannot run curl: $!\n";
    my $answer = do { local $/; <$curl> } // '';
    close $curl;
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    die "$self->{name} answers $path wrongly:\n$answer\n" . $self->output
        if ($head // '') !~ m{^HTTP/$version\S* 200 } || length($body // '') != $length;
    return;
}

# The whole tree, since a server that is told to end may leave processes behind.
sub stop {
    my ($self) = @_;
    @running = grep { $_ != $self } @running;
    local ($?, $!);
    my @others   = grep { $_ != $self->{pid} } $self->pids;
    my $deadline = time + STOP_SECONDS;
    kill 'TERM', $self->{pid};
    until (waitpid $self->{pid}, POSIX::WNOHANG()) {
        kill 'KILL', $self->{pid} if time > $deadline;
        sleep 0.01;
    }
    kill 'KILL', grep { process_is_ours($_, $self->{folder}) } @others;
    return;
}

# A pid may be another's meanwhile; the folder is just ours.
sub process_is_ours {
    my ($pid, $folder) = @_;
    return (readlink("/proc/$pid/cwd") // '') eq $folder;
}

sub stop_all {
    my @all = reverse @running;
    $_->stop for @all;
    return;
}

1;
