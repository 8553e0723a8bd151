# Of two servers one is killed again and again, in the middle of what it does, and comes back: of 10,000 GET requests
# none fails.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Process;
use FlexiLib::Test::Wait qw(deadline wait_exit);

need('node');

my $folder = make_folder();
write_file("$folder/server.js", <<'END');
const server = require('http').createServer((request, response) => response.end(`answer to ${request.url}\n`));
server.keepAliveTimeout = 300000;
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready', server.address().port));
END

sub start_server {
    my ($port) = @_;
    my $server = FlexiLib::Test::Process->start(
        name    => 'node',
        dir     => make_folder(),
        command => ['node', "$folder/server.js", $port]
    );
    my ($ready) = $server->wait_line(stdout => qr/^ready \d+$/) =~ /(\d+)/;
    return ($server, $ready);
}

# Sends its requests over one connection, which stays open. Returns what went wrong.
sub send_requests {
    my ($address, $count) = @_;
    my ($connection, @failures);
    for my $number (1 .. $count) {
        my $response = eval {
            $connection //= FlexiLib::Test::Connection->open($address);
            $connection->send_request(GET => "/$number");
            $connection->read_response;
        };
        next if $response && $response->status == 200 && $response->body eq "answer to /$number\n" && $response->keeps_connection;
        push @failures, "request $number: " . ($response ? $response->status . ' ' . $response->body : $@ || 'closed');
        undef $connection;
    }
    return @failures;
}

sub start_client {
    my ($address, $count) = @_;
    my $file = make_folder() . '/failures';
    my $pid  = fork // die "fork: $!";
    return { pid => $pid, file => $file } if $pid;
    # a whole run is slower than a wait may be
    $SIG{ALRM} = 'DEFAULT';
    my @failures = eval { send_requests($address, $count) };
    push @failures, $@ if $@;
    write_file("$file.new", join '', map { "$_\n" } @failures);
    rename "$file.new", $file;
    require POSIX;
    POSIX::_exit(0);
}

my ($steady, $steady_port) = start_server(0);
my ($killed, $killed_port) = start_server(0);
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 2
upstreams:
  pair: { servers: [ "http://127.0.0.1:$steady_port", "http://127.0.0.1:$killed_port" ] }
routes:
  - { match: /, proxy: pair }
END

my @clients = map { start_client($flexilib->address, 1250) } 1 .. 8;
my $kills   = 0;
while (grep { !-e $_->{file} && kill 0, $_->{pid} } @clients) {
    $killed->signal('KILL');
    $killed->wait_status;
    $kills++;
    ($killed) = start_server($killed_port);
}
for my $client (@clients) {
    is(wait_exit($client->{pid}, deadline()), 0, 'a client comes to its end');
    is(read_file($client->{file}), '', 'none of its requests has failed');
}
cmp_ok($kills, '>', 1, "although a server was killed $kills times");
$flexilib->wait_log(qr/error: upstream 'pair' server \S+:$killed_port: /);

done_testing;
