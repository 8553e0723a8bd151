# A request that two readers could understand differently, or that nobody should send, is refused: the client gets the
# status and the connection ends, whatever was sent behind the request. What is odd but clear passes in one plain form.
# Over TLS as without it, the server behind sees exactly what it is to see, byte by byte.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Certificates;
use FlexiLib::Test::Http1Table;
use FlexiLib::Test::Recorder;
use FlexiLib::Test::TlsClient;

need('openssl');

my $authority = FlexiLib::Test::Certificates->new(make_folder());
$authority->issue('front', 'DNS:a');
my $recorder = FlexiLib::Test::Recorder->new;
my $routes   = FlexiLib::Test::Http1Table::routes();
my $flexilib = start_flexilib(
    files  => { map { $_ => read_file($authority->path($_)) } 'front.pem', 'front.key' },
    config => <<"END");
listen:
  - { address: "127.0.0.1:0", name: plain, http2: no }
  - { address: "127.0.0.1:0", name: secure, http2: no, tls: { certificate: front.pem, key: front.key } }
workers: 1
body_limit: 100KB
routes:
$routes
  - { match: /, proxy: { to: "@{[$recorder->url]}", forwarded: none } }
END

# Ends every row: where it is answered, the connection has gone on.
my $end = "GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

sub open_client {
    my ($listener) = @_;
    return $listener eq 'plain' ? connect_to($flexilib, 'plain') : FlexiLib::Test::TlsClient::open($flexilib->address('secure'));
}

# Sends and reads up to the end: { statuses, kept, rest, seen, is_reset }.
sub run {
    my ($listener, $bytes) = @_;
    my $client = open_client($listener);
    $client->send($bytes . $end);
    do { $recorder->serve_until_readable($client) } while $client->fill;
    my %result = (statuses => [], kept => 0, seen => $recorder->take);
    while (!$result{kept} && (my $response = $client->read_response)) {
        $result{kept} = 1 if $response->body eq 'the end';
        push @{ $result{statuses} }, $response->status if !$result{kept};
    }
    $result{rest}     = $client->read_all;
    # what is between over TLS is a process that may leave with unread bytes
    $result{is_reset} = $listener eq 'plain' && $client->is_reset;
    return \%result;
}

# Of a request that turns out to be bad later, the server behind sees a beginning at most.
sub is_seen {
    my ($row, $seen) = @_;
    return $seen =~ /\APOST \/ HTTP\/1\.1\r\n/ && $seen !~ /0\r\n\r\n\z/ && $seen !~ m{/end} if $row->{cut} && $seen ne '';
    return ref $row->{seen} ? $seen =~ $row->{seen} : $seen eq $row->{seen};
}

my @rows = FlexiLib::Test::Http1Table::rows();
cmp_ok(scalar @rows, '>=', 120, 'the table is long');
my @refusals;

for my $listener ('plain', 'secure') {
    for my $row (@rows) {
        my @expected = ($row->{status}, @{ $row->{more} // [] });
        push @refusals, grep { $_ >= 400 && $_ != 403 } @expected;
        my $result = eval { run($listener, $row->{bytes}) } // { statuses => ["($@)"], kept => 0, seen => '', rest => '' };
        my $is_fine = "@{ $result->{statuses} }" eq "@expected" && $result->{kept} == $row->{kept} && $result->{rest} eq ''
            && !$result->{is_reset} && is_seen($row, $result->{seen});
        ok($is_fine, "$listener: $row->{name}: @expected, " . ($row->{kept} ? 'kept' : 'closed'))
            or diag("statuses @{ $result->{statuses} }, kept: $result->{kept}, rest '$result->{rest}', reset: "
                . ($result->{is_reset} // '') . ", seen:\n$result->{seen}");
    }
}
is($recorder->take, '', 'nothing comes later');

my $response = raw($flexilib, "TRACE /last HTTP/1.1\r\nHost: a\r\n\r\n", listener => 'plain')->{response};
like($response->header('allow'), qr/^GET, HEAD, /, '405 says what is allowed');
like($response->body, qr/^405 Method Not Allowed: /, 'the body says why');

$flexilib->wait_access(qr{"TRACE /last HTTP/1.1" 405 });
$flexilib->wait_log(qr/info: refused a request /) for @refusals, 405;
my @lines = $flexilib->access_log;
is(scalar(grep { /[^ -~]/ } @lines), 0, 'nothing in the access log can disturb a terminal');
my @logged = $flexilib->log =~ /info: refused a request from 127\.0\.0\.1 with (\d+): \S/g;
is("@logged", "@refusals 405", 'each refusal has its line in the log, which says why');

done_testing;
