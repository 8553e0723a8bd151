package FlexiLib::Test::Process;

# A program under test. Its standard output and error are read by a small process in between, which never makes it wait,
# and kept in the files `stdout` and `stderr` of a folder too. Ended by its id when the object goes.

use strict;
use warnings;

use FlexiLib::Test::Wait qw(deadline end_with_parent make_environment wait_exit wait_readable);
use Fcntl qw(F_SETFL O_NONBLOCK);
use Socket;
use Test::More ();

my %living;

# start(command => [...], dir => FOLDER, env => {...}, name => TEXT, crashing => BOOL): runs the command in the folder.
sub start {
    my ($class, %option) = @_;
    my $self = bless { %option, name => $option{name} // $option{command}[0] }, $class;
    $self->{stream} = { map { $_ => { text => '', position => 0 } } qw(stdout stderr) };

    pipe(my $out_read, my $out_write) or die "pipe: $!";
    pipe(my $err_read, my $err_write) or die "pipe: $!";
    $self->{pid} = fork // die "fork: $!";
    if ($self->{pid} == 0) {
        exec_command($self, $out_write, $err_write);
    }
    setpgrp $self->{pid}, $self->{pid};
    $self->{owner} = $$;
    $living{ $self->{pid} } = $self;
    close $out_write;
    close $err_write;
    start_pump($self, $out_read, $err_read);
    require Scalar::Util;
    Scalar::Util::weaken($living{ $self->{pid} });
    return $self;
}

sub exec_command {
    my ($self, $out, $err) = @_;
    setpgrp 0, 0;
    end_with_parent();
    $SIG{$_} = 'DEFAULT' for qw(PIPE ALRM INT TERM HUP);
    %ENV = %{ make_environment($self->{env}, $self->{crashing}) };
    if (chdir($self->{dir})) {
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>&', $out;
        open STDERR, '>&', $err;
        { no warnings 'exec'; exec { $self->{command}[0] } @{ $self->{command} }; }
    }
    syswrite STDERR, "cannot run $self->{command}[0]: $!\n";
    require POSIX;
    POSIX::_exit(127);
}

# The pump takes whatever comes, writes it to the files, and passes it on as fast as we read.
sub start_pump {
    my ($self, $out, $err) = @_;
    my %ours;
    my %theirs;
    for my $stream (qw(stdout stderr)) {
        socketpair($ours{$stream}, $theirs{$stream}, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
    }
    $self->{pump} = fork // die "fork: $!";
    if ($self->{pump} == 0) {
        setpgrp 0, 0;
        $SIG{$_} = 'DEFAULT' for qw(PIPE ALRM INT TERM HUP);
        close $_ for values %ours;
        FlexiLib::Test::Process::run_pump($self->{dir}, stdout => [$out, $theirs{stdout}], stderr => [$err, $theirs{stderr}]);
        require POSIX;
        POSIX::_exit(0);
    }
    close $_ for $out, $err, values %theirs;
    $self->{stream}{$_}{handle} = $ours{$_} for keys %ours;
    return;
}

sub run_pump {
    my ($folder, %streams) = @_;
    my %state;
    for my $name (keys %streams) {
        open my $file, '>>', "$folder/$name" or next;
        $file->autoflush(1);
        $streams{$name}[1]->blocking(0);
        $state{$name} = { in => $streams{$name}[0], out => $streams{$name}[1], file => $file, waiting => '' };
    }
    while (%state) {
        my ($read, $write) = ('', '');
        for my $one (values %state) {
            vec($read,  fileno($one->{in}),  1) = 1 if $one->{in};
            vec($write, fileno($one->{out}), 1) = 1 if length $one->{waiting};
        }
        next if select($read, $write, undef, undef) < 0;
        for my $name (keys %state) {
            my $one = $state{$name};
            if ($one->{in} && vec($read, fileno($one->{in}), 1)) {
                my $count = sysread $one->{in}, my $bytes, 65536;
                if ($count) {
                    syswrite $one->{file}, $bytes;
                    $one->{waiting} .= $bytes;
                } else {
                    delete $one->{in};
                }
            }
            if (length $one->{waiting}) {
                my $count = syswrite $one->{out}, $one->{waiting};
                substr $one->{waiting}, 0, $count, '' if $count;
            }
            next if $one->{in} || length $one->{waiting};
            # the reader waits for this stream's end before it empties the other one
            close $one->{out};
            delete $state{$name};
        }
    }
    return;
}

sub pid { return $_[0]{pid} }
sub dir { return $_[0]{dir} }

# Takes what has come on a stream by now; waits for more until the deadline where one is given. False at the end.
sub read_stream {
    my ($self, $name, $deadline) = @_;
    my $stream = $self->{stream}{$name};
    return 0 if !$stream->{handle};
    return 1 if !wait_readable($stream->{handle}, $deadline // 0);
    my $count = sysread $stream->{handle}, my $bytes, 65536;
    if (!$count) {
        delete $stream->{handle};
        return 0;
    }
    $stream->{text} .= $bytes;
    return 1 if $deadline;
    @_ = ($self, $name);
    goto &read_stream;
}

# Waits for a line that matches and returns it (without its end). Later waits see what comes behind it only.
sub wait_line {
    my ($self, $name, $pattern) = @_;
    my $deadline = deadline($self->{timeout});
    my $stream   = $self->{stream}{$name};
    while (1) {
        while ((my $end = index $stream->{text}, "\n", $stream->{position}) >= 0) {
            my $line = substr $stream->{text}, $stream->{position}, $end - $stream->{position};
            $stream->{position} = $end + 1;
            return $line if $line =~ $pattern;
        }
        my $is_open = $self->read_stream($name, $deadline);
        next if $is_open && Time::HiRes::time() < $deadline;
        next if index($stream->{text}, "\n", $stream->{position}) >= 0;
        my $why = $is_open ? 'did not come in time' : 'cannot come any more: the stream has ended';
        die "$self->{name}: no line on $name matches $pattern: it $why. What came:\n$stream->{text}\n"
            if !$is_open || Time::HiRes::time() >= $deadline;
    }
}

# All that came on a stream so far.
sub text {
    my ($self, $name) = @_;
    $self->read_stream($name);
    return $self->{stream}{$name}{text};
}

sub signal {
    my ($self, $name) = @_;
    return kill $name, $self->{pid};
}

sub is_running {
    my ($self) = @_;
    return defined $self->{pid} && !defined $self->{status} && !defined $self->wait_status(0);
}

# Waits for the process' end and returns its wait status; undef when the deadline is over.
sub wait_status {
    my ($self, $deadline) = @_;
    if (!defined $self->{status}) {
        $self->{status} = wait_exit($self->{pid}, $deadline // deadline($self->{timeout}));
    }
    return $self->{status};
}

# Waits until both streams have ended, that is until no process that holds them is left.
sub wait_streams {
    my ($self) = @_;
    my $deadline = deadline($self->{timeout});
    for my $name (qw(stdout stderr)) {
        while ($self->read_stream($name, $deadline)) {
            return 0 if Time::HiRes::time() >= $deadline;
        }
    }
    return 1;
}

# Ends the process and all it has started, whatever it does: TERM, then KILL to its process group.
sub end {
    my ($self) = @_;
    return if !$self->{pid} || $self->{owner} != $$ || $self->{is_ended}++;
    local $?;
    local $@;
    if (!defined $self->{status}) {
        kill 'TERM', $self->{pid};
        $self->wait_status(Time::HiRes::time() + 3);
    }
    kill 'KILL', -$self->{pid};
    $self->wait_status if !defined $self->{status};
    kill 'KILL', $self->{pump};
    waitpid $self->{pump}, 0;
    delete $living{ $self->{pid} };
    return;
}

sub DESTROY { $_[0]->end }

# Ends everything that is left when the test ends, also when it died.
sub end_all { $_->end for grep { defined } values %living }

1;
