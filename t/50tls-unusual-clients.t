# What the protocol allows and hardly any client does is understood: hellos in tiny records or byte by byte, new keys in the
# middle. What it allows and we do not is refused: another handshake on the same connection. What is too large ends
# the connection, and costs no memory.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Wait qw(deadline wait_readable);

need('curl', 'openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('shop', 'DNS:shop.example');
my $flexilib = start_flexilib(
    files  => { map { ("shop.$_" => read_file($authority->path("shop.$_"))) } qw(pem key) },
    config => <<'END');
listen: { address: "127.0.0.1:0", tls: { certificate: shop.pem, key: shop.key } }
workers: 1
routes:
  - { match: /, respond: { body: "fine" } }
END

# Changes how the bytes of a client's first record are cut, and carries everything else as it is.
sub carry {
    my ($client, $cut) = @_;
    my $server = connect_to($flexilib->address);
    my $header = $client->read_bytes(5);
    my $hello  = $client->read_bytes(unpack 'x3n', $header);
    $server->send($_) for $cut->($header, $hello);
    my %other = ($client->{socket} => $server, $server->{socket} => $client);
    while (1) {
        my $bits = '';
        vec($bits, fileno($_->{socket}), 1) = 1 for $client, $server;
        select($bits, undef, undef, 20) or return;
        for my $from (grep { vec($bits, fileno($_->{socket}), 1) } $client, $server) {
            sysread $from->{socket}, my $bytes, 65536 or return;
            $other{ $from->{socket} }->send($bytes);
        }
    }
}
my %cuts = (
    'byte by byte'          => sub { split //, "$_[0]$_[1]" },
    'in records of a byte'  => sub { map { "\x16\x03\x01\x00\x01$_" } split //, $_[1] },
    'in records of seven'   => sub { join '', map { "\x16\x03\x01" . pack('n', length) . $_ } unpack '(a7)*', $_[1] },
    'in one piece'          => sub { "$_[0]$_[1]" },
);
for my $how (sort keys %cuts) {
    my $relay = start_backend(sub { carry($_[0], $cuts{$how}) });
    my $port  = $relay->port;
    for my $version ('1.2', '1.3') {
        my $curl = curl('--cacert', $authority->path, '--resolve', "shop.example:$port:127.0.0.1", "--tlsv$version", '--tls-max', $version, "https://shop.example:$port/");
        is($curl->{out}, 'fine', "TLS $version: a hello that comes $how is understood") or diag($curl->{err});
    }
    $relay->end;
}

# s_client obeys a letter where it is the first that it reads.
sub talk {
    my ($letters, @arguments) = @_;
    pipe(my $read, my $write) or die "pipe: $!";
    my $pid = open(my $out, '-|') // die "fork: $!";
    if ($pid == 0) {
        CORE::close($write);
        open STDIN,  '<&', $read;
        open STDERR, '>&', \*STDOUT;
        exec 'openssl', 's_client', '-crlf', '-connect', $flexilib->address, '-CAfile', $authority->path, @arguments;
    }
    CORE::close($read);
    my ($seen, $deadline) = ('', deadline());
    my @lines = ((map { "$_\n" } split //, $letters), "GET / HTTP/1.0\nHost: shop.example\n\n");
    my $sent  = 0;
    local $SIG{PIPE} = 'IGNORE';
    while (wait_readable($out, $deadline)) {
        sysread $out, $seen, 65536, length $seen or last;
        next if $seen !~ /Verify return code.*?^---\n/ms || $sent != (() = $seen =~ /^(?:KEYUPDATE|RENEGOTIATING)$/mg) || !@lines;
        syswrite $write, shift @lines;
        ++$sent;
    }
    kill 'KILL', $pid;
    CORE::close($out);
    return $seen;
}
like(talk('KkK', '-tls1_3'), qr/KEYUPDATE.*KEYUPDATE.*KEYUPDATE.*^fine/ms, 'new keys disturb nothing');
unlike(talk('k' x 40, '-tls1_3'), qr/^fine/m, 'new keys all the time end the connection');
ok($flexilib->wait_log(qr/warning: ended the TLS connection from 127\.0\.0\.1: it wants new keys all the time \(1 such connections so far\)$/),
    'and the log tells why');
my $again = talk('R', '-tls1_2');
like($again, qr/RENEGOTIATING/, 'another handshake is asked for');
like($again, qr/no.renegotiation|closed|:error:/i, 'and refused');
unlike($again, qr/RENEGOTIATING.*^depth=0.*^depth=0/ms, 'it is not done');

my $before = $flexilib->worker_memory_kb;
for my $case (
    ['a hello of 16 MB',                    "\x01\xff\xff\xff"],
    ['a hello of 200 KB',                   "\x01\x03\x0d\x40"],
    ['a handshake without a hello',         "\x10\x00\x00\x04\0\0\0\0"],
) {
    my ($claim, $message) = @$case;
    my $connection = connect_to($flexilib->address);
    local $SIG{PIPE} = 'IGNORE';
    eval { $connection->send("\x16\x03\x01" . pack('n', length $message) . $message) };
    like($connection->read_all, qr/\A\x15\x03[\x01-\x03]\x00\x02\x02/, "$claim is refused with an alert");
}
cmp_ok($flexilib->worker_memory_kb - $before, '<', 2048, 'none of it takes memory');
my $record = connect_to($flexilib->address);
$record->send("\x16\x03\x01\xff\xff" . "\x01" x 100);
like($record->read_all, qr/\A\x15\x03[\x01-\x03]\x00\x02\x02/, 'so is a record that is too long');
is(curl('--insecure', $flexilib->url('/') =~ s/^http:/https:/r)->{out}, 'fine', 'others are served');
done_testing;
