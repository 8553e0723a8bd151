package FlexiLib::Test::TlsClient;

# A connection over TLS on which anything can be sent: openssl does the handshake and what follows, and the test has the
# other end of a socket pair as a FlexiLib::Test::Connection. Whether the peer's end was a reset cannot be told.
#
#   my $connection = FlexiLib::Test::TlsClient::open($flexilib->address('secure'), alpn => 'h2', name => 'shop.example',
#       from => '127.0.0.9');

use strict;
use warnings;

use FlexiLib::Test::Connection;
use Socket;

sub open {
    my ($address, %option) = @_;
    socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
    my @command = (
        qw(openssl s_client -quiet -no-CAfile -no-CApath -no-CAstore -verify_quiet -connect), $address,
        defined $option{name} ? ('-servername', $option{name}) : '-noservername',
        defined $option{from} ? ('-bind', "$option{from}:0") : (),
        defined $option{alpn} ? ('-alpn', $option{alpn}) : (),
    );
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        # the connection's end must not be held open by a grandchild, nor this process by a server's
        my $child = fork;
        if (!defined $child || $child) {
            require POSIX;
            POSIX::_exit(defined $child ? 0 : 1);
        }
        open_over(*STDIN,  '<&', $theirs);
        open_over(*STDOUT, '>&', $theirs);
        open_over(*STDERR, '>',  '/dev/null');
        delete @ENV{qw(ASAN_OPTIONS UBSAN_OPTIONS)};
        $ENV{OPENSSL_CONF} = '/dev/null';
        exec @command or CORE::exit(127);
    }
    close $theirs;
    waitpid $pid, 0;
    return FlexiLib::Test::Connection->of($ours);
}

sub open_over {
    my ($handle, $mode, $target) = @_;
    CORE::open($handle, $mode, $target) or die "open: $!";
    return;
}

1;
